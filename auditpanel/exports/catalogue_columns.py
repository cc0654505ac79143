"""What an export of the catalogue can have in it.

Names are those of the public API (ExportVoucherFields, ExportCustomerFields), as far as the panel has the data: it keeps no redemptions,
orders, holders of vouchers or pictures of codes. Amounts are in the currency's smallest unit, as everywhere in the API.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Double, SQLColumnExpression, and_, case, cast, false, func, literal_column

from auditpanel.catalogue.models import Campaign, Customer, Product, Sku, Voucher
from auditpanel.exports.columns import Beside, Column, boolean, by_name, day, integer, json, member, moment, number, record_id, text, word
from auditpanel.ids import Prefix

_ADDRESS = ("city", "state", "line_1", "line_2", "country", "postal_code")
_CAMPAIGN = Beside(Campaign, and_(Campaign.project_id == Voucher.project_id, Campaign.id == Voucher.campaign_id))


def _amount(document: SQLColumnExpression[object], name: str) -> SQLColumnExpression[object]:
    return cast(member(document, name), Double)


def _address() -> Sequence[Column]:
    return [text(f"address_{part}", member(Customer.address, part)) for part in _ADDRESS]


CAMPAIGN_COLUMNS = by_name(
    record_id("id", Prefix.CAMPAIGN, Campaign.id),
    text("name", Campaign.name),
    text("description", Campaign.description),
    word("campaign_type", Campaign.campaign_type),
    word("type", Campaign.type),
    text("category", Campaign.category),
    integer("vouchers_count", Campaign.vouchers_count),
    word("vouchers_generation_status", Campaign.vouchers_generation_status),
    moment("start_date", Campaign.start_date),
    moment("expiration_date", Campaign.expiration_date),
    boolean("active", Campaign.active),
    json("voucher", Campaign.voucher),
    json("metadata", Campaign.metadata_),
    moment("created_at", Campaign.created_at),
    moment("updated_at", Campaign.updated_at),
)

_VALUE = func.coalesce(
    *(_amount(Voucher.discount, name) for name in ("percent_off", "amount_off", "unit_off", "fixed_amount")),
    _amount(Voucher.gift, "amount"),
    _amount(Voucher.loyalty_card, "points"),
)
_FORMULA = func.coalesce(
    *(member(Voucher.discount, f"{name}_formula") for name in ("percent_off", "amount_off", "unit_off", "fixed_amount")),
)
VOUCHER_COLUMNS = by_name(
    text("code", Voucher.code),
    word("voucher_type", Voucher.type),
    number("value", _VALUE),
    text("formula", _FORMULA),
    text("discount_type", member(Voucher.discount, "type")),
    text("campaign", Campaign.name, beside=_CAMPAIGN),
    text("category", Voucher.category),
    moment("start_date", Voucher.start_date),
    moment("expiration_date", Voucher.expiration_date),
    number("gift_balance", _amount(Voucher.gift, "balance")),
    number("loyalty_balance", _amount(Voucher.loyalty_card, "balance")),
    integer("redemption_quantity", Voucher.redemption_quantity),
    integer("redemption_count", literal_column("0")),
    boolean("active", Voucher.active),
    json("metadata", Voucher.metadata_),
    record_id("id", Prefix.VOUCHER, Voucher.id),
    boolean("is_referral_code", false()),
    moment("created_at", Voucher.created_at),
    moment("updated_at", Voucher.updated_at),
    text("validity_timeframe_interval", member(Voucher.settings, "validity_timeframe", "interval")),
    text("validity_timeframe_duration", member(Voucher.settings, "validity_timeframe", "duration")),
    json("validity_day_of_week", func.jsonb_extract_path(Voucher.settings, "validity_day_of_week")),
    number("discount_amount_limit", _amount(Voucher.discount, "amount_limit")),
    record_id("campaign_id", Prefix.CAMPAIGN, Voucher.campaign_id),
    text("additional_info", Voucher.additional_info),
    text("discount_effect", member(Voucher.discount, "effect")),
    text("discount_unit_type", member(Voucher.discount, "unit_type")),
    text("discount_unit_effect", case((member(Voucher.discount, "type") == "UNIT", member(Voucher.discount, "effect")))),
    json("validation_rules_id", func.jsonb_extract_path(Voucher.settings, "validation_rules")),
)

CUSTOMER_COLUMNS = by_name(
    text("name", Customer.name),
    record_id("id", Prefix.CUSTOMER, Customer.id),
    text("description", Customer.description),
    text("email", Customer.email),
    text("source_id", Customer.source_id),
    moment("created_at", Customer.created_at),
    *_address(),
    moment("updated_at", Customer.updated_at),
    text("phone", Customer.phone),
    day("birthday", Customer.birthdate),
    json("metadata", Customer.metadata_),
    day("birthdate", Customer.birthdate),
)

PRODUCT_COLUMNS = by_name(
    record_id("id", Prefix.PRODUCT, Product.id),
    text("source_id", Product.source_id),
    text("name", Product.name),
    integer("price", Product.price),
    json("attributes", Product.attributes),
    text("image_url", Product.image_url),
    json("metadata", Product.metadata_),
    moment("created_at", Product.created_at),
    moment("updated_at", Product.updated_at),
)

SKU_COLUMNS = by_name(
    record_id("id", Prefix.SKU, Sku.id),
    text("source_id", Sku.source_id),
    record_id("product_id", Prefix.PRODUCT, Sku.product_id),
    text("sku", Sku.sku),
    integer("price", Sku.price),
    text("currency", Sku.currency),
    json("attributes", Sku.attributes),
    text("image_url", Sku.image_url),
    json("metadata", Sku.metadata_),
    moment("created_at", Sku.created_at),
    moment("updated_at", Sku.updated_at),
)
