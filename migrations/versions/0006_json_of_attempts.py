"""The headers of attempts as they were written: to take them apart took longer than to store them."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    _convert("json")


def downgrade() -> None:
    _convert("jsonb")


def _convert(type_: str) -> None:
    # In one statement: the table is written anew.
    changes = (f"ALTER {column} TYPE {type_} USING CAST({column} AS {type_})" for column in ("request_headers", "response_headers"))
    op.execute(f"ALTER TABLE sendout_attempts {', '.join(changes)}")
