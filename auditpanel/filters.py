"""FilterSet: what a list is narrowed to, as one immutable value.

The list, its count, the export, the bulk re-send and a saved view all take the same FilterSet, so that "these results" always means
the same. A record type declares its `Fields`; a FilterSet is read from a query string (panel and API alike), and turned back into
one, into the words above the list, and, in the record type's `queries`, into SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from auditpanel.errors import InvalidInput
from auditpanel.times import Edge, parse_typed, start_of_day

Params = Sequence[tuple[str, str]]
Chosen = TypeVar("Chosen", bound=StrEnum)

MAX_VALUES = 20
MAX_VALUE_CHARACTERS = 1_000


class Match(StrEnum):
    ALL = "all"
    ANY = "any"


class Range(StrEnum):
    """The ranges that move with the clock. CUSTOM is what `created_after` and `created_before` say."""

    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    TODAY = "today"
    YESTERDAY = "yesterday"
    ALL = "all"
    CUSTOM = "custom"


RANGE_WORDS = {
    Range.HOUR: "last hour",
    Range.DAY: "last 24 hours",
    Range.WEEK: "last 7 days",
    Range.MONTH: "last 30 days",
    Range.TODAY: "today",
    Range.YESTERDAY: "yesterday",
    Range.ALL: "all time",
}
_BACK = {
    Range.HOUR: timedelta(hours=1),
    Range.DAY: timedelta(hours=24),
    Range.WEEK: timedelta(days=7),
    Range.MONTH: timedelta(days=30),
}


# Each is made once and is no other's equal: FilterSets are compared and looked up all the time.
@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One thing that a list can be narrowed by. `name` is its parameter; `phrase` begins its words, as in "Path contains".

    `read` checks one value and gives it back in its one spelling, or raises InvalidInput. A field whose `choices` are empty takes
    any text. `commas` part several values from each other. `always` marks a field that is joined by AND whatever the match mode: the
    switch between all calls and errors.
    """

    name: str
    phrase: str
    read: Callable[[str], str]
    choices: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    hint: str = ""
    several: bool = True
    commas: bool = False
    always: bool = False

    def words_for(self, value: str) -> str:
        return dict(self.choices).get(value, value) + self.unit


Fields = Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Condition:
    """`values` are alternatives: any of them will do."""

    field: Field
    values: tuple[str, ...]

    @property
    def value_words(self) -> tuple[str, ...]:
        return tuple(self.field.words_for(value) for value in self.values)

    @property
    def words(self) -> str:
        return " ".join((self.field.phrase, " or ".join(self.value_words))).strip()


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A range as it was chosen or typed. `after` and `before` are typed texts, kept for the fields of the page."""

    kind: Range
    after: str = ""
    before: str = ""

    def resolve(self, now: datetime, zone: ZoneInfo) -> Span:
        """The moments meant, at `now`. Raises InvalidInput, naming the field, where a typed date cannot be read."""
        if self.kind is Range.CUSTOM:
            return self._typed_span(zone)
        if self.kind is Range.ALL:
            return Span(None, None)
        if self.kind in _BACK:
            return Span(now - _BACK[self.kind], None)
        today = now.astimezone(zone).date()
        if self.kind is Range.TODAY:
            return Span(start_of_day(today, zone), start_of_day(today + timedelta(days=1), zone))
        return Span(start_of_day(today - timedelta(days=1), zone), start_of_day(today, zone))

    def _typed_span(self, zone: ZoneInfo) -> Span:
        ends = []
        for field, text, edge in (("created_after", self.after, Edge.START), ("created_before", self.before, Edge.END)):
            try:
                ends.append(parse_typed(text, zone, edge) if text else None)
            except InvalidInput as error:
                raise InvalidInput(error.reason, field=field) from None
        start, end = ends
        if start and end and start.at >= end.at:
            raise InvalidInput(f'"{self.before}" is not after "{self.after}"; the range has no time in it', field="created_before")
        notes = tuple(moment.note for moment in ends if moment and moment.note)
        return Span(start.at if start else None, end.at if end else None, notes)

    @property
    def words(self) -> str:
        if self.kind is not Range.CUSTOM:
            return RANGE_WORDS[self.kind]
        ends = (f"from {self.after}" if self.after else "", f"to {self.before}" if self.before else "")
        return " ".join(filter(None, ends))


@dataclass(frozen=True, slots=True)
class Span:
    """`start <= moment < end`; None is open. `notes` are sentences for the reader about changes of the clock."""

    start: datetime | None
    end: datetime | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FilterSet:
    match: Match
    range: TimeRange
    conditions: tuple[Condition, ...]

    @classmethod
    def parse(cls, params: Iterable[tuple[str, str]], fields: Fields) -> FilterSet:
        """Read a query string's pairs. Empty values are passed over, as forms send them.

        Raises InvalidInput, naming the parameter, for a value that its field refuses and for a parameter that no list has.
        """
        given: dict[str, list[str]] = {}
        for name, value in params:
            if value.strip():
                given.setdefault(name, []).append(value.strip())
        match = _choice(Match, given.pop("match", []), "match") or Match.ALL
        after, before = (_single(given.pop(name, []), name) for name in ("created_after", "created_before"))
        kind = _choice(Range, given.pop("range", []), "range")
        if after or before:
            kind = Range.CUSTOM
        elif kind is None or kind is Range.CUSTOM:
            # "Any" with nothing chosen shows all there is.
            kind = Range.ALL if match is Match.ANY else Range.DAY
        unknown = next((name for name in given if name not in fields), None)
        if unknown is not None:
            known = ", ".join(("match", "range", "created_after", "created_before", *fields))
            raise InvalidInput(f"there is no such filter; there are {known}", field=unknown[:80])
        conditions = tuple(_condition(field, given[name]) for name, field in fields.items() if name in given)
        return cls(match, TimeRange(kind, after, before), conditions)

    @property
    def params(self) -> Params:
        """The query string's pairs, in a fixed order, without what is so by itself."""
        pairs = [("match", str(self.match))] if self.match is not Match.ALL else []
        if self.range.kind is Range.CUSTOM:
            pairs += [pair for pair in (("created_after", self.range.after), ("created_before", self.range.before)) if pair[1]]
        elif self.range.kind is not self._range_by_itself:
            pairs.append(("range", str(self.range.kind)))
        return pairs + [(condition.field.name, value) for condition in self.conditions for value in condition.values]

    @property
    def _range_by_itself(self) -> Range:
        return Range.ALL if self.match is Match.ANY else Range.DAY

    @property
    def chosen(self) -> tuple[Condition, ...]:
        """The conditions that the match mode joins: the chips."""
        return tuple(condition for condition in self.conditions if not condition.field.always)

    @property
    def always(self) -> tuple[Condition, ...]:
        return tuple(condition for condition in self.conditions if condition.field.always)

    def values(self, name: str) -> tuple[str, ...]:
        return next((condition.values for condition in self.conditions if condition.field.name == name), ())

    def without(self, name: str) -> FilterSet:
        return replace(self, conditions=tuple(c for c in self.conditions if c.field.name != name))

    def with_condition(self, field: Field, *values: str) -> FilterSet:
        return replace(self, conditions=(*self.without(field.name).conditions, Condition(field, values)))

    def matching(self, match: Match) -> FilterSet:
        """The same conditions joined the other way; a range that was so by itself becomes that of the new mode."""
        kind = self.range.kind
        if kind is self._range_by_itself:
            kind = Range.ALL if match is Match.ANY else Range.DAY
        return replace(self, match=match, range=replace(self.range, kind=kind))

    @property
    def words(self) -> str:
        """The filters as one phrase: `Errors only, origin is Shopify or API, last 24 hours`."""
        joint = " or " if self.match is Match.ANY and len(self.chosen) > 1 else ", "
        chosen = joint.join(_lower_first(condition.words) for condition in self.chosen)
        text = ", ".join(filter(None, (*(_lower_first(c.words) for c in self.always), chosen, self.range.words)))
        return text[:1].upper() + text[1:]


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:] if not text[:2].isupper() else text


def _single(values: Sequence[str], name: str) -> str:
    if len(values) > 1:
        raise InvalidInput("it stands here more than once; write it once", field=name)
    return values[0] if values else ""


def _choice(kind: type[Chosen], values: Sequence[str], name: str) -> Chosen | None:
    text = _single(values, name)
    try:
        return kind(text) if text else None
    except ValueError:
        raise InvalidInput(f'"{text[:60]}" is not one of {", ".join(kind)}', field=name) from None


def _condition(field: Field, given: Sequence[str]) -> Condition:
    texts = [part.strip() for text in given for part in (text.split(",") if field.commas else [text]) if part.strip()]
    if len(texts) > MAX_VALUES:
        raise InvalidInput(f"{len(texts)} values are too many; {MAX_VALUES} at most", field=field.name)
    if not field.several:
        _single(texts, field.name)
    values: dict[str, None] = {}
    for text in texts:
        if len(text) > MAX_VALUE_CHARACTERS:
            raise InvalidInput(f"{len(text)} characters are too many; {MAX_VALUE_CHARACTERS} at most", field=field.name)
        try:
            values[field.read(text)] = None
        except InvalidInput as error:
            raise InvalidInput(error.reason, field=field.name) from None
    return Condition(field, tuple(values))


def read_text(text: str) -> str:
    if "\x00" in text:
        raise InvalidInput("a NUL character is in it, which no stored text has; take it out")
    return text


def reader_of_choices(choices: Sequence[tuple[str, str]]) -> Callable[[str], str]:
    """Reads one of the choices' values, in any case of letters."""
    values = {value.lower(): value for value, _ in choices}

    def read(text: str) -> str:
        if text.lower() not in values:
            raise InvalidInput(f'"{text[:60]}" is not one of {", ".join(values.values())}')
        return values[text.lower()]

    return read
