"""A list's page: the controls above it, its rows day by day, its pager. A record type brings its rows, its switch and its counts:

    listing = Listing.of(asked, FIELDS, scope, url_for("sendouts.index"), now)
    found = list_sendouts(session, scope, listing.filters, listing.span, place=listing.place, size=PAGE_SIZE)
    return ListPage(listing=listing, found=found, days=days_of(listing, found, row), switch=…, total_text=…, empty=…)

The names of ListPage are those that `templates/lists/` and the pager go by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cached_property
from itertools import groupby
from typing import Generic, Protocol, TypeVar

from auditpanel.accounts.scope import ProjectScope
from auditpanel.filters import Fields, FilterSet, Span
from auditpanel.ids import Prefix
from auditpanel.keyset import Count, Direction, Key, Page, Place
from auditpanel.panel import list_controls
from auditpanel.panel.formatters import count_text, covers_text, day_heading
from auditpanel.panel.list_controls import Asked, Choice, Controls, ListUrls, Times

PAGE_SIZE = 50


class Keyed(Protocol):
    @property
    def key(self) -> Key: ...


Line = TypeVar("Line", bound=Keyed)
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as it was asked for. `place` is None on the first page; `zone` is the one that its times are written in."""

    asked: Asked
    fields: Fields
    urls: ListUrls
    span: Span
    zone: tzinfo
    place: Place | None
    now: datetime

    @classmethod
    def of(cls, asked: Asked, fields: Fields, scope: ProjectScope, url: str, now: datetime) -> Listing:
        """`url` is that of the list without any state. Raises InvalidInput where its cursor is none."""
        place = place_of(asked)
        span = list_controls.resolve_span(asked, now, scope.time_zone)
        zone = list_controls.zone_shown(asked.times, scope.time_zone)
        return cls(asked, fields, ListUrls(url, asked.filters, asked.times), span, zone, place, now)

    @property
    def filters(self) -> FilterSet:
        return self.asked.filters

    @property
    def is_refused(self) -> bool:
        """Something in the URL could not be read, so nothing is looked for."""
        return bool(self.asked.errors)

    @property
    def everything(self) -> FilterSet:
        return FilterSet.parse([("range", "all")], self.fields)


@dataclass(frozen=True, slots=True)
class Day(Generic[Row]):
    words: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Help:
    """What to take away, and how many there would be then."""

    words: str
    count_text: str
    url: str


@dataclass(frozen=True, slots=True)
class Empty:
    """`all_url` is None where all is shown already."""

    title: str
    all_url: str | None
    helps: Help | None = None


# Without slots: what a template uses twice is made once, and what it leaves out never.
@dataclass(frozen=True, kw_only=True)
class ListPage(Generic[Line, Row]):
    """`text_field` is the name of the field that has a place of its own above the list."""

    listing: Listing
    found: Page[Line]
    days: list[Day[Row]]
    switch: list[Choice]
    total_text: str | None
    empty: Empty | None
    text_field: str | None = None

    @cached_property
    def controls(self) -> Controls:
        return Controls.of(self.listing.asked, self.listing.urls, self.listing.fields, self.text_field)

    @property
    def urls(self) -> ListUrls:
        return self.listing.urls

    @property
    def filters(self) -> FilterSet:
        return self.listing.filters

    @property
    def times(self) -> Times:
        return self.listing.asked.times

    @property
    def errors(self) -> dict[str, str]:
        return self.listing.asked.errors

    @property
    def is_refused(self) -> bool:
        return self.listing.is_refused

    @property
    def notes(self) -> tuple[str, ...]:
        return self.listing.span.notes

    @property
    def after_hint(self) -> str:
        return list_controls.bound_hint(self.listing.span.start, self.listing.zone) or "from"

    @property
    def before_hint(self) -> str:
        return list_controls.bound_hint(self.listing.span.end, self.listing.zone) or "now"

    @property
    def reload_url(self) -> str:
        return self.controls.reload_url

    @property
    def shown(self) -> int:
        return len(self.found.lines)

    @property
    def covers(self) -> str:
        lines, zone = self.found.lines, self.listing.zone
        return covers_text(lines[0].key.at.astimezone(zone), lines[-1].key.at.astimezone(zone)) if lines else ""

    @cached_property
    def newer_url(self) -> str | None:
        return newer_url(self.urls, self.listing.place, self.found)

    @cached_property
    def older_url(self) -> str | None:
        return older_url(self.urls, self.listing.place, self.found)


def place_of(asked: Asked) -> Place | None:
    if asked.before:
        return Place(Key.from_cursor(asked.before), Direction.OLDER)
    return Place(Key.from_cursor(asked.after), Direction.NEWER) if asked.after else None


def place_url(urls: ListUrls, place: Place) -> str:
    return urls.to(extra=[("after" if place.direction is Direction.NEWER else "before", place.key.cursor)])


def newer_url(urls: ListUrls, place: Place | None, found: Page[Line]) -> str | None:
    if place is None:
        return None
    if place.direction is Direction.NEWER and not found.has_more:
        return urls.to() if found.lines else None
    return place_url(urls, Place(found.lines[0].key if found.lines else place.key, Direction.NEWER))


def older_url(urls: ListUrls, place: Place | None, found: Page[Line]) -> str | None:
    goes_on = found.has_more or (place is not None and place.direction is Direction.NEWER)
    return place_url(urls, Place(found.lines[-1].key, Direction.OLDER)) if found.lines and goes_on else None


def days_of(listing: Listing, lines: Sequence[Line], row: Callable[[Line], Row]) -> list[Day[Row]]:
    today = listing.now.astimezone(listing.zone).date()
    days = groupby(lines, key=lambda line: line.key.at.astimezone(listing.zone).date())
    return [Day(day_heading(day, today), [row(line) for line in of_day]) for day, of_day in days]


def record_urls(urls: ListUrls, shown_url: str, prefix: Prefix) -> Callable[[str], str]:
    """From an id to its page, with the list's state. Built once for all rows: `shown_url` is the page of the prefix alone.

    The characters of an id need no escape.
    """
    state = urls.to().removeprefix(urls.base)
    return lambda record_id: f"{shown_url}{record_id.removeprefix(prefix)}{state}"


def count_words(count: Count) -> str | None:
    """`612`, `10,000+`; None where the budget did not suffice to tell."""
    if count.is_exact:
        return count_text(count.value)
    return f"{count_text(count.value)}+" if count.value else None


def empty_title(filters: FilterSet, *, one: str, many: str) -> str:
    """`No calls: last 24 hours`, `No call matches all of the 2 filters`."""
    number = len(filters.conditions)
    if not number:
        return f"No {many}: {filters.range.words}"
    how = "the filter" if number == 1 else f"{'any' if filters.match == 'any' else 'all'} of the {number} filters"
    return f"No {one} matches {how}"
