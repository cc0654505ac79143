"""Sendouts in any state, and attempts, for tests that do not care how they came to be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.filters import FilterSet, Span
from auditpanel.ids import new_uuid, uuid7_at
from auditpanel.webhooks.filters import SENDOUT_FIELDS
from auditpanel.webhooks.models import DueSendout, Event, Sendout, SendoutAttempt, Webhook
from auditpanel.webhooks.values import SendoutStatus

NOW = datetime(2026, 11, 24, 15, 42, 8, tzinfo=UTC)
URL = "https://shop.example.com/hook"
NINA = "nina@example.com"


def make_webhook(session: Session, scope: ProjectScope, *, is_removed: bool = False, last_delivered_at: datetime | None = None) -> UUID:
    removed_at = NOW if is_removed else None
    webhook = Webhook(
        project_id=scope.project_id, name="Shop", url=URL, sealed_secret=b"", removed_at=removed_at, last_delivered_at=last_delivered_at
    )
    session.add(webhook)
    session.commit()
    return webhook.id


def make_sendout(
    session: Session,
    scope: ProjectScope,
    webhook_id: UUID,
    status: SendoutStatus = SendoutStatus.ERROR,
    *,
    created_at: datetime = NOW,
    type: str = "voucher.created",
    target_url: str = URL,
    request_id: str | None = None,
    sent_at: datetime | None = None,
    data: str = '{"object":"voucher"}',
) -> UUID:
    """One in RETRY has failed once and waits for an attempt an hour from now."""
    event = Event(project_id=scope.project_id, id=new_uuid(), created_at=created_at, type=type, request_id=request_id, user=NINA, data=data)
    sendout = Sendout(
        project_id=scope.project_id,
        created_at=created_at,
        id=uuid7_at(created_at, event.id.bytes),
        event_id=event.id,
        webhook_id=webhook_id,
        type=type,
        target_url=target_url,
        request_id=request_id,
        status=status,
        tries=1,
        attempts=1,
        first_attempt_at=created_at,
        sent_at=sent_at,
    )
    session.add_all([event, sendout])
    if status is SendoutStatus.RETRY:
        sendout.next_attempt_at = datetime.now(UTC) + timedelta(hours=1)
        session.add(
            DueSendout(
                project_id=scope.project_id,
                sendout_id=sendout.id,
                created_at=created_at,
                webhook_id=webhook_id,
                due_at=sendout.next_attempt_at,
            )
        )
    session.commit()
    return sendout.id


def make_many(session: Session, scope: ProjectScope, webhook_id: UUID, number: int) -> None:
    """Given up, a millisecond after each other, without events: for lists and bulk."""
    statement = """
        INSERT INTO sendouts (project_id, created_at, id, event_id, webhook_id, type, target_url, status, tries, attempts)
        SELECT :project_id, CAST(:now AS timestamptz) + n * interval '1 ms', gen_random_uuid(), gen_random_uuid(), :webhook_id,
               'voucher.created', :url, 'ERROR', 1, 1
        FROM generate_series(1, :number) AS n
    """
    values = {"project_id": scope.project_id, "now": NOW, "webhook_id": webhook_id, "url": URL, "number": number}
    session.execute(text(statement), values)
    session.commit()


def make_attempt(
    session: Session,
    scope: ProjectScope,
    webhook_id: UUID,
    sendout_id: UUID | None = None,
    *,
    started_at: datetime = NOW,
    duration_ms: float = 80.0,
    status_code: int | None = 200,
    asked_by: str | None = None,
    resend_id: UUID | None = None,
    response_headers: list[list[str]] | None = None,
    response_body: str | None = None,
) -> None:
    """Without a sendout, one of some sendout. Without a status code, one that got no answer."""
    attempt = SendoutAttempt(
        project_id=scope.project_id,
        sendout_id=sendout_id or new_uuid(),
        webhook_id=webhook_id,
        started_at=started_at,
        duration_ms=duration_ms,
        url=URL,
        request_headers=[["content-type", "application/json"]],
        status_code=status_code,
        error=None if status_code else "no answer in 10 s",
        asked_by=asked_by,
        resend_id=resend_id,
        response_headers=response_headers or [],
        response_body=response_body,
    )
    session.add(attempt)
    session.commit()


def due_of(session: Session, scope: ProjectScope) -> dict[UUID, DueSendout]:
    """What has an attempt to come, by the sendout, as it is in the database."""
    statement = select(DueSendout).where(DueSendout.project_id == scope.project_id)
    return {due.sendout_id: due for due in session.scalars(statement, execution_options={"populate_existing": True})}


def lease(session: Session, due: DueSendout) -> None:
    """As a claim does."""
    due.lease_token, due.lease_until = new_uuid(), datetime.now(UTC) + timedelta(seconds=30)
    session.commit()


def narrowed(scope: ProjectScope, **params: str) -> tuple[FilterSet, Span]:
    """Of all time, unless a range is given."""
    filters = FilterSet.parse({"range": "all", **params}.items(), SENDOUT_FIELDS)
    return filters, filters.range.resolve(NOW, scope.time_zone)
