"""Webhooks, their events, sendouts and attempts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT, TIMESTAMP, UUID

revision = "0004"
down_revision = "0003"

MOMENT = TIMESTAMP(timezone=True)
NOW = sa.text("now()")
NEWEST_FIRST = (sa.text("created_at DESC"), sa.text("id DESC"))


def _text(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, TEXT(), nullable=nullable)


def _uuid(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, UUID(), nullable=nullable)


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, MOMENT, nullable=nullable)


def _created(name: str = "created_at") -> sa.Column[object]:
    return sa.Column(name, MOMENT, server_default=NOW, nullable=False)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("project_id", *columns, name=f"pk_{table}")


def upgrade() -> None:
    op.create_table(
        "webhooks",
        _uuid("project_id"),
        _uuid("id"),
        _text("name", nullable=False),
        _text("url", nullable=False),
        sa.Column("event_types", ARRAY(TEXT()), nullable=True),
        sa.Column("sealed_headers", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_previous_secret", sa.LargeBinary(), nullable=True),
        _moment("previous_secret_until"),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        _created(),
        _moment("updated_at"),
        _moment("switched_off_at"),
        _text("switched_off_reason"),
        _moment("removed_at"),
        _moment("last_delivered_at"),
        _key("webhooks", "id"),
    )
    op.create_table(
        "events",
        _uuid("project_id"),
        _uuid("id"),
        _moment("created_at", nullable=False),
        _text("type", nullable=False),
        *(_text(name) for name in ("entity_id", "request_id", "channel", "user_name", "api_key")),
        _text("data", nullable=False),
        _key("events", "id"),
    )
    op.create_table(
        "sendouts",
        _uuid("project_id"),
        _moment("created_at", nullable=False),
        _uuid("id"),
        _uuid("event_id"),
        _uuid("webhook_id"),
        _text("type", nullable=False),
        _text("target_url", nullable=False),
        _text("request_id"),
        _text("status", nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _moment("first_attempt_at"),
        _moment("next_attempt_at"),
        _moment("sent_at"),
        sa.Column("status_code", sa.SmallInteger(), nullable=True),
        sa.Column("duration_ms", sa.Float(), nullable=True),
        _text("error"),
        _key("sendouts", "created_at", "id"),
    )
    op.create_index("ix_sendouts_unsent", "sendouts", ["project_id", "status", *NEWEST_FIRST], postgresql_where=sa.text("status <> 'SENT'"))
    op.create_index("ix_sendouts_webhook", "sendouts", ["project_id", "webhook_id", *NEWEST_FIRST])
    op.create_index("ix_sendouts_request", "sendouts", ["project_id", "request_id"], postgresql_where=sa.text("request_id IS NOT NULL"))
    op.create_index("ix_sendouts_request_failed", "sendouts", ["project_id", "request_id"], postgresql_where=sa.text("status = 'ERROR'"))
    op.create_table(
        "due_sendouts",
        _uuid("project_id"),
        _uuid("sendout_id"),
        _moment("created_at", nullable=False),
        _uuid("webhook_id"),
        _moment("due_at", nullable=False),
        _uuid("lease_token", nullable=True),
        _text("asked_by"),
        _uuid("resend_id", nullable=True),
        _key("due_sendouts", "sendout_id"),
    )
    op.create_index("ix_due_sendouts_webhook", "due_sendouts", ["project_id", "webhook_id", "due_at", "created_at"])
    op.create_index(
        "ix_due_sendouts_by_hand",
        "due_sendouts",
        ["project_id", "webhook_id", "due_at"],
        postgresql_where=sa.text("asked_by IS NOT NULL AND resend_id IS NULL"),
    )
    op.create_index(
        "ix_due_sendouts_resend", "due_sendouts", ["project_id", "resend_id"], postgresql_where=sa.text("resend_id IS NOT NULL")
    )
    op.create_table(
        "sendout_attempts",
        _uuid("project_id"),
        _uuid("sendout_id"),
        _uuid("id"),
        _uuid("webhook_id"),
        _moment("started_at", nullable=False),
        sa.Column("duration_ms", sa.Float(), nullable=False),
        _text("url", nullable=False),
        sa.Column("request_headers", JSONB(), nullable=False),
        sa.Column("status_code", sa.SmallInteger(), nullable=True),
        _text("error"),
        sa.Column("response_headers", JSONB(), nullable=False),
        _text("response_body"),
        sa.Column("response_size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("response_is_cut", sa.Boolean(), nullable=False),
        _text("asked_by"),
        _uuid("resend_id", nullable=True),
        _key("sendout_attempts", "sendout_id", "id"),
    )
    op.create_index(
        "ix_sendout_attempts_webhook",
        "sendout_attempts",
        ["project_id", "webhook_id", sa.text("started_at DESC")],
        postgresql_include=["duration_ms", "status_code", "asked_by"],
    )
    op.create_index(
        "ix_sendout_attempts_resend",
        "sendout_attempts",
        ["project_id", "resend_id", "status_code"],
        postgresql_where=sa.text("resend_id IS NOT NULL"),
    )
    op.create_table(
        "resends",
        _uuid("project_id"),
        _uuid("id"),
        _created(),
        _created("updated_at"),
        _text("filters", nullable=False),
        _text("words", nullable=False),
        _moment("since"),
        _moment("until", nullable=False),
        _text("asked_by", nullable=False),
        sa.Column("rate_per_s", sa.Integer(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("picked", sa.BigInteger(), nullable=False),
        _moment("picked_at"),
        _uuid("picked_id", nullable=True),
        _text("status", nullable=False),
        _text("stopped_by"),
        _key("resends", "id"),
    )
    op.create_index("ix_resends_created", "resends", ["project_id", *NEWEST_FIRST])
    op.create_index("ix_resends_running", "resends", ["project_id"], postgresql_where=sa.text("status = 'RUNNING'"))


def downgrade() -> None:
    for table in ("resends", "sendout_attempts", "due_sendouts", "sendouts", "events", "webhooks"):
        op.drop_table(table)
