"""A webhook's page as its template shows it. Secrets and the values of headers come from the view, and only where they were asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import url_for
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import Unavailable
from auditpanel.filters import FilterSet
from auditpanel.panel.formatters import count_text
from auditpanel.panel.moments import ShownMoment, show_moment
from auditpanel.panel.sendouts.again import new_resend_id
from auditpanel.panel.webhooks.events import event_words
from auditpanel.panel.webhooks.health_chart import HealthView, health_view
from auditpanel.panel.webhooks.listing import errors_url, sendouts_url, shown_url
from auditpanel.panel.webhooks.outcome import TestOutcome, outcome_of
from auditpanel.times import iso_utc
from auditpanel.webhooks.filters import SENDOUT_FIELDS
from auditpanel.webhooks.health import health_of
from auditpanel.webhooks.queries import get_sendout
from auditpanel.webhooks.resends import count_resendable
from auditpanel.webhooks.target_records import WebhookRecord, rotation_of
from auditpanel.webhooks.values import GRACE, Headers, SendoutStatus

RATES_PER_S = (10, 50, 100, 500, 1_000)
USUAL_RATE_PER_S = 50


@dataclass(frozen=True, slots=True)
class Rights:
    """What the reader may do with it. With one that was removed, nobody may do anything."""

    is_admin: bool
    is_operator: bool


@dataclass(frozen=True, slots=True)
class Revealed:
    """What an admin asked to see. None: not asked for."""

    secret: str | None = None
    headers: Headers | None = None


NOTHING_REVEALED = Revealed()


@dataclass(frozen=True, slots=True)
class MissedOffer:
    """To send again what was missed. `count` is empty where counting took too long; `since_iso` and `resend_id` go back with the form."""

    count: str
    since: ShownMoment
    since_iso: str
    rates: list[tuple[int, str]]
    usual_rate: int
    resend_id: str
    shown_url: str


@dataclass(frozen=True, slots=True)
class Grace:
    """`until` the secret before signs too; `seen` says which rotation the page knows of, so that a second press does not rotate again."""

    until: ShownMoment | None
    seen: str
    next_until: ShownMoment


@dataclass(frozen=True, slots=True)
class WebhookPage:
    id: str
    name: str
    url: str
    is_active: bool
    reason: str
    off_since: ShownMoment | None
    removed: ShownMoment | None
    created: ShownMoment
    changed: ShownMoment | None
    events: list[str]
    header_names: list[str]
    health: list[HealthView]
    last_delivered: ShownMoment | None
    waiting: str
    sendouts_url: str
    errors_url: str
    grace: Grace
    rights: Rights
    revealed: Revealed
    test: TestOutcome | None
    missed: MissedOffer | None
    sealed_note: str
    zone: str


def build_record(
    session: Session,
    scope: ProjectScope,
    record: WebhookRecord,
    stored: Headers | Unavailable,
    now: datetime,
    *,
    revealed: Revealed = NOTHING_REVEALED,
    test: TestOutcome | None = None,
    missed: MissedOffer | None = None,
) -> WebhookPage:
    """`stored` are its headers; or why they cannot be read."""
    line, zone = record.line, scope.time_zone
    health = health_of(session, scope, line.webhook_id, now)
    is_there = record.removed_at is None
    return WebhookPage(
        id=line.id,
        name=line.name,
        url=shown_url(line.url),
        is_active=line.is_active,
        reason=line.switched_off_reason or "",
        off_since=_shown(line.switched_off_at, scope),
        removed=_shown(record.removed_at, scope),
        created=show_moment(line.created_at, zone),
        changed=_shown(record.updated_at, scope),
        events=event_words(line.event_types),
        header_names=[] if isinstance(stored, Unavailable) else [name for name, _ in stored],
        health=[health_view("Last 24 hours", health.day, zone), health_view("Last 7 days", health.week, zone)],
        last_delivered=_shown(health.last_delivered_at, scope),
        waiting=f"{count_text(health.waiting.value)}{'' if health.waiting.is_exact else '+'}" if health.waiting.value else "",
        sendouts_url=sendouts_url(line.id),
        errors_url=errors_url(line.id),
        grace=_grace(record, scope, now),
        rights=Rights(is_there and scope.role.includes(Role.ADMIN), is_there and scope.role.includes(Role.OPERATOR)),
        revealed=revealed,
        test=test,
        missed=missed,
        sealed_note=str(stored) if isinstance(stored, Unavailable) else "",
        zone=zone.key,
    )


def missed_filters(webhook_id: str, since: datetime) -> FilterSet:
    """Given up since then. Raises InvalidInput for an id that is none."""
    params = [("status", str(SendoutStatus.ERROR)), ("source_id", webhook_id), ("created_after", iso_utc(since))]
    return FilterSet.parse(params, SENDOUT_FIELDS)


def missed_offer(session: Session, scope: ProjectScope, webhook_id: str, since: datetime, now: datetime) -> MissedOffer | None:
    """None where nothing is left to be sent again."""
    filters = missed_filters(webhook_id, since)
    try:
        count = count_resendable(session, scope, filters, filters.range.resolve(now, scope.time_zone), now)
    except Unavailable:
        count = None
    if count is not None and not count.value:
        return None
    return MissedOffer(
        count=f"{count_text(count.value)}{'' if count.is_exact else '+'}" if count else "",
        since=show_moment(since, scope.time_zone),
        since_iso=iso_utc(since),
        rates=[(rate, _rate_words(rate, count.value if count and count.is_exact else None)) for rate in RATES_PER_S],
        usual_rate=USUAL_RATE_PER_S,
        resend_id=new_resend_id(),
        shown_url=url_for("sendouts.index", **dict(filters.params)),  # type: ignore[arg-type]
    )


def test_outcome(session: Session, scope: ProjectScope, record: WebhookRecord, sendout_id: UUID, now: datetime) -> TestOutcome | None:
    """None where it is a sendout of another webhook. Raises NotFound where the project has none."""
    line = get_sendout(session, scope, sendout_id).line
    return outcome_of(line, now) if line.webhook_id == record.line.webhook_id else None


def _grace(record: WebhookRecord, scope: ProjectScope, now: datetime) -> Grace:
    until = record.previous_secret_until
    return Grace(_shown(until if until and until > now else None, scope), rotation_of(until), show_moment(now + GRACE, scope.time_zone))


def _shown(moment: datetime | None, scope: ProjectScope) -> ShownMoment | None:
    return show_moment(moment, scope.time_zone) if moment else None


def _rate_words(rate_per_s: int, count: int | None) -> str:
    return f"{count_text(rate_per_s)} a second" + (f", takes about {_long_words(math.ceil(count / rate_per_s))}" if count else "")


def _long_words(seconds: int) -> str:
    if seconds < 90:
        return f"{seconds} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{math.ceil(minutes / 60)} h"
