"""A webhook sendout's page as its template shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask import url_for
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import Unavailable
from auditpanel.logs.redaction import Redactor
from auditpanel.logs.sendout_secrets import redacted_sendout
from auditpanel.logs.values import Message
from auditpanel.panel.bodies import BodyView, FieldsView, format_size, view_body, view_headers
from auditpanel.panel.formatters import count_text, moment_words
from auditpanel.panel.list_controls import zone_name
from auditpanel.panel.list_page import Listing
from auditpanel.panel.logs.record import RecordTimes, UtcTime, ZonedTime
from auditpanel.panel.marks import write_unseen
from auditpanel.panel.sendouts.attempts import AttemptsView, attempts_view
from auditpanel.panel.sendouts.curl import sendout_as_curl
from auditpanel.panel.sendouts.facts import Fact, Related, facts_of, related_of
from auditpanel.panel.sendouts.notes import Note, notes_of
from auditpanel.panel.sendouts.showing import sendout_pill
from auditpanel.panel.sendouts.webhook import WebhookCard, webhook_card
from auditpanel.panel.tasks.showing import TaskPill
from auditpanel.times import iso_utc, offset_words
from auditpanel.webhooks.queries import count_sendouts, list_sendouts
from auditpanel.webhooks.records import Direction, Place, SendoutKey, SendoutLine, SendoutRecord
from auditpanel.webhooks.targets import get_webhook
from auditpanel.webhooks.values import SendoutStatus

NEIGHBOUR_BUDGET_S = 0.4
# What is due so soon is looked out for.
SOON = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class PayloadView:
    """`summary` is of the bytes that were sent; what is shown may be without its secrets. `headers` are those of the last attempt."""

    summary: str
    body: BodyView
    headers: FieldsView | None


@dataclass(frozen=True, slots=True)
class SendoutPage:
    """`again_url` is None for those who may not, and where its webhook was removed; where it `was_sent`, it is asked for first."""

    id: str
    type: str
    back_url: str
    back_words: str
    position_text: str
    newer_url: str | None
    older_url: str | None
    pill: TaskPill
    sending_again: bool
    was_sent: bool
    again_url: str | None
    trace_url: str | None
    times: RecordTimes
    notes: list[Note]
    attempts: AttemptsView
    payload: PayloadView
    webhook: WebhookCard
    facts: list[Fact]
    related: list[Related]
    curl: str
    permalink: str
    is_running: bool


def build_record(session: Session, scope: ProjectScope, record: SendoutRecord, listing: Listing) -> SendoutPage:
    """`record` with nothing redacted. `listing` is the list that the reader came from: its filters decide what is next."""
    shown, now = redacted_sendout(Redactor.of(scope.redact_paths), record), listing.now
    line, zone = shown.line, scope.time_zone
    webhook = get_webhook(session, scope, line.webhook_id)
    may_send = scope.role.includes(Role.OPERATOR) and webhook.removed_at is None
    moment = line.created_at.astimezone(zone)
    state = listing.urls.to().removeprefix(listing.urls.base)
    newer, older = (_neighbour(session, scope, listing, line.key, direction) for direction in (Direction.NEWER, Direction.OLDER))
    return SendoutPage(
        id=line.id,
        type=write_unseen(line.type),
        back_url=listing.urls.to(),
        back_words=listing.filters.words,
        position_text=_position(session, scope, listing, line.key),
        newer_url=newer,
        older_url=older,
        pill=sendout_pill(line, now),
        sending_again=line.is_under_way,
        was_sent=line.status is SendoutStatus.SENT,
        again_url=f"{url_for('sendouts.again', sendout_id=line.id)}{state}" if may_send else None,
        trace_url=url_for("traces.show", request_id=line.request_id) if line.request_id else None,
        times=RecordTimes(
            ZonedTime(zone_name(zone), moment_words(moment), offset_words(moment)),
            UtcTime(iso_utc(line.created_at), iso_utc(line.created_at)),
        ),
        notes=list(notes_of(line, webhook, zone, now)),
        attempts=attempts_view(shown, zone, now),
        payload=_payload(shown, len(record.payload.encode())),
        webhook=webhook_card(session, scope, webhook, now),
        facts=list(facts_of(shown)),
        related=list(related_of(session, scope, line.request_id)),
        curl=sendout_as_curl(shown),
        permalink=url_for("sendouts.show", sendout_id=line.id, _external=True),
        is_running=_is_running(line, now),
    )


def _is_running(line: SendoutLine, now: datetime) -> bool:
    return line.is_under_way or (line.next_attempt_at is not None and line.next_attempt_at <= now + SOON)


def _payload(record: SendoutRecord, size_bytes: int) -> PayloadView:
    message = Message([], record.payload, len(record.payload.encode()), False)
    return PayloadView(
        summary=f"application/json, {format_size(size_bytes)}, the exact bytes that are signed",
        body=view_body(message, content_type="application/json"),
        headers=_headers_sent(record),
    )


def _headers_sent(record: SendoutRecord) -> FieldsView | None:
    if not record.attempts or not record.attempts[0].request_headers:
        return None
    view = view_headers(record.attempts[0].request_headers)
    return replace(view, count=f"{view.count}, of attempt {count_text(max(record.line.attempts, len(record.attempts)))}")


def _neighbour(session: Session, scope: ProjectScope, listing: Listing, key: SendoutKey, direction: Direction) -> str | None:
    try:
        page = list_sendouts(
            session, scope, listing.filters, listing.span, place=Place(key, direction), size=1, budget_s=NEIGHBOUR_BUDGET_S
        )
    except Unavailable:
        return None
    return replace(listing.urls, base=url_for("sendouts.show", sendout_id=page.lines[0].id)).to() if page.lines else None


def _position(session: Session, scope: ProjectScope, listing: Listing, key: SendoutKey) -> str:
    newer, older = (
        count_sendouts(session, scope, listing.filters, listing.span, place=Place(key, way), budget_s=NEIGHBOUR_BUDGET_S / 4)
        for way in (Direction.NEWER, Direction.OLDER)
    )
    if not newer.is_exact or not (older.is_exact or older.value):
        return ""
    return f"{count_text(newer.value + 1)} of {count_text(newer.value + 1 + older.value)}{'' if older.is_exact else '+'}"
