"""What a task has come to, to be compared with an undisturbed run of the same: ids, times and made codes left out."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.tasks.queries import get_task, list_refused
from auditpanel.tasks.records import Counts
from auditpanel.tasks.values import Refused, TaskStatus, TaskType
from auditpanel.webhooks.models import Event, Sendout

TABLES = ("campaigns", "vouchers", "customers", "products", "skus")
OWN = ["project_id", "id", "campaign_id", "product_id", "created_at", "updated_at", "deleted_at"]


@dataclass(frozen=True, slots=True)
class Result:
    status: TaskStatus
    error: str | None
    rows: tuple[int, int | None]
    counts: Counts
    refused: list[Refused]
    # For each table how many rows there are, and a sum over all that they say.
    tables: dict[str, tuple[int, str]]
    # For each type of event how many there are, and of how many records; and how many sendouts of it.
    events: dict[str, tuple[int, int, int]]


def result_of(session: Session, scope: ProjectScope, task_id: UUID) -> Result:
    task = get_task(session, scope, task_id)
    made_codes = ["code"] if task.line.type is TaskType.CAMPAIGN_VOUCHERS_GENERATE else []
    left_out = {"project_id": scope.project_id, "own": OWN + made_codes}
    tables = {name: _sum_of(session, name, left_out) for name in TABLES}
    refused = list_refused(session, scope, task_id, size=1_000_000)
    rows = (task.line.rows_done, task.line.rows_total)
    return Result(task.line.status, task.line.error, rows, task.counts, refused, tables, _events_of(session, scope))


def _events_of(session: Session, scope: ProjectScope) -> dict[str, tuple[int, int, int]]:
    counts = (func.count(), func.count(Event.entity_id.distinct()), func.count(Sendout.id))
    of_event = (Sendout.project_id == Event.project_id) & (Sendout.event_id == Event.id)
    statement = select(Event.type, *counts).outerjoin(Sendout, of_event).where(Event.project_id == scope.project_id)
    return {type_: (events, records, sendouts) for type_, events, records, sendouts in session.execute(statement.group_by(Event.type))}


def _sum_of(session: Session, table: str, left_out: dict[str, object]) -> tuple[int, str]:
    said = f"SELECT (to_jsonb({table}) - CAST(:own AS text[]))::text AS row FROM {table} WHERE project_id = :project_id"  # noqa: S608
    found = session.execute(text(f"SELECT count(*), coalesce(md5(string_agg(row, ',' ORDER BY row)), '') FROM ({said}) AS said"), left_out)  # noqa: S608
    count, md5 = found.one()
    return count, md5
