"""Reading background tasks: lists, counts, one task, its refused rows. Every statement is narrowed to the project of a scope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import NotFound
from auditpanel.filters import FilterSet, Span
from auditpanel.ids import Prefix, format_id
from auditpanel.tasks.clauses import clauses_of
from auditpanel.tasks.models import AsyncAction, DueTask, RefusedRow
from auditpanel.tasks.records import Count, Counts, Direction, Place, TaskKey, TaskLine, TaskPage, TaskRecord
from auditpanel.tasks.values import Asker, Refused, TaskStatus, TaskType

COUNT_CAP = 10_000
REASONS_SHOWN = 20

LINE_COLUMNS = (
    AsyncAction.created_at,
    AsyncAction.id,
    AsyncAction.type,
    AsyncAction.status,
    AsyncAction.updated_at,
    AsyncAction.processing_ms,
    AsyncAction.request_id,
    AsyncAction.origin,
    AsyncAction.channel,
    AsyncAction.user,
    AsyncAction.api_key,
    AsyncAction.rows_total,
    AsyncAction.rows_done,
    AsyncAction.refused,
    AsyncAction.error,
    AsyncAction.cancel_asked_at.is_not(None),
)


def list_tasks(
    session: Session, scope: ProjectScope, filters: FilterSet, span: Span, *, place: Place | None = None, size: int = 50
) -> TaskPage:
    """A page of the project's tasks that match, beyond `place`, or the newest ones."""
    direction = place.direction if place else Direction.OLDER
    statement = _ordered(select(*LINE_COLUMNS).where(*clauses_of(scope, filters, span, place)), direction)
    # One more than shown: it answers whether there is a further page.
    found = [_line(row) for row in session.execute(statement.limit(size + 1))]
    lines = found[:size] if direction is Direction.OLDER else found[:size][::-1]
    return TaskPage(lines, has_more=len(found) > size)


def _ordered(statement: Select[*tuple[Any, ...]], direction: Direction) -> Select[*tuple[Any, ...]]:
    if direction is Direction.OLDER:
        return statement.order_by(AsyncAction.created_at.desc(), AsyncAction.id.desc())
    return statement.order_by(AsyncAction.created_at, AsyncAction.id)


def count_tasks(
    session: Session, scope: ProjectScope, filters: FilterSet, span: Span, *, place: Place | None = None, cap: int = COUNT_CAP
) -> Count:
    """How many tasks match (beyond `place`), up to the cap."""
    rows = select(AsyncAction.id).where(*clauses_of(scope, filters, span, place)).limit(cap + 1)
    value = session.scalar(select(func.count()).select_from(rows.subquery())) or 0
    return Count(min(value, cap), is_exact=value <= cap)


def running_count(session: Session, scope: ProjectScope) -> int:
    """How many have not ended yet."""
    return session.scalar(select(func.count()).select_from(DueTask).where(DueTask.project_id == scope.project_id)) or 0


def tasks_of_request(session: Session, scope: ProjectScope, request_id: str) -> list[TaskLine]:
    """Oldest first, as the trace tells it."""
    statement = select(*LINE_COLUMNS).where(AsyncAction.project_id == scope.project_id, AsyncAction.request_id == request_id)
    return [_line(row) for row in session.execute(_ordered(statement, Direction.NEWER))]


def get_task(session: Session, scope: ProjectScope, task_id: UUID) -> TaskRecord:
    """Raises NotFound where the project has no such task."""
    found = session.execute(
        select(AsyncAction, *LINE_COLUMNS).where(AsyncAction.project_id == scope.project_id, AsyncAction.id == task_id),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if found is None:
        raise no_such_task()
    task, *line = found
    return TaskRecord(
        _line(line),
        task.parameters,
        Counts(task.created, task.updated, task.deleted, task.skipped, task.refused),
        task.file_name,
        task.file_bytes,
        task.started_at,
        task.finished_at,
        task.cancel_asked_at,
        task.cancel_asked_by,
        format_id(Prefix.ASYNC_ACTION, task.again_of) if task.again_of else None,
    )


def no_such_task() -> NotFound:
    return NotFound("There is no such background task in this project. It may belong to a project that you are not a member of.")


def list_refused(session: Session, scope: ProjectScope, task_id: UUID, *, after_line: int = 0, size: int = 50) -> list[Refused]:
    """Refused rows behind `after_line`, in the order of the file."""
    columns = (RefusedRow.line, RefusedRow.content, RefusedRow.reason, RefusedRow.column, RefusedRow.value)
    statement = (
        select(*columns)
        .where(RefusedRow.project_id == scope.project_id, RefusedRow.task_id == task_id, RefusedRow.line > after_line)
        .order_by(RefusedRow.line)
        .limit(size)
    )
    return [Refused(*row) for row in session.execute(statement)]


def refused_reasons(session: Session, scope: ProjectScope, task_id: UUID) -> list[tuple[str, int]]:
    """What the refused rows have in common: reasons with their quoted values left out, and how many rows each has; the most frequent first."""
    pattern = func.regexp_replace(RefusedRow.reason, '"[^"]*"', '"…"', "g")
    count = func.count()
    statement = (
        select(pattern, count)
        .where(RefusedRow.project_id == scope.project_id, RefusedRow.task_id == task_id)
        .group_by(pattern)
        .order_by(count.desc(), pattern)
        .limit(REASONS_SHOWN)
    )
    return [(reason, rows) for reason, rows in session.execute(statement)]


def _line(row: Sequence[Any]) -> TaskLine:
    created_at, task_id, type_, status, updated_at, processing_ms, request_id, origin, channel, user, api_key, *rest = row
    asker = Asker(request_id, origin, channel, user, api_key)
    return TaskLine(TaskKey(created_at, task_id), TaskType(type_), TaskStatus(status), updated_at, processing_ms, asker, *rest)
