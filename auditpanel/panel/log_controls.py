"""The controls above the list of logs: each is a link or a GET form, so the whole state of the list is in its URL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urlencode

from auditpanel.filters import RANGE_WORDS, Condition, FilterSet, Match, Params, Range, TimeRange
from auditpanel.logs.filters import LOG_FIELDS

# The list's text field; the other fields stand under "Add filter".
TEXT_FIELD = "body_text"
ERRORS_ONLY = LOG_FIELDS["only"]


class Times(StrEnum):
    """Which clock a list shows."""

    PROJECT = "project"
    LOCAL = "local"
    UTC = "utc"


@dataclass(frozen=True, slots=True)
class Choice:
    label: str
    url: str
    current: bool
    value: str = ""
    hint: str = ""
    count_text: str | None = None


@dataclass(frozen=True, slots=True)
class Chip:
    name: str
    phrase: str
    value_words: tuple[str, ...]
    joint: str
    remove_url: str


@dataclass(frozen=True, slots=True)
class ListUrls:
    """URLs of one list of logs in other states."""

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


def all_calls(filters: FilterSet) -> FilterSet:
    return filters.without(ERRORS_ONLY.name)


def errors_only(filters: FilterSet) -> FilterSet:
    return filters.with_condition(ERRORS_ONLY, "errors")


def switch_choices(urls: ListUrls, errors_text: str | None) -> list[Choice]:
    shows_errors = bool(urls.filters.values(ERRORS_ONLY.name))
    return [
        Choice("All", urls.to(all_calls(urls.filters)), not shows_errors),
        Choice("Errors", urls.to(errors_only(urls.filters)), shows_errors, count_text=errors_text),
    ]


def chips(urls: ListUrls) -> list[Chip]:
    return [_chip(condition, urls) for condition in urls.filters.chosen if condition.field.name != TEXT_FIELD]


def _chip(condition: Condition, urls: ListUrls) -> Chip:
    field = condition.field
    return Chip(field.name, field.phrase, condition.value_words, "or", urls.to(urls.filters.without(field.name)))
