"""What a FilterSet's conditions on logs mean in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select, tuple_

from auditpanel.filters import Condition, FilterSet, Match, Span
from auditpanel.keyset import Clause, Key, Meanings, Order, clause_of, direction_of
from auditpanel.keyset import Direction as Direction
from auditpanel.keyset import Place as Place
from auditpanel.logs.models import Log, LogContent

LOGS = Order(Log.project_id, Log.occurred_at, Log.id)
CONTENTS = Order(LogContent.project_id, LogContent.occurred_at, LogContent.id)


@dataclass(frozen=True, slots=True)
class Bounds:
    """A stretch of a project's history: within the span, beyond `place`, up to `edge` (which is in it)."""

    project_id: UUID
    span: Span
    place: Place | None = None
    edge: Key | None = None

    @property
    def direction(self) -> Direction:
        return direction_of(self.place)

    def on(self, order: Order) -> list[Clause]:
        clauses = order.within(self.project_id, self.span) + order.beyond(self.place)
        return clauses + (order.up_to(self.edge, self.direction) if self.edge else [])


def served_clauses(filters: FilterSet) -> list[Clause]:
    """The conditions that hold for every row of the answer and that an index answers in the order of the list."""
    conditions = list(filters.always)
    if filters.match is Match.ALL or len(filters.chosen) == 1:
        conditions += [condition for condition in filters.chosen if _is_served(condition)]
    return [clause_of(condition, LEAN_CLAUSES) for condition in conditions]


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
        return clause_of(condition, LEAN_CLAUSES)
    found = or_(*(column.contains(value, autoescape=True) for column in columns for value in condition.values))
    contents = select(LogContent.occurred_at, LogContent.id).where(*bounds.on(CONTENTS), found)
    return tuple_(Log.occurred_at, Log.id).in_(contents)


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
LEAN_CLAUSES: Meanings = {
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
