"""The tables of webhooks: targets, the events raised for them, a sendout for each event and webhook, and each attempt of it.

What is due lies in a small table of its own, `due_sendouts`: a claim reads that, however many sendouts are done.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, BigInteger, DateTime, Index, Integer, LargeBinary, SmallInteger, func, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from auditpanel.ids import new_uuid
from auditpanel.tables import Model

Json = dict[str, object]


class Webhook(Model):
    """A project's target for events. `sealed` columns are encrypted (webhooks/sealing); one that was removed stays, for its sendouts."""

    __tablename__ = "webhooks"

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    name: Mapped[str] = mapped_column(TEXT)
    url: Mapped[str] = mapped_column(TEXT)
    # None: all that there are, and will be.
    event_types: Mapped[list[str] | None] = mapped_column(ARRAY(TEXT))
    sealed_headers: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_secret: Mapped[bytes] = mapped_column(LargeBinary)
    # Signs as well, until the grace period of a rotation is over.
    sealed_previous_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_secret_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    switched_off_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # In words, for its page: who did it, or the rule that did.
    switched_off_reason: Mapped[str | None] = mapped_column(TEXT)
    removed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # Of scheduled attempts only: sending again counts neither for a webhook nor against it.
    last_delivered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Event(Model):
    """Something that happened, kept because a webhook wanted it. `data` is JSON, as the API shows the object."""

    __tablename__ = "events"

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    type: Mapped[str] = mapped_column(TEXT)
    entity_id: Mapped[str | None] = mapped_column(TEXT)
    request_id: Mapped[str | None] = mapped_column(TEXT)
    channel: Mapped[str | None] = mapped_column(TEXT)
    user: Mapped[str | None] = mapped_column("user_name", TEXT)
    api_key: Mapped[str | None] = mapped_column(TEXT)
    data: Mapped[str] = mapped_column(TEXT)


class Sendout(Model):
    """An event on its way to a webhook. `created_at` is the event's; the id is made from it, and from the event and the webhook.

    `target_url` is the webhook's when the event happened, and stands so in the message. `tries` are the attempts of the schedule,
    `attempts` all, those by hand too. `sent_at` and what follows tell of the last attempt.
    """

    __tablename__ = "sendouts"
    __table_args__ = (
        # Lists of what failed or waits, and their counts.
        Index(
            "ix_sendouts_unsent",
            "project_id",
            "status",
            text("created_at DESC"),
            text("id DESC"),
            postgresql_where=text("status <> 'SENT'"),
        ),
        # The list of one webhook.
        Index("ix_sendouts_webhook", "project_id", "webhook_id", text("created_at DESC"), text("id DESC")),
        # The trace.
        Index("ix_sendouts_request", "project_id", "request_id", postgresql_where=text("request_id IS NOT NULL")),
        # What went wrong of a request, beside its log in the list: without looking at all that it caused.
        Index("ix_sendouts_request_failed", "project_id", "request_id", postgresql_where=text("status = 'ERROR'")),
    )

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    event_id: Mapped[UUID]
    webhook_id: Mapped[UUID]
    type: Mapped[str] = mapped_column(TEXT)
    target_url: Mapped[str] = mapped_column(TEXT)
    request_id: Mapped[str | None] = mapped_column(TEXT)
    status: Mapped[str] = mapped_column(TEXT)
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    first_attempt_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # By the schedule; None where it is sent or given up.
    next_attempt_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    status_code: Mapped[int | None] = mapped_column(SmallInteger)
    duration_ms: Mapped[float | None]
    # Why the last attempt failed or the sendout was given up, in words for the reader.
    error: Mapped[str | None] = mapped_column(TEXT)


class DueSendout(Model):
    """A sendout that has an attempt to come. A claim leases it: after that, what a killed worker held comes up again.

    By hand (`asked_by`): an attempt that somebody asked for, before or after those of the schedule, which then goes on.
    """

    __tablename__ = "due_sendouts"
    __table_args__ = (
        # A claim takes the share of one webhook; and which webhooks have something due.
        Index("ix_due_sendouts_webhook", "project_id", "webhook_id", "due_at", "created_at"),
        # What somebody has clicked for is claimed before that.
        Index(
            "ix_due_sendouts_by_hand",
            "project_id",
            "webhook_id",
            "due_at",
            postgresql_where=text("asked_by IS NOT NULL AND resend_id IS NULL"),
        ),
        # To stop sending again in bulk.
        Index("ix_due_sendouts_resend", "project_id", "resend_id", postgresql_where=text("resend_id IS NOT NULL")),
        # Each row is leased once, as a rule: its page has room for that, and no index has a part in it.
        {"postgresql_with": {"fillfactor": 45}},
    )

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    sendout_id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    webhook_id: Mapped[UUID]
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    lease_token: Mapped[UUID | None]
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    asked_by: Mapped[str | None] = mapped_column(TEXT)
    resend_id: Mapped[UUID | None]


class SendoutAttempt(Model):
    """One try to deliver a sendout. `asked_by` is who sent it again by hand, None for one of the schedule.

    `id` is the lease under which it was made, so that what is written twice stands once. Other sendouts of the same claim have it too.
    """

    __tablename__ = "sendout_attempts"
    __table_args__ = (
        # The health of a webhook; with what it is made of, so that the answer's text is never read for it.
        Index(
            "ix_sendout_attempts_webhook",
            "project_id",
            "webhook_id",
            text("started_at DESC"),
            postgresql_include=["duration_ms", "status_code", "asked_by"],
        ),
        # The progress of sending again in bulk: what failed, and what did not.
        Index(
            "ix_sendout_attempts_resend",
            "project_id",
            "resend_id",
            "status_code",
            postgresql_where=text("resend_id IS NOT NULL"),
        ),
    )

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    sendout_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    webhook_id: Mapped[UUID]
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    duration_ms: Mapped[float]
    url: Mapped[str] = mapped_column(TEXT)
    request_headers: Mapped[list[list[str]]] = mapped_column(JSON)
    status_code: Mapped[int | None] = mapped_column(SmallInteger)
    error: Mapped[str | None] = mapped_column(TEXT)
    response_headers: Mapped[list[list[str]]] = mapped_column(JSON, default=list)
    response_body: Mapped[str | None] = mapped_column(TEXT)
    response_size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    response_is_cut: Mapped[bool] = mapped_column(default=False)
    asked_by: Mapped[str | None] = mapped_column(TEXT)
    resend_id: Mapped[UUID | None]


class Resend(Model):
    """All sendouts that match a filter, sent again at a rate. It goes through them from the oldest, up to those created before `until`.

    `picked` have been made due; the place to go on from is (`picked_at`, `picked_id`), at `until` where nothing is left to pick.
    """

    __tablename__ = "resends"
    __table_args__ = (
        # Above the list: those that run, and the latest.
        Index("ix_resends_created", "project_id", text("created_at DESC"), text("id DESC")),
        # Which projects have one to go on with, and which of a project run.
        Index("ix_resends_running", "project_id", postgresql_where=text("status = 'RUNNING'")),
    )

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    # The FilterSet as a query string, its range already resolved to `since` and `until`.
    filters: Mapped[str] = mapped_column(TEXT)
    words: Mapped[str] = mapped_column(TEXT)
    since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    until: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    asked_by: Mapped[str] = mapped_column(TEXT)
    rate_per_s: Mapped[int] = mapped_column(Integer)
    total: Mapped[int] = mapped_column(BigInteger)
    picked: Mapped[int] = mapped_column(BigInteger, default=0)
    picked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    picked_id: Mapped[UUID | None]
    # RUNNING, DONE, STOPPED.
    status: Mapped[str] = mapped_column(TEXT)
    stopped_by: Mapped[str | None] = mapped_column(TEXT)
