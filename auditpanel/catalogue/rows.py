"""What a row of a CSV file says, as values that can be stored. Every refusal names the column, its value and what would be right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from auditpanel.catalogue import bodies, cells
from auditpanel.catalogue.cells import Convert, Wrong
from auditpanel.catalogue.columns import Columns, plain_header
from auditpanel.catalogue.csv_files import CsvRow
from auditpanel.catalogue.definitions import discount_as_json, gift_as_json, loyalty_card_as_json
from auditpanel.catalogue.models import Resource, VoucherType
from auditpanel.catalogue.reading import convert_body
from auditpanel.catalogue.row_cells import (
    WrongRow,
    cell_of,
    check_needed,
    column_of,
    compiled,
    missing_cell,
    moment_of,
    read_cells,
    wrong_cell,
)
from auditpanel.catalogue.values import NewVoucher
from auditpanel.errors import InvalidInput
from auditpanel.ids import Prefix, parse_id

__all__ = ["CodedVoucher", "Entry", "EntryRows", "VoucherRows", "WrongRow"]

Json = dict[str, object]

# What is kept of rows that repeat; long ones seldom do, and would take memory.
KEPT_VOUCHERS = 4_096
KEPT_DATES = 4_096
KEPT_CHARACTERS = 1_000
ADDRESS = ("city", "state", "line_1", "line_2", "country", "postal_code")
PREFIXES = {Resource.CUSTOMER: Prefix.CUSTOMER, Resource.PRODUCT: Prefix.PRODUCT, Resource.SKU: Prefix.SKU}

_VOUCHER_TYPES = {
    spelling: kind
    for kind, names in {
        VoucherType.DISCOUNT: (VoucherType.DISCOUNT, "Discount", "Discount Coupon"),
        VoucherType.GIFT: (VoucherType.GIFT, "Gift", "Gift Card"),
        VoucherType.LOYALTY: (VoucherType.LOYALTY, "Loyalty"),
    }.items()
    for name in names
    for spelling in (str(name), plain_header(name))
}
# The field of each type of discount that a Value is, and how it is read.
_DISCOUNTS: dict[str, tuple[str, Convert]] = {
    "AMOUNT": ("amount_off", cells.amount),
    "PERCENT": ("percent_off", cells.percent),
    "UNIT": ("unit_off", cells.whole),
    "FIXED": ("fixed_amount", cells.amount),
}


# When a voucher begins and ends.
Dates = tuple[datetime | None, datetime | None]


class CodedVoucher(NamedTuple):
    """A voucher that is like `like` but for its code, metadata and dates: those do not count there, and it may be that of many.

    Where `dates` is None, they are those of `like` too.
    """

    code: str
    metadata: Json
    like: NewVoucher
    dates: Dates | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be stored of a customer, product or SKU: a new one, or what changes of the one with that id or source id.

    `fields` has only what is given, by column of the table. `product` names the product of a SKU.
    """

    id: UUID | None
    source_id: str | None
    fields: Json
    metadata: Json = field(default_factory=dict)
    product: str | None = None


class VoucherRows:
    """Reads vouchers. What a row does not say is as in `template`, a campaign's voucher.

    Most files repeat everything but code, metadata and dates: what has been made of such cells is kept, and half of an import's time
    saved.
    """

    def __init__(self, columns: Columns, template: NewVoucher | None = None, *, needed_metadata: Sequence[str] = ()) -> None:
        self._columns = columns
        self._needed_metadata = needed_metadata
        self._code = next(column for column in columns.fields if column.key == "code")
        self._start, self._end = (column_of(columns, key) for key in ("start_date", "expiration_date"))
        own = (self._code, self._start, self._end)
        self._fields = compiled([column for column in columns.fields if column not in own])
        self._metadata = compiled(columns.metadata)
        self._template = template
        self._made: dict[tuple[str, ...], NewVoucher] = {}
        self._made_dates: dict[tuple[str, str], Dates] = {}
        self._indices = [index for index, *_ in self._fields]

    def read(self, row: CsvRow) -> CodedVoucher:
        """Raises WrongRow."""
        cells, index = row.cells, self._code.index
        cell = cells[index].strip()
        if not cell:
            raise missing_cell(self._code.header, "each voucher has a code of its own")
        try:
            code = str(self._code.convert(cell))
        except Wrong as error:
            raise wrong_cell(self._code.header, cell, str(error)) from None
        others = tuple([cells[index] for index in self._indices])
        made = self._made.get(others)
        if made is None:
            made = self._make(cells)
            if len(self._made) >= KEPT_VOUCHERS:
                self._made.clear()
            if row.size <= KEPT_CHARACTERS:
                self._made[others] = made
        metadata = read_cells(cells, self._metadata) if self._metadata else {}
        if self._needed_metadata:
            check_needed(metadata, self._needed_metadata)
        return CodedVoucher(code, metadata, made, self._dates(cells) if self._start or self._end else None)

    def _make(self, cells: list[str]) -> NewVoucher:
        values, template = read_cells(cells, self._fields), self._template
        kind = self._type_of(values)
        return NewVoucher(
            code=None,
            type=kind,
            discount=self._discount_of(values) if kind is VoucherType.DISCOUNT else None,
            gift=self._gift_of(values) if kind is VoucherType.GIFT else None,
            loyalty_card=self._loyalty_card_of(values) if kind is VoucherType.LOYALTY else None,
            redemption_quantity=values.get("redemption_quantity") or (template and template.redemption_quantity),  # type: ignore[arg-type]
            category=values.get("category") or (template and template.category),  # type: ignore[arg-type]
            start_date=template.start_date if template else None,
            expiration_date=template.expiration_date if template else None,
            active=values.get("active", True),  # type: ignore[arg-type]
            additional_info=values.get("additional_info"),  # type: ignore[arg-type]
            settings={"redeemed_quantity": values["redeemed_quantity"]} if "redeemed_quantity" in values else {},
        )

    def _dates(self, row: list[str]) -> Dates:
        """Kept by themselves: each row may have its own, and would spoil what is kept of the others."""
        told = (cell_of(self._start, row), cell_of(self._end, row))
        dates = self._made_dates.get(told)
        if dates is None:
            if len(self._made_dates) >= KEPT_DATES:
                self._made_dates.clear()
            dates = self._made_dates[told] = self._make_dates(row)
        return dates

    def _make_dates(self, row: list[str]) -> Dates:
        template = self._template
        start = moment_of(self._start, row) or (template.start_date if template else None)
        end = moment_of(self._end, row) or (template.expiration_date if template else None)
        if start and end and end <= start:
            raise self._expired(row, start, end)
        return start, end

    def _expired(self, row: list[str], start: datetime, end: datetime) -> WrongRow:
        """Of a date in the row that does not fit the other one, which is the row's or the campaign's."""
        start_cell, end_cell = cell_of(self._start, row), cell_of(self._end, row)
        if self._end and end_cell:
            other = start_cell or f"{cells.written(start)} of the campaign"
            return wrong_cell(self._end.header, end_cell, f"is not after the start date, {other}; a voucher ends after it starts")
        assert self._start is not None
        wanted = f"is not before the campaign's expiration date, {cells.written(end)}; a voucher ends after it starts"
        return wrong_cell(self._start.header, start_cell, wanted)

    def _type_of(self, values: Json) -> VoucherType:
        template, told = self._template, values.get("type")
        if told is None:
            if template:
                return template.type
            return VoucherType.GIFT if "gift_amount" in values else VoucherType.LOYALTY if "points" in values else VoucherType.DISCOUNT
        kind = _VOUCHER_TYPES.get(str(told)) or _VOUCHER_TYPES.get(plain_header(str(told)))
        if kind is None:
            raise wrong_cell(self._columns.header_of("type"), str(told), f"is no type of voucher; write {', '.join(VoucherType)}")
        if template and kind is not template.type:
            wanted = f"does not fit the campaign; its vouchers are {template.type}"
            raise wrong_cell(self._columns.header_of("type"), str(told), wanted)
        return kind

    def _discount_of(self, values: Json) -> Json | None:
        value, told = values.get("value"), values.get("discount_type")
        made = self._template.discount if self._template else None
        if value is None and told is None and made is not None:
            return made
        kind = str(told or (made and made.get("type")) or "").upper()
        if kind not in _DISCOUNTS:
            column, wanted = self._columns.header_of("discount_type"), f"write {', '.join(_DISCOUNTS)}"
            raise wrong_cell(column, str(told), f"is no type of discount; {wanted}") if told else missing_cell(column, wanted)
        if value is None:
            wanted = "write 10 for 10 percent, 1500 for an amount of 15.00, or how many units are free"
            raise missing_cell(self._columns.header_of("value"), wanted)
        try:
            return _discount(kind, str(value))
        except Wrong as error:
            raise wrong_cell(self._columns.header_of("value"), str(value), str(error)) from None

    def _gift_of(self, values: Json) -> Json | None:
        made = self._template.gift if self._template else None
        amount = values.get("gift_amount")
        if amount is None and "value" in values:
            amount = self._worth(values, cells.amount)
        if amount is None:
            if made is not None and "redeemed_amount" not in values:
                return made
            amount = made and made.get("amount")
        if amount is None:
            raise missing_cell(self._columns.header_of("gift_amount"), "write the amount in the smallest unit, like 10000 for 100.00")
        redeemed = values.get("redeemed_amount", 0)
        if redeemed > amount:  # type: ignore[operator]
            raise wrong_cell(self._columns.header_of("redeemed_amount"), str(redeemed), f"is more than the gift card's amount, {amount}")
        return gift_as_json(bodies.Gift(amount=amount, subtracted_amount=redeemed))  # type: ignore[arg-type]

    def _loyalty_card_of(self, values: Json) -> Json | None:
        points = values.get("points")
        if points is None and "value" in values:
            points = self._worth(values, cells.whole)
        if points is None and self._template:
            return self._template.loyalty_card
        return loyalty_card_as_json(bodies.LoyaltyCard(points=points or 0))  # type: ignore[arg-type]

    def _worth(self, values: Json, convert: Convert) -> object:
        try:
            return convert(str(values["value"]))
        except Wrong as error:
            raise wrong_cell(self._columns.header_of("value"), str(values["value"]), str(error)) from None


# Files repeat the same few discounts; made through the API's own definitions, they are the same JSON whichever way they came.
@lru_cache(maxsize=4096)
def _discount(kind: str, cell: str) -> Json:
    name, convert = _DISCOUNTS[kind]
    body = convert_body({"discount": {"type": kind, name: convert(cell)}}, bodies.VoucherBody)
    return discount_as_json(body.discount)


class EntryRows:
    """Reads customers, products and SKUs."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._fields = compiled(columns.fields)
        self._metadata = compiled(columns.metadata)

    def read(self, row: CsvRow) -> Entry:
        """Raises WrongRow."""
        values = read_cells(row.cells, self._fields)
        own_id, source_id = self._identity(values.pop("id", None), values.pop("source_id", None))
        product = values.pop("product_id", None)
        if self._columns.resource is Resource.SKU:
            self._check_sku(own_id, source_id, product)
        if address := {name: values.pop(name) for name in ADDRESS if name in values}:
            values["address"] = address
        if own_id is None and source_id is None and not values:
            raise missing_cell(self._columns.header_of("source_id"), "the row says nothing by which it could be found")
        metadata = read_cells(row.cells, self._metadata) if self._metadata else {}
        return Entry(own_id, source_id, values, metadata, str(product) if product else None)

    def _identity(self, told_id: object, source_id: object) -> tuple[UUID | None, str | None]:
        """Of products and SKUs, an id that is not ours is the source id: shops have their own."""
        told, source = (str(value) if value else None for value in (told_id, source_id))
        if told is None:
            return None, source
        prefix = PREFIXES[self._columns.resource]
        try:
            return parse_id(prefix, told), source
        except InvalidInput as error:
            if self._columns.resource is not Resource.CUSTOMER and source in (None, told):
                return None, told
            raise wrong_cell(self._columns.header_of("id"), told, f"is not an id; {error.details.partition('; ')[2]}") from None

    def _check_sku(self, own_id: UUID | None, source_id: str | None, product: object) -> None:
        if own_id is None and source_id is None:
            raise missing_cell(self._columns.header_of("source_id"), "each SKU has a source id of its own")
        if product is None and own_id is None:
            raise missing_cell(self._columns.header_of("product_id"), "write the id or the source id of its product")
