"""The bodies of the public API as they come in: names, types and enumerations. What they mean is in `values`.

A field that is left out is UNSET, and for an update different from null. Fields that are not named here are passed over, as the public
API does it.
"""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

Json = dict[str, object]
Number = int | float
Text = str | None | UnsetType
Switch = bool | None | UnsetType
Whole = int | None | UnsetType
Amount = Number | None | UnsetType
Object = Json | None | UnsetType
Objects = list[Json] | None | UnsetType
Texts = list[str] | None | UnsetType
Days = list[int] | None | UnsetType

ItemsEffect = Literal["APPLY_TO_ORDER", "APPLY_TO_ITEMS"]
AmountEffect = Literal[
    "APPLY_TO_ORDER",
    "APPLY_TO_ITEMS",
    "APPLY_TO_ITEMS_PROPORTIONALLY",
    "APPLY_TO_ITEMS_PROPORTIONALLY_BY_QUANTITY",
    "APPLY_TO_ITEMS_BY_QUANTITY",
]
UnitEffect = Literal["ADD_MISSING_ITEMS", "ADD_NEW_ITEMS", "ADD_MANY_ITEMS", "ADD_SAME_ITEMS"]


class DiscountAmount(Struct, tag_field="type", tag="AMOUNT", kw_only=True):
    """Amounts are in the currency's smallest unit: 10.00 is 1000."""

    amount_off: Amount = UNSET
    amount_off_formula: Text = UNSET
    aggregated_amount_limit: Whole = UNSET
    effect: AmountEffect | UnsetType | None = UNSET
    is_dynamic: Switch = UNSET


class DiscountPercent(Struct, tag_field="type", tag="PERCENT", kw_only=True):
    percent_off: Amount = UNSET
    percent_off_formula: Text = UNSET
    amount_limit: Amount = UNSET
    aggregated_amount_limit: Whole = UNSET
    effect: ItemsEffect | UnsetType | None = UNSET
    is_dynamic: Switch = UNSET


class DiscountUnit(Struct, tag_field="type", tag="UNIT", kw_only=True):
    """One kind of unit, or several in `units`."""

    unit_off: Amount = UNSET
    unit_off_formula: Text = UNSET
    effect: UnitEffect | UnsetType | None = UNSET
    unit_type: Text = UNSET
    product: Object = UNSET
    sku: Object = UNSET
    units: Objects = UNSET
    is_dynamic: Switch = UNSET


class DiscountFixed(Struct, tag_field="type", tag="FIXED", kw_only=True):
    fixed_amount: Amount = UNSET
    fixed_amount_formula: Text = UNSET
    effect: ItemsEffect | UnsetType | None = UNSET
    is_dynamic: Switch = UNSET


Discount = DiscountAmount | DiscountPercent | DiscountUnit | DiscountFixed


class Gift(Struct, kw_only=True):
    amount: Amount = UNSET
    subtracted_amount: Amount = UNSET
    balance: Amount = UNSET
    effect: ItemsEffect | UnsetType | None = UNSET


class LoyaltyCard(Struct, kw_only=True):
    points: Whole = UNSET
    balance: Whole = UNSET
    next_expiration_date: Text = UNSET
    next_expiration_points: Whole = UNSET
    pending_points: Whole = UNSET
    expired_points: Whole = UNSET
    subtracted_points: Whole = UNSET
    expiration_rules: Object = UNSET


class Redemption(Struct, kw_only=True):
    """`quantity` is how often it may be redeemed; null is without limit."""

    quantity: Whole = UNSET


class CodeConfig(Struct, kw_only=True):
    """How codes are made. Each # of `pattern` becomes a character of `charset`; without one, `length` of them stand together."""

    length: Amount = UNSET
    charset: Text = UNSET
    prefix: Text = UNSET
    postfix: Text = UNSET
    pattern: Text = UNSET
    initial_count: Whole = UNSET


class Kept(Struct, kw_only=True):
    """What is kept as it came: nothing here depends on it."""

    category_id: Text = UNSET
    validity_timeframe: Object = UNSET
    validity_day_of_week: Days = UNSET
    validity_hours: Object = UNSET
    validation_rules: Texts = UNSET


class VoucherBody(Kept, kw_only=True):
    code: Text = UNSET
    code_config: CodeConfig | UnsetType | None = UNSET
    campaign: Text = UNSET
    campaign_id: Text = UNSET
    type: Literal["DISCOUNT_VOUCHER", "GIFT_VOUCHER", "LOYALTY_CARD"] | UnsetType | None = UNSET
    discount: Discount | UnsetType | None = UNSET
    gift: Gift | UnsetType | None = UNSET
    loyalty_card: LoyaltyCard | UnsetType | None = UNSET
    redemption: Redemption | UnsetType | None = UNSET
    category: Text = UNSET
    start_date: Text = UNSET
    expiration_date: Text = UNSET
    active: Switch = UNSET
    additional_info: Text = UNSET
    metadata: Object = UNSET


class CampaignKept(Kept, kw_only=True):
    join_once: Switch = UNSET
    auto_join: Switch = UNSET
    use_voucher_metadata_schema: Switch = UNSET
    activity_duration_after_publishing: Text = UNSET
    access_settings: Object = UNSET
    loyalty_tiers_expiration: Object = UNSET


class CampaignBody(CampaignKept, kw_only=True):
    """An update has its `discount`, `gift` and `loyalty_card` beside the others rather than in `voucher`."""

    name: Text = UNSET
    description: Text = UNSET
    campaign_type: Text = UNSET
    type: Literal["AUTO_UPDATE", "STATIC", "STANDALONE"] | UnsetType | None = UNSET
    voucher: VoucherBody | UnsetType | None = UNSET
    discount: Discount | UnsetType | None = UNSET
    gift: Gift | UnsetType | None = UNSET
    loyalty_card: LoyaltyCard | UnsetType | None = UNSET
    vouchers_count: Whole = UNSET
    category: Text = UNSET
    start_date: Text = UNSET
    expiration_date: Text = UNSET
    active: Switch = UNSET
    metadata: Object = UNSET
    unset_metadata_fields: Texts = UNSET


class Address(Struct, kw_only=True):
    city: Text = UNSET
    state: Text = UNSET
    line_1: Text = UNSET
    line_2: Text = UNSET
    country: Text = UNSET
    postal_code: Text = UNSET


class CustomerBody(Struct, kw_only=True):
    """`birthday` is the older name of `birthdate`."""

    id: Text = UNSET
    source_id: Text = UNSET
    name: Text = UNSET
    email: Text = UNSET
    phone: Text = UNSET
    description: Text = UNSET
    birthday: Text = UNSET
    birthdate: Text = UNSET
    address: Address | UnsetType | None = UNSET
    metadata: Object = UNSET


class ProductBody(Struct, kw_only=True):
    id: Text = UNSET
    source_id: Text = UNSET
    name: Text = UNSET
    price: Whole = UNSET
    attributes: Texts = UNSET
    image_url: Text = UNSET
    metadata: Object = UNSET


class SkuBody(Struct, kw_only=True):
    id: Text = UNSET
    source_id: Text = UNSET
    sku: Text = UNSET
    price: Whole = UNSET
    currency: Text = UNSET
    attributes: Object = UNSET
    image_url: Text = UNSET
    metadata: Object = UNSET


class VouchersMetadataBody(Struct, kw_only=True):
    codes: list[str]
    metadata: Json


class MetadataBody(Struct, kw_only=True):
    """The same for customers and products."""

    source_ids: list[str]
    metadata: Json
