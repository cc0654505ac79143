"""The catalogue, and background tasks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TEXT, TIMESTAMP, UUID

revision = "0002"
down_revision = "0001"

MOMENT = TIMESTAMP(timezone=True)
NOW = sa.text("now()")


def _text(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, TEXT(), nullable=nullable)


def _key_text(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, TEXT(collation="C"), nullable=nullable)


def _json(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, JSONB(), nullable=nullable)


def _key(table: str) -> list[sa.Column[object] | sa.Constraint]:
    return [
        sa.Column("project_id", UUID(), nullable=False),
        sa.Column("id", UUID(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "id", name=f"pk_{table}"),
    ]


def _changes() -> list[sa.Column[object]]:
    return [
        _json("metadata"),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=True),
    ]


def _unique(table: str, column: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint("project_id", column, name=f"uq_{table}_project_id_{column}")


def upgrade() -> None:
    op.create_table(
        "campaigns",
        *_key("campaigns"),
        _text("name", nullable=False),
        _text("description"),
        _text("campaign_type", nullable=False),
        _text("type", nullable=False),
        _text("category"),
        _json("voucher"),
        _json("settings"),
        sa.Column("vouchers_count", sa.BigInteger(), nullable=False),
        _text("vouchers_generation_status", nullable=False),
        sa.Column("start_date", MOMENT, nullable=True),
        sa.Column("expiration_date", MOMENT, nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        *_changes(),
        sa.Column("deleted_at", MOMENT, nullable=True),
        _unique("campaigns", "name"),
    )
    op.create_table(
        "vouchers",
        *_key("vouchers"),
        _key_text("code", nullable=False),
        sa.Column("campaign_id", UUID(), nullable=True),
        _text("type", nullable=False),
        _text("category"),
        _json("discount", nullable=True),
        _json("gift", nullable=True),
        _json("loyalty_card", nullable=True),
        sa.Column("redemption_quantity", sa.Integer(), nullable=True),
        sa.Column("start_date", MOMENT, nullable=True),
        sa.Column("expiration_date", MOMENT, nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        _text("additional_info"),
        _json("settings"),
        *_changes(),
        _unique("vouchers", "code"),
    )
    op.create_index("ix_vouchers_campaign", "vouchers", ["project_id", "campaign_id", "id"])
    op.create_table(
        "customers",
        *_key("customers"),
        _key_text("source_id"),
        _text("name"),
        _key_text("email"),
        _text("phone"),
        _text("description"),
        sa.Column("birthdate", sa.Date(), nullable=True),
        _json("address", nullable=True),
        *_changes(),
        _unique("customers", "source_id"),
    )
    op.create_index("ix_customers_email", "customers", ["project_id", "email"], postgresql_where=sa.text("length(email) <= 500"))
    op.create_table(
        "products",
        *_key("products"),
        _key_text("source_id"),
        _key_text("name"),
        sa.Column("price", sa.BigInteger(), nullable=True),
        _json("attributes"),
        _text("image_url"),
        *_changes(),
        _unique("products", "source_id"),
    )
    op.create_index("ix_products_name", "products", ["project_id", "name"], postgresql_where=sa.text("length(name) <= 500"))
    op.create_table(
        "skus",
        *_key("skus"),
        sa.Column("product_id", UUID(), nullable=False),
        _key_text("source_id"),
        _key_text("sku"),
        sa.Column("price", sa.BigInteger(), nullable=True),
        _text("currency"),
        _json("attributes"),
        _text("image_url"),
        *_changes(),
        _unique("skus", "source_id"),
    )
    op.create_index("ix_skus_sku", "skus", ["project_id", "sku"], postgresql_where=sa.text("length(sku) <= 500"))
    op.create_index("ix_skus_product", "skus", ["project_id", "product_id", "id"])
    op.create_table(
        "metadata_schemas",
        sa.Column("project_id", UUID(), nullable=False),
        _text("resource", nullable=False),
        _json("properties"),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "resource", name="pk_metadata_schemas"),
    )
    op.create_table(
        "async_actions",
        *_key("async_actions"),
        _text("type", nullable=False),
        _text("status", nullable=False),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("updated_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("processing_ms", sa.BigInteger(), nullable=False),
        _text("request_id", nullable=False),
        _text("origin", nullable=False),
        *(_text(name) for name in ("channel", "user_name", "api_key")),
        _json("parameters"),
        _text("file_name"),
        sa.Column("file_bytes", sa.BigInteger(), nullable=True),
        sa.Column("rows_total", sa.BigInteger(), nullable=True),
        sa.Column("rows_done", sa.BigInteger(), nullable=False),
        _json("position"),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("created", "updated", "deleted", "skipped", "refused")),
        _text("error"),
        sa.Column("cancel_asked_at", MOMENT, nullable=True),
        _text("cancel_asked_by"),
        sa.Column("again_of", UUID(), nullable=True),
    )
    op.create_index("ix_async_actions_created", "async_actions", ["project_id", sa.text("created_at DESC"), sa.text("id DESC")])
    op.create_index("ix_async_actions_request", "async_actions", ["project_id", "request_id"])
    op.create_table(
        "due_tasks",
        sa.Column("project_id", UUID(), nullable=False),
        sa.Column("task_id", UUID(), nullable=False),
        sa.Column("lease_token", UUID(), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("fruitless_starts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "task_id", name="pk_due_tasks"),
    )
    op.create_table(
        "refused_rows",
        sa.Column("project_id", UUID(), nullable=False),
        sa.Column("task_id", UUID(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        _json("content"),
        _text("column_name"),
        _text("value"),
        _text("reason", nullable=False),
        sa.PrimaryKeyConstraint("project_id", "task_id", "line", name="pk_refused_rows"),
    )


def downgrade() -> None:
    for table in (
        "refused_rows",
        "due_tasks",
        "async_actions",
        "metadata_schemas",
        "skus",
        "products",
        "customers",
        "vouchers",
        "campaigns",
    ):
        op.drop_table(table)
