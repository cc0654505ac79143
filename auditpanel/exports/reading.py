"""The rows of an export out of the database: as the blocks of a COPY, or in batches of values."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Protocol, cast

import psycopg
from sqlalchemy import Connection, Select

from auditpanel.exports.columns import Column
from auditpanel.exports.forms import Form, formed
from auditpanel.exports.subjects import Selection

# Rows of logs have two bodies, of 64 KiB each and more where a project says so; others are small. So much of them is read at once.
BATCH_BYTES = 1 << 18
BATCH_ROWS = 1_000
# What goes into the file at once.
CHUNK_BYTES = 1 << 18

Row = Sequence[object]


class Sink(Protocol):
    def write(self, data: bytes, /) -> object: ...


def copy_rows(
    connection: Connection, statement: Select[*tuple[Any, ...]], options: str, sink: Sink, progress: Callable[[int], None]
) -> int:
    """The answer of a COPY with these options, as it comes; the number of its lines. `progress` is told it on the way."""
    lines, waiting, size = 0, [], 0
    # Closed at once where the sink fails: the connection cannot end its transaction while a COPY is under way.
    with closing(_copied(connection, statement, options)) as blocks:
        for block in blocks:
            # The server sends each line as a message of its own.
            waiting.append(block)
            size += len(block)
            if size >= CHUNK_BYTES:
                sink.write(b"".join(waiting))
                lines += len(waiting)
                waiting, size = [], 0
                progress(lines)
    sink.write(b"".join(waiting))
    return lines + len(waiting)


def _copied(connection: Connection, statement: Select[*tuple[Any, ...]], options: str) -> Generator[bytes, None, None]:
    sql, values = _compiled(connection, statement)
    # COPY takes no parameters, so the client quotes them.
    with psycopg.ClientCursor(_driver(connection)) as cursor, cursor.copy(f"COPY ({sql}) TO STDOUT ({options})".encode(), values) as copy:
        for block in copy:
            yield bytes(block)


@contextmanager
def batches(connection: Connection, selection: Selection, form: Form) -> Iterator[Iterator[list[Row]]]:
    """A few rows at a time, with what is secret in them redacted. Columns that are redacted are read as texts."""
    sql, values = _compiled(connection, selection.statement.with_only_columns(*formed(selection.columns, form)))
    # Rows are taken one by one: of those that are fetched by number, some may be a hundred times as large as the ones before. And closed
    # where not all are taken: the connection cannot end its transaction while there are more to come.
    with psycopg.Cursor(_driver(connection)) as cursor:
        rows = cast(Generator[Row, None, None], cursor.stream(sql.encode(), values))
        hide = _hiding(selection)
        with closing(rows):
            yield _batched(map(hide, rows) if hide else rows)


def _batched(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum([len(value) for value in row if isinstance(value, str)])
        if size >= BATCH_BYTES or len(batch) == BATCH_ROWS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _compiled(connection: Connection, statement: Select[*tuple[Any, ...]]) -> tuple[str, dict[str, Any]]:
    compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    return str(compiled), compiled.params


def _driver(connection: Connection) -> psycopg.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def is_redacted(columns: Sequence[Column]) -> bool:
    return any(column.redact for column in columns)


def _hiding(selection: Selection) -> Callable[[Row], Row] | None:
    places = [(place, column.redact) for place, column in enumerate(selection.columns) if column.redact]
    if not places:
        return None

    def hide(row: Row) -> Row:
        values = list(row)
        for place, redact in places:
            value = values[place]
            values[place] = redact(selection.redactor, value) if isinstance(value, str) else value
        return values

    return hide
