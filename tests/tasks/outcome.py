"""What a task has come to, to be compared with an undisturbed run of the same: ids, times and made codes left out."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.tasks.queries import get_task, list_refused
from auditpanel.tasks.records import Counts
from auditpanel.tasks.values import Refused, TaskStatus, TaskType

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


def result_of(session: Session, scope: ProjectScope, task_id: UUID) -> Result:
    task = get_task(session, scope, task_id)
    made_codes = ["code"] if task.line.type is TaskType.CAMPAIGN_VOUCHERS_GENERATE else []
    left_out = {"project_id": scope.project_id, "own": OWN + made_codes}
    tables = {name: _sum_of(session, name, left_out) for name in TABLES}
    refused = list_refused(session, scope, task_id, size=1_000_000)
    return Result(task.line.status, task.line.error, (task.line.rows_done, task.line.rows_total), task.counts, refused, tables)


def _sum_of(session: Session, table: str, left_out: dict[str, object]) -> tuple[int, str]:
    said = f"SELECT (to_jsonb({table}) - CAST(:own AS text[]))::text AS row FROM {table} WHERE project_id = :project_id"  # noqa: S608
    found = session.execute(text(f"SELECT count(*), coalesce(md5(string_agg(row, ',' ORDER BY row)), '') FROM ({said}) AS said"), left_out)  # noqa: S608
    count, md5 = found.one()
    return count, md5
