"""Pages that one prepared statement answers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.extensions import db
from auditpanel.filters import FilterSet, Span
from auditpanel.ids import new_request_id
from auditpanel.keyset import COUNT_CAP, Count, Direction, Place
from auditpanel.logs import served
from auditpanel.logs.caused import caused_by_calls
from auditpanel.logs.filters import LOG_FIELDS
from auditpanel.logs.lines import LogPage
from auditpanel.logs.queries import list_logs
from auditpanel.time_limit import psycopg_connection
from tests.logs.making import NOW, make_log, make_scope, paths, store
from tests.tasks.making import make_asker, make_task
from tests.webhooks.sendout_making import make_sendout, make_webhook

ALL_TIME = Span(None, None)


def filters_of(**params: str) -> FilterSet:
    return FilterSet.parse({"range": "all", **params}.items(), LOG_FIELDS)


def read(session: Session, scope: ProjectScope, filters: FilterSet, place: Place | None = None, size: int = 50) -> LogPage:
    return list_logs(session, scope, filters, ALL_TIME, place=place, size=size, counted=[filters])


def test_a_page_tells_what_its_calls_caused_in_every_direction_and_of_its_project_alone(session: Session) -> None:
    scope, other = make_scope(session), make_scope(session)
    request_ids = [new_request_id() for _ in range(4)]
    for project in (scope, other):
        moments = (NOW - timedelta(seconds=number) for number in range(4))
        store(session, project, *(make_log(request_id=of, occurred_at=at, path=of) for of, at in zip(request_ids, moments, strict=True)))
    webhook_id = make_webhook(session, scope)
    for request_id in (request_ids[1], request_ids[1], request_ids[2]):
        make_sendout(session, scope, webhook_id, request_id=request_id)
    for request_id in (request_ids[0], request_ids[2]):
        make_task(session, scope, asker=make_asker(request_id=request_id))
    session.commit()
    expected = caused_by_calls(session, scope, request_ids)
    assert set(expected) == set(request_ids[:3])
    first = read(session, scope, filters_of())
    assert (paths(first), first.caused) == (request_ids, expected)
    middle = first.lines[1].key
    older, newer = (read(session, scope, filters_of(), Place(middle, direction)) for direction in Direction)
    assert (paths(older), older.caused) == (request_ids[2:], {request_ids[2]: expected[request_ids[2]]})
    assert (paths(newer), newer.caused) == (request_ids[:1], {request_ids[0]: expected[request_ids[0]]})
    assert read(session, other, filters_of()).caused == {}


def test_calls_of_one_request_and_those_without_one_are_told_apart(session: Session) -> None:
    scope, request_id = make_scope(session), new_request_id()
    of_each = [request_id, None, request_id]
    store(session, scope, *(make_log(request_id=of, occurred_at=NOW - timedelta(seconds=n)) for n, of in enumerate(of_each)))
    make_task(session, scope, asker=make_asker(request_id=request_id))
    session.commit()
    page = read(session, scope, filters_of())
    assert [line.request_id for line in page.lines] == of_each
    assert page.caused is not None and set(page.caused) == {request_id}


def plans_of(session: Session) -> list[tuple[int, int]]:
    """How often each prepared statement about logs was planned for any values, and for its own."""
    told = "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%FROM logs%'"
    return psycopg_connection(session).execute(told).fetchall()


def test_a_reader_has_one_statement_for_all_requests_and_projects_planned_once(app: Flask, session: Session) -> None:
    scopes = [make_scope(session) for _ in range(2)]
    for scope in scopes:
        store(session, scope, *(make_log(request_id=f"v-{name}", path=f"/{name}") for name in "abc"))
    with app.test_request_context():
        db.engine.dispose()
        for scope in scopes:
            for name in "abc":
                page = read(db.session(), scope, filters_of(request_id=f"v-{name}"))
                assert (paths(page), page.counts) == ([f"/{name}"], (Count(1, is_exact=True),))
        assert plans_of(db.session()) == [(6, 0)]


@pytest.mark.parametrize("budget_s", [served.COUNT_BUDGET_S, 0.001])
def test_a_page_that_cannot_be_counted_in_time_has_its_rows_all_the_same(
    session: Session, monkeypatch: pytest.MonkeyPatch, budget_s: float
) -> None:
    scope = make_scope(session)
    store(session, scope, *(make_log(status_code=500) for _ in range(COUNT_CAP)))
    monkeypatch.setattr(served, "COUNT_BUDGET_S", budget_s)
    asked = [filters_of(), filters_of(only="errors"), filters_of(origin="API"), filters_of(origin="API", only="errors")]
    page = list_logs(session, scope, filters_of(), ALL_TIME, counted=asked * 10)
    assert len(page.lines) == 50
    assert (page.counts is None) == (budget_s == 0.001)
