"""Exports written to memory, and read back by other libraries than those that wrote them."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pyarrow as pa
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape
from pyarrow import parquet
from sqlalchemy.engine import Engine

from auditpanel.accounts.scope import ProjectScope
from auditpanel.exports.layouts import checked_layout
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.values import Exported, Format, Layout, Packing
from auditpanel.exports.writing import Written, write
from auditpanel.filters import Params
from tests.logs.making import NOW

Row = dict[str, object]
ZONE = ZoneInfo("Europe/Warsaw")


def layout_of(exported: Exported, format: Format, *, fields: Sequence[str] | None = None, order: str | None = None) -> Layout:
    """With all the fields there are, unless some are given."""
    subject = SUBJECTS[exported]
    return checked_layout(subject, fields=fields or tuple(subject.columns), order=order, format=format, time_zone=ZONE.key)


def export(engine: Engine, scope: ProjectScope, exported: Exported, layout: Layout, params: Params = (("range", "all"),)) -> bytes:
    content, written = export_with_facts(engine, scope, exported, layout, params)
    assert (written.bytes, written.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    return content


def export_with_facts(
    engine: Engine, scope: ProjectScope, exported: Exported, layout: Layout, params: Params = (("range", "all"),)
) -> tuple[bytes, Written]:
    subject, target, told = SUBJECTS[exported], io.BytesIO(), [0]
    filters = subject.read_filters(params)
    selection = subject.select(scope, filters, filters.range.resolve(NOW, scope.time_zone), layout)
    with engine.connect() as connection:
        written = write(connection, selection, layout, target, told.append)
    assert told == sorted(told) and told[-1] <= written.rows
    return target.getvalue(), written


def read(content: bytes, layout: Layout) -> list[Row]:
    readers = {Format.CSV: _read_csv, Format.NDJSON: _read_ndjson, Format.XLSX: _read_xlsx, Format.PARQUET: _read_parquet}
    return readers[layout.format](gzip.decompress(content) if layout.packing is Packing.GZIP else content)


def _read_csv(content: bytes) -> list[Row]:
    return [dict(row) for row in csv.DictReader(io.StringIO(content.decode(), newline=""))]


def _read_ndjson(content: bytes) -> list[Row]:
    return [json.loads(line) for line in content.decode().split("\n")[:-1]]


def _read_xlsx(content: bytes) -> list[Row]:
    rows = load_workbook(io.BytesIO(content), read_only=True).worksheets[0].iter_rows(values_only=True)
    header = [str(name) for name in next(rows)]
    return [dict(zip(header, map(_cell, row), strict=True)) for row in rows]


def _cell(value: object) -> object:
    # The library leaves to its users what spreadsheets do: characters that XML cannot hold are written as _x000D_.
    return unescape(value) if isinstance(value, str) else value


def _read_parquet(content: bytes) -> list[Row]:
    rows: list[Row] = parquet.read_table(pa.BufferReader(content)).to_pylist()
    return rows
