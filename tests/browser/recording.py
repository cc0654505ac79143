"""Calls that are there to be looked for in the browser."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, Role
from auditpanel.accounts.scope import scope_of_project
from auditpanel.ids import Prefix, format_id
from auditpanel.logs.store import store_logs
from auditpanel.logs.values import NewLog
from auditpanel.times import utc_now


def make_call(*, minutes_ago: float = 5, **fields: object) -> NewLog:
    return _call(minutes_ago, fields)


def _call(minutes_ago: float, fields: dict[str, object]) -> NewLog:
    values = {"occurred_at": utc_now() - timedelta(minutes=minutes_ago), "path": "/v1/validations", "status_code": 200}
    return msgspec.convert(values | fields, NewLog)


def record(session: Session, project: Project, *calls: NewLog) -> list[UUID]:
    """Commits."""
    stored = store_logs(session, scope_of_project(project, Role.ADMIN), calls, now=utc_now())
    session.commit()
    assert not stored.refused
    return [log_id for log_id in stored.ids if log_id is not None]


def record_call(session: Session, project: Project, **fields: object) -> UUID:
    """Of five minutes ago, unless `occurred_at` is given."""
    return record(session, project, _call(5, fields))[0]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def list_url(project: Project, query: str = "") -> str:
    return f"/projects/{format_id(Prefix.PROJECT, project.id)}/logs/{'?' if query else ''}{query}"


def record_url(project: Project, log_id: UUID, query: str = "") -> str:
    return f"{list_url(project)}{format_id(Prefix.LOG, log_id)}{'?' if query else ''}{query}"
