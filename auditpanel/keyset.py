"""Lists by key: newest first along (project, time, id), page by page, and counted up to a cap.

A record type says by an `Order` which of its columns those are, and by `Meanings` what its filters are in SQL. Its list is then

    statement = select(*LINE_COLUMNS).where(*SENDOUTS.within(scope.project_id, span), *clauses_of(filters, MEANINGS))
    return SENDOUTS.page(session, statement, place, size, _line)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, Self, TypeVar, TypeVarTuple
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Row, Select, SQLColumnExpression, and_, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from auditpanel.errors import InvalidInput
from auditpanel.filters import Condition, FilterSet, Match, Span
from auditpanel.ids import EPOCH

Clause = ColumnElement[bool]
# By the names of a record type's fields: what a value means.
Meanings = Mapping[str, Callable[[str], Clause]]
Columns = TypeVarTuple("Columns")
Line = TypeVar("Line")

COUNT_CAP = 10_000


class Direction(StrEnum):
    OLDER = "older"
    NEWER = "newer"


class Key(msgspec.Struct, frozen=True):
    """Where a record stands in its project: lists are ordered by it, newest first."""

    at: datetime
    id: UUID

    @property
    def cursor(self) -> str:
        """The key as one word, for a URL: microseconds since 1970 and the id."""
        return f"{(self.at - EPOCH) // timedelta(microseconds=1)}-{self.id.hex}"

    @classmethod
    def from_cursor(cls, text: str) -> Self:
        """Raises InvalidInput where no page has given this cursor."""
        parts = re.fullmatch(r"(-?\d{1,17})-([0-9a-f]{32})", text)
        try:
            if parts:
                return cls(EPOCH + timedelta(microseconds=int(parts[1])), UUID(parts[2]))
        except OverflowError:
            pass
        raise InvalidInput(f'"{text[:60]}" is no place in a list; take the cursor of the page before', field="cursor")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: beyond `key`, going that way. A key that no record has is a place as well."""

    key: Key
    direction: Direction


# Without slots: Python 3.11 cannot call `Page[LogLine](…)` of a frozen class that has them.
@dataclass(frozen=True)
class Page(Generic[Line]):
    """`lines` are newest first. `has_more` tells of further ones in the direction of reading."""

    lines: list[Line]
    has_more: bool

    @classmethod
    def of(cls, found: Sequence[Line], direction: Direction, size: int) -> Self:
        """`found` is in the order of reading, with one more than `size` where there is one: it answers whether there is a further page."""
        shown = list(found[:size])
        return cls(shown if direction is Direction.OLDER else shown[::-1], has_more=len(found) > size)


@dataclass(frozen=True, slots=True)
class Count:
    """`value` records; or, where it is not exact, more: the cap or a budget of time was reached."""

    value: int
    is_exact: bool

    @classmethod
    def of(cls, counted: int, cap: int) -> Count:
        """`counted` is what `counting` with this cap has answered."""
        return cls(min(counted, cap), is_exact=counted <= cap)


def counting(rows: Select[*Columns], cap: int) -> Select[int]:
    """Counts them and stops behind the cap, so that a count takes no longer in a larger table."""
    return select(func.count()).select_from(rows.limit(cap + 1).subquery())


def count_rows(session: Session, rows: Select[*Columns], cap: int = COUNT_CAP) -> Count:
    return Count.of(session.scalar(counting(rows, cap)) or 0, cap)


def in_order(
    statement: Select[*Columns], direction: Direction, *columns: SQLColumnExpression[UUID] | SQLColumnExpression[datetime]
) -> Select[*Columns]:
    return statement.order_by(*(column.desc() if direction is Direction.OLDER else column for column in columns))


def direction_of(place: Place | None) -> Direction:
    return place.direction if place else Direction.OLDER


@dataclass(frozen=True, slots=True)
class Order:
    """The columns that a list is read along. An index has to have all three, in this order."""

    project_id: SQLColumnExpression[UUID]
    at: SQLColumnExpression[datetime]
    id: SQLColumnExpression[UUID]

    def within(self, project_id: UUID, span: Span) -> list[Clause]:
        clauses = [self.project_id == project_id]
        if span.start:
            clauses.append(self.at >= span.start)
        if span.end:
            clauses.append(self.at < span.end)
        return clauses

    def beyond(self, place: Place | None) -> list[Clause]:
        # The time stands beside the pair, here and below: PostgreSQL leaves months out by it, and not by the pair.
        if place is None:
            return []
        if place.direction is Direction.OLDER:
            return [self.at <= place.key.at, self._pair < _pair(place.key)]
        return [self.at >= place.key.at, self._pair > _pair(place.key)]

    def up_to(self, edge: Key, direction: Direction) -> list[Clause]:
        """With the edge itself."""
        if direction is Direction.OLDER:
            return [self.at >= edge.at, self._pair >= _pair(edge)]
        return [self.at <= edge.at, self._pair <= _pair(edge)]

    def along(self, statement: Select[*Columns], direction: Direction) -> Select[*Columns]:
        return in_order(statement, direction, self.at, self.id)

    def page(
        self, session: Session, statement: Select[*Columns], place: Place | None, size: int, line: Callable[[Row[*Columns]], Line]
    ) -> Page[Line]:
        """What the statement selects beyond `place`, or the newest of it; `line` makes a line of each row."""
        direction = direction_of(place)
        rows = session.execute(self.along(statement.where(*self.beyond(place)), direction).limit(size + 1))
        return Page.of([line(row) for row in rows], direction, size)

    @property
    def _pair(self) -> ColumnElement[tuple[datetime, UUID]]:
        return tuple_(self.at, self.id)


def _pair(key: Key) -> ColumnElement[tuple[datetime, UUID]]:
    return tuple_(literal(key.at), literal(key.id))


def clauses_of(filters: FilterSet, meanings: Meanings) -> list[Clause]:
    """All of a FilterSet's conditions, in a list to be joined by AND."""
    clauses = [clause_of(condition, meanings) for condition in filters.always]
    chosen = [clause_of(condition, meanings) for condition in filters.chosen]
    if chosen:
        clauses.append(or_(*chosen) if filters.match is Match.ANY else and_(*chosen))
    return clauses


def clause_of(condition: Condition, meanings: Meanings) -> Clause:
    return or_(*(meanings[condition.field.name](value) for value in condition.values))
