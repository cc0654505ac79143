"""How well a webhook does: what became of its attempts in the last 24 hours and 7 days, for its page and the charts on it.

Of attempts of the schedule only: sending again counts neither for a webhook nor against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Float, Row, func, literal, select, text, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.keyset import Count, count_rows
from auditpanel.webhooks.models import DueSendout, SendoutAttempt, Webhook

# So many of the newest are looked at, and no more: it takes a tenth of a second, however much a webhook is sent.
ATTEMPTS_LIMIT = 100_000
# Beside each sendout: it is opened far more often than the webhook's own page, which tells more exactly.
DAY_ATTEMPTS_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bar of the chart: the attempts from `start` to the next one's."""

    start: datetime
    attempts: int
    delivered: int

    @property
    def failed(self) -> int:
        return self.attempts - self.delivered


@dataclass(frozen=True, slots=True)
class Period:
    """`since` to now. It is later than was asked for where there were too many attempts to look at; `is_whole` is False then.

    `success_rate` is a part of 1; it and the durations are None where there was no attempt.
    """

    since: datetime
    is_whole: bool
    attempts: int
    delivered: int
    median_ms: float | None
    p95_ms: float | None
    buckets: tuple[Bucket, ...]

    @property
    def success_rate(self) -> float | None:
        return self.delivered / self.attempts if self.attempts else None


@dataclass(frozen=True, slots=True)
class DayHealth:
    """`waiting` are its sendouts with an attempt to come."""

    day: Period
    last_delivered_at: datetime | None
    waiting: Count


@dataclass(frozen=True, slots=True)
class Health(DayHealth):
    week: Period


def health_of(session: Session, scope: ProjectScope, webhook_id: UUID, now: datetime, *, limit: int = ATTEMPTS_LIMIT) -> Health:
    """24 bars of an hour and 28 of six hours, up to `now`. A webhook that is not there has had no attempts."""
    day = health_of_day(session, scope, webhook_id, now, limit=limit)
    week = _period(session, scope, webhook_id, now, timedelta(hours=6), 28, limit)
    return Health(day.day, day.last_delivered_at, day.waiting, week)


def health_of_day(session: Session, scope: ProjectScope, webhook_id: UUID, now: datetime, *, limit: int = DAY_ATTEMPTS_LIMIT) -> DayHealth:
    """The last 24 hours alone: for a card beside something else."""
    waiting = select(DueSendout.sendout_id).where(DueSendout.project_id == scope.project_id, DueSendout.webhook_id == webhook_id)
    return DayHealth(
        day=_period(session, scope, webhook_id, now, timedelta(hours=1), 24, limit),
        last_delivered_at=session.scalar(
            select(Webhook.last_delivered_at).where(Webhook.project_id == scope.project_id, Webhook.id == webhook_id)
        ),
        waiting=count_rows(session, waiting),
    )


def _period(session: Session, scope: ProjectScope, webhook_id: UUID, now: datetime, bar: timedelta, bars: int, limit: int) -> Period:
    start = now - bar * bars
    newest = (
        select(
            SendoutAttempt.started_at,
            SendoutAttempt.duration_ms,
            SendoutAttempt.status_code.between(200, 299).label("delivered"),
            func.date_bin(bar, SendoutAttempt.started_at, start).label("bar"),
        )
        .where(
            SendoutAttempt.project_id == scope.project_id,
            SendoutAttempt.webhook_id == webhook_id,
            SendoutAttempt.started_at >= start,
            SendoutAttempt.started_at < now,
            SendoutAttempt.asked_by.is_(None),
        )
        .order_by(SendoutAttempt.started_at.desc())
        .limit(limit)
        .subquery()
    )
    statement = select(
        newest.c.bar,
        func.count().label("attempts"),
        func.count().filter(newest.c.delivered).label("delivered"),
        func.min(newest.c.started_at).label("oldest"),
        func.percentile_cont(literal([0.5, 0.95], ARRAY(Float))).within_group(newest.c.duration_ms).label("durations"),
    )
    # One pass over the rows for the bars and for all of them together, which has no bar.
    rows = session.execute(statement.group_by(func.grouping_sets(tuple_(newest.c.bar), text("()"))))
    found = {row.bar: row for row in rows}
    total = found.pop(None)
    is_whole = total.attempts < limit
    median_ms, p95_ms = total.durations or (None, None)
    return Period(
        since=start if is_whole else total.oldest,
        is_whole=is_whole,
        attempts=total.attempts,
        delivered=total.delivered,
        median_ms=median_ms,
        p95_ms=p95_ms,
        buckets=tuple(_bucket(start + bar * place, found) for place in range(bars)),
    )


def _bucket(start: datetime, found: Mapping[datetime, Row[*tuple[Any, ...]]]) -> Bucket:
    row = found.get(start)
    return Bucket(start, row.attempts, row.delivered) if row else Bucket(start, 0, 0)
