"""Reading background tasks: lists, counts, one task, its refused rows. Every statement is narrowed to the project of a scope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import NotFound
from auditpanel.filters import FilterSet, Span
from auditpanel.ids import Prefix, format_id
from auditpanel.keyset import COUNT_CAP, Count, Direction, Place, count_rows
from auditpanel.tasks.clauses import ONLY, TASKS, matching
from auditpanel.tasks.models import AsyncAction, DueTask, RefusedRow
from auditpanel.tasks.records import Counts, Shares, TaskKey, TaskLine, TaskPage, TaskRecord
from auditpanel.tasks.uploads import ROWS_NAME
from auditpanel.tasks.values import Asker, Refused, TaskStatus, TaskType
from auditpanel.tasks.wording import pattern_in_like

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
    # A file that was made of a JSON body has the same name each time.
    func.coalesce(
        func.nullif(AsyncAction.file_name, ROWS_NAME), AsyncAction.parameters["campaign"].astext, AsyncAction.parameters["key"].astext
    ),
)

# How many of a project have not ended yet.
RUNNING = select(func.count()).select_from(DueTask).where(DueTask.project_id == bindparam("project_id"))


def list_tasks(
    session: Session, scope: ProjectScope, filters: FilterSet, span: Span, *, place: Place | None = None, size: int = 50
) -> TaskPage:
    """A page of the project's tasks that match, beyond `place`, or the newest ones."""
    return TASKS.page(session, select(*LINE_COLUMNS).where(*matching(scope, filters, span)), place, size, _line)


def count_tasks(
    session: Session, scope: ProjectScope, filters: FilterSet, span: Span, *, place: Place | None = None, cap: int = COUNT_CAP
) -> Count:
    """How many tasks match (beyond `place`), up to the cap."""
    return count_rows(session, select(AsyncAction.id).where(*matching(scope, filters, span), *TASKS.beyond(place)), cap)


def count_shares(session: Session, scope: ProjectScope, filters: FilterSet, span: Span, *, cap: int = COUNT_CAP) -> Shares:
    """Of the newest tasks that match, up to the cap, whatever the filter `only` says."""
    names = ("look", "running", "done")
    columns = [ONLY[name]().label(name) for name in names]
    rows = select(*columns).where(*matching(scope, filters.without("only"), span)).order_by(AsyncAction.created_at.desc())
    newest = rows.limit(cap + 1).subquery()
    counted = [func.count().filter(newest.c[name]) for name in names]
    total, *shares = session.execute(select(func.count(), *counted).select_from(newest)).one()
    look, running, done = shares
    return Shares(min(total, cap), look, running, done, is_exact=total <= cap)


def tasks_of_request(session: Session, scope: ProjectScope, request_id: str) -> list[TaskLine]:
    """Oldest first, as the trace tells it."""
    statement = select(*LINE_COLUMNS).where(AsyncAction.project_id == scope.project_id, AsyncAction.request_id == request_id)
    return [_line(row) for row in session.execute(TASKS.along(statement, Direction.NEWER))]


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


def list_refused(
    session: Session, scope: ProjectScope, task_id: UUID, *, pattern: str | None = None, after_line: int = 0, size: int = 50
) -> list[Refused]:
    """Refused rows behind `after_line`, in the order of the file; with `pattern`, those of one of `refused_reasons`."""
    columns = (RefusedRow.line, RefusedRow.content, RefusedRow.reason, RefusedRow.column, RefusedRow.value)
    statement = (
        select(*columns)
        .where(RefusedRow.project_id == scope.project_id, RefusedRow.task_id == task_id, RefusedRow.line > after_line)
        .order_by(RefusedRow.line)
        .limit(size)
    )
    if pattern is not None:
        statement = statement.where(RefusedRow.reason.like(pattern_in_like(pattern), escape="\\"))
    return [Refused(*row) for row in session.execute(statement)]


def refused_reasons(session: Session, scope: ProjectScope, task_id: UUID) -> list[tuple[str, int]]:
    """Reasons without what differs from row to row, and how many of the stored refused rows have each; the most frequent first."""
    statement = select(AsyncAction.refused_reasons).where(AsyncAction.project_id == scope.project_id, AsyncAction.id == task_id)
    reasons = session.scalar(statement) or {}
    return sorted(reasons.items(), key=lambda told: (-told[1], told[0]))[:REASONS_SHOWN]


def _line(row: Sequence[Any]) -> TaskLine:
    created_at, task_id, type_, status, updated_at, processing_ms, request_id, origin, channel, user, api_key, *rest = row
    asker = Asker(request_id, origin, channel, user, api_key)
    return TaskLine(TaskKey(created_at, task_id), TaskType(type_), TaskStatus(status), updated_at, processing_ms, asker, *rest)
