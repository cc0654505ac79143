"""The webhook of a sendout, as a card beside it: how it does, and where its page is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import url_for
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.filters import FilterSet
from auditpanel.ids import Prefix, format_id
from auditpanel.keyset import Count
from auditpanel.logs.redaction import Redactor
from auditpanel.logs.sendout_secrets import redacted_url
from auditpanel.panel.formatters import clock_parts, date_words
from auditpanel.panel.list_controls import ListUrls, Times
from auditpanel.panel.list_page import count_words
from auditpanel.panel.marks import write_unseen
from auditpanel.panel.webhooks.health_chart import HealthView, health_view
from auditpanel.webhooks.filters import SENDOUT_FIELDS
from auditpanel.webhooks.health import health_of_day
from auditpanel.webhooks.target_records import WebhookRecord


@dataclass(frozen=True, slots=True)
class WebhookCard:
    """`state` is nothing where it is active. `waiting_url` leads to its sendouts with an attempt to come, where there are any."""

    name: str
    url: str
    page_url: str | None
    state: str
    day: HealthView
    last_delivered: str
    waiting: str
    waiting_url: str | None


def webhook_url(webhook_id: UUID) -> str:
    return url_for("webhooks.show", webhook_id=format_id(Prefix.WEBHOOK, webhook_id))


def webhook_card(session: Session, scope: ProjectScope, webhook: WebhookRecord, now: datetime) -> WebhookCard:
    health = health_of_day(session, scope, webhook.line.webhook_id, now)
    is_removed = webhook.removed_at is not None
    return WebhookCard(
        name=write_unseen(webhook.line.name),
        url=write_unseen(redacted_url(Redactor.of(scope.redact_paths), webhook.line.url)),
        page_url=None if is_removed else webhook_url(webhook.line.webhook_id),
        state="Removed" if is_removed else "" if webhook.line.is_active else "Switched off",
        day=health_view("Last 24 hours", health.day, scope.time_zone),
        last_delivered=_moment(health.last_delivered_at, scope, now),
        waiting=_count(health.waiting),
        waiting_url=_list_url(webhook.line.id) if health.waiting.value else None,
    )


def _moment(at: datetime | None, scope: ProjectScope, now: datetime) -> str:
    if at is None:
        return "Never"
    local = at.astimezone(scope.time_zone)
    clock = clock_parts(local).clock
    return clock if local.date() == now.astimezone(scope.time_zone).date() else f"{date_words(local.date())}, {clock}"


def _count(count: Count) -> str:
    return "None" if count.is_exact and not count.value else count_words(count) or ""


def _list_url(source_id: str) -> str:
    filters = FilterSet.parse([("range", "all"), ("only", "retry"), ("source_id", source_id)], SENDOUT_FIELDS)
    return ListUrls(url_for("sendouts.index"), filters, Times.PROJECT).to()
