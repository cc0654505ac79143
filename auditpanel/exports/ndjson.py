"""NDJSON: an object on each line, with exact values; moments as texts with their offset, JSON as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import Connection, func, literal_column, select

from auditpanel.exports.columns import Column, Kind
from auditpanel.exports.forms import as_json, as_json_by_row, formed
from auditpanel.exports.reading import Row, Sink, batches, copy_rows, is_redacted
from auditpanel.exports.subjects import Selection
from auditpanel.exports.values import Layout

# COPY has no format that leaves a line as it is, but none of these characters is ever in a JSON text, so nothing is quoted.
OPTIONS = r"FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02'"


def write_ndjson(connection: Connection, selection: Selection, layout: Layout, sink: Sink, progress: Callable[[int], None]) -> int:
    if is_redacted(selection.columns):
        return _write_by_row(connection, selection, sink, progress)
    rows = selection.statement.with_only_columns(*formed(selection.columns, as_json)).subquery("exported")
    # Without the white space that json_build_object puts in, and in a third of its time.
    return copy_rows(connection, select(func.row_to_json(literal_column("exported"))).select_from(rows), OPTIONS, sink, progress)


def _write_by_row(connection: Connection, selection: Selection, sink: Sink, progress: Callable[[int], None]) -> int:
    encoder, rows = msgspec.json.Encoder(), 0
    with batches(connection, selection, as_json_by_row) as read:
        for batch in read:
            sink.write(encoder.encode_lines([_object(selection.columns, row) for row in batch]))
            rows += len(batch)
            progress(rows)
    return rows


def _object(columns: Sequence[Column], row: Row) -> dict[str, object]:
    return {column.name: _value(column, value) for column, value in zip(columns, row, strict=True)}


def _value(column: Column, value: object) -> object:
    return msgspec.Raw(value) if column.kind is Kind.JSON and isinstance(value, str) else value
