"""What calls set off, told short in their list: what became of their tasks, how many of their sendouts were given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import BIGINT, ColumnElement, FromClause, bindparam, cast, func, literal_column, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import LateralFromClause

from auditpanel.accounts.scope import ProjectScope
from auditpanel.fixed import FixedStatement
from auditpanel.keyset import Count
from auditpanel.tasks.clauses import ONLY
from auditpanel.tasks.models import AsyncAction
from auditpanel.tasks.records import Caused
from auditpanel.tasks.values import TaskStatus
from auditpanel.webhooks.models import Sendout
from auditpanel.webhooks.values import SendoutStatus

# Of each call.
FAILED_CAP = 1_000


@dataclass(frozen=True, slots=True)
class CausedByCall:
    """`tasks` is None where it started none, `failed` where none of its sendouts was given up."""

    tasks: Caused | None
    failed: Count | None


_TASK_FAILED = AsyncAction.status == TaskStatus.FAILED


def causing(project_id: ColumnElement[UUID], calls: FromClause) -> tuple[LateralFromClause, LateralFromClause]:
    """The tasks and the given up sendouts of each of `calls`, by its `request_id`: to be joined. One short look at an index for each."""
    tasks = (
        select(
            func.count().label("tasks"),
            cast(func.sum(AsyncAction.refused), BIGINT).label("refused"),
            func.count().filter(_TASK_FAILED, AsyncAction.cancel_asked_at.is_(None)).label("failed"),
            func.count().filter(_TASK_FAILED, AsyncAction.cancel_asked_at.is_not(None)).label("cancelled"),
            func.count().filter(ONLY["running"]()).label("running"),
        )
        .where(AsyncAction.project_id == project_id, AsyncAction.request_id == calls.c.request_id)
        .correlate(calls)
        .lateral()
    )
    failed_rows = (
        select(Sendout.id)
        .where(
            Sendout.project_id == project_id,
            Sendout.request_id == calls.c.request_id,
            # Written out, so that the index of what was given up is known to have all of them.
            Sendout.status == literal_column(f"'{SendoutStatus.ERROR}'"),
        )
        .limit(FAILED_CAP + 1)
        .correlate(calls)
        .subquery()
    )
    return tasks, select(func.count().label("number")).select_from(failed_rows).lateral()


def read_caused(told: Sequence[int]) -> CausedByCall:
    """`told` are the columns of `causing`, the sendouts first."""
    failed, tasks, *others = told
    return CausedByCall(Caused(tasks, *others) if tasks else None, Count.of(failed, FAILED_CAP) if failed else None)


_ASKED = func.unnest(bindparam("request_ids", type_=ARRAY(TEXT))).table_valued("request_id", name="asked").render_derived()
_TASKS, _FAILED = causing(bindparam("project_id"), _ASKED)
_CAUSED = FixedStatement(
    select(_ASKED.c.request_id, _FAILED.c.number, *_TASKS.c)
    .select_from(_ASKED)
    .join(_TASKS, true())
    .join(_FAILED, true())
    .where(or_(_TASKS.c.tasks > 0, _FAILED.c.number > 0))
)


def caused_by_calls(session: Session, scope: ProjectScope, request_ids: Sequence[str]) -> dict[str, CausedByCall]:
    """By request id, for those that have set off a task, or a sendout that was given up."""
    if not request_ids:
        return {}
    found = _CAUSED.rows(session, {"project_id": scope.project_id, "request_ids": list(request_ids)})
    return {request_id: read_caused(told) for request_id, *told in found}
