"""Reading sendouts: lists, counts, one with its attempts. Every statement is narrowed to the project of a scope.

What no index covers (a rare type, a piece of a URL) is looked for along the key; no statement may take longer than its budget.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, SQLColumnExpression, Uuid, cast, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import NotFound, Unavailable
from auditpanel.filters import FilterSet, Span
from auditpanel.ids import Prefix, format_id
from auditpanel.keyset import COUNT_CAP, Clause, Count, Direction, Place, counting, direction_of
from auditpanel.time_limit import TimeIsUp, execute_within
from auditpanel.webhooks.clauses import SENDOUTS, is_sendout, matching
from auditpanel.webhooks.messages import MessageParts, message_of
from auditpanel.webhooks.models import DueSendout, Event, Sendout, SendoutAttempt
from auditpanel.webhooks.records import (
    AttemptLine,
    AttemptRecord,
    EventRecord,
    SendoutKey,
    SendoutLine,
    SendoutPage,
    SendoutRecord,
    StatusCounts,
)
from auditpanel.webhooks.values import Headers, SendoutStatus

BUDGET_S = 2.0
COUNT_BUDGET_S = 0.3
ATTEMPTS_SHOWN = 100

# A look by the key for each row that is shown.
_ASKED_BY = (
    select(DueSendout.asked_by)
    .where(DueSendout.project_id == Sendout.project_id, DueSendout.sendout_id == Sendout.id)
    .correlate(Sendout)
    .scalar_subquery()
)
LINE_COLUMNS = (
    Sendout.created_at,
    Sendout.id,
    Sendout.event_id,
    Sendout.webhook_id,
    Sendout.type,
    Sendout.target_url,
    Sendout.request_id,
    Sendout.status,
    Sendout.tries,
    Sendout.attempts,
    Sendout.first_attempt_at,
    Sendout.next_attempt_at,
    Sendout.sent_at,
    Sendout.status_code,
    Sendout.duration_ms,
    Sendout.error,
    _ASKED_BY,
)
EVENT_COLUMNS = (
    Event.id,
    Event.created_at,
    Event.type,
    Event.entity_id,
    Event.request_id,
    Event.channel,
    Event.user,
    Event.api_key,
    Event.data,
)
ATTEMPT_COLUMNS = (
    SendoutAttempt.id,
    SendoutAttempt.sendout_id,
    SendoutAttempt.started_at,
    SendoutAttempt.duration_ms,
    SendoutAttempt.url,
    SendoutAttempt.status_code,
    SendoutAttempt.error,
    SendoutAttempt.asked_by,
    SendoutAttempt.resend_id,
)
CONTENT_COLUMNS = (
    SendoutAttempt.request_headers,
    SendoutAttempt.response_headers,
    SendoutAttempt.response_body,
    SendoutAttempt.response_size_bytes,
    SendoutAttempt.response_is_cut,
)


def list_sendouts(
    session: Session,
    scope: ProjectScope,
    filters: FilterSet,
    span: Span,
    *,
    place: Place | None = None,
    size: int = 50,
    budget_s: float = BUDGET_S,
) -> SendoutPage:
    """A page of the project's sendouts that match, beyond `place`, or the newest ones.

    Raises Unavailable where the budget does not suffice to fill it.
    """
    direction = direction_of(place)
    statement = select(*LINE_COLUMNS).where(*_matching(scope, filters, span), *SENDOUTS.beyond(place))
    try:
        rows = execute_within(session, SENDOUTS.along(statement, direction).limit(size + 1), budget_s)
    except TimeIsUp:
        raise Unavailable("To look for these took too long. Choose a shorter range, or narrow it by a webhook or a status.") from None
    return SendoutPage.of([_line(row) for row in rows], direction, size)


def count_sendouts(
    session: Session,
    scope: ProjectScope,
    filters: FilterSet,
    span: Span,
    *,
    place: Place | None = None,
    cap: int = COUNT_CAP,
    budget_s: float = COUNT_BUDGET_S,
) -> Count:
    """How many sendouts match (beyond `place`), up to the cap. Value 0 and not exact: the budget did not suffice to tell."""
    return _count(session, [*_matching(scope, filters, span), *SENDOUTS.beyond(place)], cap, budget_s)


def status_counts(session: Session, scope: ProjectScope, filters: FilterSet, span: Span, *, cap: int = COUNT_CAP) -> StatusCounts:
    """Of the sendouts that match, whatever the filter `only` says."""
    clauses = _matching(scope, filters.without("only"), span)
    sent, retry, error = (
        _count(session, [*clauses, Sendout.status == status], cap, COUNT_BUDGET_S)
        for status in (SendoutStatus.SENT, SendoutStatus.RETRY, SendoutStatus.ERROR)
    )
    return StatusCounts(sent, retry, error)


def count_types(session: Session, scope: ProjectScope, filters: FilterSet, span: Span) -> list[tuple[str, int]]:
    """The event types among the newest 10,000 that match, the most frequent first. Empty where that cannot be told at once."""
    return _shares(session, Sendout.type, _matching(scope, filters, span))


def count_webhooks(session: Session, scope: ProjectScope, filters: FilterSet, span: Span) -> list[tuple[UUID, int]]:
    """As `count_types`, the webhooks' ids."""
    return _shares(session, Sendout.webhook_id, _matching(scope, filters, span))


def get_sendout(session: Session, scope: ProjectScope, sendout_id: UUID) -> SendoutRecord:
    """Raises NotFound where the project has no such sendout."""
    found = session.execute(
        select(*LINE_COLUMNS, *EVENT_COLUMNS)
        .join(Event, (Event.project_id == Sendout.project_id) & (Event.id == Sendout.event_id))
        .where(Sendout.project_id == scope.project_id, Event.project_id == scope.project_id, is_sendout(sendout_id))
    ).one_or_none()
    if found is None:
        raise no_such_sendout()
    line, event = _line(found[: len(LINE_COLUMNS)]), EventRecord(*found[len(LINE_COLUMNS) :])
    return SendoutRecord(line, event, _payload(scope, line, event), list_attempts(session, scope, sendout_id))


def no_such_sendout() -> NotFound:
    return NotFound("There is no such webhook sendout in this project. It may belong to a project that you are not a member of.")


def list_attempts(session: Session, scope: ProjectScope, sendout_id: UUID, *, size: int = ATTEMPTS_SHOWN) -> list[AttemptRecord]:
    """The newest attempts, newest first, with what was answered."""
    statement = (
        select(*ATTEMPT_COLUMNS, *CONTENT_COLUMNS)
        .where(SendoutAttempt.project_id == scope.project_id, SendoutAttempt.sendout_id == sendout_id)
        .order_by(SendoutAttempt.started_at.desc(), SendoutAttempt.id.desc())
        .limit(size)
    )
    return [_attempt(row) for row in session.execute(statement)]


def attempts_of(
    session: Session, scope: ProjectScope, sendout_ids: Sequence[UUID], *, most: int = ATTEMPTS_SHOWN
) -> dict[UUID, list[AttemptLine]]:
    """By the sendout, oldest first, of each the newest `most`: for a page of them. What was answered is not read."""
    asked = func.unnest(cast(list(sendout_ids), ARRAY(Uuid))).table_valued("sendout_id", name="asked").render_derived()
    newest = (
        select(*ATTEMPT_COLUMNS)
        .where(SendoutAttempt.project_id == scope.project_id, SendoutAttempt.sendout_id == asked.c.sendout_id)
        .order_by(SendoutAttempt.started_at.desc(), SendoutAttempt.id.desc())
        .limit(most)
        .correlate(asked)
        .lateral()
    )
    statement = select(newest).select_from(asked).join(newest, true()).order_by(newest.c.started_at, newest.c.id)
    attempts: dict[UUID, list[AttemptLine]] = {sendout_id: [] for sendout_id in sendout_ids}
    for row in session.execute(statement) if sendout_ids else ():
        attempts[row.sendout_id].append(AttemptLine(*row))
    return attempts


def _matching(scope: ProjectScope, filters: FilterSet, span: Span) -> list[Clause]:
    return matching(scope.project_id, scope.time_zone, filters, span)


def _count(session: Session, clauses: Sequence[Clause], cap: int, budget_s: float) -> Count:
    try:
        counted = execute_within(session, counting(select(Sendout.id).where(*clauses), cap), budget_s)
    except TimeIsUp:
        return Count(0, is_exact=False)
    return Count.of(counted[0][0], cap)


def _shares(session: Session, column: SQLColumnExpression[Any], clauses: Sequence[Clause]) -> list[tuple[Any, int]]:
    newest = SENDOUTS.along(select(column.label("value")).where(*clauses), Direction.OLDER).limit(COUNT_CAP).subquery()
    statement: Select[Any, int] = select(newest.c.value, func.count()).group_by(newest.c.value)
    try:
        return sorted(
            ((row[0], row[1]) for row in execute_within(session, statement, COUNT_BUDGET_S)), key=lambda share: (-share[1], str(share[0]))
        )
    except TimeIsUp:
        return []


def _line(row: Row[*tuple[Any, ...]] | Sequence[Any]) -> SendoutLine:
    created_at, sendout_id, event_id, webhook_id, type_, target_url, request_id, status, *rest = row
    key = SendoutKey(created_at, sendout_id)
    return SendoutLine(key, event_id, webhook_id, type_, target_url, request_id, SendoutStatus(status), *rest)


def _attempt(row: Sequence[Any]) -> AttemptRecord:
    line, content = row[: len(ATTEMPT_COLUMNS)], row[len(ATTEMPT_COLUMNS) :]
    sent, answered, *body = content
    return AttemptRecord(AttemptLine(*line), _headers(sent), _headers(answered), *body)


def _payload(scope: ProjectScope, line: SendoutLine, event: EventRecord) -> str:
    parts = MessageParts(
        format_id(Prefix.PROJECT, scope.project_id),
        line.source_id,
        line.key.id,
        event.id,
        event.created_at,
        event.type,
        event.entity_id,
        event.request_id,
        event.channel,
        event.user,
        event.api_key,
        line.target_url,
        event.data,
    )
    return message_of(parts).body.decode()


def _headers(stored: list[list[str]]) -> Headers:
    return [(name, value) for name, value in stored]
