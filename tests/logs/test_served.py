"""Pages that one prepared statement answers."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text
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
from auditpanel.logs.values import LogKey
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


def plans_of(session: Session) -> list[tuple[str, int, int]]:
    """Each prepared statement about logs, how often it was planned for any values, and for its own."""
    told = "SELECT name, generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%FROM logs%'"
    return psycopg_connection(session).execute(told).fetchall()


def test_a_first_page_has_one_statement_for_all_projects_and_is_planned_once(app: Flask, session: Session) -> None:
    scopes = [make_scope(session) for _ in range(2)]
    for number, scope in enumerate(scopes):
        store(session, scope, *(make_log(path=f"/{number}") for _ in range(number + 1)))
    with app.test_request_context():
        db.engine.dispose()
        for number, scope in enumerate(scopes * 3):
            page = read(db.session(), scope, filters_of())
            assert (set(paths(page)), page.counts) == ({f"/{number % 2}"}, (Count(number % 2 + 1, is_exact=True),))
        ((_, *planned),) = plans_of(db.session())
        assert planned == [6, 0]


def test_other_pages_are_planned_for_what_they_ask(app: Flask, session: Session) -> None:
    scope = make_scope(session)
    store(session, scope, *(make_log(request_id=f"v-{name}", path=f"/{name}") for name in "abc"))
    with app.test_request_context():
        db.engine.dispose()
        for name in "abc":
            page = read(db.session(), scope, filters_of(request_id=f"v-{name}"))
            assert (paths(page), page.counts) == ([f"/{name}"], (Count(1, is_exact=True),))
            assert page.lines[0] not in read(db.session(), scope, filters_of(), Place(page.lines[0].key, Direction.OLDER)).lines
        assert plans_of(db.session()) == []


def test_a_first_page_reads_no_table_whole_however_large_the_other_projects_are(app: Flask, session: Session) -> None:
    scope, large = make_scope(session), make_scope(session)
    for _ in range(20):
        store(session, large, *(make_log() for _ in range(1_000)))
    store(session, scope, make_log())
    session.execute(text("ANALYZE logs"))
    session.commit()
    with app.test_request_context():
        db.engine.dispose()
        assert len(read(db.session(), scope, filters_of()).lines) == 1
        ((name, *_),) = plans_of(db.session())
        connection = psycopg_connection(db.session())
        connection.execute("SET plan_cache_mode = force_generic_plan")
        plan = connection.execute(f"EXPLAIN EXECUTE {name} ('{scope.project_id}')").fetchall()
        db.engine.dispose()
    assert any("Index Only Scan" in line for (line,) in plan)
    assert not any("Seq Scan on logs" in line or "Bitmap" in line for (line,) in plan)


def test_a_page_that_cannot_be_counted_in_time_has_its_rows_all_the_same(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = make_scope(session)
    store(session, scope, *(make_log(status_code=500) for _ in range(COUNT_CAP)))
    monkeypatch.setattr(served, "COUNT_BUDGET_S", 0.001)
    asked = [filters_of(), filters_of(only="errors")] * 20
    with app.test_request_context():
        for place in (None, Place(LogKey(NOW + timedelta(days=1), UUID(int=0)), Direction.OLDER)):
            page = list_logs(db.session(), scope, filters_of(), ALL_TIME, place=place, counted=asked)
            assert (len(page.lines), page.counts, page.caused) == (50, None, None)
