"""XLSX: one sheet. Moments are cells of the type date, on the clocks of the layout's zone, to the millisecond: that is what the format has.

Texts that a spreadsheet would run are neutralised, and those that are longer than a cell can hold are cut, and say so.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from io import RawIOBase
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection
from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from auditpanel.catalogue.formulas import neutralised
from auditpanel.errors import InvalidInput
from auditpanel.exports.columns import Column
from auditpanel.exports.forms import as_typed
from auditpanel.exports.reading import Row, batches
from auditpanel.exports.subjects import Selection
from auditpanel.exports.values import XLSX_ROWS, Layout
from auditpanel.exports.wording import too_many_for_xlsx
from auditpanel.keyset import Count
from auditpanel.times import in_zone, zone_named

CELL_CHARACTERS = 32_767
# Beyond it, the format's numbers are not exact.
EXACT_INTEGERS = 1 << 53
FIRST_YEAR = 1900


def write_xlsx(
    connection: Connection, selection: Selection, layout: Layout, file: RawIOBase, beside: Path, progress: Callable[[int], None]
) -> int:
    """`beside` is where the sheet may grow before it is packed; nothing is left there.

    Raises InvalidInput where there are more rows than a sheet can hold.
    """
    with tempfile.TemporaryDirectory(prefix=f"{beside.name}.", dir=beside.parent) as folder:
        workbook = Workbook(file, {"constant_memory": True, "tmpdir": folder})
        workbook.use_zip64()
        workbook.set_properties({"title": selection.title, "comments": f"Times are those of {layout.time_zone}."})
        sheet = _Sheet(workbook, selection, zone_named(layout.time_zone))
        rows = 0
        with batches(connection, selection, as_typed) as read:
            for batch in read:
                for row in batch:
                    rows += 1
                    sheet.write(rows, row)
                progress(rows)
        _close(workbook)
    return rows


def _close(workbook: Workbook) -> None:
    try:
        workbook.close()
    except FileCreateError as error:
        # Around what the disk says.
        raise error.args[0] from None


class _PlainTexts(Worksheet):
    """The library takes a text from `<r>` to `</r>` for XML of its own making, and writes it as it is. Here, each text is only a text."""

    def _xml_rich_inline_string(self, string: str, attributes: Sequence[tuple[str, object]] = ()) -> None:
        # It begins and ends with a bracket: there is no space at its ends to be preserved.
        self._xml_inline_string(string, None, attributes)


class _Sheet:
    def __init__(self, workbook: Workbook, selection: Selection, zone: ZoneInfo) -> None:
        self._sheet: Worksheet = workbook.add_worksheet(selection.title, _PlainTexts)
        self._moment: Format = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})
        self._day: Format = workbook.add_format({"num_format": "yyyy-mm-dd"})
        self._columns = selection.columns
        self._zone = zone
        self._sheet.freeze_panes(1, 0)
        header = workbook.add_format({"bold": True})
        for place, column in enumerate(selection.columns):
            self._sheet.write_string(0, place, column.name, header)

    def write(self, number: int, row: Row) -> None:
        if number >= XLSX_ROWS:
            raise InvalidInput(too_many_for_xlsx(Count(number, is_exact=False)), field="format")
        for place, (column, value) in enumerate(zip(self._columns, row, strict=True)):
            if value is not None:
                self._write_cell(number, place, column, in_zone(value, self._zone) if isinstance(value, datetime) else value)

    def _write_cell(self, row: int, place: int, column: Column, value: object) -> None:
        if isinstance(value, bool):
            self._sheet.write_boolean(row, place, value)
        elif isinstance(value, int | float) and abs(value) <= EXACT_INTEGERS:
            self._sheet.write_number(row, place, value)
        elif isinstance(value, date) and value.year >= FIRST_YEAR:
            self._write_date(row, place, value)
        else:
            text = value.isoformat() if isinstance(value, date) else str(value)
            self._sheet.write_string(row, place, fitting(neutralised(text) if column.has_formulas else text))

    def _write_date(self, row: int, place: int, value: date) -> None:
        if isinstance(value, datetime):
            self._sheet.write_datetime(row, place, value.replace(tzinfo=None), self._moment)
        else:
            self._sheet.write_datetime(row, place, value, self._day)


def fitting(text: str) -> str:
    """A cell's characters are halves of a pair where they are beyond the 65,536 first ones."""
    if len(text) * 2 <= CELL_CHARACTERS or (length := len(text.encode("utf-16-le")) // 2) <= CELL_CHARACTERS:
        return text
    mark = f"… [cut: {length:,} characters]"
    kept = text.encode("utf-16-le")[: (CELL_CHARACTERS - len(mark)) * 2]
    return kept.decode("utf-16-le", "ignore") + mark
