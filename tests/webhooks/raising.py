"""Webhooks, and events for them, for tests that do not care what they are."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import Caller, ProjectScope
from auditpanel.webhooks.events import raise_events
from auditpanel.webhooks.models import Event, Sendout
from auditpanel.webhooks.sealing import Seal
from auditpanel.webhooks.targets import create_webhook
from auditpanel.webhooks.values import Headers, Json, NewEvent

NOW = datetime(2026, 11, 24, 15, 42, 8, tzinfo=UTC)
SEAL = Seal.of("of the tests")
URL = "https://shop.example.com/webhooks"
CALLER = Caller("v-0199c2f47b1e7d21a1f6e8407cd4c44b", "API", "nina@example.com", "shop")


def make_webhook(
    session: Session,
    scope: ProjectScope,
    *event_types: str,
    name: str = "Shop",
    url: str = URL,
    headers: Headers | None = None,
    now: datetime = NOW,
) -> UUID:
    """Without types it is sent all."""
    return create_webhook(
        session, scope, SEAL, name=name, url=url, event_types=event_types or None, headers=headers or [], allow_private=False, now=now
    ).webhook_id


def make_event(type: str = "voucher.created", entity_id: str | None = "v_1", **data: object) -> NewEvent:
    return NewEvent(type, entity_id, data or {"object": "voucher"})


def raise_one(session: Session, scope: ProjectScope, event: NewEvent | None = None, *, now: datetime = NOW) -> list[Sendout]:
    """The sendouts that were made of it."""
    event = event or make_event()
    raise_events(session, scope.entered_by(CALLER), [event], now)
    return list(session.scalars(select(Sendout).where(Sendout.project_id == scope.project_id, Sendout.event_id == event.id)))


def happened(session: Session, scope: ProjectScope) -> list[tuple[str, Json]]:
    """The types of the project's events and what they tell of, in their order."""
    session.rollback()
    events = session.execute(select(Event.type, Event.data).where(Event.project_id == scope.project_id).order_by(Event.created_at))
    return [(type_, json.loads(data)) for type_, data in events]
