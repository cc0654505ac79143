"""Lists, counts, the trace and the refused rows of background tasks."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.filters import FilterSet, Span
from auditpanel.tasks.filters import TASK_FIELDS
from auditpanel.tasks.queries import RUNNING, count_tasks, list_refused, list_tasks, refused_reasons, tasks_of_request
from auditpanel.tasks.records import Direction, Place, TaskKey
from auditpanel.tasks.values import TaskType
from tests.tasks.making import NOW, make_asker, make_scope, make_task, run

ALL_TIME = Span(None, None)


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    return make_scope(session)


def find(session: Session, scope: ProjectScope, **params: str) -> list[UUID]:
    filters = FilterSet.parse({"range": "all", **params}.items(), TASK_FIELDS)
    span = filters.range.resolve(NOW, scope.time_zone)
    found = [line.key.id for line in list_tasks(session, scope, filters, span).lines]
    assert count_tasks(session, scope, filters, span).value == len(found)
    return found


def test_the_newest_task_comes_first_and_no_other_project_is_seen(session: Session, scope: ProjectScope) -> None:
    old, new = (make_task(session, scope, now=NOW - timedelta(hours=hours)) for hours in (2, 1))
    make_task(session, make_scope(session))
    assert find(session, scope) == [new, old]
    assert session.scalar(RUNNING, {"project_id": scope.project_id}) == 2


def test_tasks_are_found_by_type_status_request_who_and_time(engine: Engine, session: Session, scope: ProjectScope) -> None:
    asker = make_asker("nina@example.com")
    done = make_task(session, scope, asker=asker)
    run(engine, scope, done)
    waiting = make_task(session, scope, type=TaskType.VOUCHERS_IMPORT, asker=make_asker(None, api_key="shop"), now=NOW - timedelta(days=2))
    assert find(session, scope, type="vouchers.import") == [waiting]
    assert find(session, scope, type="VOUCHERS.IMPORT,CUSTOMERS.IMPORT_CSV") == [done, waiting]
    assert find(session, scope, status="done") == [done]
    assert find(session, scope, status="ENQUEUED,IN_PROGRESS") == [waiting]
    assert find(session, scope, request_id=asker.request_id) == [done]
    assert find(session, scope, who="nina@example.com") == [done]
    assert find(session, scope, who="shop") == [waiting]
    assert find(session, scope, who="shop", status="DONE") == []
    assert find(session, scope, who="shop", status="DONE", match="any") == [done, waiting]
    assert find(session, scope, range="24h") == [done]
    assert find(session, scope, created_before="2026-11-23") == [waiting]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seconds=st.lists(st.integers(0, 3), max_size=8), size=st.integers(1, 4))
def test_paging_visits_each_task_once_whatever_the_times(session: Session, seconds: list[int], size: int) -> None:
    scope = make_scope(session)
    tasks = {make_task(session, scope, now=NOW + timedelta(seconds=second)) for second in seconds}
    filters = FilterSet.parse([("range", "all")], TASK_FIELDS)
    for direction in Direction:
        seen: list[TaskKey] = []
        edge = (
            TaskKey(NOW - timedelta(days=1), UUID(int=0)) if direction is Direction.NEWER else TaskKey(NOW + timedelta(days=1), UUID(int=0))
        )
        while True:
            page = list_tasks(session, scope, filters, ALL_TIME, place=Place(edge, direction), size=size)
            assert page.lines == sorted(page.lines, key=lambda line: (line.key.created_at, line.key.id), reverse=True)
            seen += [line.key for line in page.lines]
            if not page.has_more:
                break
            edge = page.lines[-1 if direction is Direction.OLDER else 0].key
        assert len(seen) == len(tasks) and {key.id for key in seen} == tasks


def test_a_cursor_is_read_back_as_the_same_place() -> None:
    key = TaskKey(NOW, UUID("0199c2f47b1e7d21a1f6e8407cd4c44b"))
    assert TaskKey.from_cursor(key.cursor) == key


def test_a_count_stops_at_its_cap(session: Session, scope: ProjectScope) -> None:
    for _ in range(3):
        make_task(session, scope)
    filters = FilterSet.parse([("range", "all")], TASK_FIELDS)
    count = count_tasks(session, scope, filters, ALL_TIME, cap=2)
    assert (count.value, count.is_exact) == (2, False)


def test_the_tasks_of_a_request_are_told_in_their_order(session: Session, scope: ProjectScope) -> None:
    asker = make_asker()
    first, second = (make_task(session, scope, asker=asker, now=NOW + timedelta(seconds=second)) for second in (0, 1))
    make_task(session, scope)
    assert [line.key.id for line in tasks_of_request(session, scope, asker.request_id)] == [first, second]


def test_refused_rows_are_read_page_by_page_and_their_reasons_counted(engine: Engine, session: Session, scope: ProjectScope) -> None:
    task_id = make_task(session, scope, rows=40)
    run(engine, scope, task_id)
    assert [row.line for row in list_refused(session, scope, task_id, size=3)] == [9, 19, 29]
    assert [row.line for row in list_refused(session, scope, task_id, after_line=29)] == [39]
    assert list_refused(session, make_scope(session), task_id) == []
    assert refused_reasons(session, scope, task_id) == [('"…" ends in …', 4)]
    assert [row.line for row in list_refused(session, scope, task_id, pattern='"…" ends in …', size=2)] == [9, 19]
    assert list_refused(session, scope, task_id, pattern='"…" is 100%') == []
