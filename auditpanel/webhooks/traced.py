"""What one request set off, told short: its events by type, its sendouts by webhook and type, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, case, func, select, tuple_
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.time_limit import TimeIsUp, execute_within
from auditpanel.webhooks.models import Sendout, SendoutAttempt, Webhook
from auditpanel.webhooks.records import AttemptLine
from auditpanel.webhooks.values import SendoutStatus

TRACE_BUDGET_S = 1.0
# Where the budget does not suffice for all, so many are counted.
COUNTED_MOST = 10_000
# Of an answer, so much is read: a secret is to be found whole before the text is shortened.
ANSWER_READ = 4_000


@dataclass(frozen=True, slots=True)
class EventShare:
    """The events of one type that some webhook wanted."""

    type: str
    count: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class SendoutGroup:
    """The sendouts of one type to one webhook. `sent_at_once` needed one attempt; `first_at` to `last_at` are the times of the events.

    `began_at` is the first attempt of all, `sent_until` the end of the last that was delivered, `median_ms` of the attempts that did.
    """

    webhook_id: UUID
    type: str
    sent: int
    retry: int
    error: int
    sent_at_once: int
    first_at: datetime
    last_at: datetime
    began_at: datetime | None
    sent_until: datetime | None
    next_at: datetime | None
    median_ms: float | None

    @property
    def total(self) -> int:
        return self.sent + self.retry + self.error


@dataclass(frozen=True, slots=True)
class Traced:
    """Where it is not `is_whole`, there are more than could be counted in time: COUNTED_MOST of them are told of, or none."""

    events: list[EventShare]
    groups: list[SendoutGroup]
    is_whole: bool

    @property
    def total(self) -> int:
        return sum(group.total for group in self.groups)


@dataclass(frozen=True, slots=True)
class TracedWebhook:
    name: str
    url: str
    is_removed: bool


def trace_sendouts(session: Session, scope: ProjectScope, request_id: str, *, budget_s: float = TRACE_BUDGET_S) -> Traced:
    """In the order of their events."""
    of_request = select(Sendout).where(Sendout.project_id == scope.project_id, Sendout.request_id == request_id)
    for sendouts, is_whole in ((of_request, True), (of_request.limit(COUNTED_MOST), False)):
        try:
            return Traced(*_told(session, sendouts, budget_s), is_whole)
        except TimeIsUp:
            continue
    return Traced([], [], is_whole=False)


def webhooks_of(session: Session, scope: ProjectScope, webhook_ids: Sequence[UUID]) -> dict[UUID, TracedWebhook]:
    """With those that were removed."""
    statement = select(Webhook.id, Webhook.name, Webhook.url, Webhook.removed_at).where(
        Webhook.project_id == scope.project_id, Webhook.id.in_(webhook_ids)
    )
    rows = session.execute(statement) if webhook_ids else ()
    return {row.id: TracedWebhook(row.name, row.url, row.removed_at is not None) for row in rows}


def answers_of(session: Session, scope: ProjectScope, attempts: Sequence[AttemptLine]) -> dict[UUID, str]:
    """The beginning of what was answered, by the sendout; without those that were answered nothing. Nothing in it is redacted.

    Of each sendout one attempt is asked for.
    """
    keys = [(attempt.sendout_id, attempt.id) for attempt in attempts]
    statement = select(SendoutAttempt.sendout_id, func.left(SendoutAttempt.response_body, ANSWER_READ)).where(
        SendoutAttempt.project_id == scope.project_id,
        tuple_(SendoutAttempt.sendout_id, SendoutAttempt.id).in_(keys),
        SendoutAttempt.response_body != "",
    )
    return {row[0]: row[1] for row in session.execute(statement)} if keys else {}


def _told(session: Session, sendouts: Select[Any], budget_s: float) -> tuple[list[EventShare], list[SendoutGroup]]:
    """Raises TimeIsUp."""
    rows = sendouts.subquery()
    sent = rows.c.status == SendoutStatus.SENT
    groups = select(
        rows.c.webhook_id,
        rows.c.type,
        func.count().filter(sent),
        func.count().filter(rows.c.status == SendoutStatus.RETRY),
        func.count().filter(rows.c.status == SendoutStatus.ERROR),
        func.count().filter(sent, rows.c.attempts == 1),
        func.min(rows.c.created_at),
        func.max(rows.c.created_at),
        func.min(rows.c.first_attempt_at),
        func.max(rows.c.sent_at).filter(sent),
        func.min(rows.c.next_attempt_at),
        func.percentile_cont(0.5).within_group(case((sent, rows.c.duration_ms))),
    ).group_by(rows.c.webhook_id, rows.c.type)
    # An event went to each webhook that wanted it.
    happened = select(rows.c.event_id, rows.c.type, rows.c.created_at).distinct().subquery()
    events = select(happened.c.type, func.count(), func.min(happened.c.created_at), func.max(happened.c.created_at)).group_by(
        happened.c.type
    )
    told = [SendoutGroup(*row) for row in execute_within(session, groups, budget_s)]
    return (
        sorted((EventShare(*row) for row in execute_within(session, events, budget_s)), key=lambda share: (share.first_at, share.type)),
        sorted(told, key=lambda group: (group.first_at, str(group.webhook_id), group.type)),
    )
