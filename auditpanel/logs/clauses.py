"""What a FilterSet's conditions on logs mean in SQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, literal, or_, select, tuple_

from auditpanel.accounts.scope import ProjectScope
from auditpanel.filters import Condition, FilterSet, Match, Span
from auditpanel.logs.models import Log, LogContent
from auditpanel.logs.values import LogKey

Clause = ColumnElement[bool]
Table = type[Log] | type[LogContent]


class Direction(StrEnum):
    OLDER = "older"
    NEWER = "newer"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: beyond `key`, going that way. A key that no log has is a place as well."""

    key: LogKey
    direction: Direction


@dataclass(frozen=True, slots=True)
class Bounds:
    """A stretch of a project's history: within the span, beyond `place`, up to `edge` (which is in it)."""

    scope: ProjectScope
    span: Span
    place: Place | None = None
    edge: LogKey | None = None

    @property
    def direction(self) -> Direction:
        return self.place.direction if self.place else Direction.OLDER

    def on(self, table: Table) -> list[Clause]:
        clauses = [table.project_id == self.scope.project_id]
        if self.span.start:
            clauses.append(table.occurred_at >= self.span.start)
        if self.span.end:
            clauses.append(table.occurred_at < self.span.end)
        # The time stands beside each pair: PostgreSQL leaves months out by it, and not by the pair.
        pair = tuple_(table.occurred_at, table.id)
        if self.direction is Direction.OLDER:
            if self.place:
                clauses += [table.occurred_at <= self.place.key.occurred_at, pair < _pair(self.place.key)]
            if self.edge:
                clauses += [table.occurred_at >= self.edge.occurred_at, pair >= _pair(self.edge)]
        else:
            if self.place:
                clauses += [table.occurred_at >= self.place.key.occurred_at, pair > _pair(self.place.key)]
            if self.edge:
                clauses += [table.occurred_at <= self.edge.occurred_at, pair <= _pair(self.edge)]
        return clauses


def _pair(key: LogKey) -> ColumnElement[tuple[datetime, UUID]]:
    return tuple_(literal(key.occurred_at), literal(key.id))


def served_clauses(filters: FilterSet) -> list[Clause]:
    """The conditions that hold for every row of the answer and that an index answers in the order of the list."""
    conditions = list(filters.always)
    if filters.match is Match.ALL or len(filters.chosen) == 1:
        conditions += [condition for condition in filters.chosen if _is_served(condition)]
    return [_lean_clause(condition) for condition in conditions]


def rest_clauses(filters: FilterSet, bounds: Bounds) -> list[Clause]:
    """The other conditions. Text in bodies is looked for within the same bounds, in the table of contents alone."""
    if filters.match is Match.ANY and len(filters.chosen) > 1:
        return [or_(*(_clause(condition, bounds) for condition in filters.chosen))]
    return [_clause(condition, bounds) for condition in filters.chosen if not _is_served(condition)]


def _is_served(condition: Condition) -> bool:
    if condition.field.name in ("origin", "request_id"):
        return len(condition.values) == 1
    return condition.field.name == "result" and condition.values == ("failure",)


def _clause(condition: Condition, bounds: Bounds) -> Clause:
    columns = BODY_COLUMNS.get(condition.field.name)
    if columns is None:
        return _lean_clause(condition)
    found = or_(*(column.contains(value, autoescape=True) for column in columns for value in condition.values))
    contents = select(LogContent.occurred_at, LogContent.id).where(*bounds.on(LogContent), found)
    return tuple_(Log.occurred_at, Log.id).in_(contents)


def _lean_clause(condition: Condition) -> Clause:
    return or_(*(LEAN_CLAUSES[condition.field.name](value) for value in condition.values))


def _result(value: str) -> Clause:
    return Log.status_code >= 400 if value == "failure" else Log.status_code < 400


def _status(value: str) -> Clause:
    if value.endswith("xx"):
        return Log.status_code.between(int(value[0]) * 100, int(value[0]) * 100 + 99)
    return Log.status_code == int(value)


BODY_COLUMNS = {
    "request_text": (LogContent.request_body,),
    "response_text": (LogContent.response_body,),
    "body_text": (LogContent.request_body, LogContent.response_body),
}
LEAN_CLAUSES: dict[str, Callable[[str], Clause]] = {
    "only": lambda value: Log.status_code >= 400,
    "origin": lambda value: Log.origin == value,
    "result": _result,
    "method": lambda value: Log.method == value,
    "route": lambda value: Log.route == value,
    "path_contains": lambda value: Log.path.contains(value, autoescape=True),
    "status": _status,
    "user": lambda value: Log.user == value,
    "api_key": lambda value: Log.api_key == value,
    "customer": lambda value: Log.customer == value,
    "request_id": lambda value: Log.request_id == value,
    "min_duration_ms": lambda value: Log.duration_ms >= float(value),
}
