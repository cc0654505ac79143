"""Projects and logs for tests that do not care what they are called."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import msgspec
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.accounts.projects import create_project
from auditpanel.accounts.scope import ProjectScope, scope_of_project
from auditpanel.filters import FilterSet, Span
from auditpanel.logs.filters import LOG_FIELDS
from auditpanel.logs.lines import LogPage
from auditpanel.logs.queries import list_logs
from auditpanel.logs.store import Stored, store_logs
from auditpanel.logs.values import NewLog

NOW = datetime(2026, 11, 24, 15, 42, 8, tzinfo=UTC)


def make_scope(session: Session, time_zone: str = "Europe/Warsaw") -> ProjectScope:
    project = create_project(session, "Acme Shop", time_zone)
    session.commit()
    return scope_of_project(project, Role.ADMIN)


def make_log(**fields: object) -> NewLog:
    return msgspec.convert({"occurred_at": NOW, "path": "/v1/validations", "status_code": 200} | fields, NewLog)


def store(session: Session, scope: ProjectScope, *logs: NewLog) -> Stored:
    stored = store_logs(session, scope, logs, now=NOW)
    session.commit()
    return stored


def store_one(session: Session, scope: ProjectScope, **fields: object) -> UUID:
    (log_id,) = store(session, scope, make_log(**fields)).ids
    assert log_id is not None
    return log_id


def find(session: Session, scope: ProjectScope, **params: str) -> LogPage:
    """Of all time, unless a range is given."""
    filters = FilterSet.parse({"range": "all", **params}.items(), LOG_FIELDS)
    return list_logs(session, scope, filters, filters.range.resolve(NOW, scope.time_zone) if params.get("range") else Span(None, None))


def paths(page: LogPage) -> list[str]:
    return [line.path for line in page.lines]
