"""What is due is leased beside `due_at`, which an index holds."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("due_sendouts", sa.Column("lease_until", sa.TIMESTAMP(timezone=True), nullable=True))
    op.execute("UPDATE due_sendouts SET lease_until = due_at WHERE lease_token IS NOT NULL")
    op.execute("ALTER TABLE due_sendouts SET (fillfactor = 45)")


def downgrade() -> None:
    op.execute("ALTER TABLE due_sendouts RESET (fillfactor)")
    op.execute("UPDATE due_sendouts SET due_at = lease_until WHERE lease_until > due_at")
    op.drop_column("due_sendouts", "lease_until")
