"""Runs the operation of a task as its runner does, but for leases and progress."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope, scope_of_project
from auditpanel.catalogue.models import Campaign
from auditpanel.catalogue.operations import OPERATIONS
from auditpanel.ids import Prefix, format_id, new_uuid
from auditpanel.tasks.values import Refused, TaskInput, TaskType
from tests.factories import make_project

Json = dict[str, object]

NOW = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)


@dataclass
class Ran:
    """What became of a task. `total` is what it counted before, `positions` those after each batch."""

    total: int | None = None
    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    refused: list[Refused] = field(default_factory=list)
    positions: list[Json] = field(default_factory=list)

    @property
    def reasons(self) -> dict[int, str]:
        return {row.line: row.reason for row in self.refused}


def make_scope(session: Session) -> ProjectScope:
    project = make_project(session)
    session.commit()
    return scope_of_project(project, Role.ADMIN)


def make_task(
    scope: ProjectScope,
    type_: TaskType,
    parameters: Json | None = None,
    *,
    file: Path | None = None,
    task_id: UUID | None = None,
) -> TaskInput:
    named = format_id(Prefix.ASYNC_ACTION, task_id or new_uuid())
    return TaskInput(scope=scope, task_id=named, type=type_, parameters=parameters or {}, file=file, created_at=NOW)


def run(session: Session, task: TaskInput, *, batches: int | None = None) -> Ran:
    """To its end, or as many batches of it as are told: then it is as if the worker had been killed behind the last one."""
    operation, ran = OPERATIONS[task.type], Ran()
    if not task.position:
        ran.total = operation.count_rows(session, task)
        session.rollback()
    for batch in operation.batches(session, task):
        session.rollback()
        outcome = operation.apply(session, task, batch)
        session.commit()
        ran.rows += batch.rows
        ran.positions.append(batch.position)
        for name in ("created", "updated", "deleted", "skipped"):
            ran.counts[name] += getattr(outcome, name)
        ran.refused += outcome.refused
        if len(ran.positions) == batches:
            return ran
    operation.finish(session, task)
    session.commit()
    return ran


def write_csv(folder: Path, text: str, *, encoding: str = "utf-8") -> Path:
    path = folder / f"{uuid4().hex}.csv"
    path.write_bytes(text.encode(encoding))
    return path


def write_rows(folder: Path, *rows: object) -> Path:
    path = folder / f"{uuid4().hex}.ndjson"
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    return path


def make_campaign(session: Session, scope: ProjectScope, **fields: object) -> Campaign:
    made: Json = {
        "name": f"Summer {uuid4().hex[:8]}",
        "campaign_type": "DISCOUNT_COUPONS",
        "type": "STATIC",
        "voucher": {
            "type": "DISCOUNT_VOUCHER",
            "discount": {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ORDER"},
            "redemption": {"quantity": 1},
            "code_config": {"length": 8, "charset": "ABCDEFGH", "pattern": "S-########"},
        },
    }
    campaign = Campaign(project_id=scope.project_id, id=new_uuid(), **(made | fields))
    session.add(campaign)
    session.commit()
    return campaign


def campaign_parameters(campaign: Campaign, **more: object) -> Json:
    return {"campaign_id": format_id(Prefix.CAMPAIGN, campaign.id), **more}
