"""What a webhook missed while it was off: found when it is switched on again, so that it can be offered to be sent again."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.keyset import COUNT_CAP, Count, counting
from auditpanel.time_limit import TimeIsUp, execute_within
from auditpanel.webhooks.models import Sendout
from auditpanel.webhooks.target_records import Missed, WebhookLine
from auditpanel.webhooks.values import SCHEDULE, EventType, SendoutStatus

# What was still to be tried again when it was switched off is no older than the schedule, its jitter and a pause of the workers.
_LONGEST_WAY = timedelta(hours=26)
# Of one that never got anything. What is older, nobody waits for any more; the list of sendouts has it.
_LONGEST_LOOK = timedelta(days=30)
BUDGET_S = 1.0
NOTHING_MISSED = Missed(Count(0, is_exact=True), None)


def find_missed(session: Session, scope: ProjectScope, webhook: WebhookLine, *, budget_s: float = BUDGET_S) -> Missed:
    """Sendouts that were given up before their schedule was used up, or while nothing got through any more.

    What is counted is all that was given up since the oldest of them, as a filter of the list can say it. Where the budget does not
    suffice, it is not counted, and may have begun as early as it is looked for.
    """
    if webhook.is_active or webhook.switched_off_at is None:
        return NOTHING_MISSED
    earliest = _earliest(webhook.switched_off_at, webhook.last_delivered_at)
    missed = [*_given_up(scope, webhook.webhook_id, earliest), *_while_nothing_got_through(webhook.last_delivered_at)]
    try:
        oldest = select(Sendout.created_at).where(*missed).order_by(Sendout.created_at).limit(1)
        found = execute_within(session, oldest, budget_s)
        if not found:
            return NOTHING_MISSED
        since = found[0][0]
        counted = counting(select(Sendout.id).where(*_given_up(scope, webhook.webhook_id, since)), COUNT_CAP)
        return Missed(Count.of(execute_within(session, counted, budget_s)[0][0], COUNT_CAP), since)
    except TimeIsUp:
        return Missed(Count(0, is_exact=False), earliest)


def _earliest(switched_off_at: datetime, last_delivered_at: datetime | None) -> datetime:
    return switched_off_at - _LONGEST_LOOK if last_delivered_at is None else min(switched_off_at, last_delivered_at) - _LONGEST_WAY


def _while_nothing_got_through(last_delivered_at: datetime | None) -> list[ColumnElement[bool]]:
    if last_delivered_at is None:
        return []
    return [or_(Sendout.tries < SCHEDULE.attempts, Sendout.first_attempt_at >= last_delivered_at)]


def _given_up(scope: ProjectScope, webhook_id: UUID, since: datetime) -> list[ColumnElement[bool]]:
    """A test is not missed by anybody."""
    return [
        Sendout.project_id == scope.project_id,
        Sendout.webhook_id == webhook_id,
        Sendout.created_at >= since,
        Sendout.status == SendoutStatus.ERROR,
        Sendout.type != EventType.TEST,
    ]
