"""The columns of CSV files: which of them are fields of the public templates, and which go to the metadata.

A header may be written in any case, with spaces, underscores, dashes or without. Columns that no template has become metadata, by the
types of the project's metadata schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from auditpanel.catalogue import cells
from auditpanel.catalogue.cells import Convert
from auditpanel.catalogue.formulas import restored
from auditpanel.catalogue.models import Resource
from auditpanel.catalogue.refused_csv import LINE, REASON, is_returned
from auditpanel.errors import InvalidInput

Json = dict[str, object]
Schema = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Field:
    """`headers` are the names it goes by, the template's first; `words` say what it is."""

    name: str
    headers: tuple[str, ...]
    words: str
    convert: Convert


FIELDS: Mapping[Resource, tuple[Field, ...]] = {
    Resource.VOUCHER: (
        Field("code", ("Code", "Voucher Code"), "code", cells.key),
        Field("type", ("Voucher Type", "Type"), "type of voucher", cells.text),
        Field("value", ("Value",), "value, by the type of discount", cells.text),
        Field("discount_type", ("Discount Type",), "type of discount", cells.text),
        Field("category", ("Category",), "category", cells.text),
        Field("active", ("Active",), "active or not", cells.switch),
        Field("start_date", ("Start Date",), "start date", cells.moment),
        Field("expiration_date", ("Expiration Date",), "expiration date", cells.moment),
        Field("redemption_quantity", ("Redemption Limit", "Redemption Quantity"), "how often it may be redeemed", cells.limit),
        Field("redeemed_quantity", ("Redeemed Quantity",), "how often it was redeemed", cells.whole),
        Field("redeemed_amount", ("Redeemed Amount",), "amount redeemed, in the smallest unit", cells.amount),
        Field("gift_amount", ("Gift Amount",), "amount of the gift card, in the smallest unit", cells.amount),
        Field("points", ("Loyalty Points", "Loyalty Card Points", "Points"), "points of the loyalty card", cells.whole),
        Field("additional_info", ("Additional Info",), "additional information", cells.text),
    ),
    Resource.CUSTOMER: (
        Field("id", ("Id", "Customer Id"), "id of the customer here", cells.key),
        Field("source_id", ("Source_id",), "source id", cells.key),
        Field("name", ("Name",), "name", cells.text),
        Field("email", ("Email",), "e-mail address", cells.text),
        Field("phone", ("Phone",), "phone number", cells.text),
        Field("birthdate", ("Birthdate", "Birthday"), "birthdate", cells.day),
        Field("line_1", ("Address_line_1", "Line_1"), "address, first line", cells.text),
        Field("line_2", ("Address_line_2", "Line_2"), "address, second line", cells.text),
        Field("postal_code", ("Address_Postal_Code", "Postal_code"), "address, postal code", cells.text),
        Field("city", ("Address_City", "City"), "address, city", cells.text),
        Field("state", ("Address_State", "State"), "address, state", cells.text),
        Field("country", ("Address_Country", "Country"), "address, country", cells.text),
        Field("description", ("Description",), "description", cells.text),
    ),
    Resource.PRODUCT: (
        Field("id", ("product_id", "Id"), "id of the product, ours or its source id", cells.key),
        Field("source_id", ("source_id",), "source id", cells.key),
        Field("name", ("name",), "name", cells.text),
        Field("price", ("price",), "price, in the smallest unit", cells.amount),
        Field("attributes", ("attributes",), "names of attributes, separated by commas", cells.words),
        Field("image_url", ("image_url",), "address of the picture", cells.text),
    ),
    Resource.SKU: (
        Field("product_id", ("product_id",), "the product, by its id here or its source id", cells.key),
        Field("id", ("sku_id", "Id"), "id of the SKU, ours or its source id", cells.key),
        Field("source_id", ("source_id",), "source id", cells.key),
        Field("sku", ("sku",), "name of the SKU", cells.text),
        Field("price", ("price",), "price, in the smallest unit", cells.amount),
        Field("currency", ("currency",), "currency", cells.currency),
        Field("attributes", ("attributes",), "attributes, an object in JSON", cells.thing),
        Field("image_url", ("image_url",), "address of the picture", cells.text),
    ),
}

# One of each of these a file has to have: without it, every row would be refused.
REQUIRED: Mapping[Resource, tuple[tuple[str, ...], ...]] = {
    Resource.VOUCHER: (("code",),),
    Resource.CUSTOMER: (("source_id", "id", "email", "name", "phone"),),
    Resource.PRODUCT: (("source_id", "id", "name"),),
    Resource.SKU: (("source_id", "id"), ("product_id",)),
}


@dataclass(frozen=True, slots=True)
class Column:
    """`key` is the field's name or the key in the metadata; `words` are None for metadata."""

    index: int
    header: str
    key: str
    convert: Convert
    words: str | None


@dataclass(frozen=True, slots=True)
class Columns:
    resource: Resource
    fields: tuple[Column, ...]
    metadata: tuple[Column, ...]

    def header_of(self, key: str) -> str:
        """The file's name of a field, else the template's."""
        named = next((column.header for column in self.fields if column.key == key), None)
        return named or next(field.headers[0] for field in FIELDS[self.resource] if field.name == key)

    def missing(self) -> list[str]:
        """The template's names of fields that the file has not, in words for people."""
        there = {column.key for column in self.fields}
        return [field.headers[0] for field in FIELDS[self.resource] if field.name not in there]


def plain_header(header: str) -> str:
    return header.casefold().translate(_NOTHING)


_NOTHING = str.maketrans("", "", " \t_-\N{NO-BREAK SPACE}")


def read_columns(header: tuple[str, ...], resource: Resource, schema: Schema) -> Columns:
    """Raises InvalidInput where no column is known, one stands twice, or one is missing without which nothing can be imported."""
    by_header = {plain_header(name): field for field in FIELDS[resource] for name in field.headers}
    fields: dict[str, Column] = {}
    metadata: dict[str, Column] = {}
    returned = is_returned(header)
    for index, told in enumerate(header):
        if returned and told in (LINE, REASON):
            continue
        name = restored(told) if returned else told
        field = by_header.get(plain_header(name))
        column = Column(index, name, field.name, field.convert, field.words) if field else _metadata_column(index, name, schema)
        if returned:
            column = replace(column, convert=_restoring(column.convert))
        columns = fields if field else metadata
        if column.key in columns:
            twice = f'"{columns[column.key].header}" and "{name}"'
            raise InvalidInput(f"The header names the same column twice, {twice}; keep one of them.")
        columns[column.key] = column
    _check_required(resource, header, set(fields))
    return Columns(resource, tuple(fields.values()), tuple(metadata.values()))


def _restoring(convert: Convert) -> Convert:
    return lambda cell: convert(restored(cell))


def _metadata_column(index: int, header: str, schema: Schema) -> Column:
    key = header if header in schema else next((key for key in schema if plain_header(key) == plain_header(header)), header)
    return Column(index, header, key, cells.metadata_converter(schema.get(key)), None)


def _check_required(resource: Resource, header: tuple[str, ...], there: set[str]) -> None:
    names = {field.name: field.headers[0] for field in FIELDS[resource]}
    if not there:
        shown = ", ".join(f'"{name[:40]}"' for name in header[:5])
        raise InvalidInput(f"The header has no known column, only {shown}; the first line has to name some of {', '.join(names.values())}.")
    for wanted in REQUIRED[resource]:
        if not there.intersection(wanted):
            either = " or ".join(names[name] for name in wanted)
            raise InvalidInput(f"The header has no column {either}; without it no row can be imported.")
