"""The controls above a list of records: each is a link or a GET form, so the whole state of the list is in its URL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from functools import cached_property
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from auditpanel.errors import InvalidInput
from auditpanel.filters import RANGE_WORDS, Condition, Field, Fields, FilterSet, Match, Params, Range, Span, TimeRange
from auditpanel.times import day_words


class Times(StrEnum):
    """Which clock a list shows."""

    PROJECT = "project"
    LOCAL = "local"
    UTC = "utc"


@dataclass(frozen=True, slots=True)
class Choice:
    """`look` is that of the count: faint or bad."""

    label: str
    url: str
    current: bool
    value: str = ""
    hint: str = ""
    count_text: str | None = None
    look: str = "faint"


@dataclass(frozen=True, slots=True)
class Chip:
    name: str
    phrase: str
    value_words: tuple[str, ...]
    joint: str
    remove_url: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A list as its URL asks for it. `errors` names what could not be read, and that is left out of `filters`.

    `before` and `after` are cursors, empty on the first page.
    """

    filters: FilterSet
    times: Times
    before: str
    after: str
    errors: dict[str, str]
    typed: dict[str, str]


@dataclass(frozen=True, slots=True)
class ListUrls:
    """URLs of one list in other states."""

    base: str
    filters: FilterSet
    times: Times

    def to(self, filters: FilterSet | None = None, *, times: Times | None = None, extra: Params = ()) -> str:
        pairs = [*(filters or self.filters).params, *self._times_params(times or self.times), *extra]
        return f"{self.base}?{urlencode(pairs)}" if pairs else self.base

    def _times_params(self, times: Times) -> Params:
        return [("times", str(times))] if times is not Times.PROJECT else []

    def hidden_except(self, names: Sequence[str]) -> Params:
        """What a form has to send along so that the rest of the state stays as it is."""
        pairs = [*self.filters.params, *self._times_params(self.times)]
        return [(name, value) for name, value in pairs if name not in names]


# Without slots: what its templates use twice is made once.
@dataclass(frozen=True)
class Controls:
    """What is drawn above a list by its URL alone, whatever is in it: while that is the same, it need not be drawn again.

    `fields` are those of the panel of filters, `text_field` the name of one that has a place of its own.
    """

    urls: ListUrls
    text_field: str | None
    fields: tuple[Field, ...] = field(hash=False)
    wrong: tuple[tuple[str, str], ...]
    written: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, asked: Asked, urls: ListUrls, fields: Fields, text_field: str | None) -> Controls:
        shown = tuple(field for field in fields.values() if not field.always and field.name != text_field)
        return cls(urls, text_field, shown, tuple(asked.errors.items()), tuple(asked.typed.items()))

    @property
    def filters(self) -> FilterSet:
        return self.urls.filters

    @cached_property
    def errors(self) -> dict[str, str]:
        return dict(self.wrong)

    @cached_property
    def typed(self) -> dict[str, str]:
        return dict(self.written)

    @cached_property
    def reload_url(self) -> str:
        return self.urls.to()

    @cached_property
    def range_choices(self) -> list[Choice]:
        return range_choices(self.urls)

    @cached_property
    def times_choices(self) -> list[Choice]:
        return times_choices(self.urls)

    @cached_property
    def match_choices(self) -> list[Choice]:
        return match_choices(self.urls)

    @cached_property
    def chips(self) -> list[Chip]:
        return chips(self.urls, without=self.text_field)

    def hidden_except(self, names: Sequence[str]) -> Params:
        return self.urls.hidden_except(names)


def range_choices(urls: ListUrls) -> list[Choice]:
    return [
        Choice(words[:1].upper() + words[1:], urls.to(_with_range(urls.filters, kind)), urls.filters.range.kind is kind, str(kind))
        for kind, words in RANGE_WORDS.items()
    ]


def _with_range(filters: FilterSet, kind: Range) -> FilterSet:
    return replace(filters, range=TimeRange(kind))


def times_choices(urls: ListUrls) -> list[Choice]:
    labels = {Times.PROJECT: "Project", Times.LOCAL: "Local", Times.UTC: "UTC"}
    return [Choice(label, urls.to(times=times), urls.times is times, str(times)) for times, label in labels.items()]


def match_choices(urls: ListUrls) -> list[Choice]:
    labels = {Match.ALL: ("Match all", "AND"), Match.ANY: ("Any", "OR")}
    return [
        Choice(label, urls.to(urls.filters.matching(match)), urls.filters.match is match, str(match), hint)
        for match, (label, hint) in labels.items()
    ]


def chips(urls: ListUrls, *, without: str | None = None) -> list[Chip]:
    """`without` names the field that has a place of its own above the list."""
    return [_chip(condition, urls) for condition in urls.filters.chosen if condition.field.name != without]


def _chip(condition: Condition, urls: ListUrls) -> Chip:
    field = condition.field
    return Chip(field.name, field.phrase, condition.value_words, "or", urls.to(urls.filters.without(field.name)))


def read_asked(pairs: Params, fields: Fields) -> Asked:
    others = {name: value for name, value in pairs if name in ("times", "before", "after")}
    filter_pairs = [(name, value) for name, value in pairs if name not in ("times", "before", "after")]
    errors: dict[str, str] = {}
    while True:
        try:
            filters = FilterSet.parse(filter_pairs, fields)
            break
        except InvalidInput as error:
            name = error.field or ""
            errors[name] = error.reason
            filter_pairs = [pair for pair in filter_pairs if pair[0][:80] != name]
    times = Times(others["times"]) if others.get("times") in list(Times) else Times.PROJECT
    # Control characters cannot stand in a page.
    typed = {name: "".join(filter(str.isprintable, value)) for name, value in pairs if name in errors}
    return Asked(filters, times, others.get("before", ""), others.get("after", ""), errors, typed)


def resolve_span(asked: Asked, now: datetime, zone: ZoneInfo) -> Span:
    """Where a typed date cannot be read, `asked.errors` says so afterwards."""
    try:
        return asked.filters.range.resolve(now, zone)
    except InvalidInput as error:
        asked.errors[error.field or "range"] = error.reason
        asked.typed.update(created_after=asked.filters.range.after, created_before=asked.filters.range.before)
        return Span(None, None)


def bound_hint(bound: datetime | None, zone: tzinfo) -> str:
    """An end of a range as it could be typed, `24 Nov 2026 16:42:08`, for its field; empty where it is open."""
    if bound is None:
        return ""
    moment = bound.astimezone(zone)
    return f"{day_words(moment.date())} {moment:%H:%M:%S}"


def zone_shown(times: Times, project_zone: ZoneInfo) -> tzinfo:
    """The zone that the server writes times in; local time is the browser's."""
    return UTC if times is Times.UTC else project_zone


def zone_name(zone: tzinfo) -> str:
    return "UTC" if zone is UTC else str(zone)
