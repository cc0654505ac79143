"""A webhook as the delivery needs it: its URL, state and headers as they are now, and its secrets opened."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from auditpanel.errors import Unavailable
from auditpanel.webhooks.claiming import Source
from auditpanel.webhooks.custom_headers import open_headers
from auditpanel.webhooks.sealing import Seal
from auditpanel.webhooks.sending import Target, TargetState
from auditpanel.webhooks.signing import Signer, SigningKey

# Written out: that the delivery asks for it again and again shows.
_READ = text("""
    SELECT id, url, is_active, removed_at, sealed_headers, sealed_secret, sealed_previous_secret, previous_secret_until
    FROM webhooks WHERE project_id = :project_id AND id = ANY(:ids)
""")


def open_targets(session: Session, seal: Seal, sources: Iterable[Source], now: datetime) -> dict[Source, Target]:
    """A statement for each project. Where a secret cannot be read, the target says why in the place of its signer."""
    by_project: dict[UUID, list[UUID]] = {}
    for source in sources:
        by_project.setdefault(source.project_id, []).append(source.webhook_id)
    found: dict[Source, Target] = {}
    for project_id, webhooks in by_project.items():
        rows = session.execute(_READ, {"project_id": project_id, "ids": webhooks})
        found |= {Source(project_id, row.id): _target(seal, row, now) for row in rows}
    return found


def _target(seal: Seal, row: Row[*tuple[Any, ...]], now: datetime) -> Target:
    state = TargetState.REMOVED if row.removed_at else TargetState.ON if row.is_active else TargetState.OFF
    try:
        return Target(row.url, open_headers(seal, row.sealed_headers), _signer(seal, row, now), state)
    except Unavailable as unreadable:
        return Target(row.url, [], unreadable, state)


def _signer(seal: Seal, row: Row[*tuple[Any, ...]], now: datetime) -> Signer:
    signs_still = row.sealed_previous_secret is not None and row.previous_secret_until is not None and row.previous_secret_until > now
    previous = SigningKey.of(seal.open(row.sealed_previous_secret)) if signs_still else None
    return Signer(SigningKey.of(seal.open(row.sealed_secret)), previous)
