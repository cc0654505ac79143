"""What is created and changed in the catalogue, read from the public API's bodies and checked.

A value that is made here can be stored: its fields are named like the columns of `models`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from msgspec import UNSET, Struct, to_builtins

from auditpanel.catalogue import bodies
from auditpanel.catalogue.definitions import (
    campaign_voucher_as_json,
    code_config_as_json,
    discount_as_json,
    gift_as_json,
    loyalty_card_as_json,
    redemption_quantity_of,
    voucher_type_of,
)
from auditpanel.catalogue.models import CampaignType, VoucherType
from auditpanel.catalogue.reading import (
    check_order,
    convert_body,
    given,
    read_day,
    read_key,
    read_moment,
    read_text,
    read_whole,
)
from auditpanel.errors import InvalidInput

Json = dict[str, object]

VOUCHERS_AT_ONCE = 10_000_000
# The kind of voucher that each kind of campaign has.
CAMPAIGN_VOUCHERS = {
    CampaignType.DISCOUNT: VoucherType.DISCOUNT,
    CampaignType.GIFT: VoucherType.GIFT,
    CampaignType.LOYALTY: VoucherType.LOYALTY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVoucher:
    """`code` is None where one is to be made by `code_config` (complete, or empty). `campaign` is the id or name of its campaign."""

    code: str | None
    type: VoucherType
    discount: Json | None = None
    gift: Json | None = None
    loyalty_card: Json | None = None
    redemption_quantity: int | None = None
    campaign: str | None = None
    category: str | None = None
    start_date: datetime | None = None
    expiration_date: datetime | None = None
    active: bool = True
    additional_info: str | None = None
    settings: Json = field(default_factory=dict)
    metadata: Json = field(default_factory=dict)
    code_config: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCampaign:
    """`voucher` is what each of its vouchers is made like, as the API shows it; `vouchers_count` of them are generated."""

    name: str
    campaign_type: CampaignType
    type: str
    voucher: Json
    vouchers_count: int = 0
    description: str | None = None
    category: str | None = None
    start_date: datetime | None = None
    expiration_date: datetime | None = None
    active: bool = True
    settings: Json = field(default_factory=dict)
    metadata: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCustomer:
    source_id: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    description: str | None = None
    birthdate: date | None = None
    address: Json | None = None
    metadata: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProduct:
    source_id: str | None = None
    name: str | None = None
    price: int | None = None
    attributes: list[str] = field(default_factory=list)
    image_url: str | None = None
    metadata: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSku:
    source_id: str | None = None
    sku: str | None = None
    price: int | None = None
    currency: str | None = None
    attributes: Json = field(default_factory=dict)
    image_url: str | None = None
    metadata: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MetadataUpdate:
    """`keys` are the codes or source ids of those whose metadata is set; each once, in the order given."""

    keys: Sequence[str]
    metadata: Json


def read_voucher(data: object) -> NewVoucher:
    """Of a body of `POST /v1/vouchers` or an item of `POST /v1/vouchers/import`. Raises InvalidInput with the path of the field."""
    body = convert_body(data, bodies.VoucherBody)
    kind = voucher_type_of(body)
    return _voucher(
        body,
        kind,
        discount=discount_as_json(body.discount) if kind is VoucherType.DISCOUNT else None,
        gift=gift_as_json(body.gift) if kind is VoucherType.GIFT else None,
        loyalty_card=loyalty_card_as_json(body.loyalty_card) if kind is VoucherType.LOYALTY else None,
    )


def read_campaign_voucher(data: object, template: Json) -> NewVoucher:
    """A voucher of a campaign: what it does not say is as `template`, the campaign's `voucher`, has it."""
    body, made = convert_body(data, bodies.VoucherBody), read_voucher(template)
    if given(body.type) and body.type != made.type:
        raise InvalidInput(f'"{body.type}" does not fit the campaign; its vouchers are {made.type}', field="type")
    named = _voucher(
        body,
        made.type,
        discount=discount_as_json(body.discount) if made.discount and given(body.discount) else made.discount,
        gift=gift_as_json(body.gift) if made.gift and given(body.gift) else made.gift,
        loyalty_card=loyalty_card_as_json(body.loyalty_card) if made.loyalty_card and given(body.loyalty_card) else made.loyalty_card,
    )
    quantity = named.redemption_quantity if given(body.redemption) else made.redemption_quantity
    return replace(named, redemption_quantity=quantity, code_config=named.code_config or made.code_config)


def _voucher(
    body: bodies.VoucherBody, kind: VoucherType, *, discount: Json | None, gift: Json | None, loyalty_card: Json | None
) -> NewVoucher:
    start, end = read_moment(body.start_date, "start_date"), read_moment(body.expiration_date, "expiration_date")
    check_order(start, end)
    return NewVoucher(
        code=read_key(body.code, "code"),
        type=kind,
        discount=discount,
        gift=gift,
        loyalty_card=loyalty_card,
        redemption_quantity=redemption_quantity_of(body.redemption),
        campaign=read_key(body.campaign_id, "campaign_id") or read_key(body.campaign, "campaign"),
        category=read_text(body.category, "category"),
        start_date=start,
        expiration_date=end,
        active=body.active is not False,
        additional_info=read_text(body.additional_info, "additional_info"),
        settings=kept_of(body, bodies.Kept),
        metadata=metadata_of(body.metadata),
        code_config=code_config_as_json(body.code_config) if given(body.code_config) else {},
    )


def read_campaign(data: object) -> NewCampaign:
    body = convert_body(data, bodies.CampaignBody)
    name, kind = read_key(body.name, "name"), _campaign_type(body)
    if name is None:
        raise InvalidInput("is missing; give the campaign a name of its own", field="name")
    start, end = read_moment(body.start_date, "start_date"), read_moment(body.expiration_date, "expiration_date")
    check_order(start, end)
    return NewCampaign(
        name=name,
        campaign_type=kind,
        type=body.type if isinstance(body.type, str) else "AUTO_UPDATE",
        voucher=campaign_voucher_as_json(body.voucher, CAMPAIGN_VOUCHERS[kind]),
        vouchers_count=read_whole(body.vouchers_count, "vouchers_count", highest=VOUCHERS_AT_ONCE) or 0,
        description=read_text(body.description, "description"),
        category=read_text(body.category, "category"),
        start_date=start,
        expiration_date=end,
        active=body.active is not False,
        settings=kept_of(body, bodies.CampaignKept),
        metadata=metadata_of(body.metadata),
    )


def _campaign_type(body: bodies.CampaignBody) -> CampaignType:
    if not given(body.campaign_type) and isinstance(body.voucher, bodies.VoucherBody):
        kind = voucher_type_of(body.voucher, "voucher.")
        return next(campaign for campaign, voucher in CAMPAIGN_VOUCHERS.items() if voucher is kind)
    try:
        return CampaignType(str(body.campaign_type))
    except ValueError:
        shown = f'"{body.campaign_type}" is not kept here' if isinstance(body.campaign_type, str) else "is missing"
        raise InvalidInput(f"{shown}; write {', '.join(CampaignType)}", field="campaign_type") from None


def read_customer(data: object) -> NewCustomer:
    body = convert_body(data, bodies.CustomerBody)
    return NewCustomer(
        source_id=read_key(body.source_id, "source_id"),
        name=read_text(body.name, "name"),
        email=read_text(body.email, "email"),
        phone=read_text(body.phone, "phone"),
        description=read_text(body.description, "description"),
        birthdate=read_day(body.birthdate, "birthdate") or read_day(body.birthday, "birthday"),
        address=to_builtins(body.address) if isinstance(body.address, bodies.Address) else None,
        metadata=metadata_of(body.metadata),
    )


def read_product(data: object) -> NewProduct:
    body = convert_body(data, bodies.ProductBody)
    return NewProduct(
        source_id=read_key(body.source_id, "source_id"),
        name=read_text(body.name, "name"),
        price=read_whole(body.price, "price"),
        attributes=list(body.attributes) if isinstance(body.attributes, list) else [],
        image_url=read_text(body.image_url, "image_url"),
        metadata=metadata_of(body.metadata),
    )


def read_sku(data: object) -> NewSku:
    body = convert_body(data, bodies.SkuBody)
    return NewSku(
        source_id=read_key(body.source_id, "source_id"),
        sku=read_text(body.sku, "sku"),
        price=read_whole(body.price, "price"),
        currency=read_text(body.currency, "currency", limit=3),
        attributes=dict(body.attributes) if isinstance(body.attributes, dict) else {},
        image_url=read_text(body.image_url, "image_url"),
        metadata=metadata_of(body.metadata),
    )


def read_vouchers_metadata(data: object) -> MetadataUpdate:
    """The body of `POST /v1/vouchers/metadata/async`."""
    body = convert_body(data, bodies.VouchersMetadataBody)
    return MetadataUpdate(_keys(body.codes, "codes"), body.metadata)


def read_metadata_update(data: object) -> MetadataUpdate:
    """The body of `POST /v1/customers/metadata/async` and of the one for products."""
    body = convert_body(data, bodies.MetadataBody)
    return MetadataUpdate(_keys(body.source_ids, "source_ids"), body.metadata)


def _keys(texts: Sequence[str], name: str) -> list[str]:
    read = [read_key(text, f"{name}[{index}]") for index, text in enumerate(texts)]
    keys = list(dict.fromkeys(key for key in read if key))
    if not keys:
        raise InvalidInput("is empty; name those whose metadata is to be set", field=name)
    return keys


def metadata_of(value: bodies.Object) -> Json:
    return dict(value) if isinstance(value, dict) else {}


def kept_of(body: Struct, kind: type[Struct]) -> Json:
    """The fields of `kind` that the body has, as they came. What is null is as if it were not there."""
    named = ((name, getattr(body, name, UNSET)) for name in kind.__struct_fields__)
    return {name: value for name, value in named if given(value)}
