"""The cells of a row by the columns of its file, and what a row is refused for: the column, its value and what would be right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from auditpanel.catalogue.cells import Convert, Wrong
from auditpanel.catalogue.columns import Column, Columns

Json = dict[str, object]

SHOWN_CHARACTERS = 200


class WrongRow(Exception):
    """`reason` is whole: it names the column and the value too, where they are known."""

    def __init__(self, reason: str, column: str | None = None, value: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.column = column
        self.value = value


def wrong_cell(column: str, cell: str, what: str) -> WrongRow:
    shown = cell if len(cell) <= SHOWN_CHARACTERS else f"{cell[: SHOWN_CHARACTERS - 1]}…"
    return WrongRow(f'{column}: "{shown}" {what}', column, shown)


def missing_cell(column: str, wanted: str) -> WrongRow:
    return WrongRow(f"{column}: is missing; {wanted}", column)


Cells = Sequence[tuple[int, str, Convert, str]]


def compiled(columns: Sequence[Column]) -> Cells:
    return [(column.index, column.key, column.convert, column.header) for column in columns]


def read_cells(row: list[str], columns: Cells) -> Json:
    values: Json = {}
    for index, key, convert, header in columns:
        cell = row[index].strip()
        if cell:
            try:
                values[key] = convert(cell)
            except Wrong as error:
                raise wrong_cell(header, cell, str(error)) from None
    return values


def column_of(columns: Columns, key: str) -> Column | None:
    return next((column for column in columns.fields if column.key == key), None)


def cell_of(column: Column | None, cells: list[str]) -> str:
    return cells[column.index].strip() if column else ""


def moment_of(column: Column | None, row: list[str]) -> datetime | None:
    if column is None or not (cell := row[column.index].strip()):
        return None
    try:
        return column.convert(cell)  # type: ignore[return-value]  # of a column with dates it makes nothing else
    except Wrong as error:
        raise wrong_cell(column.header, cell, str(error)) from None


def check_needed(metadata: Json, needed: Sequence[str]) -> None:
    """Raises WrongRow where a key is missing that the project's metadata schema asks for."""
    for key in needed:
        if metadata.get(key) is None:
            raise WrongRow(f"{key}: is missing; the project's metadata schema asks for it", key)
