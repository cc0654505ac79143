"""How all webhooks of a project do, in two statements: for their list. One alone, with its charts, is `health`'s."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.keyset import Count
from auditpanel.webhooks.models import Sendout, SendoutAttempt, Webhook
from auditpanel.webhooks.values import SendoutStatus

ATTEMPTS_WITHIN = timedelta(hours=24)
GIVEN_UP_WITHIN = timedelta(days=7)
# Of each webhook, so many of the newest attempts are looked at.
ATTEMPTS_LIMIT = 10_000
# Of all webhooks together, so many of the newest sendouts in error.
GIVEN_UP_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Summary:
    """`attempts` are those of the schedule within ATTEMPTS_WITHIN; `given_up` the sendouts in error of GIVEN_UP_WITHIN."""

    attempts: int
    delivered: int
    given_up: Count


def summaries(session: Session, scope: ProjectScope, now: datetime) -> dict[UUID, Summary]:
    """By the webhook's id; without those that were removed."""
    given_up = _given_up(session, scope, now)
    is_exact = sum(given_up.values()) <= GIVEN_UP_LIMIT
    newest = (
        select(SendoutAttempt.status_code.between(200, 299).label("delivered"), SendoutAttempt.started_at)
        .where(
            SendoutAttempt.project_id == scope.project_id,
            SendoutAttempt.webhook_id == Webhook.id,
            SendoutAttempt.started_at >= now - ATTEMPTS_WITHIN,
            SendoutAttempt.asked_by.is_(None),
        )
        .order_by(SendoutAttempt.started_at.desc())
        .limit(ATTEMPTS_LIMIT)
        .correlate(Webhook)
        .lateral()
    )
    statement = (
        select(Webhook.id, func.count(newest.c.started_at), func.count().filter(newest.c.delivered))
        .join(newest, true(), isouter=True)
        .where(Webhook.project_id == scope.project_id, Webhook.removed_at.is_(None))
        .group_by(Webhook.id)
    )
    rows = session.execute(statement)
    return {id: Summary(attempts, delivered, Count(given_up.get(id, 0), is_exact)) for id, attempts, delivered in rows}


def _given_up(session: Session, scope: ProjectScope, now: datetime) -> dict[UUID, int]:
    newest = (
        select(Sendout.webhook_id)
        .where(Sendout.project_id == scope.project_id, Sendout.status == SendoutStatus.ERROR, Sendout.created_at >= now - GIVEN_UP_WITHIN)
        .order_by(Sendout.created_at.desc(), Sendout.id.desc())
        .limit(GIVEN_UP_LIMIT + 1)
        .subquery()
    )
    rows = session.execute(select(newest.c.webhook_id, func.count()).group_by(newest.c.webhook_id))
    return {row.webhook_id: row[1] for row in rows}
