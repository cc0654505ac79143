"""The list of logs as its template shows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from itertools import groupby

from flask import url_for
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.filters import Field, FilterSet, Match, Params, Range, Span
from auditpanel.ids import Prefix
from auditpanel.logs.clauses import Direction, Place
from auditpanel.logs.filters import LOG_FIELDS
from auditpanel.logs.queries import BUDGET_S, COUNT_BUDGET_S, Count, LogPage, count_logs, list_logs
from auditpanel.logs.values import LogKey, LogLine
from auditpanel.panel import list_controls
from auditpanel.panel.formatters import (
    Duration,
    StatusView,
    Who,
    clock_parts,
    count_text,
    covers_text,
    day_heading,
    format_duration,
    moment_words,
    split_path,
    status_view,
    who_of,
)
from auditpanel.panel.list_controls import Asked, Chip, Choice, ListUrls, Times, zone_name
from auditpanel.panel.marks import write_unseen
from auditpanel.panel.task_views import CausedView, caused_view
from auditpanel.tasks.queries import tasks_caused_by
from auditpanel.tasks.records import Caused

PAGE_SIZE = 50
# The list's text field; the other fields stand under "Add filter".
TEXT_FIELD = "body_text"
ERRORS_ONLY = LOG_FIELDS["only"]
# An empty page names the filter whose removal helps; only this many are tried.
HELP_TRIES = 4
HELP_BUDGET_S = 0.1


@dataclass(frozen=True, slots=True)
class Row:
    """All that a cell shows, ready: unseen characters are written out. `who_parts` is where a long name may break, at its @."""

    url: str
    line: LogLine
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
class Day:
    words: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class LookedBack:
    """The budget of time ended the search at `until_words`."""

    until_words: str
    continue_url: str
    found: int
    text: str


@dataclass(frozen=True, slots=True)
class Help:
    words: str
    count_text: str
    url: str


@dataclass(frozen=True, slots=True)
class Empty:
    kind: str
    title: str
    helps: Help | None
    all_url: str


@dataclass(frozen=True, slots=True)
class ListPage:
    filters: FilterSet
    fields: list[Field]
    chips: list[Chip]
    range_choices: list[Choice]
    times: Times
    times_choices: list[Choice]
    match_choices: list[Choice]
    switch: list[Choice]
    urls: ListUrls
    errors: dict[str, str]
    typed: dict[str, str]
    notes: tuple[str, ...]
    after_hint: str
    before_hint: str
    zone: str
    days: list[Day]
    shown: int
    total_text: str
    covers: str
    newer_url: str | None
    older_url: str | None
    looked_back: LookedBack | None
    reload_url: str
    empty: Empty | None

    def hidden_except(self, names: Sequence[str]) -> Params:
        return self.urls.hidden_except(names)

    @property
    def is_refused(self) -> bool:
        """Something in the URL could not be read, so nothing was looked for."""
        return bool(self.errors)


def read_request(pairs: Params) -> Asked:
    return list_controls.read_asked(pairs, LOG_FIELDS)


def _place_of(asked: Asked) -> Place | None:
    if asked.before:
        return Place(LogKey.from_cursor(asked.before), Direction.OLDER)
    return Place(LogKey.from_cursor(asked.after), Direction.NEWER) if asked.after else None


def build_list(session: Session, scope: ProjectScope, asked: Asked, now: datetime) -> ListPage:
    started = time.monotonic()
    filters, errors, place = asked.filters, asked.errors, _place_of(asked)
    span = list_controls.resolve_span(asked, now, scope.time_zone)
    zone = list_controls.zone_shown(asked.times, scope.time_zone)
    urls = ListUrls(url_for("logs.index"), filters, asked.times)
    found = LogPage([], has_more=False)
    if not errors:
        found = list_logs(session, scope, filters, span, place=place, size=PAGE_SIZE)
    left_s = max(0.05, BUDGET_S + COUNT_BUDGET_S - (time.monotonic() - started))
    total = Count(0, is_exact=True) if errors else _total(session, scope, filters, span, place, found, left_s)
    after_hint, before_hint = list_controls.span_hints(span, zone)
    is_empty = not errors and not found.lines and found.looked_to is None
    return ListPage(
        filters=filters,
        fields=[field for field in LOG_FIELDS.values() if not field.always and field.name != TEXT_FIELD],
        chips=list_controls.chips(urls, without=TEXT_FIELD),
        range_choices=list_controls.range_choices(urls),
        times=asked.times,
        times_choices=list_controls.times_choices(urls),
        match_choices=list_controls.match_choices(urls),
        switch=switch_choices(urls, None if errors else _errors_text(session, scope, filters, span, total)),
        urls=urls,
        errors=errors,
        typed=asked.typed,
        notes=span.notes,
        after_hint=after_hint,
        before_hint=before_hint,
        zone=zone_name(zone),
        days=_days(session, scope, found.lines, urls, zone, now),
        shown=len(found.lines),
        total_text=count_words(total) or f"at least {count_text(len(found.lines))}",
        covers=_covers(found.lines, zone),
        newer_url=_newer_url(urls, place, found),
        older_url=_older_url(urls, place, found),
        looked_back=_looked_back(urls, found, zone, place),
        reload_url=urls.to(),
        empty=_empty(session, scope, urls, span) if is_empty else None,
    )


def switch_choices(urls: ListUrls, errors_text: str | None) -> list[Choice]:
    shows_errors, look = bool(urls.filters.values(ERRORS_ONLY.name)), "faint" if errors_text == "0" else "bad"
    return [
        Choice("All", urls.to(urls.filters.without(ERRORS_ONLY.name)), not shows_errors),
        Choice("Errors", urls.to(errors_only(urls.filters)), shows_errors, count_text=errors_text, look=look),
    ]


def errors_only(filters: FilterSet) -> FilterSet:
    return filters.with_condition(ERRORS_ONLY, "errors")


def _total(
    session: Session, scope: ProjectScope, filters: FilterSet, span: Span, place: Place | None, found: LogPage, budget_s: float
) -> Count:
    if place is None and not found.has_more and found.looked_to is None:
        return Count(len(found.lines), is_exact=True)
    if found.looked_to is not None:
        return Count(0, is_exact=False)
    return count_logs(session, scope, filters, span, budget_s=min(budget_s, COUNT_BUDGET_S))


def count_words(count: Count) -> str | None:
    """`612`, `10,000+`; None where the budget did not suffice to tell."""
    if count.is_exact:
        return count_text(count.value)
    return f"{count_text(count.value)}+" if count.value else None


def _errors_text(session: Session, scope: ProjectScope, filters: FilterSet, span: Span, total: Count) -> str | None:
    """How many of the calls that match have failed."""
    if filters.values(ERRORS_ONLY.name) or _finds_failures_only(filters):
        return count_words(total)
    if not total.is_exact and not total.value:
        # What took too long to be counted takes as long again.
        return None
    return count_words(count_logs(session, scope, errors_only(filters), span, budget_s=HELP_BUDGET_S))


def _finds_failures_only(filters: FilterSet) -> bool:
    return filters.match is Match.ALL and filters.values("result") == ("failure",)


def _days(session: Session, scope: ProjectScope, lines: Sequence[LogLine], urls: ListUrls, zone: tzinfo, now: datetime) -> list[Day]:
    today = now.astimezone(zone).date()
    caused = tasks_caused_by(session, scope, [line.request_id for line in lines if line.request_id])
    days = groupby(lines, key=lambda line: line.key.occurred_at.astimezone(zone).date())
    record_url = _record_urls(urls)
    return [
        Day(day_heading(day, today), [_row(line, record_url(line), zone, caused.get(line.request_id or "")) for line in of_day])
        for day, of_day in days
    ]


def _record_urls(urls: ListUrls) -> Callable[[LogLine], str]:
    """Built once for all rows, which have it in common but for the id: its characters need no escape."""
    before, after = url_for("logs.show", log_id=Prefix.LOG), urls.to().removeprefix(urls.base)
    return lambda line: f"{before}{line.id.removeprefix(Prefix.LOG)}{after}"


def _row(line: LogLine, url: str, zone: tzinfo, caused: Caused | None) -> Row:
    clock = clock_parts(line.key.occurred_at.astimezone(zone))
    path = write_unseen(line.path)
    parts, who = split_path(path), who_of(line)
    name, at, domain = write_unseen(who.text).partition("@") if who else ("", "", "")
    return Row(
        url=url,
        line=line,
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
        caused=caused_view(caused) if caused else None,
    )


def _covers(lines: Sequence[LogLine], zone: tzinfo) -> str:
    if not lines:
        return ""
    return covers_text(lines[0].key.occurred_at.astimezone(zone), lines[-1].key.occurred_at.astimezone(zone))


def _newer_url(urls: ListUrls, place: Place | None, found: LogPage) -> str | None:
    if place is None:
        return None
    if place.direction is Direction.NEWER and not found.has_more:
        return urls.to() if found.lines else None
    first = found.lines[0].key if found.lines else place.key
    return urls.to(extra=[("after", first.cursor)])


def _older_url(urls: ListUrls, place: Place | None, found: LogPage) -> str | None:
    going_forward = place is not None and place.direction is Direction.NEWER
    if not found.lines or not (going_forward or found.has_more):
        return None
    return urls.to(extra=[("before", found.lines[-1].key.cursor)])


def _looked_back(urls: ListUrls, found: LogPage, zone: tzinfo, place: Place | None) -> LookedBack | None:
    if found.looked_to is None:
        return None
    until = moment_words(found.looked_to.occurred_at.astimezone(zone))
    forward = place is not None and place.direction is Direction.NEWER
    extra = [("after" if forward else "before", found.looked_to.cursor)]
    many = f"{len(found.lines)} found" if found.lines else "Nothing found"
    text = f"{many} so far: looked {'forward' if forward else 'back'} to {until}."
    return LookedBack(until, urls.to(extra=extra), len(found.lines), text)


def _empty(session: Session, scope: ProjectScope, urls: ListUrls, span: Span) -> Empty:
    filters = urls.filters
    number = len(filters.conditions)
    all_url = replace(urls, filters=FilterSet.parse([("range", "all")], LOG_FIELDS)).to()
    if not number:
        return Empty("nothing-in-range", f"No calls: {filters.range.words}", _help_by_range(session, scope, urls), all_url)
    how = "the filter" if number == 1 else f"{'any' if filters.match == 'any' else 'all'} of the {number} filters"
    return Empty("nothing-matches", f"No call matches {how}", _help(session, scope, urls, span), all_url)


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
