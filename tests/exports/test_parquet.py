"""The Parquet files that we write, as Arrow reads them, and what writing them holds in memory."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Sequence
from datetime import UTC, date, datetime
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from sqlalchemy import ColumnClause, literal_column
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.exports.columns import Column, boolean, day, integer, moment, number, record_id, text
from auditpanel.exports.forms import as_typed
from auditpanel.exports.parquet import GROUP_BYTES, ParquetFile
from auditpanel.exports.parquet_columns import PAGE_ROWS
from auditpanel.exports.reading import BATCH_BYTES, batches
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.values import Exported, Format
from auditpanel.filters import Span
from auditpanel.ids import Prefix
from tests.exports.reading_back import layout_of
from tests.logs.making import NOW, make_log, make_scope, store

Row = tuple[object, ...]
ANY: ColumnClause[object] = literal_column("NULL")
COLUMNS = [
    text("text", ANY),
    integer("integer", ANY),
    number("number", ANY),
    boolean("boolean", ANY),
    moment("moment", ANY),
    day("day", ANY),
    record_id("id", Prefix.LOG, ANY),
]
ROWS = st.tuples(
    st.none() | st.text(),
    st.none() | st.integers(-(1 << 63), (1 << 63) - 1),
    st.none() | st.floats(allow_nan=False),
    st.none() | st.booleans(),
    st.none() | st.datetimes(timezones=st.just(UTC)),
    st.none() | st.dates(),
    st.none() | st.text("0123456789abcdef", min_size=1),
)


def written(columns: Sequence[Column], *parts: Sequence[Row]) -> parquet.ParquetFile:
    target = io.BytesIO()
    file = ParquetFile(target, columns)  # type: ignore[arg-type]
    for part in parts:
        file.add(part)
    file.end()
    return parquet.ParquetFile(target)


def rows_of(file: parquet.ParquetFile) -> list[Row]:
    return [tuple(row.values()) for row in file.read().to_pylist()]


@given(st.lists(st.lists(ROWS, min_size=1, max_size=20), max_size=5))
def test_every_value_is_read_as_it_was_written(parts: list[list[Row]]) -> None:
    assert rows_of(written(COLUMNS, *parts)) == [row for part in parts for row in part]


def test_rows_are_whole_though_the_pages_of_their_columns_end_at_different_ones() -> None:
    columns = [integer("number", ANY), boolean("is_even", ANY), text("words", ANY)]
    rows = [(at, at % 2 == 0 if at % 3 else None, "word " * (at % 50) if at % 7 else None) for at in range(3 * PAGE_ROWS + 5)]
    parts = [rows[at : at + 777] for at in range(0, len(rows), 777)]
    assert rows_of(written(columns, *parts)) == rows


def test_groups_are_large_so_that_what_describes_them_stays_small() -> None:
    random = Random(6)
    rows = [(number, random.randbytes(32_768).hex()) for number in range(600)]
    file = written([integer("number", ANY), text("body", ANY)], *(rows[at : at + 4] for at in range(0, len(rows), 4)))
    groups = [file.metadata.row_group(at) for at in range(file.num_row_groups)]
    sizes = [sum(group.column(at).total_compressed_size for at in range(2)) for group in groups]
    assert len(groups) == 3 and all(GROUP_BYTES <= size < GROUP_BYTES * 1.1 for size in sizes[:-1])
    assert rows_of(file) == rows


def test_a_group_says_the_least_and_the_greatest_of_numbers_times_and_ids_but_not_of_texts() -> None:
    rows = [
        ("b", 5, 1.5, True, NOW, date(2026, 11, 24), "log_2"),
        ("a", -7, 0.5, False, datetime(1969, 7, 20, tzinfo=UTC), date(1969, 7, 20), "log_1"),
    ]
    group = written(COLUMNS, rows, [(None,) * 7]).metadata.row_group(0)
    told = {column.name: group.column(place).statistics for place, column in enumerate(COLUMNS)}
    assert {name: (facts.min, facts.max) for name, facts in told.items() if facts.has_min_max} == {
        "integer": (-7, 5),
        "moment": (rows[1][4], NOW),
        "day": (date(1969, 7, 20), date(2026, 11, 24)),
        "id": ("log_1", "log_2"),
    }
    assert {facts.null_count for facts in told.values()} == {1}


def test_a_file_without_rows_has_its_columns() -> None:
    file = written(COLUMNS)
    assert file.schema_arrow.names == [column.name for column in COLUMNS]
    assert [str(field.type) for field in file.schema_arrow][:6] == [
        "string",
        "int64",
        "double",
        "bool",
        "timestamp[us, tz=UTC]",
        "date32[day]",
    ]


def test_no_more_than_a_packed_group_is_held_however_much_is_written() -> None:
    class Counted(io.RawIOBase):
        size_bytes = 0

        def write(self, data: object, /) -> int:
            assert isinstance(data, bytes)
            self.size_bytes += len(data)
            return len(data)

    random = Random(6)
    bodies = ["".join(random.choices("abcdefghijklmnopqrstuvwxyz ", k=65_536)) for _ in range(10)]
    target = Counted()
    file = ParquetFile(target, [integer("number", ANY), text("body", ANY)])
    tracemalloc.start()
    try:
        for number in range(800):
            file.add([(number, random.choice(bodies))])
        file.end()
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert target.size_bytes > 3 * GROUP_BYTES
    assert peak_bytes < 1.5 * GROUP_BYTES


def test_a_batch_ends_where_it_is_large_enough_however_small_the_rows_before_it_were(session: Session, engine: Engine) -> None:
    scope, subject = make_scope(session), SUBJECTS[Exported.LOG]
    small = [make_log(path=f"/{number}") for number in range(500)]
    store(session, scope, *small, *(make_log(path=f"/{number}", request_body="x" * 60_000) for number in range(500, 520)))
    layout = layout_of(Exported.LOG, Format.PARQUET, fields=["path", "request_body"], order="created_at")
    selection = subject.select(scope, subject.read_filters([("range", "all")]), Span(None, None), layout)
    with engine.connect() as connection, batches(connection, selection, as_typed) as read:
        found = list(read)
    assert sum(map(len, found)) == 520
    assert max(sum(len(str(value)) for row in batch for value in row) for batch in found) < BATCH_BYTES + 70_000
