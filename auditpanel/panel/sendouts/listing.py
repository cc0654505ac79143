"""The list of webhook sendouts as its template shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask import url_for
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import Unavailable
from auditpanel.filters import Fields, FilterSet, Params, Span
from auditpanel.ids import Prefix
from auditpanel.keyset import Count
from auditpanel.logs.redaction import Redactor
from auditpanel.logs.sendout_secrets import redacted_line
from auditpanel.panel.formatters import count_text
from auditpanel.panel.list_controls import Asked, Choice, ListUrls, read_asked
from auditpanel.panel.list_page import PAGE_SIZE, Empty, Help, Listing, ListPage, count_words, days_of, empty_title, record_urls
from auditpanel.panel.sendouts.resends import ResendView, shown_resends
from auditpanel.panel.sendouts.showing import SendoutRow, sendout_row
from auditpanel.webhooks.filters import SENDOUT_FIELDS, sent_notes
from auditpanel.webhooks.queries import attempts_of, count_sendouts, list_sendouts, status_counts
from auditpanel.webhooks.records import SendoutLine, SendoutPage, StatusCounts
from auditpanel.webhooks.targets import list_webhooks

ONLY = SENDOUT_FIELDS["only"]
SOURCE = SENDOUT_FIELDS["source_id"]
NO_COUNT = Count(0, is_exact=True)
NOTHING = StatusCounts(NO_COUNT, NO_COUNT, NO_COUNT)
# With more, boxes to tick are no help: their ids are typed.
WEBHOOKS_CHOSEN_FROM = 12
# An empty page names the filter whose removal helps; only this many are tried.
HELP_TRIES = 4
# Of each row: the schedule's, and some by hand.
ATTEMPTS_READ = 20
HELP_BUDGET_S = 0.1


@dataclass(frozen=True, slots=True)
class AgainAll:
    """To send all again that match. `url` asks first."""

    text: str
    url: str


@dataclass(frozen=True, kw_only=True)
class SendoutListPage(ListPage[SendoutLine, SendoutRow]):
    """`query` is the list's state with its place, `?` and all. `too_long` says why nothing was found in time.

    `is_running`: something on it moves by itself. `may_send` is whether the reader may send again.
    """

    resends: list[ResendView]
    again_all: AgainAll | None
    query: str
    too_long: str
    notes_of_sent: tuple[str, ...]
    is_running: bool
    may_send: bool

    @property
    def notes(self) -> tuple[str, ...]:
        return (*self.listing.span.notes, *self.notes_of_sent)


def sendout_fields(session: Session, scope: ProjectScope) -> Fields:
    """With the project's webhooks to choose from, by name."""
    webhooks = list_webhooks(session, scope)
    if not webhooks or len(webhooks) > WEBHOOKS_CHOSEN_FROM:
        return SENDOUT_FIELDS
    return SENDOUT_FIELDS | {SOURCE.name: replace(SOURCE, choices=tuple((webhook.id, webhook.name) for webhook in webhooks))}


def read_request(pairs: Params, fields: Fields) -> Asked:
    return read_asked(pairs, fields)


def state_query(asked: Asked, urls: ListUrls) -> str:
    """What brings a reader back to the same page of the same list."""
    place = [(name, cursor) for name, cursor in (("before", asked.before), ("after", asked.after)) if cursor]
    return urls.to(extra=place).removeprefix(urls.base)


def build_list(session: Session, scope: ProjectScope, asked: Asked, fields: Fields, now: datetime) -> SendoutListPage:
    listing = Listing.of(asked, fields, scope, url_for("sendouts.index"), now)
    found, counts, too_long = SendoutPage([], has_more=False), NOTHING, ""
    if not listing.is_refused:
        try:
            found = list_sendouts(session, scope, listing.filters, listing.span, place=listing.place, size=PAGE_SIZE)
        except Unavailable as error:
            too_long = error.details
        counts = status_counts(session, scope, listing.filters, listing.span)
    may_send, query = scope.role.includes(Role.OPERATOR), state_query(asked, listing.urls)
    resends = shown_resends(session, scope, now, listing.zone, query)
    total = _total(session, scope, listing, counts)
    return SendoutListPage(
        listing=listing,
        found=found,
        days=days_of(listing, found.lines, _row_of(session, scope, listing, found.lines)),
        switch=_switch(listing.urls, counts),
        total_text=count_words(total),
        empty=None if found.lines or listing.is_refused or too_long else _empty(session, scope, listing),
        resends=resends,
        again_all=_again_all(listing.urls, counts, total) if may_send and found.lines else None,
        query=query,
        too_long=too_long,
        notes_of_sent=() if listing.is_refused else sent_notes(listing.filters, scope.time_zone),
        is_running=any(line.is_under_way for line in found.lines) or any(resend.is_running for resend in resends),
        may_send=may_send,
    )


def _row_of(session: Session, scope: ProjectScope, listing: Listing, lines: Sequence[SendoutLine]) -> Callable[[SendoutLine], SendoutRow]:
    attempts = attempts_of(session, scope, [line.key.id for line in lines], most=ATTEMPTS_READ)
    url_of = record_urls(listing.urls, url_for("sendouts.show", sendout_id=Prefix.SENDOUT), Prefix.SENDOUT)
    redactor = Redactor.of(scope.redact_paths)
    return lambda line: sendout_row(redacted_line(redactor, line), attempts[line.key.id], listing.zone, listing.now, url=url_of(line.id))


def _total(session: Session, scope: ProjectScope, listing: Listing, counts: StatusCounts) -> Count:
    by_choice = {"sent": counts.sent, "retry": counts.retry, "error": counts.error}
    chosen = next((by_choice[value] for value in listing.filters.values(ONLY.name)), None)
    if chosen is not None:
        return chosen
    if all(count.is_exact for count in by_choice.values()):
        return Count(sum(count.value for count in by_choice.values()), is_exact=True)
    return count_sendouts(session, scope, listing.filters, listing.span)


def _switch(urls: ListUrls, counts: StatusCounts) -> list[Choice]:
    """Counted is only what needs somebody, or time."""
    chosen = next(iter(urls.filters.values(ONLY.name)), "")
    choices = (("", "All", None), ("sent", "Sent", None), ("retry", "Retry", counts.retry), ("error", "Error", counts.error))
    return [
        Choice(
            label,
            urls.to(_only(urls.filters, value) if value else urls.filters.without(ONLY.name)),
            chosen == value,
            value,
            count_text=count_words(count) if count else None,
            look="bad" if value == "error" and count and count.value else "faint",
        )
        for value, label, count in choices
    ]


def _only(filters: FilterSet, value: str) -> FilterSet:
    return filters.with_condition(ONLY, value)


def _again_all(urls: ListUrls, counts: StatusCounts, total: Count) -> AgainAll | None:
    """Of a list of everything, those that were given up; of one that was narrowed down, all."""
    chosen = next(iter(urls.filters.values(ONLY.name)), "")
    filters, count = urls.filters, total
    if not chosen and counts.error.value:
        filters, count, chosen = _only(filters, "error"), counts.error, "error"
    elif not chosen and not filters.chosen:
        return None
    kind = {"error": " in error", "retry": " to be tried again", "sent": " that were sent"}.get(chosen, "")
    many = count_words(count)
    state = urls.to(filters).removeprefix(urls.base)
    return AgainAll(f"Send again all {many}{kind}" if many else f"Send again all{kind}", f"{url_for('sendouts.ask_all')}{state}")


def _empty(session: Session, scope: ProjectScope, listing: Listing) -> Empty:
    everything = listing.everything
    shows_all = listing.filters.params == everything.params
    title = empty_title(listing.filters, one="webhook sendout", many="webhook sendouts")
    return Empty(title, None if shows_all else listing.urls.to(everything), _help(session, scope, listing.urls, listing.span))


def _help(session: Session, scope: ProjectScope, urls: ListUrls, span: Span) -> Help | None:
    """The filter without which there would be the most."""
    best: tuple[int, Help] | None = None
    for condition in urls.filters.conditions[:HELP_TRIES]:
        without = urls.filters.without(condition.field.name)
        count = count_sendouts(session, scope, without, span, budget_s=HELP_BUDGET_S)
        if count.value and (best is None or count.value > best[0]):
            best = (count.value, Help(condition.words, count_words(count) or count_text(count.value), urls.to(without)))
    return best[1] if best else None
