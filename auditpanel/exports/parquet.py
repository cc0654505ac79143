"""Parquet: every column with its type and its exact values, in row groups that fit into memory whatever the rows are like."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from io import RawIOBase

import pyarrow as pa
from pyarrow import parquet
from sqlalchemy import Connection

from auditpanel.exports.columns import Column, Kind
from auditpanel.exports.forms import as_typed
from auditpanel.exports.reading import Row, batches
from auditpanel.exports.subjects import Selection
from auditpanel.exports.values import Layout

# A row group is held in memory until it is whole, and several times while it is encoded; small ones make the end of the file, which has a
# table of them, large. Arrow itself takes 45 MB. With half of it, an export of 600,000 logs took 7 MB more, and one of a
# thousand of the largest 5 MB less.
GROUP_BYTES = 4 << 20
PAGE_BYTES = 1 << 17


def write_parquet(connection: Connection, selection: Selection, layout: Layout, file: RawIOBase, progress: Callable[[int], None]) -> int:
    schema, rows = _schema(selection.columns, layout.time_zone), 0
    # Memory that is given back has to be free for the next group: Arrow's own allocator keeps it.
    pa.set_memory_pool(pa.system_memory_pool())
    pages = {"data_page_size": PAGE_BYTES, "dictionary_pagesize_limit": PAGE_BYTES // 2, "write_statistics": _ordered(selection.columns)}
    with parquet.ParquetWriter(file, schema, compression="zstd", **pages) as writer:
        for group in _groups(batches(connection, selection, as_typed), schema):
            writer.write_table(group, row_group_size=group.num_rows)
            rows += group.num_rows
            progress(rows)
    return rows


def _groups(read: Iterator[list[Row]], schema: pa.Schema) -> Iterator[pa.Table]:
    """Batch by batch in Arrow's form, in which a text takes no more than its bytes."""
    waiting: list[pa.RecordBatch] = []
    for batch in read:
        waiting.append(pa.record_batch([list(column) for column in zip(*batch, strict=True)], schema=schema))
        if sum(part.nbytes for part in waiting) >= GROUP_BYTES:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)


def _ordered(columns: Sequence[Column]) -> list[str]:
    """Those whose least and greatest value in a group help to find something: not texts, of which both would be kept."""
    return [column.name for column in columns if column.kind not in (Kind.TEXT, Kind.JSON)]


def _schema(columns: Sequence[Column], time_zone: str) -> pa.Schema:
    types = {
        Kind.TEXT: pa.string(),
        Kind.INTEGER: pa.int64(),
        Kind.FLOAT: pa.float64(),
        Kind.BOOLEAN: pa.bool_(),
        Kind.MOMENT: pa.timestamp("us", tz=time_zone),
        Kind.DAY: pa.date32(),
        Kind.JSON: pa.string(),
    }
    return pa.schema([(column.name, types[column.kind]) for column in columns])
