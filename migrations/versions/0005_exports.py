"""Exports, and how long a project keeps their files."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT, TIMESTAMP, UUID

revision = "0005"
down_revision = "0004"

MOMENT = TIMESTAMP(timezone=True)
NOW = sa.text("now()")


def _text(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, TEXT(), nullable=nullable)


def _uuid(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, UUID(), nullable=nullable)


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, MOMENT, nullable=True)


def _since_now(name: str) -> sa.Column[object]:
    return sa.Column(name, MOMENT, server_default=NOW, nullable=False)


def _layout() -> list[sa.Column[object]]:
    return [
        sa.Column("fields", ARRAY(TEXT()), nullable=False),
        *(sa.Column(name, TEXT(), nullable=False) for name in ("order_by", "format", "packing")),
        sa.Column("has_bom", sa.Boolean(), nullable=False),
        sa.Column("time_zone", TEXT(), nullable=False),
    ]


def upgrade() -> None:
    op.add_column("projects", sa.Column("export_days", sa.Integer(), server_default=sa.text("30"), nullable=False))
    op.create_table(
        "exports",
        _uuid("project_id"),
        _uuid("id"),
        _text("exported", nullable=False),
        _text("status", nullable=False),
        _since_now("created_at"),
        _since_now("updated_at"),
        _moment("started_at"),
        _moment("finished_at"),
        _text("request_id", nullable=False),
        _text("origin", nullable=False),
        *(_text(name) for name in ("channel", "user_name", "api_key")),
        sa.Column("parameters", JSONB(), nullable=False),
        _text("filters", nullable=False),
        _text("words", nullable=False),
        _moment("since"),
        _moment("until"),
        *_layout(),
        sa.Column("rows_expected", sa.BigInteger(), nullable=True),
        sa.Column("is_expected_exact", sa.Boolean(), nullable=False),
        sa.Column("rows_done", sa.BigInteger(), nullable=False),
        _text("file_name"),
        sa.Column("file_bytes", sa.BigInteger(), nullable=True),
        _text("sha256"),
        sa.Column("keep_days", sa.Integer(), nullable=False),
        _moment("expires_at"),
        _moment("deleted_at"),
        _text("deleted_by"),
        _text("error"),
        _uuid("again_of", nullable=True),
        _uuid("schedule_id", nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name="pk_exports"),
    )
    op.create_index("ix_exports_created", "exports", ["project_id", sa.text("created_at DESC"), sa.text("id DESC")])
    op.create_index("ix_exports_request", "exports", ["project_id", "request_id"])
    op.create_index("ix_exports_expiry", "exports", ["project_id", "expires_at"], postgresql_where=sa.text("file_name IS NOT NULL"))
    op.create_table(
        "due_exports",
        _uuid("project_id"),
        _uuid("export_id"),
        _uuid("lease_token", nullable=True),
        _moment("lease_until"),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "export_id", name="pk_due_exports"),
    )
    op.create_table(
        "export_schedules",
        _uuid("project_id"),
        _uuid("id"),
        _text("name", nullable=False),
        _since_now("created_at"),
        *(_text(name, nullable=False) for name in ("created_by", "exported", "filters", "words")),
        *_layout(),
        _text("period", nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=True),
        sa.Column("day", sa.SmallInteger(), nullable=True),
        sa.Column("hour", sa.SmallInteger(), nullable=False),
        sa.Column("minute", sa.SmallInteger(), nullable=False),
        sa.Column("keep_days", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("next_run_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id", name="pk_export_schedules"),
    )


def downgrade() -> None:
    for table in ("export_schedules", "due_exports", "exports"):
        op.drop_table(table)
    op.drop_column("projects", "export_days")
