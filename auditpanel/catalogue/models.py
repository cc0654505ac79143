"""What a promotions platform is about: campaigns, vouchers, customers, products, SKUs, and the types of their metadata.

Names and types follow the public Voucherify REST API. Small objects of it that no query looks into (a discount, an address) are JSON as
the API has them.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from auditpanel.ids import new_uuid
from auditpanel.tables import Model

Json = dict[str, object]

# Of what records are found by: in this order an index finds by the beginning of a text too, whatever the database's own order is.
KEY = TEXT(collation="C")


def findable(column: str) -> str:
    """The condition of indexes on texts that may be longer than an entry of an index; a query that is to use one has it too."""
    return f"length({column}) <= 500"


class VoucherType(StrEnum):
    DISCOUNT = "DISCOUNT_VOUCHER"
    GIFT = "GIFT_VOUCHER"
    LOYALTY = "LOYALTY_CARD"


class CampaignType(StrEnum):
    DISCOUNT = "DISCOUNT_COUPONS"
    GIFT = "GIFT_VOUCHERS"
    LOYALTY = "LOYALTY_PROGRAM"


class Resource(StrEnum):
    """What has metadata, and so a metadata schema."""

    CAMPAIGN = "campaign"
    VOUCHER = "voucher"
    CUSTOMER = "customer"
    PRODUCT = "product"
    SKU = "sku"


class Campaign(Model):
    """`voucher` is what its vouchers are made like: type, discount or gift or loyalty card, code_config.

    `deleted_at` is set while a task deletes its vouchers: from then on nobody finds the campaign.
    """

    __tablename__ = "campaigns"
    # A campaign can be named instead of its id, so names differ.
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    name: Mapped[str] = mapped_column(TEXT)
    description: Mapped[str | None] = mapped_column(TEXT)
    campaign_type: Mapped[str] = mapped_column(TEXT)
    type: Mapped[str] = mapped_column(TEXT)
    category: Mapped[str | None] = mapped_column(TEXT)
    voucher: Mapped[Json] = mapped_column(JSONB)
    # Other fields of the public API that are kept as they came: join_once, validity_timeframe and the like.
    settings: Mapped[Json] = mapped_column(JSONB, default=dict)
    vouchers_count: Mapped[int] = mapped_column(BigInteger, default=0)
    vouchers_generation_status: Mapped[str] = mapped_column(TEXT, default="DONE")
    start_date: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    expiration_date: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    active: Mapped[bool] = mapped_column(default=True)
    metadata_: Mapped[Json] = mapped_column("metadata", JSONB, default=dict)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Voucher(Model):
    __tablename__ = "vouchers"
    __table_args__ = (
        UniqueConstraint("project_id", "code"),
        # The vouchers of a campaign, in steps: its list, its update, its deletion.
        Index("ix_vouchers_campaign", "project_id", "campaign_id", "id"),
    )

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    code: Mapped[str] = mapped_column(KEY)
    campaign_id: Mapped[UUID | None]
    type: Mapped[str] = mapped_column(TEXT)
    category: Mapped[str | None] = mapped_column(TEXT)
    discount: Mapped[Json | None] = mapped_column(JSONB)
    gift: Mapped[Json | None] = mapped_column(JSONB)
    loyalty_card: Mapped[Json | None] = mapped_column(JSONB)
    # How often it may be redeemed; None is without limit.
    redemption_quantity: Mapped[int | None]
    start_date: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    expiration_date: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    active: Mapped[bool] = mapped_column(default=True)
    additional_info: Mapped[str | None] = mapped_column(TEXT)
    settings: Mapped[Json] = mapped_column(JSONB, default=dict)
    metadata_: Mapped[Json] = mapped_column("metadata", JSONB, default=dict)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Customer(Model):
    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint("project_id", "source_id"),
        # Customers whose email begins with what was typed, and the API's filter by email.
        Index("ix_customers_email", "project_id", "email", postgresql_where=text(findable("email"))),
    )

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    source_id: Mapped[str | None] = mapped_column(KEY)
    name: Mapped[str | None] = mapped_column(TEXT)
    email: Mapped[str | None] = mapped_column(KEY)
    phone: Mapped[str | None] = mapped_column(TEXT)
    description: Mapped[str | None] = mapped_column(TEXT)
    birthdate: Mapped[date | None]
    address: Mapped[Json | None] = mapped_column(JSONB)
    metadata_: Mapped[Json] = mapped_column("metadata", JSONB, default=dict)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Product(Model):
    """`price` is in the currency's smallest unit, as everywhere in the API."""

    __tablename__ = "products"
    __table_args__ = (
        UniqueConstraint("project_id", "source_id"),
        # Products whose name begins with what was typed.
        Index("ix_products_name", "project_id", "name", postgresql_where=text(findable("name"))),
    )

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    source_id: Mapped[str | None] = mapped_column(KEY)
    name: Mapped[str | None] = mapped_column(KEY)
    price: Mapped[int | None] = mapped_column(BigInteger)
    attributes: Mapped[list[str]] = mapped_column(JSONB, default=list)
    image_url: Mapped[str | None] = mapped_column(TEXT)
    metadata_: Mapped[Json] = mapped_column("metadata", JSONB, default=dict)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Sku(Model):
    __tablename__ = "skus"
    __table_args__ = (
        UniqueConstraint("project_id", "source_id"),
        # The SKUs of a product.
        Index("ix_skus_product", "project_id", "product_id", "id"),
        # SKUs whose name begins with what was typed.
        Index("ix_skus_sku", "project_id", "sku", postgresql_where=text(findable("sku"))),
    )

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    product_id: Mapped[UUID]
    source_id: Mapped[str | None] = mapped_column(KEY)
    sku: Mapped[str | None] = mapped_column(KEY)
    price: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(TEXT)
    attributes: Mapped[Json] = mapped_column(JSONB, default=dict)
    image_url: Mapped[str | None] = mapped_column(TEXT)
    metadata_: Mapped[Json] = mapped_column("metadata", JSONB, default=dict)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class MetadataSchema(Model):
    """`properties` has a definition for each key.

    {"type": "string|number|boolean|date|datetime|object…", "array": bool, "optional": bool}
    """

    __tablename__ = "metadata_schemas"

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    resource: Mapped[str] = mapped_column(TEXT, primary_key=True)
    properties: Mapped[dict[str, Json]] = mapped_column(JSONB, default=dict)
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
