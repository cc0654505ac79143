"""Reading logs: lists, counts, one log. Every statement is narrowed to the project of a scope.

A list is read along the key, newest first. What an index serves is read at once. For the rest (a rare pair of values, text in
bodies) the history is searched slice by slice, until the page is full, the history ends, or the budget of time is used up: then the
page has what was found and says how far the search has looked. Slices are measured in rows, so a search gets on evenly through quiet
and busy hours.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ScalarSelect, asc, bindparam, desc, func, or_, select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import NotFound, Unavailable
from auditpanel.filters import FilterSet, Span
from auditpanel.fixed import FixedStatement
from auditpanel.ids import EPOCH, uuid7_moment
from auditpanel.keyset import COUNT_CAP, Clause, Direction, Page, Place, counting
from auditpanel.keyset import Count as Count
from auditpanel.logs.capped import CappedCounts
from auditpanel.logs.clauses import LOGS, Bounds, rest_clauses, served_clauses
from auditpanel.logs.models import Log, LogContent
from auditpanel.logs.values import LogKey, LogLine, LogRecord, Message, Origin, Reference
from auditpanel.time_limit import TimeIsUp, execute_within

BUDGET_S = 2.0
COUNT_BUDGET_S = 0.3

LINE_COLUMNS = (
    Log.occurred_at,
    Log.id,
    Log.method,
    Log.path,
    Log.route,
    Log.status_code,
    Log.duration_ms,
    Log.origin,
    Log.channel,
    Log.user,
    Log.api_key,
    Log.customer,
    Log.client_ip,
    Log.user_agent,
    Log.request_id,
    Log.error,
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How a search slices the history.

    The first slice is small, so that a search always gets on; one that is answered quickly is followed by a larger one.
    """

    first_rows: int = 2_000
    fewest_rows: int = 20
    largest_rows: int = 200_000
    quick_s: float = 0.1
    patience_s: float = 1.0


PACE = Pace()
_CAPPED = CappedCounts()


@dataclass(frozen=True)
class LogPage(Page[LogLine]):
    """`looked_to` is set where the budget ended the search: what lies beyond it has not been looked at.

    `counts` are of the FilterSets that were to be counted too; None where one statement did not do for page and counts.
    """

    looked_to: LogKey | None = None
    counts: tuple[Count, ...] | None = None


def list_logs(
    session: Session,
    scope: ProjectScope,
    filters: FilterSet,
    span: Span,
    *,
    place: Place | None = None,
    size: int = 50,
    budget_s: float = BUDGET_S,
    pace: Pace = PACE,
    counted: Sequence[FilterSet] = (),
) -> LogPage:
    """A page of the project's logs that match, beyond `place`, or the newest ones."""
    bounds = Bounds(scope.project_id, span, place)
    deadline = time.monotonic() + budget_s
    if not rest_clauses(filters, bounds):
        if counted:
            try:
                return _read_and_count(session, bounds, filters, size, counted)
            except TimeIsUp:
                pass
        # Where PostgreSQL misjudges how rare something is, even what an index serves may take long: then it is searched, too.
        try:
            found = _read(session, bounds, served_clauses(filters), size + 1, budget_s / 2)
            return LogPage.of(found, bounds.direction, size)
        except TimeIsUp:
            pass
    return _search(session, bounds, filters, size, deadline, pace)


def _search(session: Session, bounds: Bounds, filters: FilterSet, size: int, deadline: float, pace: Pace) -> LogPage:
    found: list[LogLine] = []
    looked_to: LogKey | None = None
    slice_rows = pace.first_rows
    while True:
        started = time.monotonic()
        # The first slice may take longer than the budget: a search that gets nowhere could not be gone on with.
        timeout_s = max(deadline - started, pace.patience_s if looked_to is None else 0)
        try:
            edge = _slice_edge(session, bounds, served_clauses(filters), slice_rows, timeout_s)
            part = replace(bounds, edge=edge)
            found += _read(session, part, served_clauses(filters) + rest_clauses(filters, part), size + 1 - len(found), timeout_s)
        except TimeIsUp:
            if looked_to is None and slice_rows > pace.fewest_rows:
                slice_rows = max(slice_rows // 10, pace.fewest_rows)
                continue
            if looked_to is None:
                raise Unavailable("The database is too busy to search. Try again in a moment, or with a shorter range.") from None
            return _page(found, bounds.direction, size, looked_to)
        if len(found) > size or edge is None:
            return LogPage.of(found, bounds.direction, size)
        looked_to = edge
        bounds = replace(bounds, place=Place(edge, bounds.direction))
        if time.monotonic() >= deadline:
            return _page(found, bounds.direction, size, looked_to)
        if time.monotonic() - started < pace.quick_s:
            slice_rows = min(slice_rows * 4, pace.largest_rows)


def _page(found: list[LogLine], direction: Direction, size: int, looked_to: LogKey) -> LogPage:
    return replace(LogPage.of(found, direction, size), looked_to=looked_to)


def _slice_edge(session: Session, bounds: Bounds, served: Sequence[Clause], rows: int, timeout_s: float) -> LogKey | None:
    """The last of the next `rows` rows; None where there are fewer."""
    keys = LOGS.along(select(Log.occurred_at, Log.id).where(*bounds.on(LOGS), *served), bounds.direction).limit(rows).subquery()
    furthest_first = asc if bounds.direction is Direction.OLDER else desc
    order = (furthest_first(keys.c.occurred_at), furthest_first(keys.c.id))
    statement = select(keys.c.occurred_at, keys.c.id, func.count().over().label("rows")).order_by(*order).limit(1)
    found = execute_within(session, statement, timeout_s)
    return LogKey(found[0].occurred_at, found[0].id) if found and found[0].rows == rows else None


def _read(session: Session, bounds: Bounds, clauses: Sequence[Clause], limit: int, timeout_s: float) -> list[LogLine]:
    statement = LOGS.along(select(*LINE_COLUMNS).where(*bounds.on(LOGS), *clauses), bounds.direction).limit(limit)
    return [_line(row) for row in execute_within(session, statement, timeout_s)]


def _read_and_count(session: Session, bounds: Bounds, filters: FilterSet, size: int, counted: Sequence[FilterSet]) -> LogPage:
    """Raises TimeIsUp where it takes longer than a count may."""
    span, place = bounds.span, bounds.place
    direction = place.direction if place else None
    to_count = tuple(of_one for of_one in counted if not _CAPPED.holds(bounds.project_id, of_one))
    statement = _counted_page(filters, to_count, size + 1, span.start is not None, span.end is not None, direction)
    asked = {"project_id": bounds.project_id, "start": span.start, "end": span.end}
    asked |= {"at": place.key.at, "id": place.key.id} if place else {}
    rows = statement.rows_within(session, asked, COUNT_BUDGET_S)
    page = LogPage.of([_line(row[: len(LINE_COLUMNS)]) for row in rows], bounds.direction, size)
    if not rows:
        return page
    counts = dict(zip(to_count, (Count.of(number, COUNT_CAP) for number in rows[0][len(LINE_COLUMNS) :]), strict=True))
    for of_one, count in counts.items():
        if not count.is_exact:
            _CAPPED.note(bounds.project_id, of_one)
    return replace(page, counts=tuple(counts.get(of_one, Count(COUNT_CAP, is_exact=False)) for of_one in counted))


@lru_cache(maxsize=100)
def _counted_page(
    filters: FilterSet, counted: tuple[FilterSet, ...], limit: int, has_start: bool, has_end: bool, direction: Direction | None
) -> FixedStatement[*tuple[Any, ...]]:
    """The same for every project and moment; the first page of a list is asked for most of all."""
    project_id, start, end, at, log_id = UUID(int=0), EPOCH + timedelta(1), EPOCH + timedelta(2), EPOCH + timedelta(3), UUID(int=1)
    span = Span(start if has_start else None, end if has_end else None)
    bounds = Bounds(project_id, span, Place(LogKey(at, log_id), direction) if direction else None)
    columns = select(*LINE_COLUMNS, *_counts(replace(bounds, place=None), counted, COUNT_CAP))
    statement = LOGS.along(columns.where(*bounds.on(LOGS), *served_clauses(filters)), bounds.direction).limit(limit)
    return FixedStatement(statement, {"project_id": project_id, "start": start, "end": end, "at": at, "id": log_id})


def _counts(bounds: Bounds, asked: Sequence[FilterSet], cap: int) -> list[ScalarSelect[int]]:
    """For the columns of a statement."""
    rows = (select(Log.id).where(*bounds.on(LOGS), *served_clauses(filters), *rest_clauses(filters, bounds)) for filters in asked)
    return [counting(of_one, cap).scalar_subquery() for of_one in rows]


def _line(row: Sequence[Any]) -> LogLine:
    occurred_at, log_id, method, path, route, status_code, duration_ms, origin, *rest = row
    return LogLine(LogKey(occurred_at, log_id), method, path, route, status_code, duration_ms, Origin(origin), *rest)


def count_logs(
    session: Session,
    scope: ProjectScope,
    filters: FilterSet,
    span: Span,
    *,
    place: Place | None = None,
    cap: int = COUNT_CAP,
    budget_s: float = COUNT_BUDGET_S,
) -> Count:
    """How many logs match (beyond `place`), up to the cap. Value 0 and not exact: the budget did not suffice to tell."""
    (count,) = count_each(session, scope, [filters], span, place=place, cap=cap, budget_s=budget_s)
    return count


def count_each(
    session: Session,
    scope: ProjectScope,
    asked: Sequence[FilterSet],
    span: Span,
    *,
    place: Place | None = None,
    cap: int = COUNT_CAP,
    budget_s: float = COUNT_BUDGET_S,
) -> list[Count]:
    """The same for several FilterSets, in one statement."""
    try:
        (counted,) = execute_within(session, select(*_counts(Bounds(scope.project_id, span, place), asked, cap)), budget_s)
    except TimeIsUp:
        return [Count(0, is_exact=False)] * len(asked)
    return [Count.of(number, cap) for number in counted]


# Whether anything but the use of the panel itself was ever recorded. One look into the index of origins for each: a condition "not from
# the dashboard" would read all that is.
_HAS_LOGS = FixedStatement(
    select(
        or_(
            *(
                select(Log.id).where(Log.project_id == bindparam("project_id"), Log.origin == str(origin)).exists()
                for origin in Origin
                if origin is not Origin.DASHBOARD
            )
        )
    )
)


# The projects that have: logs stay, so nobody has to ask again.
_HAVE_LOGS: set[UUID] = set()


def has_logs(session: Session, scope: ProjectScope) -> bool:
    if scope.project_id not in _HAVE_LOGS and _HAS_LOGS.rows(session, {"project_id": scope.project_id}) == [(True,)]:
        _HAVE_LOGS.add(scope.project_id)
    return scope.project_id in _HAVE_LOGS


def get_log(session: Session, scope: ProjectScope, log_id: UUID) -> LogRecord:
    """Raises NotFound where the project has no such log."""
    try:
        moment = uuid7_moment(log_id)
        until = moment + timedelta(milliseconds=1)
    except OverflowError:
        raise _no_such_log() from None
    row = session.execute(
        select(LogContent, *LINE_COLUMNS)
        .join(
            LogContent,
            (LogContent.project_id == Log.project_id) & (LogContent.occurred_at == Log.occurred_at) & (LogContent.id == Log.id),
        )
        .where(
            # The id says the millisecond, and so the month in both tables.
            Log.project_id == scope.project_id,
            Log.occurred_at >= moment,
            Log.occurred_at < until,
            LogContent.occurred_at >= moment,
            LogContent.occurred_at < until,
            Log.id == log_id,
        )
    ).one_or_none()
    if row is None:
        raise _no_such_log()
    content, *line = row
    return LogRecord(
        _line(line),
        content.query,
        Message(_headers(content.request_headers), content.request_body, content.request_size_bytes, content.request_is_cut),
        Message(_headers(content.response_headers), content.response_body, content.response_size_bytes, content.response_is_cut),
        msgspec.convert(content.references, list[Reference]),
    )


def _no_such_log() -> NotFound:
    return NotFound("There is no such log in this project. It may belong to a project that you are not a member of.")


def _headers(stored: list[list[str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in stored]
