"""Who sends what: a claim takes the share of one webhook, and leases it.

The database's clock decides: what a killed worker held is there for all again when the lease ends. Each webhook is claimed from for itself,
so that the backlog of one does not hold up another's; so many rows as are leased or locked by another are passed over.

No index tells of a lease. What is leased is at the front, and a few thousand rows at most; to pass over them takes less than to write
entries into two indexes for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from auditpanel.ids import Prefix, format_id, new_uuid
from auditpanel.webhooks.messages import MessageParts, message_of
from auditpanel.webhooks.values import Message, SendoutStatus

# An attempt takes 10 s at most; then the outcome has to be recorded. What a killed worker held waits so long.
LEASE = timedelta(seconds=22)

# A look at each webhook costs a step down an index and what is leased there, however much is due.
DUE_SOURCES = text("""
    SELECT webhooks.project_id, webhooks.id
    FROM webhooks CROSS JOIN LATERAL (
        SELECT due_at FROM due_sendouts
        WHERE due_sendouts.project_id = webhooks.project_id AND due_sendouts.webhook_id = webhooks.id AND due_at <= now()
          AND (lease_until IS NULL OR lease_until <= now())
        ORDER BY due_at LIMIT 1
    ) AS oldest
    ORDER BY oldest.due_at
""")
# An array and not a join: for that the planner would read the whole table, as long as it is a small one. Likewise each sendout and event is
# looked up by its key, however few there are. They are read as they were when the statement began: whoever changes a sendout has it leased,
# and leaves it due later than that, or as it was.
# What somebody has clicked for, and looks at now, comes before any backlog.
CLAIM = text("""
    WITH claimed AS MATERIALIZED (
        UPDATE due_sendouts SET lease_until = now() + :lease, lease_token = :token
        WHERE project_id = :project_id AND sendout_id = ANY(ARRAY(
            SELECT sendout_id FROM due_sendouts
            WHERE project_id = :project_id AND webhook_id = :webhook_id AND due_at <= now() AND asked_by IS NOT NULL AND resend_id IS NULL
              AND (lease_until IS NULL OR lease_until <= now())
            ORDER BY due_at LIMIT :size FOR UPDATE SKIP LOCKED
        ) || ARRAY(
            SELECT sendout_id FROM due_sendouts
            WHERE project_id = :project_id AND webhook_id = :webhook_id AND due_at <= now()
              AND (lease_until IS NULL OR lease_until <= now())
            ORDER BY due_at, created_at LIMIT :size FOR UPDATE SKIP LOCKED
        ))
        RETURNING sendout_id, created_at, asked_by, resend_id
    )
    SELECT sendout.status, sendout.tries, sendout.first_attempt_at, sendout.next_attempt_at, claimed.asked_by, claimed.resend_id,
           sendout.id, sendout.event_id, sendout.created_at, sendout.type, event.entity_id, sendout.request_id, event.channel,
           event.user_name, event.api_key, sendout.target_url, event.data
    FROM claimed
    CROSS JOIN LATERAL (
        SELECT * FROM sendouts WHERE project_id = :project_id AND created_at = claimed.created_at AND id = claimed.sendout_id LIMIT 1
    ) AS sendout
    CROSS JOIN LATERAL (SELECT * FROM events WHERE project_id = :project_id AND id = sendout.event_id LIMIT 1) AS event
    ORDER BY sendout.created_at, sendout.id
""")
_GIVE_BACK = text("""
    UPDATE due_sendouts SET lease_token = NULL, lease_until = NULL
    WHERE project_id = :project_id AND lease_token = ANY(:tokens) AND sendout_id = ANY(:ids)
""")

_STATUSES = {str(status): status for status in SendoutStatus}


@dataclass(frozen=True, slots=True)
class Source:
    """A webhook of a project, which sendouts are claimed for."""

    project_id: UUID
    webhook_id: UUID


class Claimed(msgspec.Struct, frozen=True, gc=False):
    """A sendout that is this worker's until its lease ends, as it stood when it was claimed. `asked_by` is who asked for it by hand."""

    source: Source
    sendout_id: UUID
    message: Message
    token: UUID
    created_at: datetime
    status: SendoutStatus
    tries: int
    first_attempt_at: datetime | None
    next_attempt_at: datetime | None
    asked_by: str | None
    resend_id: UUID | None


def due_sources(session: Session) -> list[Source]:
    """Those of all projects that have something due, the longest waiting first: the delivery loop works for everybody."""
    return [Source(*row) for row in session.execute(DUE_SOURCES)]


def claim(session: Session, source: Source, *, size: int) -> list[Claimed]:
    """By the time of their events; as many as were clicked for more than `size`. The caller commits before it sends."""
    token = new_uuid()
    values = {"project_id": source.project_id, "webhook_id": source.webhook_id, "size": size, "lease": LEASE, "token": token}
    project, webhook = format_id(Prefix.PROJECT, source.project_id), format_id(Prefix.WEBHOOK, source.webhook_id)
    return [_claimed(source, token, row[:6], MessageParts(project, webhook, *row[6:])) for row in session.execute(CLAIM, values)]


def give_back(session: Session, claimed: Sequence[Claimed]) -> None:
    """What was not sent is due again at once. The caller commits."""
    by_project: dict[UUID, list[Claimed]] = {}
    for one in claimed:
        by_project.setdefault(one.source.project_id, []).append(one)
    for project_id, ours in by_project.items():
        tokens, ids = list({one.token for one in ours}), [one.sendout_id for one in ours]
        session.execute(_GIVE_BACK, {"project_id": project_id, "tokens": tokens, "ids": ids})


def _claimed(source: Source, token: UUID, standing: tuple[Any, ...], parts: MessageParts) -> Claimed:
    status, *rest = standing
    return Claimed(source, parts.sendout_id, message_of(parts), token, parts.created_at, _STATUSES[status], *rest)
