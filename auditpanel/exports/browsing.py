"""Looking into a ready export: a few rows at a time, by their number, or those with a text in them, within a budget of time and memory."""

from __future__ import annotations

import errno
import logging
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO
from xml.etree.ElementTree import ParseError

import msgspec

from auditpanel.errors import AuditpanelError, InvalidInput, NotFound, Unavailable
from auditpanel.exports.records import ExportRecord
from auditpanel.exports.stored_rows import Cells, Deadline, Mark, OutOfTime, RowReader, StoredRow, reader_of
from auditpanel.exports.values import Format
from auditpanel.exports.wording import no_answer_words
from auditpanel.ids import new_request_id

BUDGET_S = 2.0
# To get to the place of a mark takes time only where a file is packed: it is unpacked from its beginning.
REACH_BUDGET_S = 8.0
# A table shows no more of a cell.
CELL_CHARACTERS = 400
# Rows that are passed over, between two looks at the clock.
PASSED = 256

# What seeking says of a place that no file can have.
_NO_PLACE = {errno.EINVAL, errno.EOVERFLOW}
_NO_ROWS = (ValueError, EOFError, KeyError, OSError, ParseError, msgspec.DecodeError, zlib.error, zipfile.BadZipFile)


@dataclass(frozen=True, slots=True)
class FileRow:
    mark: Mark
    cells: Cells


class NotReached(Exception):
    """The budget of time ended at the mark; the row that is wanted lies behind it."""

    def __init__(self, mark: Mark) -> None:
        super().__init__(mark.text)
        self.mark = mark


@dataclass(frozen=True, slots=True)
class Leaf:
    """Some rows of a file. `next` is where the others begin, None where there are none.

    Where it `is_late`, the budget ended at `next`: what is wanted may lie behind it.
    """

    rows: list[FileRow]
    next: Mark | None
    is_late: bool = False


def read_leaf(
    file: BinaryIO, record: ExportRecord, mark: Mark, *, first: int, size: int, text: str = "", budget_s: float = BUDGET_S
) -> Leaf:
    """So many rows from the number `first` on, looked for from the mark on; with a text, of those that have it, in any case of letters.

    Raises InvalidInput, field `at`, where no row begins at the mark, and Unavailable where the file cannot be read.
    """
    with _refused_marks():
        reader, begin = _reader(file, record, mark, first)
        try:
            return _leaf(reader, begin, first, size, text.casefold(), budget_s)
        except OutOfTime:
            return Leaf([], mark, is_late=True)


def read_row(file: BinaryIO, record: ExportRecord, mark: Mark, number: int, *, budget_s: float = BUDGET_S) -> FileRow:
    """All of one row. Raises NotFound where there is none, NotReached, and what `read_leaf` raises."""
    with _refused_marks():
        reader, begin = _reader(file, record, mark, number)
        try:
            row = _find(reader, begin, number, budget_s)
        except OutOfTime:
            raise NotReached(mark) from None
        if row is None:
            raise NotFound(f"The file has no row {number:,}.")
        return FileRow(row.mark, reader.cells(row.raw))


def _reader(file: BinaryIO, record: ExportRecord, mark: Mark, number: int) -> tuple[RowReader, Mark]:
    """With the place from which it gets soonest to the row of that number, at or behind the mark."""
    total = record.line.rows_done
    if mark.number > max(1, total):
        raise InvalidInput(f"the file has no row {mark.number:,}, only {total:,}; begin at row 1", field="at")
    # Its rows are found by their numbers: whole groups of them are passed over unread.
    is_numbered = record.layout.format is Format.PARQUET and number > mark.number
    return reader_of(file, record.line.exported, record.layout, total), Mark(number) if is_numbered else mark


def _leaf(reader: RowReader, mark: Mark, first: int, size: int, text: str, budget_s: float) -> Leaf:
    found: list[FileRow] = []
    deadline: Deadline | None = None
    for row in reader.rows(mark, Deadline.after(REACH_BUDGET_S)):
        deadline = deadline or Deadline.after(budget_s)
        if len(found) == size:
            return Leaf(found, row.mark)
        is_passed = row.mark.number < first
        if (text or (is_passed and row.mark.number % PASSED == 0)) and deadline.is_over:
            return Leaf(found, row.mark, is_late=True)
        if is_passed:
            continue
        cells = reader.cells(row.raw)
        if not text or any(text in cell.casefold() for cell in cells if cell):
            found.append(FileRow(row.mark, [_shortened(cell) for cell in cells]))
    return Leaf(found, None)


def _find(reader: RowReader, mark: Mark, number: int, budget_s: float) -> StoredRow | None:
    deadline: Deadline | None = None
    for row in reader.rows(mark, Deadline.after(REACH_BUDGET_S)):
        deadline = deadline or Deadline.after(budget_s)
        if row.mark.number >= number:
            return row
        if row.mark.number % PASSED == 0 and deadline.is_over:
            raise NotReached(row.mark)
    return None


def _shortened(cell: str | None) -> str | None:
    return f"{cell[:CELL_CHARACTERS]}…" if cell and len(cell) > CELL_CHARACTERS else cell


@contextmanager
def _refused_marks() -> Iterator[None]:
    try:
        yield
    except (AuditpanelError, NotReached):
        raise
    except _NO_ROWS as error:
        if not _is_of_disk(error):
            raise InvalidInput(f"no row of the file begins there ({type(error).__name__}); begin at row 1", field="at") from error
        reference = new_request_id()
        logging.getLogger(__name__).error("rows of an export: reference %s", reference, exc_info=error)
        raise Unavailable(no_answer_words(reference)) from error


def _is_of_disk(error: BaseException) -> bool:
    """Also where a library says that it is no such file, because of it. Errors of libraries about what is in a file have no number."""
    found = error if isinstance(error, OSError) else error.__context__
    return isinstance(found, OSError) and found.errno is not None and found.errno not in _NO_PLACE
