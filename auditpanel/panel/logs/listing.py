"""The list of logs as its template shows it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import lru_cache
from uuid import UUID

from flask import get_template_attribute, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.filters import FilterSet, Match, Params, Range, Span
from auditpanel.ids import Prefix
from auditpanel.keyset import Count, Direction, Place, direction_of
from auditpanel.logs.caused import caused_by_calls
from auditpanel.logs.filters import LOG_FIELDS
from auditpanel.logs.lines import LogPage
from auditpanel.logs.queries import BUDGET_S, count_each, count_logs, list_logs
from auditpanel.logs.served import COUNT_BUDGET_S
from auditpanel.logs.values import LogLine, Origin
from auditpanel.panel.formatters import (
    Duration,
    StatusView,
    Who,
    clock_parts,
    count_text,
    format_duration,
    moment_words,
    split_path,
    status_view,
    who_of,
)
from auditpanel.panel.list_controls import Asked, Choice, ListUrls, read_asked
from auditpanel.panel.list_page import PAGE_SIZE as PAGE_SIZE
from auditpanel.panel.list_page import (
    Day,
    Empty,
    Help,
    Listing,
    ListPage,
    count_words,
    days_of,
    empty_title,
    place_url,
    record_urls,
)
from auditpanel.panel.marks import write_unseen
from auditpanel.panel.sendouts.caused import caused_by_call
from auditpanel.panel.tasks.showing import CausedView

# The list's text field; the other fields stand under "Add filter".
TEXT_FIELD = "body_text"
ERRORS_ONLY = LOG_FIELDS["only"]
# Rows drawn that are kept, of some 3 kB each; not those in which much is written.
DRAWN_ROWS = 2_000
DRAWN_CHARACTERS = 2_000
# An empty page names the filter whose removal helps; only this many are tried.
HELP_TRIES = 4
HELP_BUDGET_S = 0.1
_UNKNOWN = Count(0, is_exact=False)


@dataclass(frozen=True, slots=True)
class Row:
    """All that the cells show, ready: unseen characters are written out. `who_parts` is where a long name may break, at its @."""

    url: str
    clock: str
    milliseconds: str
    iso: str
    status: StatusView
    method: str
    path: str
    path_head: str
    path_tail: str
    error: str | None
    origin_label: str
    who: Who | None
    who_parts: tuple[str, str]
    duration: Duration | None
    caused: CausedView | None


@dataclass(frozen=True, slots=True)
class LookedBack:
    """The budget of time ended the search at `until_words`."""

    until_words: str
    continue_url: str
    found: int
    text: str


@dataclass(frozen=True, kw_only=True)
class LogListPage(ListPage[LogLine, Markup]):
    looked_back: LookedBack | None

    @property
    def shows_others(self) -> bool:
        """Calls that are not the use of the panel itself."""
        return any(line.origin is not Origin.DASHBOARD for line in self.found.lines)


def read_request(pairs: Params) -> Asked:
    return read_asked(pairs, LOG_FIELDS)


def build_list(session: Session, scope: ProjectScope, asked: Asked, now: datetime) -> LogListPage:
    started = time.monotonic()
    listing = Listing.of(asked, LOG_FIELDS, scope, url_for("logs.index"), now)
    filters, span, place = listing.filters, listing.span, listing.place
    found, total, errors_text = LogPage([], has_more=False), Count(0, is_exact=True), None
    if not listing.is_refused:
        found = list_logs(session, scope, filters, span, place=place, size=PAGE_SIZE, counted=_to_count(filters))
        left_s = max(0.05, BUDGET_S + COUNT_BUDGET_S - (time.monotonic() - started))
        total, errors = _counts(session, scope, listing, found, min(left_s, COUNT_BUDGET_S))
        errors_text = count_words(errors)
    is_empty = not listing.is_refused and not found.lines and found.looked_to is None
    return LogListPage(
        listing=listing,
        found=found,
        days=_in_one_piece(days_of(listing, found.lines, _row_of(session, scope, listing, found))),
        switch=switch_choices(listing.urls, errors_text),
        total_text=count_words(total) or f"at least {count_text(len(found.lines))}",
        empty=_empty(session, scope, listing) if is_empty else None,
        text_field=TEXT_FIELD,
        looked_back=_looked_back(listing, found),
    )


def _in_one_piece(days: list[Day[Markup]]) -> list[Day[Markup]]:
    """Each day's rows: a page's pieces are handed on by every template that they stand in."""
    return [Day(day.words, [Markup("".join(day.rows))]) for day in days]


def switch_choices(urls: ListUrls, errors_text: str | None) -> list[Choice]:
    shows_errors, look = bool(urls.filters.values(ERRORS_ONLY.name)), "faint" if errors_text == "0" else "bad"
    return [
        Choice("All", urls.to(urls.filters.without(ERRORS_ONLY.name)), not shows_errors),
        Choice("Errors", urls.to(errors_only(urls.filters)), shows_errors, count_text=errors_text, look=look),
    ]


def errors_only(filters: FilterSet) -> FilterSet:
    return filters.with_condition(ERRORS_ONLY, "errors")


def _counts(session: Session, scope: ProjectScope, listing: Listing, found: LogPage, budget_s: float) -> tuple[Count, Count]:
    """Of all that match, and of the failures among them."""
    if found.looked_to is not None:
        # What took too long to be found takes as long to be counted.
        return _UNKNOWN, _UNKNOWN
    if listing.place is None and not found.has_more:
        failed = sum(line.failed for line in found.lines)
        return Count(len(found.lines), is_exact=True), Count(failed, is_exact=True)
    if found.counts:
        return found.counts[0], found.counts[-1]
    counts = count_each(session, scope, _to_count(listing.filters), listing.span, budget_s=budget_s)
    return counts[0], counts[-1]


def _to_count(filters: FilterSet) -> list[FilterSet]:
    """All that match, and the failures among them; one where those are the same."""
    shows_failures = bool(filters.values(ERRORS_ONLY.name)) or _finds_failures_only(filters)
    return [filters] if shows_failures else [filters, errors_only(filters)]


def _finds_failures_only(filters: FilterSet) -> bool:
    return filters.match is Match.ALL and filters.values("result") == ("failure",)


def _row_of(session: Session, scope: ProjectScope, listing: Listing, found: LogPage) -> Callable[[LogLine], Markup]:
    found_caused = found.caused
    if found_caused is None:
        request_ids = list(dict.fromkeys(line.request_id for line in found.lines if line.request_id))
        found_caused = caused_by_calls(session, scope, request_ids)
    caused = {request_id: caused_by_call(of_call.tasks, of_call.failed) for request_id, of_call in found_caused.items()}
    url_of = record_urls(listing.urls, url_for("logs.show", log_id=Prefix.LOG), Prefix.LOG)
    return lambda line: draw_row(scope.project_id, line, url_of(line.id), listing.zone, caused.get(line.request_id or ""))


def draw_row(project_id: UUID, line: LogLine, url: str, zone: tzinfo, caused: CausedView | None) -> Markup:
    """Logs never change, so that reloads, pages gone back to and those of colleagues show mostly rows that were drawn before.

    All that a row shows is in its arguments. The project is among them so that none can ever be shown in another.
    """
    is_long = len(line.path) + len(line.error or "") + len(url) > DRAWN_CHARACTERS
    return _draw(line, url, zone, caused) if is_long else _drawn(project_id, line, url, zone, caused)


@lru_cache(DRAWN_ROWS)
def _drawn(project_id: UUID, line: LogLine, url: str, zone: tzinfo, caused: CausedView | None) -> Markup:
    return _draw(line, url, zone, caused)


def _draw(line: LogLine, url: str, zone: tzinfo, caused: CausedView | None) -> Markup:
    drawn: Markup = get_template_attribute("logs/row.html", "log_row")(_row(line, url, zone, caused))
    return drawn


def _row(line: LogLine, url: str, zone: tzinfo, caused: CausedView | None) -> Row:
    clock = clock_parts(line.key.occurred_at.astimezone(zone))
    path = write_unseen(line.path)
    parts, who = split_path(path), who_of(line)
    name, at, domain = write_unseen(who.text).partition("@") if who else ("", "", "")
    return Row(
        url=url,
        clock=clock.clock,
        milliseconds=clock.milliseconds,
        iso=clock.iso,
        status=status_view(line.status_code),
        method=write_unseen(line.method),
        path=path,
        path_head=parts.head,
        path_tail=parts.tail,
        error=write_unseen(line.error) if line.error else None,
        origin_label=line.origin.label,
        who=who,
        who_parts=(name, at + domain),
        duration=format_duration(line.duration_ms),
        caused=caused,
    )


def _looked_back(listing: Listing, found: LogPage) -> LookedBack | None:
    if found.looked_to is None:
        return None
    until = moment_words(found.looked_to.at.astimezone(listing.zone))
    place = Place(found.looked_to, direction_of(listing.place))
    way = "forward" if place.direction is Direction.NEWER else "back"
    many = f"{len(found.lines)} found" if found.lines else "Nothing found"
    return LookedBack(until, place_url(listing.urls, place), len(found.lines), f"{many} so far: looked {way} to {until}.")


def _empty(session: Session, scope: ProjectScope, listing: Listing) -> Empty:
    filters, urls = listing.filters, listing.urls
    helps = _help(session, scope, urls, listing.span) if filters.conditions else _help_by_range(session, scope, urls)
    return Empty(empty_title(filters, one="call", many="calls"), urls.to(listing.everything), helps)


def _help(session: Session, scope: ProjectScope, urls: ListUrls, span: Span) -> Help | None:
    """The filter without which there would be the most."""
    best: tuple[int, Help] | None = None
    for condition in urls.filters.conditions[:HELP_TRIES]:
        without = urls.filters.without(condition.field.name)
        count = count_logs(session, scope, without, span, budget_s=HELP_BUDGET_S)
        if count.value and (best is None or count.value > best[0]):
            best = (count.value, Help(condition.words, count_words(count) or "", urls.to(without)))
    return best[1] if best else _help_by_range(session, scope, urls)


def _help_by_range(session: Session, scope: ProjectScope, urls: ListUrls) -> Help | None:
    if urls.filters.range.kind is Range.ALL:
        return None
    ever = FilterSet(urls.filters.match, replace(urls.filters.range, kind=Range.ALL, after="", before=""), urls.filters.conditions)
    count = count_logs(session, scope, ever, Span(None, None), budget_s=HELP_BUDGET_S)
    words = urls.filters.range.words
    return Help(words[:1].upper() + words[1:], count_words(count) or "", urls.to(ever)) if count.value else None
