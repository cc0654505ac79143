"""An export that is ready as an event, for webhooks that wait for it: raised in the transaction that ends the export."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.exports.queries import get_export
from auditpanel.exports.showing import export_as_json
from auditpanel.ids import uuid7_at
from auditpanel.logs.redaction import Redactor
from auditpanel.times import utc_now
from auditpanel.webhooks.events import raise_events, wanted
from auditpanel.webhooks.values import EventType, NewEvent


def raise_ready(session: Session, scope: ProjectScope, export_id: UUID) -> None:
    """The event's id is made of the export's own: it is raised once. Its URL has no token in it, so it asks for the receiver's keys."""
    if not wanted(session, scope).wants(EventType.EXPORT_READY):
        return
    record = get_export(session, scope, export_id)
    event_id = uuid7_at(record.line.created_at, export_id.bytes + EventType.EXPORT_READY.encode())
    data = export_as_json(record, f"/v1/exports/{record.line.id}", Redactor.of(scope.redact_paths))
    raise_events(session, scope, [NewEvent(EventType.EXPORT_READY, record.line.id, data, event_id)], utc_now())
