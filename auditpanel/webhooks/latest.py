"""The latest of a project's sendouts: how many were given up lately, and what a webhook's target answered last, whoever asked for that."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.keyset import COUNT_CAP, counting
from auditpanel.webhooks.models import Sendout, SendoutAttempt
from auditpanel.webhooks.queries import ATTEMPT_COLUMNS
from auditpanel.webhooks.records import AttemptLine
from auditpanel.webhooks.values import SendoutStatus

# How many of a project were given up since a moment, by the time of their events, in the index of those that were not sent.
ERRORS_SINCE = counting(
    select(Sendout.id).where(
        Sendout.project_id == bindparam("project_id"),
        Sendout.status == SendoutStatus.ERROR,
        Sendout.created_at >= bindparam("since"),
    ),
    COUNT_CAP,
)


def latest_attempts(session: Session, scope: ProjectScope, webhook_ids: Sequence[UUID]) -> dict[UUID, AttemptLine]:
    """By the webhook; those without an attempt are left out. One look at the index for each: ask for a few."""
    found: dict[UUID, AttemptLine] = {}
    for webhook_id in webhook_ids:
        statement = (
            select(*ATTEMPT_COLUMNS)
            .where(SendoutAttempt.project_id == scope.project_id, SendoutAttempt.webhook_id == webhook_id)
            .order_by(SendoutAttempt.started_at.desc())
            .limit(1)
        )
        if row := session.execute(statement).one_or_none():
            found[webhook_id] = AttemptLine(*row)
    return found
