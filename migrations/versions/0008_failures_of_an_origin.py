"""An index of the failures of each origin: their count read those of all origins."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    # Of failures alone, of which there are few: a quarter of a second for a million logs.
    op.create_index(
        "ix_logs_origin_failures",
        "logs",
        ["project_id", "origin", sa.text("occurred_at DESC"), sa.text("id DESC")],
        postgresql_where=sa.text("status_code >= 400"),
    )


def downgrade() -> None:
    op.drop_index("ix_logs_origin_failures", table_name="logs")
