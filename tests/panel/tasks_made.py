"""Background tasks for tests of their pages: a project with its operator, a file, and tasks in each state."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, Role
from auditpanel.accounts.scope import ProjectScope, scope_of_project
from auditpanel.config import Settings
from auditpanel.ids import Prefix, format_id
from auditpanel.tasks import uploads
from auditpanel.tasks.models import AsyncAction, RefusedRow
from auditpanel.tasks.store import request_task
from auditpanel.tasks.uploads import Upload
from auditpanel.tasks.values import Json, Refused, TaskStatus, TaskType
from auditpanel.tasks.wording import reason_pattern
from auditpanel.times import utc_now
from tests.accounts.visitor import Visitor, log_in
from tests.factories import make_member, make_project
from tests.tasks.making import make_asker

CSV = b"Code,Voucher Type,Discount Type,Value\nA-1,DISCOUNT_VOUCHER,AMOUNT,1500\nA-2,DISCOUNT_VOUCHER,AMOUNT,15.00\n"


@dataclass(frozen=True, slots=True)
class Desk:
    """Somebody at work in a project of their own."""

    visitor: Visitor
    session: Session
    project: Project
    scope: ProjectScope
    settings: Settings

    @property
    def list_url(self) -> str:
        return f"/projects/{self.scope.id}/background-tasks/"

    def task_url(self, task_id: UUID, rest: str = "") -> str:
        return f"{self.list_url}{format_id(Prefix.ASYNC_ACTION, task_id)}{rest}"

    def keep(self, body: bytes = CSV, name: str = "autumn.csv") -> Upload:
        return uploads.keep(io.BytesIO(body), name, folder=self.settings.data / "uploads", limit_bytes=1_000_000)

    def make_task(
        self,
        *,
        type: TaskType = TaskType.VOUCHERS_IMPORT_CSV,
        parameters: Json | None = None,
        upload: Upload | None = None,
        request_id: str | None = None,
        **columns: object,
    ) -> UUID:
        """`columns` are those that the worker would have written."""
        asker = make_asker("nina@example.com", request_id=request_id)
        task_id = request_task(self.session, self.scope, type, asker=asker, parameters=parameters or {}, upload=upload, now=utc_now())
        if columns:
            self.session.execute(update(AsyncAction).where(AsyncAction.id == task_id).values(columns))
        self.session.commit()
        return task_id

    def make_lossy(self, reasons: list[tuple[str, str, str]], *, upload: Upload | None = None, request_id: str | None = None) -> UUID:
        """A task that is done but for rows of these columns, values and reasons."""
        done: dict[str, Any] = {
            "status": TaskStatus.DONE,
            "rows_total": 10,
            "rows_done": 10,
            "refused": len(reasons),
            "created": 10 - len(reasons),
        }
        task_id = self.make_task(upload=upload, request_id=request_id, finished_at=utc_now(), started_at=utc_now(), **done)
        sample: Json = {"Code": "A", "Voucher Type": "DISCOUNT_VOUCHER", "Discount Type": "AMOUNT", "Value": "1"}
        self.refuse(
            task_id,
            [
                Refused(number, sample | {"Code": f"A-{number}"} | {column: value}, f'{column}: "{value}" {reason}', column, value)
                for number, (column, value, reason) in enumerate(reasons, 2)
            ],
        )
        return task_id

    def refuse(self, task_id: UUID, rows: list[Refused]) -> None:
        """As the worker would have written them."""
        for row in rows:
            values = {"line": row.line, "content": row.content, "column": row.column, "value": row.value, "reason": row.reason}
            self.session.add(RefusedRow(project_id=self.scope.project_id, task_id=task_id, **values))
        reasons = dict(Counter(reason_pattern(row) for row in rows))
        changed: dict[str, Any] = {"refused_reasons": reasons, "refused": len(rows)}
        self.session.execute(update(AsyncAction).where(AsyncAction.id == task_id).values(changed))
        self.session.commit()


def make_desk(app: Flask, session: Session, settings: Settings, *, role: Role = Role.OPERATOR) -> Desk:
    project = make_project(session)
    visitor = log_in(app, session, make_member(session, project, role=role))
    return Desk(visitor, session, project, scope_of_project(project, role), settings)
