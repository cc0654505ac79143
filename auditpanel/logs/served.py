"""Pages that indexes alone answer: rows, counts and what the calls caused, by one statement.

There is one for each shape of a FilterSet: a request id is a value of it, as are the project and the moments. The first page of a list is
asked for most of all, and is planned once: planning it each time would take longer than the answer, the more so the more months there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, case, literal, or_, select, true
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session

from auditpanel.filters import Condition, FilterSet, Range, Span, TimeRange
from auditpanel.fixed import FixedStatement
from auditpanel.ids import EPOCH
from auditpanel.keyset import COUNT_CAP, Count, Direction, Place, counting, in_order
from auditpanel.logs.capped import CappedCounts
from auditpanel.logs.caused import causing, read_caused
from auditpanel.logs.clauses import LOGS, Bounds, rest_clauses, served_clauses
from auditpanel.logs.lines import LINE_COLUMNS, LogPage, line_of
from auditpanel.logs.models import Log
from auditpanel.logs.values import LogKey

COUNT_BUDGET_S = 0.3
CAPPED = CappedCounts()
_AT_CAP = Count(COUNT_CAP, is_exact=False)
# What stands for the values in a statement that is made for any: all different, and looked up by which they are.
_PROJECT_ID, _LOG_ID = UUID(int=0), UUID(int=1)
_START, _END, _AT = (EPOCH + timedelta(days) for days in (1, 2, 3))
_SEARCHED = {"request_id": "(a request id)"}
_STAND_INS = {"project_id": _PROJECT_ID, "start": _START, "end": _END, "at": _AT, "id": _LOG_ID, **_SEARCHED}


def read_served(session: Session, bounds: Bounds, filters: FilterSet, size: int, counted: Sequence[FilterSet]) -> LogPage:
    """A page with the counts of `counted`, which name no other request id than `filters`.

    Raises TimeIsUp where it takes longer than a count may.
    """
    span, place = bounds.span, bounds.place
    to_count = tuple(of_one for of_one in counted if not CAPPED.holds(bounds.project_id, of_one))
    direction = place.direction if place else None
    shapes = tuple(map(_shape, to_count))
    statement = _statement(_shape(filters), shapes, size + 1, span.start is not None, span.end is not None, direction)
    values: dict[str, object] = {"project_id": bounds.project_id, "start": span.start, "end": span.end}
    values |= {"at": place.key.at, "id": place.key.id} if place else {}
    values |= {condition.field.name: condition.values[0] for condition in filters.conditions if _is_searched(condition)}
    # How many logs share a request id decides which index is the better.
    planned_once = place is None and not any(map(_is_searched, filters.conditions))
    rows = statement.rows_within(session, values, COUNT_BUDGET_S, planned_once=planned_once)
    lines = [line_of(row[: len(LINE_COLUMNS)]) for row in rows]
    page = LogPage.of(lines, bounds.direction, size)
    if not rows:
        return page
    caused = {line.request_id: read_caused(row[-1]) for line, row in zip(lines, rows, strict=True) if line.request_id and row[-1]}
    counts = dict(zip(to_count, (Count.of(number, COUNT_CAP) for number in rows[0][len(LINE_COLUMNS) : -1]), strict=True))
    for of_one, count in counts.items():
        if not count.is_exact:
            CAPPED.note(bounds.project_id, of_one)
    return replace(page, caused=caused, counts=tuple(counts.get(of_one, _AT_CAP) for of_one in counted))


def _shape(filters: FilterSet) -> FilterSet:
    """The same for all that one statement does for."""
    shaped = (replace(one, values=(_SEARCHED[one.field.name],)) if _is_searched(one) else one for one in filters.conditions)
    return FilterSet(filters.match, TimeRange(Range.ALL), tuple(shaped))


def _is_searched(condition: Condition) -> bool:
    return condition.field.name in _SEARCHED and len(condition.values) == 1


@lru_cache(maxsize=500)
def _statement(
    filters: FilterSet, counted: tuple[FilterSet, ...], limit: int, has_start: bool, has_end: bool, direction: Direction | None
) -> FixedStatement[*tuple[Any, ...]]:
    """`filters` and `counted` are shapes. The columns are those of a line, the counts, and what the call caused or NULL."""
    span = Span(_START if has_start else None, _END if has_end else None)
    bounds = Bounds(_PROJECT_ID, span, Place(LogKey(_AT, _LOG_ID), direction) if direction else None)
    rows = select(*LINE_COLUMNS).where(*bounds.on(LOGS), *served_clauses(filters))
    page = LOGS.along(rows, bounds.direction).limit(limit).subquery()
    tasks, failed = causing(literal(_PROJECT_ID), page)
    caused = case((or_(tasks.c.tasks > 0, failed.c.number > 0), array([failed.c.number, *tasks.c])))
    counts = count_columns(replace(bounds, place=None), counted, COUNT_CAP)
    statement = select(*page.c, *counts, caused).select_from(page).join(tasks, true()).join(failed, true())
    return FixedStatement(in_order(statement, bounds.direction, page.c.occurred_at, page.c.id), _STAND_INS)


def count_columns(bounds: Bounds, asked: Sequence[FilterSet], cap: int) -> list[ScalarSelect[int]]:
    """For the columns of a statement."""
    rows = (select(Log.id).where(*bounds.on(LOGS), *served_clauses(filters), *rest_clauses(filters, bounds)) for filters in asked)
    return [counting(of_one, cap).scalar_subquery() for of_one in rows]
