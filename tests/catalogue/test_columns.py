from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from auditpanel.catalogue.columns import FIELDS, read_columns
from auditpanel.catalogue.csv_files import CsvRow
from auditpanel.catalogue.models import Resource
from auditpanel.catalogue.rows import Entry, EntryRows, VoucherRows, WrongRow
from auditpanel.catalogue.values import NewVoucher

SCHEMA: dict[str, dict[str, object]] = {
    "text": {"type": "string"},
    "count": {"type": "number"},
    "is_new": {"type": "boolean"},
    "made_on": {"type": "date"},
    "sold_at": {"type": "datetime"},
    "size": {"type": "object"},
    "picture": {"type": "image_url"},
    "shop": {"type": "geopoint"},
    "tags": {"type": "string", "array": True},
    "counts": {"type": "number", "array": True},
    "days": {"type": "date", "array": True},
    "sizes": {"type": "object", "array": True},
    "own": {"type": "Measure"},
}


def row_of(header: str, line: str) -> CsvRow:
    names, cells = csv.reader(io.StringIO(f"{header}\n{line}\n"))
    return CsvRow(2, cells, tuple(names), len(line))


def voucher(header: str, line: str) -> NewVoucher:
    row = row_of(header, line)
    code, metadata, like, dates = VoucherRows(read_columns(row.header, Resource.VOUCHER, SCHEMA)).read(row)
    start_date, expiration_date = dates or (None, None)
    return replace(like, code=code, metadata=metadata, start_date=start_date, expiration_date=expiration_date)


def entry(resource: Resource, header: str, line: str) -> Entry:
    row = row_of(header, line)
    return EntryRows(read_columns(row.header, resource, SCHEMA)).read(row)


@pytest.mark.parametrize("header", ["Discount Type", "discount_type", "DISCOUNT-TYPE", " discounttype ", "Discount\N{NO-BREAK SPACE}Type"])
def test_a_header_is_known_however_it_is_written(header: str) -> None:
    made = voucher(f"code,{header},Value", "A,PERCENT,10")
    assert made.discount == {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ORDER"}


@pytest.mark.parametrize("resource", FIELDS)
def test_each_header_of_a_template_names_one_field(resource: Resource) -> None:
    header = tuple(name for field in FIELDS[resource] for name in field.headers[:1])
    columns = read_columns(header, resource, {})
    assert [column.key for column in columns.fields] == [field.name for field in FIELDS[resource]]
    assert (columns.metadata, columns.missing()) == ((), [])


@pytest.mark.parametrize(
    ("key", "cell", "value"),
    [
        ("text", "007", "007"),
        ("unknown", "1.50", "1.50"),
        ("count", "15", 15),
        ("COUNT", "-1.5", -1.5),
        ("count", "1e3", 1000),
        ("Is New", "No", False),
        ("made_on", "2026-11-25T10:00:00Z", "2026-11-25"),
        ("sold_at", "2026-11-25T10:00:00+01:00", "2026-11-25T09:00:00.000Z"),
        ("size", '{"eu": 40}', {"eu": 40}),
        ("size", "{'eu': 40}", {"eu": 40}),
        ("picture", "https://example.com/a.png", "https://example.com/a.png"),
        ("shop", "52.2297, 21.0122", [52.2297, 21.0122]),
        ("tags", "subscribed, premium,", ["subscribed", "premium"]),
        ("tags", 'a,"b,c"', ["a", "b,c"]),
        ("counts", "123,4.5", [123, 4.5]),
        ("days", "2000-01-01,2000-01-02", ["2000-01-01", "2000-01-02"]),
        ("sizes", '[{"eu": 40}]', [{"eu": 40}]),
        ("own", '{"cm": 3}', {"cm": 3}),
    ],
)
def test_metadata_is_converted_by_the_schema(key: str, cell: str, value: object) -> None:
    quoted = '"' + cell.replace('"', '""') + '"'
    made = voucher(f"Code,Value,Discount Type,{key}", f"A,1,UNIT,{quoted}")
    assert list(made.metadata.values()) == [value]
    assert key in made.metadata or key in ("COUNT", "Is New")


@pytest.mark.parametrize(
    ("key", "cell", "reason"),
    [
        ("count", "1,5", 'count: "1,5" is not a number; write it like 1500 or 12.5, with a point and without spaces'),
        ("count", "nan", 'count: "nan" is not a number'),
        ("is_new", "maybe", 'is_new: "maybe" is neither yes nor no'),
        ("made_on", "25.11.2026", 'made_on: "25.11.2026" is not a day in ISO 8601; write it like 1990-02-28'),
        ("sold_at", "2026-02-30", 'sold_at: "2026-02-30" is not a date in ISO 8601'),
        ("size", "[1]", 'size: "[1]" is not an object in JSON; write it like {"color": "blue"}'),
        ("size", '{"a": "\\u0000"}', "is not an object in JSON"),
        ("shop", "91,0", 'shop: "91,0" is not a place; write latitude and longitude, like 52.2297,21.0122'),
        ("counts", "1,two", 'counts: "1,two" is not a number'),
        ("picture", "a.png", 'picture: "a.png" is not the address of an image'),
        ("sizes", '{"eu": 40}', "is not a list in JSON"),
    ],
)
def test_metadata_of_another_type_is_refused_with_column_and_value(key: str, cell: str, reason: str) -> None:
    quoted = '"' + cell.replace('"', '""') + '"'
    with pytest.raises(WrongRow) as error:
        voucher(f"Code,Value,Discount Type,{key}", f"A,1,UNIT,{quoted}")
    assert reason in error.value.reason
    assert (error.value.column, error.value.value) == (key, cell)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-25T08",
        "2026-11-25T08:00",
        "2026-11-25T08:00:00",
        "2026-11-25T08:00:00Z",
        "2026-11-25T08:00:00.000Z",
        "2026-11-25T09:00:00+01:00",
        "20261125T080000Z",
    ],
)
def test_dates_are_taken_in_every_form_of_the_public_templates(text: str) -> None:
    assert voucher("Code,Value,Discount Type,Start Date", f"A,1,UNIT,{text}").start_date == datetime(2026, 11, 25, 8, tzinfo=UTC)


def test_a_voucher_has_to_end_after_it_starts() -> None:
    with pytest.raises(WrongRow, match='Expiration Date: "2026-11-24" is not after the start date'):
        voucher("Code,Value,Discount Type,Start Date,Expiration Date", "A,1,UNIT,2026-11-25,2026-11-24")


@pytest.mark.parametrize(
    ("header", "line", "reason"),
    [
        ("Code,Gift Amount", "A,15.00", 'Gift Amount: "15.00" is not in the currency\'s smallest unit; write 1500 for 15.00'),
        ("Code,Gift Amount,Redeemed Amount", "A,100,200", 'Redeemed Amount: "200" is more than the gift card\'s amount, 100'),
        ("Code,Voucher Type", "A,GIFT_VOUCHER", "Gift Amount: is missing; write the amount in the smallest unit"),
        (
            "Code,Voucher Type",
            "A,TICKET",
            'Voucher Type: "TICKET" is no type of voucher; write DISCOUNT_VOUCHER, GIFT_VOUCHER, LOYALTY_CARD',
        ),
        ("Code,Discount Type", "A,AMOUNT", "Value: is missing"),
        ("Code,Value,Discount Type", "A,ten,AMOUNT", 'Value: "ten" is not a whole number'),
        ("Code,Value,Discount Type,Redemption Limit", "A,1,UNIT,0", 'Redemption Limit: "0" is not a whole number from 1'),
    ],
)
def test_what_a_voucher_is_worth_is_checked(header: str, line: str, reason: str) -> None:
    with pytest.raises(WrongRow) as error:
        voucher(header, line)
    assert reason in error.value.reason


def test_a_customer_has_an_address_of_what_is_given() -> None:
    made = entry(Resource.CUSTOMER, "Source_id,Birthdate,Postal_code,Address_line_1,Colour", "c1,1990-02-28,00-001,Main 1,red")
    assert made == Entry(
        None, "c1", {"birthdate": date(1990, 2, 28), "address": {"postal_code": "00-001", "line_1": "Main 1"}}, {"Colour": "red"}
    )


def test_a_shops_own_id_of_a_product_is_its_source_id() -> None:
    assert entry(Resource.PRODUCT, "product_id,name", "shoe-1,Shoe").source_id == "shoe-1"
    ours = "prod_0199c2f47b1e7d21a1f6e8407cd4c44b"
    made = entry(Resource.PRODUCT, "product_id,name", f"{ours},Shoe")
    assert (made.id is not None, made.source_id) == (True, None)
    with pytest.raises(WrongRow, match='id: "shoe-1" is not an id; write it like cust_'):
        entry(Resource.CUSTOMER, "id,name", "shoe-1,Anna")


def test_a_sku_needs_a_source_id_and_a_product() -> None:
    made = entry(Resource.SKU, "sku_id,product_id,sku,price", "s1,p1,Red,100")
    assert made == Entry(None, "s1", {"sku": "Red", "price": 100}, {}, "p1")
    with pytest.raises(WrongRow, match="product_id: is missing"):
        entry(Resource.SKU, "source_id,product_id", "s1,")
    with pytest.raises(WrongRow, match="source_id: is missing"):
        entry(Resource.SKU, "source_id,product_id", ",p1")
