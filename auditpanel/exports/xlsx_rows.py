"""The rows of an XLSX file, as texts.

Its sheet is one XML document, in which texts stand in their cells: that is how it is written where memory is to stay small. It is
unpacked block by block and cut at the ends of rows; only the rows that are looked at are read as XML.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import BinaryIO
from xml.etree import ElementTree

from auditpanel.exports.columns import Kind
from auditpanel.exports.stored_rows import LARGEST_ROW_BYTES, SKIPPED_BYTES, Cells, Deadline, Mark, StoredRow

SHEET = "xl/worksheets/sheet1.xml"
END = b"</row>"
# The day 0 of spreadsheets; the leap day of 1900 that they believe in lies before all that they are given here.
DAY_0 = datetime(1899, 12, 30)

_ROW = re.compile(rb'<row r="(\d+)"')
_COLUMN = re.compile(r"([A-Z]+)\d+")


class XlsxRows:
    def __init__(self, file: BinaryIO, kinds: Sequence[Kind], total: int) -> None:
        """`kinds` are those of the columns: the file has moments as numbers, which their look alone tells from others."""
        self._file = file
        self._kinds = kinds
        self._total = total

    def rows(self, mark: Mark, deadline: Deadline) -> Iterator[StoredRow]:
        """A row without any value is left out of the file, so that the numbers in it have gaps."""
        number, offset = mark.number, mark.offset
        for begin, written, raw in self._written(mark.offset, deadline):
            # The first one is the header.
            if written - 1 < number:
                deadline.check()
                continue
            for missing in range(number, written - 1):
                yield StoredRow(Mark(missing, begin), b"")
            yield StoredRow(Mark(written - 1, begin), raw)
            number, offset = written, begin + len(raw)
        for missing in range(number, self._total + 1):
            yield StoredRow(Mark(missing, offset), b"")

    def cells(self, raw: object) -> Cells:
        assert isinstance(raw, bytes)
        cells: list[str | None] = [None] * len(self._kinds)
        for cell in ElementTree.fromstring(raw) if raw else ():
            place = _place(cell.get("r", ""))
            if not 0 <= place < len(self._kinds):
                raise ValueError(f"a cell at {place}")
            cells[place] = _text(cell, self._kinds[place])
        return cells

    def _written(self, offset: int, deadline: Deadline) -> Iterator[tuple[int, int, bytes]]:
        """Where each row of the XML begins, its number there, and the row."""
        with zipfile.ZipFile(self._file) as book, book.open(SHEET) as sheet:
            left = offset
            while left > 0 and (block := sheet.read(min(left, SKIPPED_BYTES))):
                left -= len(block)
                deadline.check()
            if left > 0:
                raise ValueError("the sheet ends before")
            waiting = b""
            while block := sheet.read(SKIPPED_BYTES):
                waiting += block
                if len(waiting) > LARGEST_ROW_BYTES:
                    raise ValueError("no row is so long")
                *parts, waiting = waiting.split(END)
                for part in parts:
                    start = _ROW.search(part)
                    if start is None:
                        raise ValueError("no row begins here")
                    yield offset + start.start(), int(start[1]), part[start.start() :] + END
                    offset += len(part) + len(END)


def _place(reference: str) -> int:
    """`A7` is 0, `AB7` is 27."""
    letters, place = _COLUMN.fullmatch(reference), 0
    for letter in letters[1] if letters else "":
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1


def _text(cell: ElementTree.Element, kind: Kind) -> str | None:
    if cell.get("t") == "inlineStr":
        return _unescaped("".join(part.text or "" for part in cell.iter("t")))
    value = cell.findtext("v")
    if value is None:
        return None
    if cell.get("t") == "b":
        return "true" if value == "1" else "false"
    return _moment_text(value, kind) if kind in (Kind.MOMENT, Kind.DAY) else value


_ESCAPED = re.compile(r"_x([0-9A-F]{4})_")


def _unescaped(text: str) -> str:
    """Characters that XML cannot hold are written like this."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def _moment_text(text: str, kind: Kind) -> str:
    """A spreadsheet's number of days, as the moment or day that it is shown as."""
    moment = DAY_0 + timedelta(milliseconds=round(float(text) * 86_400_000))
    return f"{moment:%Y-%m-%d}" if kind is Kind.DAY else moment.isoformat(sep=" ", timespec="milliseconds")
