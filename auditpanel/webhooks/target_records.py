"""Webhooks as they are read: a line of their list, one with everything, and what one of them missed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from auditpanel.errors import NotFound
from auditpanel.ids import Prefix, format_id
from auditpanel.keyset import Count
from auditpanel.times import iso_utc


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """The secret is `whsec_…`, as its receiver has to have it."""

    webhook_id: UUID
    secret: str = field(repr=False)

    @property
    def id(self) -> str:
        return format_id(Prefix.WEBHOOK, self.webhook_id)


@dataclass(frozen=True, slots=True)
class WebhookLine:
    """A webhook as lists show it. `event_types` is None where it is sent all; `last_delivered_at` is of scheduled attempts."""

    webhook_id: UUID
    name: str
    url: str
    event_types: list[str] | None
    is_active: bool
    created_at: datetime
    switched_off_at: datetime | None
    switched_off_reason: str | None
    last_delivered_at: datetime | None

    @property
    def id(self) -> str:
        return format_id(Prefix.WEBHOOK, self.webhook_id)


@dataclass(frozen=True, slots=True)
class WebhookRecord:
    """A webhook with everything but its secrets. Until `previous_secret_until`, messages are signed with the secret before as well.

    One that was removed is here still, for the sendouts that lead to it.
    """

    line: WebhookLine
    has_headers: bool
    updated_at: datetime | None
    previous_secret_until: datetime | None
    removed_at: datetime | None


def rotation_of(previous_secret_until: datetime | None) -> str:
    """By what one rotation of a webhook's secret is told from the next."""
    return iso_utc(previous_secret_until) if previous_secret_until else "none"


@dataclass(frozen=True, slots=True)
class Missed:
    """Sendouts of a webhook that were given up while it was off, or right before. `since` is when the oldest of their events happened.

    `since` is None where there are none.
    """

    count: Count
    since: datetime | None


def no_such_webhook() -> NotFound:
    return NotFound("There is no such webhook in this project. It may have been removed, or be of a project that you are not a member of.")
