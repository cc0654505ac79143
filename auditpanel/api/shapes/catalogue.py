"""Campaigns, vouchers, customers, products, SKUs, and the types of their metadata."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from msgspec import UNSET, UnsetType

from auditpanel.api.shapes.answers import Json, Listed, Shape


class VoucherRedemption(Shape):
    """`quantity` is how often it may be redeemed; null is without limit."""

    quantity: int | None
    redeemed_quantity: int
    object: Literal["list"]


class Voucher(Shape):
    id: str
    code: str
    campaign: str | None
    campaign_id: str | None
    category: str | None
    category_id: str | None
    categories: list[Json]
    type: Literal["DISCOUNT_VOUCHER", "GIFT_VOUCHER", "LOYALTY_CARD"]
    discount: Json | None
    gift: Json | None
    loyalty_card: Json | None
    start_date: datetime | None
    expiration_date: datetime | None
    validity_timeframe: Json | None
    validity_day_of_week: list[int] | None
    validity_hours: Json | None
    active: bool
    additional_info: str | None
    metadata: Json
    is_referral_code: bool
    holder_id: str | None
    redemption: VoucherRedemption
    created_at: datetime
    updated_at: datetime | None
    object: Literal["voucher"]


class VoucherList(Listed):
    vouchers: list[Voucher]


class Campaign(Shape):
    """`async_action_id` is there where the call has started a background task for its vouchers."""

    id: str
    name: str
    description: str | None
    campaign_type: str
    type: Literal["AUTO_UPDATE", "STATIC", "STANDALONE"]
    category: str | None
    category_id: str | None
    categories: list[Json]
    voucher: Json
    vouchers_count: int
    vouchers_generation_status: str
    creation_status: Literal["DONE"]
    start_date: datetime | None
    expiration_date: datetime | None
    active: bool
    metadata: Json
    protected: bool
    readonly: bool
    auto_join: bool | None
    join_once: bool | None
    use_voucher_metadata_schema: bool | None
    validity_timeframe: Json | None
    validity_day_of_week: list[int] | None
    validity_hours: Json | None
    activity_duration_after_publishing: str | None
    loyalty_tiers_expiration: Json | None
    created_at: datetime
    updated_at: datetime | None
    object: Literal["campaign"]
    async_action_id: str | UnsetType = UNSET


class CampaignList(Listed):
    campaigns: list[Campaign]


class Customer(Shape):
    id: str
    source_id: str | None
    name: str | None
    email: str | None
    phone: str | None
    description: str | None
    birthday: date | None
    birthdate: date | None
    address: Json | None
    metadata: Json
    system_metadata: Json
    created_at: datetime
    updated_at: datetime | None
    object: Literal["customer"]


class CustomerList(Listed):
    customers: list[Customer]
    has_more: bool


class Sku(Shape):
    """`price` is in the currency's smallest unit."""

    id: str
    source_id: str | None
    product_id: str
    sku: str | None
    price: int | None
    currency: str | None
    attributes: Json
    image_url: str | None
    metadata: Json
    created_at: datetime
    updated_at: datetime | None
    object: Literal["sku"]


class SkuList(Listed):
    skus: list[Sku]


class SkusOfProduct(Shape):
    object: Literal["list"]
    data_ref: Literal["data"]
    data: list[Sku]
    total: int


class Product(Shape):
    """`price` is in the currency's smallest unit."""

    id: str
    source_id: str | None
    name: str | None
    price: int | None
    attributes: list[str]
    image_url: str | None
    metadata: Json
    skus: SkusOfProduct
    created_at: datetime
    updated_at: datetime | None
    object: Literal["product"]


class ProductList(Listed):
    products: list[Product]


class MetadataSchema(Shape):
    id: str
    related_object: Literal["campaign", "voucher", "customer", "product", "sku"]
    properties: dict[str, Json]
    allow_defined_only: bool
    created_at: datetime | None
    updated_at: datetime
    object: Literal["metadata_schema"]


class MetadataSchemaList(Listed):
    schemas: list[MetadataSchema]
