"""Users, projects, keys; logs and their contents, by month."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT, TIMESTAMP, UUID

revision = "0001"
down_revision = None

MOMENT = TIMESTAMP(timezone=True)
NOW = sa.text("now()")


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", UUID(), nullable=False),
        sa.Column("email", TEXT(), nullable=False),
        sa.Column("name", TEXT(), nullable=False),
        sa.Column("password_hash", TEXT(), nullable=False),
        sa.Column("is_superuser", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
        sa.CheckConstraint("email = lower(email)", name="ck_users_email_is_lower_case"),
    )
    op.create_table(
        "login_sessions",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", UUID(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_login_sessions"),
    )
    op.create_foreign_key("fk_login_sessions_user_id", "login_sessions", "users", ["user_id"], ["id"], ondelete="CASCADE")
    op.create_index("ix_login_sessions_user_id", "login_sessions", ["user_id"])
    op.create_table(
        "projects",
        sa.Column("id", UUID(), nullable=False),
        sa.Column("name", TEXT(), nullable=False),
        sa.Column("time_zone", TEXT(), nullable=False),
        sa.Column("redact_paths", ARRAY(TEXT()), nullable=False),
        sa.Column("body_limit_bytes", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
    )
    op.execute(
        "INSERT INTO projects (id, name, time_zone, redact_paths, body_limit_bytes) "
        "VALUES ('00000000-0000-7000-8000-000000000001', 'Auditpanel itself', 'UTC', '{}', 65536)"
    )
    op.create_table(
        "memberships",
        sa.Column("project_id", UUID(), nullable=False),
        sa.Column("user_id", UUID(), nullable=False),
        sa.Column("role", TEXT(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "user_id", name="pk_memberships"),
    )
    op.create_foreign_key("fk_memberships_project_id", "memberships", "projects", ["project_id"], ["id"], ondelete="CASCADE")
    op.create_foreign_key("fk_memberships_user_id", "memberships", "users", ["user_id"], ["id"], ondelete="CASCADE")
    op.create_index("ix_memberships_user_id", "memberships", ["user_id"])
    op.create_table(
        "api_keys",
        sa.Column("project_id", UUID(), nullable=False),
        sa.Column("id", UUID(), nullable=False),
        sa.Column("name", TEXT(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("origin", TEXT(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("project_id", "id", name="pk_api_keys"),
    )
    op.create_foreign_key("fk_api_keys_project_id", "api_keys", "projects", ["project_id"], ["id"], ondelete="CASCADE")
    op.create_index("ix_api_keys_id", "api_keys", ["id"])

    op.create_table(
        "logs",
        sa.Column("project_id", UUID(), nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("id", UUID(), nullable=False),
        sa.Column("method", TEXT(), nullable=False),
        sa.Column("path", TEXT(), nullable=False),
        sa.Column("route", TEXT(), nullable=True),
        sa.Column("status_code", sa.SmallInteger(), nullable=False),
        sa.Column("duration_ms", sa.Double(), nullable=True),
        sa.Column("origin", TEXT(), nullable=False),
        *(
            sa.Column(name, TEXT(), nullable=True)
            for name in ("channel", "user_name", "api_key", "customer", "client_ip", "user_agent", "request_id", "error")
        ),
        sa.PrimaryKeyConstraint("project_id", "occurred_at", "id", name="pk_logs"),
        postgresql_partition_by="RANGE (occurred_at)",
    )
    newest_first = [sa.text("occurred_at DESC"), sa.text("id DESC")]
    op.create_index("ix_logs_origin", "logs", ["project_id", "origin", *newest_first])
    op.create_index(
        "ix_logs_failures",
        "logs",
        ["project_id", *newest_first],
        postgresql_include=["origin"],
        postgresql_where=sa.text("status_code >= 400"),
    )
    op.create_index("ix_logs_request_id", "logs", ["project_id", "request_id"], postgresql_where=sa.text("request_id IS NOT NULL"))
    op.create_table(
        "log_contents",
        sa.Column("project_id", UUID(), nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("id", UUID(), nullable=False),
        sa.Column("query", TEXT(), nullable=True),
        sa.Column("request_headers", JSONB(), nullable=False),
        sa.Column("request_body", TEXT(), nullable=True),
        sa.Column("request_size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("request_is_cut", sa.Boolean(), nullable=False),
        sa.Column("response_headers", JSONB(), nullable=False),
        sa.Column("response_body", TEXT(), nullable=True),
        sa.Column("response_size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("response_is_cut", sa.Boolean(), nullable=False),
        sa.Column("refs", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "occurred_at", "id", name="pk_log_contents"),
        postgresql_partition_by="RANGE (occurred_at)",
    )


def downgrade() -> None:
    for table in ("log_contents", "logs", "api_keys", "memberships", "projects", "login_sessions", "users"):
        op.drop_table(table)
