"""What is asked before something is sent again: of one sendout that was sent already, and of all that match a list's filters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import url_for
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import InvalidInput, Unavailable
from auditpanel.filters import Range, Span
from auditpanel.ids import Prefix, format_id, new_uuid, parse_id
from auditpanel.keyset import Count
from auditpanel.panel.formatters import count_text, format_duration, moment_words, status_view
from auditpanel.panel.list_controls import Chip
from auditpanel.panel.list_page import Listing, count_words
from auditpanel.panel.marks import write_unseen
from auditpanel.panel.sendouts.showing import answer_view
from auditpanel.panel.tasks.showing import TaskPill, counted
from auditpanel.webhooks.latest import latest_attempts
from auditpanel.webhooks.queries import count_types, count_webhooks
from auditpanel.webhooks.records import AttemptLine, SendoutLine
from auditpanel.webhooks.resends import LARGEST_RESEND, count_resendable
from auditpanel.webhooks.targets import list_webhooks

RATES_PER_S = (1, 5, 10, 20, 50, 100, 200, 500, 1_000)
USUAL_RATE_PER_S = 20
TARGETS_SHOWN = 3
# A confirmation that is older is about the range as it is now.
CONFIRMED_WITHIN = timedelta(hours=1)
ASKED_ALREADY = "This was asked for already, so it was not done a second time."


@dataclass(frozen=True, slots=True)
class AskedOne:
    """`query` is the state of the list that the reader comes from."""

    title: str
    text: str
    action: str
    back_url: str


@dataclass(frozen=True, slots=True)
class TargetAnswer:
    """What a webhook's target answered last, and when."""

    name: str
    pill: TaskPill
    at: str


@dataclass(frozen=True, slots=True)
class RateChoice:
    value: int
    words: str
    is_usual: bool


@dataclass(frozen=True, slots=True)
class AskedAll:
    """`why_not` says why nothing can be sent; else it is empty. `confirmed_at` is the moment up to which the number is true.

    `resend_id` is what it will be called: a second press asks for the same one.
    """

    count: str
    why_not: str
    chips: list[Chip]
    types: str
    targets: list[TargetAnswer]
    more_targets: str
    rates: list[RateChoice]
    confirmed_at: str
    resend_id: str
    action: str
    back_url: str


def ask_one(line: SendoutLine, zone: ZoneInfo, query: str) -> AskedOne:
    at = f" on {moment_words(line.sent_at.astimezone(zone))}" if line.sent_at else ""
    return AskedOne(
        title="Send it again?",
        text=f"{line.type} was sent{at}, and answered {answer_view(line).text}. The target gets it once more.",
        action=f"{url_for('sendouts.again', sendout_id=line.id)}{query}",
        back_url=f"{url_for('sendouts.index')}{query}",
    )


def ask_all(session: Session, scope: ProjectScope, listing: Listing, query: str) -> AskedAll:
    filters, span, now = listing.filters, listing.span, listing.now
    total, why_not = _total(session, scope, listing)
    chosen = [webhook_id for webhook_id, _ in count_webhooks(session, scope, filters, span)] if total.value else []
    names = {webhook.webhook_id: webhook.name for webhook in list_webhooks(session, scope)}
    latest = latest_attempts(session, scope, chosen[:TARGETS_SHOWN])
    return AskedAll(
        count=count_words(total) or "0",
        why_not=why_not,
        chips=list(_chips(listing)),
        types=_types(session, scope, listing) if total.value else "",
        targets=[
            _target(names.get(webhook_id, "A removed webhook"), latest.get(webhook_id), listing.zone)
            for webhook_id in chosen[:TARGETS_SHOWN]
        ],
        more_targets=f"and {counted(len(chosen) - TARGETS_SHOWN, 'other webhook')}" if len(chosen) > TARGETS_SHOWN else "",
        rates=[RateChoice(rate, _rate_words(total.value, rate), rate == USUAL_RATE_PER_S) for rate in RATES_PER_S],
        confirmed_at=now.isoformat(),
        resend_id=new_resend_id(),
        action=f"{url_for('sendouts.again_all')}{query}",
        back_url=f"{url_for('sendouts.index')}{query}",
    )


def new_resend_id() -> str:
    """For a page that asks; `read_resend_id` reads it from the form of that page."""
    return format_id(Prefix.RESEND, new_uuid())


def read_resend_id(form: Mapping[str, str]) -> UUID:
    """Raises InvalidInput."""
    try:
        return parse_id(Prefix.RESEND, form.get("resend_id", ""))
    except InvalidInput as error:
        raise InvalidInput(f"{error.reason}. Go back, and open the page that asks anew", field="resend_id") from None


def confirmed_span(listing: Listing, scope: ProjectScope, confirmed_at: str) -> Span:
    """The range as it was when its number was shown: "last 24 hours" goes on meanwhile."""
    try:
        at = datetime.fromisoformat(confirmed_at)
        is_near = listing.now - CONFIRMED_WITHIN <= at <= listing.now
    except (ValueError, TypeError):
        return listing.span
    if not is_near:
        return listing.span
    span = listing.filters.range.resolve(at, scope.time_zone)
    return Span(span.start, min(span.end, at) if span.end else at)


def _total(session: Session, scope: ProjectScope, listing: Listing) -> tuple[Count, str]:
    try:
        total = count_resendable(session, scope, listing.filters, listing.span, listing.now, cap=LARGEST_RESEND)
    except Unavailable as error:
        return Count(0, is_exact=False), error.details
    if not total.value:
        return total, "No sendout matches these filters whose webhook is still there."
    if not total.is_exact:
        return total, f"More than {count_text(LARGEST_RESEND)} match. Choose a shorter range, and send the rest again after that."
    return total, ""


def _chips(listing: Listing) -> Iterator[Chip]:
    for condition in listing.filters.conditions:
        yield Chip(condition.field.name, condition.field.phrase, condition.value_words, "or", "")
    chosen = listing.filters.range
    zone = f", {listing.zone}" if chosen.kind is Range.CUSTOM else ""
    yield Chip("range", "Created", (f"{chosen.words}{zone}",), "or", "")


def _types(session: Session, scope: ProjectScope, listing: Listing) -> str:
    types = count_types(session, scope, listing.filters, listing.span)
    if len(types) == 1:
        return write_unseen(types[0][0])
    return count_text(len(types)) if types else "Not counted in time"


def _target(name: str, attempt: AttemptLine | None, zone: tzinfo) -> TargetAnswer:
    if attempt is None:
        return TargetAnswer(name, TaskPill("plain", "no attempt yet"), "")
    at = f"{attempt.started_at.astimezone(zone):%H:%M:%S}"
    if attempt.status_code is None:
        return TargetAnswer(name, TaskPill("bad", write_unseen(attempt.error or "no answer")), at)
    status = status_view(attempt.status_code)
    return TargetAnswer(name, TaskPill("ok" if attempt.delivered else "bad", status.label), at)


def _rate_words(total: int, rate: int) -> str:
    seconds = max(1, math.ceil(total / rate))
    took = format_duration(seconds * 1_000)
    return f"{count_text(rate)}, takes about {f'{seconds} s' if seconds < 60 else took.text if took else ''}"
