"""What an update says: only what its body has is changed. Null clears a field; metadata is set key by key, and the other keys stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from msgspec import UNSET, Struct, UnsetType, to_builtins

from auditpanel.catalogue import bodies
from auditpanel.catalogue.definitions import discount_as_json
from auditpanel.catalogue.reading import check_order, convert_body, read_day, read_key, read_moment, read_text, read_whole
from auditpanel.catalogue.values import kept_of, metadata_of

Json = dict[str, object]
Readers = Mapping[str, Callable[..., object]]


_VOUCHER: Readers = {
    "category": read_text,
    "additional_info": read_text,
    "start_date": read_moment,
    "expiration_date": read_moment,
}
_CAMPAIGN: Readers = {
    "description": read_text,
    "category": read_text,
    "start_date": read_moment,
    "expiration_date": read_moment,
}


@dataclass(frozen=True, slots=True)
class Changes:
    """`columns` are the model's columns by name with their new values; `metadata` and `settings` are the keys to set in those."""

    columns: Json = field(default_factory=dict)
    metadata: Json = field(default_factory=dict)
    settings: Json = field(default_factory=dict)
    unset_metadata: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.columns or self.metadata or self.settings or self.unset_metadata)


def read_voucher_changes(data: object) -> Changes:
    """The body of `PUT /v1/vouchers/{code}`; what a voucher is (its code, type, campaign and balance) stays.

    Clients send the type of a discount with every voucher, so it is passed over.
    """
    body = convert_body(data, bodies.VoucherBody)
    columns = _columns(body, _VOUCHER)
    columns |= _switch(body, "active")
    if not isinstance(body.discount, UnsetType) and body.discount is not None:
        columns["discount"] = discount_as_json(body.discount)
    _check_dates(columns)
    return Changes(columns, metadata_of(body.metadata), kept_of(body, bodies.Kept))


def read_campaign_changes(data: object) -> Changes:
    """The body of `PUT /v1/campaigns/{id}`; a `voucher` in it is read by `campaigns`, which knows its type."""
    body = convert_body(data, bodies.CampaignBody)
    columns = _columns(body, _CAMPAIGN)
    columns |= _switch(body, "active")
    if isinstance(body.type, str):
        columns["type"] = body.type
    _check_dates(columns)
    unset = tuple(body.unset_metadata_fields) if isinstance(body.unset_metadata_fields, list) else ()
    return Changes(columns, metadata_of(body.metadata), kept_of(body, bodies.CampaignKept), unset)


def read_customer_changes(data: object) -> Changes:
    body = convert_body(data, bodies.CustomerBody)
    columns = _columns(body, dict.fromkeys(("name", "email", "phone", "description"), read_text))
    columns |= _key(body)
    for name in ("birthday", "birthdate"):
        if not isinstance(getattr(body, name), UnsetType):
            columns["birthdate"] = read_day(getattr(body, name), name)
    if not isinstance(body.address, UnsetType):
        columns["address"] = to_builtins(body.address) if body.address else None
    return Changes(columns, metadata_of(body.metadata))


def read_product_changes(data: object) -> Changes:
    body = convert_body(data, bodies.ProductBody)
    columns = _columns(body, {"name": read_text, "image_url": read_text, "price": read_whole})
    columns |= _key(body)
    if not isinstance(body.attributes, UnsetType):
        columns["attributes"] = body.attributes or []
    return Changes(columns, metadata_of(body.metadata))


def read_sku_changes(data: object) -> Changes:
    body = convert_body(data, bodies.SkuBody)
    columns = _columns(body, {"sku": read_text, "image_url": read_text, "price": read_whole, "currency": _read_currency})
    columns |= _key(body)
    if not isinstance(body.attributes, UnsetType):
        columns["attributes"] = body.attributes or {}
    return Changes(columns, metadata_of(body.metadata))


def merged(stored: Mapping[str, object], changes: Changes) -> Json:
    """The metadata after the changes."""
    kept = {key: value for key, value in stored.items() if key not in changes.unset_metadata}
    return kept | changes.metadata


def _read_currency(value: str | UnsetType | None, name: str) -> str | None:
    return read_text(value, name, limit=3)


def _columns(body: Struct, readers: Readers) -> Json:
    named = ((name, getattr(body, name, UNSET)) for name in readers)
    return {name: readers[name](value, name) for name, value in named if not isinstance(value, UnsetType)}


def _switch(body: Struct, name: str) -> Json:
    value = getattr(body, name)
    return {name: value} if isinstance(value, bool) else {}


def _key(body: bodies.CustomerBody | bodies.ProductBody | bodies.SkuBody) -> Json:
    """A record keeps its source id where an update has none."""
    source_id = read_key(body.source_id, "source_id")
    return {"source_id": source_id} if source_id else {}


def _check_dates(columns: Json) -> None:
    check_order(columns.get("start_date"), columns.get("expiration_date"))  # type: ignore[arg-type]
