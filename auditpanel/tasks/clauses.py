"""What a FilterSet's conditions on background tasks mean in SQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, literal, or_, tuple_

from auditpanel.accounts.scope import ProjectScope
from auditpanel.filters import Condition, FilterSet, Match, Span
from auditpanel.tasks.models import AsyncAction
from auditpanel.tasks.records import Direction, Place, TaskKey
from auditpanel.tasks.values import TaskStatus

Clause = ColumnElement[bool]


def clauses_of(scope: ProjectScope, filters: FilterSet, span: Span, place: Place | None) -> list[Clause]:
    clauses = [AsyncAction.project_id == scope.project_id]
    if span.start:
        clauses.append(AsyncAction.created_at >= span.start)
    if span.end:
        clauses.append(AsyncAction.created_at < span.end)
    if place:
        pair = tuple_(AsyncAction.created_at, AsyncAction.id)
        clauses.append(pair < _pair(place.key) if place.direction is Direction.OLDER else pair > _pair(place.key))
    clauses += [_clause(condition) for condition in filters.always]
    conditions = [_clause(condition) for condition in filters.chosen]
    if conditions:
        clauses.append(or_(*conditions) if filters.match is Match.ANY else and_(*conditions))
    return clauses


def _pair(key: TaskKey) -> ColumnElement[tuple[datetime, UUID]]:
    return tuple_(literal(key.created_at), literal(key.id))


def _clause(condition: Condition) -> Clause:
    return or_(*(CLAUSES[condition.field.name](value) for value in condition.values))


def _needs_look() -> Clause:
    return or_(AsyncAction.status == TaskStatus.FAILED, and_(AsyncAction.status == TaskStatus.DONE, AsyncAction.refused > 0))


ONLY: dict[str, Callable[[], Clause]] = {
    "look": _needs_look,
    "running": lambda: AsyncAction.status.in_((TaskStatus.ENQUEUED, TaskStatus.IN_PROGRESS)),
    "done": lambda: and_(AsyncAction.status == TaskStatus.DONE, AsyncAction.refused == 0),
}
CLAUSES: dict[str, Callable[[str], Clause]] = {
    "only": lambda value: ONLY[value](),
    "type": lambda value: AsyncAction.type == value,
    "status": lambda value: AsyncAction.status == value,
    "request_id": lambda value: AsyncAction.request_id == value,
    "who": lambda value: or_(AsyncAction.user == value, AsyncAction.api_key == value),
}
