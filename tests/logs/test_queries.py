from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.filters import FilterSet, Span
from auditpanel.logs.clauses import Direction, Place
from auditpanel.logs.filters import LOG_FIELDS
from auditpanel.logs.queries import Count, Pace, count_logs, has_logs, list_logs
from auditpanel.logs.values import LogKey
from tests.logs.making import NOW, find, make_log, make_scope, paths, store

EVERYTHING = FilterSet.parse([("range", "all")], LOG_FIELDS)
ALL_TIME = Span(None, None)


def filters_of(**params: str) -> FilterSet:
    return FilterSet.parse({"range": "all", **params}.items(), LOG_FIELDS)


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    return make_scope(session)


@pytest.fixture
def calls(session: Session, scope: ProjectScope) -> ProjectScope:
    """Three calls that differ in everything, the newest first in the alphabet."""
    store(
        session,
        scope,
        make_log(
            path="/a/100%_sure",
            occurred_at=NOW,
            method="POST",
            route="POST /a/{name}",
            status_code=400,
            origin="SHOPIFY",
            user="nina",
            api_key="shop",
            customer="anna",
            request_id="v-a",
            duration_ms=1500,
            request_body='{"amount": "12900"}',
            response_body='{"key": "invalid"}',
        ),
        make_log(path="/b", occurred_at=NOW - timedelta(hours=1), status_code=200, origin="API", api_key="erp", duration_ms=10),
        make_log(
            path="/c",
            occurred_at=NOW - timedelta(days=40),
            method="DELETE",
            status_code=503,
            origin="DASHBOARD",
            user="ola",
            request_id="v-c",
            duration_ms=250,
            response_body="12900",
        ),
    )
    return scope


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, ["/a/100%_sure", "/b", "/c"]),
        ({"range": "24h"}, ["/a/100%_sure", "/b"]),
        ({"created_before": "2026-11-24 16:00"}, ["/b", "/c"]),
        ({"only": "errors"}, ["/a/100%_sure", "/c"]),
        ({"result": "success"}, ["/b"]),
        ({"origin": "SHOPIFY"}, ["/a/100%_sure"]),
        ({"origin": "API,DASHBOARD"}, ["/b", "/c"]),
        ({"method": "delete"}, ["/c"]),
        ({"route": "POST /a/{name}"}, ["/a/100%_sure"]),
        ({"path_contains": "%_"}, ["/a/100%_sure"]),
        ({"path_contains": "_0"}, []),
        ({"status": "4xx,503"}, ["/a/100%_sure", "/c"]),
        ({"status": "200"}, ["/b"]),
        ({"user": "ola"}, ["/c"]),
        ({"api_key": "erp"}, ["/b"]),
        ({"customer": "anna"}, ["/a/100%_sure"]),
        ({"request_id": "v-c"}, ["/c"]),
        ({"min_duration_ms": "250"}, ["/a/100%_sure", "/c"]),
        ({"request_text": "12900"}, ["/a/100%_sure"]),
        ({"response_text": "12900"}, ["/c"]),
        ({"body_text": "12900"}, ["/a/100%_sure", "/c"]),
        ({"body_text": "12900", "method": "POST"}, ["/a/100%_sure"]),
        ({"origin": "SHOPIFY", "user": "ola"}, []),
        ({"match": "any", "origin": "SHOPIFY", "user": "ola"}, ["/a/100%_sure", "/c"]),
        ({"match": "any", "response_text": "12900", "status": "200"}, ["/b", "/c"]),
        ({"match": "any", "origin": "API", "user": "ola", "only": "errors"}, ["/c"]),
        ({"match": "any"}, ["/a/100%_sure", "/b", "/c"]),
    ],
)
def test_each_filter_finds_what_it_says(session: Session, calls: ProjectScope, params: dict[str, str], expected: list[str]) -> None:
    filters = filters_of(**params)
    span = filters.range.resolve(NOW, calls.time_zone)
    assert paths(list_logs(session, calls, filters, span)) == expected
    assert count_logs(session, calls, filters, span) == Count(len(expected), is_exact=True)


def test_a_page_is_counted_in_the_same_statement_whatever_the_project_the_span_and_the_place(session: Session, calls: ProjectScope) -> None:
    errors, other = filters_of(only="errors"), make_scope(session)
    store(session, other, make_log(path="/other", occurred_at=NOW))
    newest = list_logs(session, calls, EVERYTHING, ALL_TIME, size=1)
    for scope in (calls, other):
        for span in (ALL_TIME, Span(NOW - timedelta(days=900), None), Span(None, NOW + timedelta(days=1)), Span(NOW, NOW)):
            for place in (None, *(Place(newest.lines[0].key, direction) for direction in Direction)):
                plain = list_logs(session, scope, EVERYTHING, span, place=place, size=2)
                page = list_logs(session, scope, EVERYTHING, span, place=place, size=2, counted=[EVERYTHING, errors])
                assert (page.lines, page.has_more) == (plain.lines, plain.has_more)
                expected = tuple(count_logs(session, scope, filters, span) for filters in (EVERYTHING, errors))
                assert page.counts == (expected if plain.lines else None)


def test_no_filter_finds_another_projects_logs(session: Session, calls: ProjectScope) -> None:
    other = make_scope(session)
    for params in ({}, {"request_id": "v-a"}, {"match": "any", "body_text": "12900", "user": "nina"}, {"path_contains": "a"}):
        assert find(session, other, **params).lines == []
        assert count_logs(session, other, filters_of(**params), ALL_TIME).value == 0
    assert not has_logs(session, other)
    assert has_logs(session, calls)


def test_a_project_where_only_the_panel_was_used_has_no_logs_yet(session: Session, scope: ProjectScope) -> None:
    store(session, scope, make_log(origin="DASHBOARD"))
    assert not has_logs(session, scope)


def pages(session: Session, scope: ProjectScope, filters: FilterSet, size: int, place: Place | None) -> Iterator[list[LogKey]]:
    """The keys page by page, in the direction of `place`."""
    direction = place.direction if place else Direction.OLDER
    while True:
        page = list_logs(session, scope, filters, ALL_TIME, place=place, size=size)
        keys = [line.key for line in page.lines]
        yield keys
        if not page.has_more:
            return
        place = Place(keys[-1] if direction is Direction.OLDER else keys[0], direction)


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seconds=st.lists(st.integers(0, 6), min_size=1, max_size=40),
    size=st.integers(1, 7),
    params=st.sampled_from([{}, {"origin": "API"}, {"path_contains": "v1"}]),
)
def test_paging_visits_each_log_once_whatever_the_times(session: Session, seconds: list[int], size: int, params: dict[str, str]) -> None:
    scope = make_scope(session)
    store(session, scope, *(make_log(occurred_at=NOW - timedelta(seconds=second)) for second in seconds))
    filters = filters_of(**params)
    older = [key for page in pages(session, scope, filters, size, None) for key in page]
    assert len(older) == len(seconds) == len(set(older))
    assert older == sorted(older, key=lambda key: (key.occurred_at, key.id), reverse=True)
    before_all = Place(LogKey(older[-1].occurred_at - timedelta(seconds=1), older[-1].id), Direction.NEWER)
    newer = [key for page in pages(session, scope, filters, size, before_all) for key in reversed(page)]
    assert newer == older[::-1]


def test_a_search_whose_budget_is_used_up_goes_on_from_where_it_stopped(session: Session, scope: ProjectScope) -> None:
    store(
        session,
        scope,
        *(make_log(path=f"/{n}", user="rare" if n == 34 else None, occurred_at=NOW - timedelta(seconds=n)) for n in range(60)),
    )
    place, found, looked_to = None, [], []
    while True:
        # Time for one slice of ten rows, the end of the budget, and so on.
        page = list_logs(
            session, scope, filters_of(user="rare"), ALL_TIME, place=place, budget_s=0.000_001, pace=Pace(first_rows=10, largest_rows=10)
        )
        found += paths(page)
        if page.looked_to is None:
            break
        looked_to.append(page.looked_to.occurred_at)
        place = Place(page.looked_to, Direction.OLDER)
    assert found == ["/34"]
    assert looked_to == [NOW - timedelta(seconds=n) for n in (9, 19, 29, 39, 49, 59)]


def test_counting_stops_at_the_cap(session: Session, scope: ProjectScope) -> None:
    store(session, scope, *(make_log() for _ in range(5)))
    assert count_logs(session, scope, EVERYTHING, ALL_TIME, cap=5) == Count(5, is_exact=True)
    store(session, scope, make_log())
    assert count_logs(session, scope, EVERYTHING, ALL_TIME, cap=5) == Count(5, is_exact=False)


def test_a_list_is_one_statement_where_an_index_serves_it(session: Session, calls: ProjectScope, engine: Engine) -> None:
    statements: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        list_logs(session, calls, filters_of(origin="SHOPIFY", only="errors"), ALL_TIME)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    reads = [statement for statement in statements if "FROM logs" in statement]
    assert len(reads) == 1
    assert "log_contents" not in reads[0]
    assert "project_id" in reads[0]
