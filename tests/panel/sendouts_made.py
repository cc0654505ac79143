"""Webhook sendouts for tests of their pages: a project with somebody at work in it, a webhook, sendouts in each state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, Role
from auditpanel.accounts.scope import ProjectScope, scope_of_project
from auditpanel.ids import Prefix, format_id
from auditpanel.times import utc_now
from auditpanel.webhooks.models import Sendout, SendoutAttempt
from auditpanel.webhooks.values import SendoutStatus
from tests.accounts.visitor import Visitor, log_in
from tests.factories import make_member, make_project
from tests.webhooks.raising import URL, make_webhook
from tests.webhooks.sendout_making import make_sendout


@dataclass(frozen=True, slots=True)
class Desk:
    """Somebody at work in a project of their own, with a webhook."""

    visitor: Visitor
    session: Session
    project: Project
    scope: ProjectScope
    email: str
    webhook_id: UUID

    @property
    def list_url(self) -> str:
        return f"/projects/{self.scope.id}/webhook-sendouts/"

    def url(self, sendout_id: UUID, rest: str = "") -> str:
        return f"{self.list_url}{format_id(Prefix.SENDOUT, sendout_id)}{rest}"

    def make(
        self, status: SendoutStatus = SendoutStatus.ERROR, *, minutes_ago: float = 5, made: dict[str, Any] | None = None, **columns: object
    ) -> UUID:
        """`made` are columns of the sendout as deliveries would have written them; the others are those of `make_sendout`."""
        created_at = utc_now() - timedelta(minutes=minutes_ago)
        values: dict[str, Any] = {"created_at": created_at, **columns}
        sendout_id = make_sendout(self.session, self.scope, values.pop("webhook_id", self.webhook_id), status, **values)
        if made:
            self.session.execute(update(Sendout).where(Sendout.id == sendout_id).values(made))
            self.session.commit()
        return sendout_id

    def make_failed(self, *codes: int | None, **columns: Any) -> UUID:
        """Given up after attempts that were answered so; None: no answer."""
        last = codes[-1]
        error = f"answered {last}" if last else "no answer in 10 s"
        made = {"attempts": len(codes), "tries": len(codes), "status_code": last, "duration_ms": 80.0, "error": error}
        sendout_id = self.make(made=made, **columns)
        for place, code in enumerate(codes):
            self.attempt(sendout_id, code, minutes_ago=len(codes) - place)
        return sendout_id

    def make_sent(self, **columns: Any) -> UUID:
        at = utc_now()
        made = {"status_code": 200, "duration_ms": 84.0, "sent_at": at}
        sendout_id = self.make(SendoutStatus.SENT, made=made, **columns)
        self.attempt(sendout_id, 200)
        return sendout_id

    def attempt(self, sendout_id: UUID, code: int | None, *, minutes_ago: float = 1, **fields: Any) -> None:
        add_attempt(self.session, self.scope, self.webhook_id, sendout_id, utc_now() - timedelta(minutes=minutes_ago), code, **fields)


def add_attempt(
    session: Session, scope: ProjectScope, webhook_id: UUID, sendout_id: UUID, at: datetime, code: int | None, **columns: Any
) -> None:
    """Answered so; None: no answer."""
    values = {
        "duration_ms": 88.0 if code else 10_000.0,
        "url": URL,
        "request_headers": [["Content-Type", "application/json"]],
        "response_headers": [["Content-Type", "text/plain; charset=utf-8"], ["Retry-After", "120"]] if code else [],
        "error": None if code else "no answer in 10 s",
        **columns,
    }
    body = values.get("response_body")
    size = len(body.encode()) if isinstance(body, str) else None
    values.setdefault("response_size_bytes", size)
    session.add(
        SendoutAttempt(project_id=scope.project_id, sendout_id=sendout_id, webhook_id=webhook_id, started_at=at, status_code=code, **values)
    )
    session.commit()


def make_desk(app: Flask, session: Session, *, role: Role = Role.OPERATOR) -> Desk:
    project = make_project(session)
    member = make_member(session, project, role=role)
    scope = scope_of_project(project, role)
    webhook_id = make_webhook(session, scope, now=utc_now())
    session.commit()
    return Desk(log_in(app, session, member), session, project, scope, member.email, webhook_id)
