"""The list of a project's webhooks as its template shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import url_for
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.logs.redaction import Redactor
from auditpanel.panel.formatters import PathParts, count_text, split_path
from auditpanel.panel.moments import ShownMoment, show_moment
from auditpanel.panel.webhooks.events import event_words
from auditpanel.panel.webhooks.health_chart import rate_text
from auditpanel.webhooks.overview import Summary, summaries
from auditpanel.webhooks.target_records import WebhookLine
from auditpanel.webhooks.targets import list_webhooks

# What is named in a cell; the rest of the kinds is on the webhook's page.
KINDS_SHOWN = 2


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """`rate` is empty where nothing was tried within 24 hours; `given_up` where nothing is in error, of 7 days."""

    name: str
    url: PathParts
    page_url: str
    is_active: bool
    reason: str
    since: ShownMoment | None
    events: str
    all_events: str
    rate: str
    rate_is_bad: bool
    attempts: str
    last_delivered: ShownMoment | None
    given_up: str
    given_up_url: str


@dataclass(frozen=True, slots=True)
class WebhookListPage:
    rows: list[WebhookRow]
    off: list[WebhookRow]
    new_url: str | None
    zone: str


def build_list(session: Session, scope: ProjectScope, now: datetime) -> WebhookListPage:
    told = summaries(session, scope, now)
    rows = [_row(line, told[line.webhook_id], scope) for line in list_webhooks(session, scope) if line.webhook_id in told]
    return WebhookListPage(
        rows=rows,
        off=[row for row in rows if not row.is_active],
        new_url=url_for("webhooks.create") if scope.role.includes(Role.ADMIN) else None,
        zone=scope.time_zone.key,
    )


def shown_url(url: str) -> str:
    """Some carry a token in their query, which is not for every member. Those who change the webhook see all of it in the form."""
    address, mark, query = url.partition("?")
    return f"{Redactor().text(address)}{mark}{Redactor().query(query)}"


def _address(url: str) -> str:
    address, mark, _ = shown_url(url).partition("?")
    return f"{address}{'?…' if mark else ''}"


def errors_url(webhook_id: str) -> str:
    """Its sendouts in error of the last 7 days."""
    return url_for("sendouts.index", only="error", source_id=webhook_id, range="7d")


def sendouts_url(webhook_id: str) -> str:
    return url_for("sendouts.index", source_id=webhook_id, range="all")


def _row(line: WebhookLine, summary: Summary, scope: ProjectScope) -> WebhookRow:
    words = event_words(line.event_types)
    more = f" and {len(words) - KINDS_SHOWN} more" if len(words) > KINDS_SHOWN else ""
    given_up = summary.given_up
    return WebhookRow(
        name=line.name,
        url=split_path(_address(line.url)),
        page_url=url_for("webhooks.show", webhook_id=line.id),
        is_active=line.is_active,
        reason=line.switched_off_reason or "",
        since=show_moment(line.switched_off_at, scope.time_zone) if line.switched_off_at else None,
        events="; ".join(words[:KINDS_SHOWN]) + more,
        all_events="; ".join(words),
        rate=rate_text(summary.delivered, summary.attempts),
        rate_is_bad=summary.delivered < summary.attempts,
        attempts=count_text(summary.attempts),
        last_delivered=show_moment(line.last_delivered_at, scope.time_zone) if line.last_delivered_at else None,
        given_up=f"{count_text(given_up.value)}{'' if given_up.is_exact else '+'}" if given_up.value else "",
        given_up_url=errors_url(line.id),
    )
