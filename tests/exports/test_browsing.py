"""Looking into files: what is shown of a row is what another library reads of it, wherever one begins."""

from __future__ import annotations

import errno
import io
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from random import Random
from uuid import UUID

import pytest
from pyarrow import parquet
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.values import read_voucher
from auditpanel.catalogue.vouchers import create_voucher
from auditpanel.errors import InvalidInput, NotFound, Unavailable
from auditpanel.exports.browsing import CELL_CHARACTERS, Leaf, NotReached, read_leaf, read_row
from auditpanel.exports.columns import Kind
from auditpanel.exports.records import ExportKey, ExportLine, ExportRecord
from auditpanel.exports.stored_rows import Deadline, Mark, OutOfTime, reader_of
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.values import Exported, ExportStatus, Format, Layout, Packing
from auditpanel.filters import Span
from auditpanel.tasks.values import Asker
from tests.exports.asking import make_customers
from tests.exports.reading_back import ZONE, export, layout_of, read
from tests.exports.records import make_records
from tests.logs.making import NOW, make_log, make_scope, store

PACKED = {Format.CSV: Packing.GZIP, Format.NDJSON: Packing.GZIP, Format.XLSX: Packing.NONE, Format.PARQUET: Packing.NONE}


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    return make_scope(session)


def record_of(exported: Exported, layout: Layout, rows: int) -> ExportRecord:
    key = ExportKey(NOW, UUID(int=1))
    asker = Asker("v-1", "API")
    line = ExportLine(
        key,
        exported,
        ExportStatus.DONE,
        NOW,
        asker,
        "",
        layout.format,
        layout.packing,
        None,
        rows,
        True,
        1,
        NOW,
        None,
        None,
        None,
        None,
    )
    return ExportRecord(line, {}, "", Span(None, None), layout, None, None, 30, None, None, None)


def leaf(content: bytes, record: ExportRecord, mark: Mark | None = None, **asked: object) -> Leaf:
    return read_leaf(io.BytesIO(content), record, mark or Mark(), **({"first": 1, "size": 100} | asked))  # type: ignore[arg-type]


def shown(kind: Kind, value: object) -> object:
    """Another library's value, as the page says it."""
    if value is None or value == "":
        return ""
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            return value.astimezone(ZONE).isoformat(timespec="microseconds")
        return f"{value:%Y-%m-%d}" if kind is Kind.DAY else f"{value}"[:19]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def told(kind: Kind, format: Format, cell: str | None) -> object:
    if format is Format.XLSX and kind is Kind.MOMENT:
        return (cell or "")[:19]
    return cell or ""


def same(cell: object, value: object) -> bool:
    if cell == value:
        return True
    try:
        return bool(json.loads(str(cell)) == json.loads(str(value)))
    except ValueError:
        return False


@pytest.mark.parametrize("format", Format)
@pytest.mark.parametrize("exported", Exported)
def test_rows_are_shown_as_another_library_reads_them(
    engine: Engine, session: Session, scope: ProjectScope, exported: Exported, format: Format
) -> None:
    make_records(session, scope, exported)
    layout = replace(layout_of(exported, format), packing=PACKED[format])
    content = export(engine, scope, exported, layout)
    expected = read(content, layout)
    record = record_of(exported, layout, len(expected))
    found = leaf(content, record)
    assert found.next is None and [row.mark.number for row in found.rows] == list(range(1, len(expected) + 1))
    columns = SUBJECTS[exported].columns
    for row, values in zip(found.rows, expected, strict=True):
        whole = read_row(io.BytesIO(content), record, row.mark, row.mark.number)
        for name, cell in zip(layout.fields, whole.cells, strict=True):
            kind = columns[name].kind
            assert same(told(kind, format, cell), shown(kind, values[name])), (name, cell, values[name])


@pytest.mark.parametrize("format", Format)
def test_a_moment_that_a_zone_has_no_date_for_stays_in_utc(engine: Engine, session: Session, scope: ProjectScope, format: Format) -> None:
    for code, moments in (("LAST", {"expiration_date": "9999-12-31T23:59:59Z"}), ("FIRST", {"start_date": "0001-01-01T00:00:00Z"})):
        new = {"code": code, "type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}} | moments
        create_voucher(session, scope, read_voucher(new), campaign=None, random=Random(1))
    session.commit()
    layout = layout_of(Exported.VOUCHER, format, fields=["code", "start_date", "expiration_date"], order="code")
    found = []
    for time_zone in ("Asia/Tokyo", "America/New_York"):
        there = replace(layout, packing=PACKED[format], time_zone=time_zone)
        content = export(engine, scope, Exported.VOUCHER, there)
        found.append([[(cell or "")[:10] for cell in row.cells] for row in leaf(content, record_of(Exported.VOUCHER, there, 2)).rows])
    east, west = found
    assert east[0] == ["FIRST", "0001-01-01", ""] and west[1] == ["LAST", "", "9999-12-31"]
    assert east[1][0] == "LAST" and west[0][0] == "FIRST"
    if format in (Format.XLSX, Format.PARQUET):
        assert east[1][2] == "9999-12-31" and west[0][1] == "0001-01-01"


def customers(engine: Engine, session: Session, scope: ProjectScope, format: Format, count: int) -> tuple[bytes, ExportRecord]:
    make_customers(session, scope, count)
    layout = replace(layout_of(Exported.CUSTOMER, format, fields=["source_id", "name"], order="source_id"), packing=PACKED[format])
    return export(engine, scope, Exported.CUSTOMER, layout), record_of(Exported.CUSTOMER, layout, count)


@pytest.mark.parametrize("format", Format)
def test_leaf_by_leaf_every_row_is_seen_once(engine: Engine, session: Session, scope: ProjectScope, format: Format) -> None:
    content, record = customers(engine, session, scope, format, 120)
    seen: list[str | None] = []
    mark: Mark | None = Mark()
    while mark is not None:
        page = leaf(content, record, mark, first=mark.number, size=50)
        assert [row.mark.number for row in page.rows][:1] == [mark.number]
        seen += [row.cells[0] for row in page.rows]
        mark = page.next
    assert seen == sorted(f"customer-{number}" for number in range(120))


@pytest.mark.parametrize("format", Format)
def test_a_page_begins_at_any_row(engine: Engine, session: Session, scope: ProjectScope, format: Format) -> None:
    content, record = customers(engine, session, scope, format, 120)
    page = leaf(content, record, first=71, size=3)
    assert [row.mark.number for row in page.rows] == [71, 72, 73] and page.next and page.next.number == 74
    assert read_row(io.BytesIO(content), record, Mark(), 72).cells == page.rows[1].cells
    with pytest.raises(NotFound, match="no row 121"):
        read_row(io.BytesIO(content), record, Mark(), 121)


@pytest.mark.parametrize("format", Format)
def test_a_text_is_found_in_any_case_of_letters(engine: Engine, session: Session, scope: ProjectScope, format: Format) -> None:
    content, record = customers(engine, session, scope, format, 120)
    found = leaf(content, record, text="CUSTOMER-11")
    assert sorted(str(row.cells[0]) for row in found.rows) == sorted(f"customer-{number}" for number in (11, *range(110, 120)))


@pytest.mark.parametrize("format", Format)
def test_rows_without_any_value_keep_their_numbers(engine: Engine, session: Session, scope: ProjectScope, format: Format) -> None:
    store(session, scope, *(make_log(customer=customer) for customer in (None, "first", None, None, "second", None)))
    layout = layout_of(Exported.LOG, format, fields=["customer"], order="created_at")
    content = export(engine, scope, Exported.LOG, layout)
    found = leaf(content, record_of(Exported.LOG, layout, 6))
    assert len(found.rows) == 6 and sum(row.cells[0] is not None for row in found.rows) == 2


def test_a_search_ends_in_time_and_goes_on_from_there(engine: Engine, session: Session, scope: ProjectScope) -> None:
    content, record = customers(engine, session, scope, Format.NDJSON, 50)
    found, mark = 0, Mark()
    steps: Sequence[int] = range(200)
    for _ in steps:
        page = leaf(content, record, mark, text="customer-4", budget_s=1e-5)
        found += len(page.rows)
        if page.next is None:
            break
        assert page.is_late and page.next.number > mark.number
        mark = page.next
    assert found == 11


def test_a_long_cell_is_shortened_in_a_page_and_whole_in_its_row(engine: Engine, session: Session, scope: ProjectScope) -> None:
    body = json.dumps({"text": "x" * 5_000})
    store(session, scope, make_log(request_body=body))
    layout = layout_of(Exported.LOG, Format.CSV, fields=["request_body"])
    content, record = export(engine, scope, Exported.LOG, layout), record_of(Exported.LOG, layout, 1)
    row = leaf(content, record).rows[0]
    assert row.cells[0] == f"{body[:CELL_CHARACTERS]}…"
    assert read_row(io.BytesIO(content), record, row.mark, 1).cells == [body]


@pytest.mark.parametrize("format", Format)
def test_a_wrong_mark_or_a_damaged_file_is_refused_in_words(engine: Engine, session: Session, scope: ProjectScope, format: Format) -> None:
    content, record = customers(engine, session, scope, format, 20)
    with pytest.raises(InvalidInput, match="begin at row 1"):
        leaf(content[: len(content) // 2], record)
    # Where a mark was made up, there is a row of that, or words; never a fault.
    for offset in (1, 7, 2_000, 10**14):
        with suppress(InvalidInput):
            leaf(content, record, Mark(3, offset))


def test_a_text_that_looks_like_xml_is_shown_as_it_was(engine: Engine, session: Session, scope: ProjectScope) -> None:
    body = "<r><t>=1+1</t></r>"
    store(session, scope, make_log(request_body=body))
    layout = layout_of(Exported.LOG, Format.XLSX, fields=["request_body"])
    content = export(engine, scope, Exported.LOG, layout)
    assert leaf(content, record_of(Exported.LOG, layout, 1)).rows[0].cells == [body]


@pytest.mark.parametrize("format", Format)
def test_a_mark_beyond_the_last_row_is_refused(engine: Engine, session: Session, scope: ProjectScope, format: Format) -> None:
    content, record = customers(engine, session, scope, format, 20)
    with pytest.raises(InvalidInput, match="no row 21, only 20"):
        leaf(content, record, Mark(21))
    with pytest.raises(InvalidInput, match="no row 999,999,999,999"):
        read_row(io.BytesIO(content), record, Mark(999_999_999_999), 1)


@pytest.mark.parametrize("format", [Format.CSV, Format.NDJSON, Format.XLSX])
def test_a_row_that_lies_too_far_on_says_up_to_where_it_was_looked_for(
    engine: Engine, session: Session, scope: ProjectScope, format: Format
) -> None:
    content, record = customers(engine, session, scope, format, 600)
    with pytest.raises(NotReached) as far:
        read_row(io.BytesIO(content), record, Mark(), 590, budget_s=0)
    mark = far.value.mark
    assert mark.number == 256
    assert read_row(io.BytesIO(content), record, mark, 590).mark.number == 590


def test_rows_that_are_skipped_in_a_sheet_are_within_the_time(engine: Engine, session: Session, scope: ProjectScope) -> None:
    content, record = customers(engine, session, scope, Format.XLSX, 20)
    reader = reader_of(io.BytesIO(content), Exported.CUSTOMER, record.layout, 20)
    with pytest.raises(OutOfTime):
        next(reader.rows(Mark(20), Deadline.after(0)))


def test_a_place_behind_the_end_of_a_sheet_has_no_rows(engine: Engine, session: Session, scope: ProjectScope) -> None:
    content, record = customers(engine, session, scope, Format.XLSX, 20)
    with pytest.raises(InvalidInput, match="begin at row 1"):
        leaf(content, record, Mark(3, 10**9))


def test_only_the_group_of_the_wanted_row_is_read_from_parquet(engine: Engine, session: Session, scope: ProjectScope) -> None:
    content, record = customers(engine, session, scope, Format.PARQUET, 120)
    table, target = parquet.read_table(io.BytesIO(content)), io.BytesIO()
    parquet.write_table(table, target, row_group_size=10)
    # Damaged where the first groups are: who reads them fails.
    damaged = bytearray(target.getvalue())
    last = parquet.ParquetFile(io.BytesIO(damaged)).metadata.row_group(10).column(0)
    start = min(place for place in (last.data_page_offset, last.dictionary_page_offset) if place)
    damaged[4:start] = bytes(start - 4)
    assert [row.mark.number for row in leaf(bytes(damaged), record, first=101, size=5).rows] == [101, 102, 103, 104, 105]
    assert read_row(io.BytesIO(damaged), record, Mark(), 111).mark.number == 111


class Failing(io.BytesIO):
    """A disk that fails."""

    def read(self, size: int | None = -1) -> bytes:
        raise OSError(errno.EIO, "Input/output error", "/var/lib/exports/secret")

    readline = read


@pytest.mark.parametrize("format", Format)
def test_a_disk_that_fails_is_no_fault_of_the_address(engine: Engine, session: Session, scope: ProjectScope, format: Format) -> None:
    content, record = customers(engine, session, scope, format, 3)
    with pytest.raises(Unavailable, match="Try again later") as refused:
        read_leaf(Failing(content), record, Mark(), first=1, size=5)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "x", "0-1", "1", "-1-1", "1-1-1", "1" * 40, "１-1"])
def test_a_mark_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="begin at row 1"):
        Mark.read(text)
    assert Mark.read(Mark(7, 1_234).text) == Mark(7, 1_234)
