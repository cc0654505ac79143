"""Reading logs: lists, counts, one log. Every statement is narrowed to the project of a scope.

A list is read along the key, newest first. What an index serves is read at once. For the rest (a rare pair of values, text in
bodies) the history is searched slice by slice, until the page is full, the history ends, or the budget of time is used up: then the
page has what was found and says how far the search has looked. Slices are measured in rows, so a search gets on evenly through quiet
and busy hours.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import msgspec
from sqlalchemy import asc, bindparam, desc, func, or_, select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import NotFound, Unavailable
from auditpanel.filters import FilterSet, Span
from auditpanel.fixed import FixedStatement
from auditpanel.ids import uuid7_moment
from auditpanel.keyset import COUNT_CAP, Clause, Direction, Place
from auditpanel.keyset import Count as Count
from auditpanel.logs.clauses import LOGS, Bounds, rest_clauses, served_clauses
from auditpanel.logs.lines import LINE_COLUMNS, LogPage, line_of
from auditpanel.logs.models import Log, LogContent
from auditpanel.logs.served import COUNT_BUDGET_S, count_columns, read_served
from auditpanel.logs.values import LogKey, LogLine, LogRecord, Message, Origin, Reference
from auditpanel.time_limit import TimeIsUp, execute_within

BUDGET_S = 2.0


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
            with suppress(TimeIsUp):
                return read_served(session, bounds, filters, size, counted)
        # Where PostgreSQL misjudges how rare something is, even what an index serves may take long: then it is searched, too.
        with suppress(TimeIsUp):
            found = _read(session, bounds, served_clauses(filters), size + 1, budget_s / 2)
            return LogPage.of(found, bounds.direction, size)
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
    return [line_of(row) for row in execute_within(session, statement, timeout_s)]


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
        (counted,) = execute_within(session, select(*count_columns(Bounds(scope.project_id, span, place), asked, cap)), budget_s)
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
        line_of(line),
        content.query,
        Message(_headers(content.request_headers), content.request_body, content.request_size_bytes, content.request_is_cut),
        Message(_headers(content.response_headers), content.response_body, content.response_size_bytes, content.response_is_cut),
        msgspec.convert(content.references, list[Reference]),
    )


def _no_such_log() -> NotFound:
    return NotFound("There is no such log in this project. It may belong to a project that you are not a member of.")


def _headers(stored: list[list[str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in stored]
