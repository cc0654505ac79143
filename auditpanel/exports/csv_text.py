"""CSV: a header, commas, quotes where they are needed, UTF-8; moments with their offset, JSON as text, nothing where there is no value.

It is what PostgreSQL's COPY writes; only what has to be redacted goes through the hands of Python. An empty text is `""`, in both.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from auditpanel.catalogue.formulas import neutralised
from auditpanel.exports.columns import names
from auditpanel.exports.forms import as_cell, formed
from auditpanel.exports.reading import Row, Sink, batches, copy_rows, is_redacted
from auditpanel.exports.subjects import Selection
from auditpanel.exports.values import Layout

_QUOTED = re.compile('[",\r\n]')


def write_csv(connection: Connection, selection: Selection, layout: Layout, sink: Sink, progress: Callable[[int], None]) -> int:
    if layout.has_bom:
        sink.write(BOM_UTF8)
    if is_redacted(selection.columns):
        return _write_by_row(connection, selection, sink, progress)
    statement = selection.statement.with_only_columns(*formed(selection.columns, as_cell))
    # The header is a line too.
    return copy_rows(connection, statement, "FORMAT csv, HEADER", sink, lambda lines: progress(lines - 1)) - 1


def _write_by_row(connection: Connection, selection: Selection, sink: Sink, progress: Callable[[int], None]) -> int:
    sink.write(_lines([names(selection.columns)]))
    runs, rows = [column.has_formulas and column.redact is not None for column in selection.columns], 0
    with batches(connection, selection, as_cell) as read:
        for batch in read:
            sink.write(_lines([_neutralised(row, runs) for row in batch]))
            rows += len(batch)
            progress(rows)
    return rows


def _neutralised(row: Row, runs: Sequence[bool]) -> Row:
    return [neutralised(value) if run and isinstance(value, str) else value for value, run in zip(row, runs, strict=True)]


def _lines(rows: Sequence[Row]) -> bytes:
    return "".join(",".join(map(_cell, row)) + "\n" for row in rows).encode()


def _cell(value: object) -> str:
    """As COPY writes it. Python's own writer cannot tell an empty text from none."""
    text = "" if value is None else str(value)
    return '"' + text.replace('"', '""') + '"' if value == "" or _QUOTED.search(text) else text
