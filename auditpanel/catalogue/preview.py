"""What an import would make of a file, before it is started; and the check that every uploaded file has to pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from auditpanel.catalogue.columns import Columns, Schema, read_columns
from auditpanel.catalogue.csv_encoding import WINDOWS_1252
from auditpanel.catalogue.csv_files import SEPARATORS, CsvFile, CsvRow, open_csv
from auditpanel.catalogue.metadata_rules import needed_keys
from auditpanel.catalogue.models import Resource
from auditpanel.catalogue.rows import EntryRows, VoucherRows, WrongRow
from auditpanel.catalogue.values import NewVoucher
from auditpanel.errors import InvalidInput
from auditpanel.tasks.values import Refused

SHOWN_ROWS = 5
# Rows that are tried out for the warnings; a preview is to be there at once.
TRIED_ROWS = 100

Read = Callable[[CsvRow], object]


@dataclass(frozen=True, slots=True)
class Preview:
    """`recognised` are headers with what they are taken for, `metadata` those that go to the metadata, `missing` the template's others."""

    encoding: str
    separator: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    recognised: tuple[tuple[str, str], ...]
    metadata: tuple[str, ...]
    missing: tuple[str, ...]
    warnings: tuple[str, ...]


def preview(path: Path, resource: Resource, schema: Schema, template: NewVoucher | None = None) -> Preview:
    """Raises InvalidInput for a file that would be refused whole. `template` is the voucher of the campaign that it is for."""
    file = open_csv(path)
    columns = read_columns(file.header, resource, schema)
    tried = list(islice(file.rows(), TRIED_ROWS))
    _check_has_rows(tried)
    shown = [row for row in tried if isinstance(row, CsvRow)][:SHOWN_ROWS]
    return Preview(
        encoding=file.encoding.name,
        separator=SEPARATORS[file.separator],
        header=file.header,
        rows=tuple(tuple(row.cells) for row in shown),
        recognised=tuple((column.header, column.words or "") for column in columns.fields),
        metadata=tuple(column.header for column in columns.metadata),
        missing=tuple(columns.missing()),
        warnings=(*_warnings_of_file(file, columns, schema), *_warnings_of_rows(tried, reader_of(columns, schema, template))),
    )


def check_file(path: Path, resource: Resource) -> None:
    """At upload, before a task is made of it. Raises InvalidInput for what is no CSV, has no known column or no rows."""
    file = open_csv(path)
    read_columns(file.header, resource, {})
    _check_has_rows(list(islice(file.rows(), 1)))


def reader_of(columns: Columns, schema: Schema, template: NewVoucher | None = None) -> Read:
    if columns.resource is Resource.VOUCHER:
        return VoucherRows(columns, template, needed_metadata=needed_keys(schema)).read
    return EntryRows(columns).read


def _check_has_rows(rows: list[CsvRow | Refused]) -> None:
    if not rows:
        raise InvalidInput("The file has a header and no rows; there is nothing to import.")


def _warnings_of_file(file: CsvFile, columns: Columns, schema: Schema) -> list[str]:
    warnings = []
    if file.encoding is WINDOWS_1252:
        warnings.append("The file is not UTF-8, so it is read as Windows-1252: look whether accented letters are right.")
    untyped = [f'"{column.header}"' for column in columns.metadata if column.key not in schema]
    if untyped:
        warnings.append(f"Not in the metadata schema, so kept as text: {', '.join(untyped[:10])}{' …' if len(untyped) > 10 else ''}.")
    return warnings


def _warnings_of_rows(tried: list[CsvRow | Refused], read: Read) -> list[str]:
    refused = [reason for row in tried if (reason := _reason_of(row, read))]
    return [f"{len(refused)} of the first {len(tried)} rows would be refused. {refused[0]}"] if refused else []


def _reason_of(row: CsvRow | Refused, read: Read) -> str | None:
    if isinstance(row, Refused):
        return f"Line {row.line}: {row.reason}"
    try:
        read(row)
    except WrongRow as error:
        return f"Line {row.line}: {error.reason}"
    return None
