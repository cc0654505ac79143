"""CSV files as people have them: five encodings, three separators, every end of line, quotes, rows too short or too long.

A file is read as a stream, however large. Its rows are numbered by the line that they begin in, as an editor shows it.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TextIO

from auditpanel.catalogue.csv_encoding import Encoding, encoding_of
from auditpanel.errors import InvalidInput
from auditpanel.tasks.values import Refused

Json = dict[str, object]

# Characters of a row, also one of many lines. What is longer is no row but a quote that was not closed, or no CSV.
ROW_LIMIT = 1 << 20
COLUMNS_LIMIT = 1_000
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
# Rows by which a separator is tried out.
TRIED_ROWS = 20
# Each of them costs reading up to ROW_LIMIT again; a file with more has another fault than a forgotten quote.
UNCLOSED_LIMIT = 100
SHOWN_CHARACTERS = 1_000

# The reader's own limit is 131,072 characters a cell, and one for the whole process: ROW_LIMIT is to be the one that counts.
csv.field_size_limit(ROW_LIMIT + 1)


class CsvRow(NamedTuple):
    """`size` is in characters. `cells` has one for each column of the header. (A tuple: it is made four times as fast as a dataclass.)"""

    line: int
    cells: list[str]
    header: tuple[str, ...]
    size: int

    @property
    def content(self) -> Json:
        return dict(zip(self.header, self.cells, strict=True))


class RowTooLong(Exception):
    pass


class Lines:
    """The lines of a file with their numbers, for one csv.reader after another; those of the row being read can be given back."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._returned: deque[str] = deque()
        self.number = 0
        self.of_row: list[str] = []
        self.size = 0

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else self._stream.readline(ROW_LIMIT + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self.of_row.append(line)
        self.size += len(line)
        if self.size > ROW_LIMIT:
            raise RowTooLong
        return line

    def begin_row(self) -> None:
        self.of_row = []
        self.size = 0

    def go_back_to_second(self) -> None:
        """Give back all lines of the row but the first; of a first one without an end, the rest is passed over."""
        first, *others = self.of_row
        self._returned.extendleft(reversed(others))
        self.number -= len(others)
        while len(first) > ROW_LIMIT and not first.endswith(("\n", "\r")):
            first = self._stream.readline(ROW_LIMIT + 1)
            if not first:
                return


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row, or the first line of one, that is no CSV."""

    line: int
    text: str
    reason: str


Record = tuple[int, list[str], int]


def read_records(lines: Lines, separator: str) -> Iterator[Record | Unreadable]:
    """The line it begins in, cells and characters of each row, blank ones too."""
    unclosed = 0
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        lines.begin_row()
        line = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (RowTooLong, csv.Error) as error:
            unclosed += 1
            if unclosed > UNCLOSED_LIMIT:
                raise InvalidInput(f"Line {line}: quotes are not closed in more than {UNCLOSED_LIMIT} places; this is not CSV.") from None
            yield _unreadable(lines, line, error)
            reader = csv.reader(lines, delimiter=separator, strict=True)
            continue
        yield line, cells, lines.size


def _unreadable(lines: Lines, line: int, error: Exception) -> Unreadable:
    text, last = lines.of_row[0], lines.number
    if '"' not in text:
        lines.go_back_to_second()
        return Unreadable(line, text, f"the line is longer than {ROW_LIMIT:,} characters")
    if isinstance(error, RowTooLong) or "end of data" in str(error):
        # What follows are most likely good rows that the quote has swallowed.
        lines.go_back_to_second()
        return Unreadable(line, text, "a quote is opened and not closed; close it, or write a quote inside of a cell twice")
    where = f" (the row goes on to line {last})" if last > line else ""
    return Unreadable(line, "".join(lines.of_row), f"a quoted cell has a quote in it; write it twice, and close the cell at its end{where}")


@dataclass(frozen=True, slots=True)
class CsvFile:
    path: Path
    encoding: Encoding
    separator: str
    header: tuple[str, ...]
    header_line: int

    def rows(self) -> Iterator[CsvRow | Refused]:
        """All but blank ones. Short ones are filled up; what cannot be read is refused by its line."""
        header, width = self.header, len(self.header)
        with _open_text(self.path, self.encoding) as stream:
            lines = Lines(stream)
            _pass_over(lines, self.header_line - 1)
            records = read_records(lines, self.separator)
            next(records)
            for record in records:
                if isinstance(record, Unreadable):
                    yield self._refused(record.line, _split(record.text, self.separator), record.reason)
                    continue
                line, cells, size = record
                if len(cells) != width:
                    if not any(cells):
                        continue
                    if any(cell.strip() for cell in cells[width:]):
                        yield self._refused(line, cells, f"has {len(cells)} cells, but the header {width} columns; {self._quote_hint}")
                        continue
                    cells = cells[:width] + [""] * (width - len(cells))
                elif not any(cells):
                    continue
                if "\x00" in lines.of_row[0] or (len(lines.of_row) > 1 and "\x00" in "".join(cells)):
                    yield self._refused(line, cells, "a NUL character is in it, which no text has; take it out")
                    continue
                yield CsvRow(line, cells, header, size)

    @property
    def _quote_hint(self) -> str:
        return f"a cell that has a {SEPARATORS[self.separator]} in it stands in quotes"

    def _refused(self, line: int, cells: list[str], reason: str) -> Refused:
        """With all its cells: those beyond the header stand under the number of their column."""
        names = [*self.header, *(f"column {number}" for number in range(len(self.header) + 1, len(cells) + 1))]
        cells = [cell.replace("\x00", "\N{REPLACEMENT CHARACTER}") for cell in cells]
        return Refused(line, dict(zip(names, cells, strict=False)), reason)


def open_csv(path: Path) -> CsvFile:
    """Decide how the file is to be read, and read its header. Raises InvalidInput where there is none, or no CSV at all."""
    encoding = encoding_of(path)
    with _open_text(path, encoding) as stream:
        lines = Lines(stream)
        first, told = _first_line(lines)
        header_line = lines.number
        separator = told or _separator_of(first, lines)
    with _open_text(path, encoding) as stream:
        lines = Lines(stream)
        _pass_over(lines, header_line - 1)
        record = next(read_records(lines, separator), None)
    if record is None or isinstance(record, Unreadable):
        reason = record.reason if record else "it names no columns"
        raise InvalidInput(f"The file's first line is no header of a CSV file: {reason}.")
    _, cells, _ = record
    return CsvFile(path, encoding, separator, _header_of(cells), header_line)


def count_rows(file: CsvFile) -> int:
    return sum(1 for _ in file.rows())


def _open_text(path: Path, encoding: Encoding) -> TextIO:
    # newline="": line ends come as they are, and a lone \r is one too.
    return path.open(encoding=encoding.codec, newline="")


def _pass_over(lines: Lines, count: int) -> None:
    for _ in range(count):
        lines.begin_row()
        next(lines)
    lines.begin_row()


def _first_line(lines: Lines) -> tuple[str, str | None]:
    """The first line that is not blank, and the separator where Excel's `sep=;` before it tells it."""
    told = None
    try:
        for line in lines:
            lines.begin_row()
            text = line.strip("\r\n ")
            if lines.number == 1 and text.lower().startswith("sep=") and text[4:] in SEPARATORS:
                told = text[4:]
            elif text.strip("".join(SEPARATORS)):
                return line, told
    except RowTooLong:
        raise InvalidInput(f"The file's first line is longer than {ROW_LIMIT:,} characters; this is not a CSV file.") from None
    raise InvalidInput("The file has nothing but blank lines; its first line has to name the columns.")


def _separator_of(header: str, lines: Lines) -> str:
    """The one that the header has most of, outside of quotes; where it has several, the one by which the rows fit the header better."""
    bare = "".join(header.split('"')[::2])
    counts = {separator: bare.count(separator) for separator in SEPARATORS}
    found = sorted((separator for separator in SEPARATORS if counts[separator]), key=lambda separator: -counts[separator])
    if len(found) < 2:
        return found[0] if found else ","
    rows = []
    try:
        for line in lines:
            lines.begin_row()
            rows.append(line)
            if len(rows) >= TRIED_ROWS:
                break
    except RowTooLong:
        pass
    return max(found, key=lambda separator: _fitting_rows(header, rows, separator))


def _fitting_rows(header: str, rows: list[str], separator: str) -> int:
    try:
        width, *widths = [len(cells) for cells in csv.reader([header, *rows], delimiter=separator) if cells]
    except csv.Error:
        return -1
    return sum(1 for cells in widths if cells == width)


def _header_of(cells: list[str]) -> tuple[str, ...]:
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > COLUMNS_LIMIT:
        raise InvalidInput(f"The header has {len(names):,} columns; at most {COLUMNS_LIMIT:,} are taken.")
    seen: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        if not name:
            raise InvalidInput(f"Column {number} has no name in the header; name it or take it out.")
        if "\x00" in name:
            raise InvalidInput(f"Column {number} has a NUL character in its name; this is not a CSV file.")
        if name in seen:
            raise InvalidInput(f'The header names "{name[:80]}" twice, in columns {seen[name]} and {number}; keep one of them.')
        seen[name] = number
    return tuple(names)


def _split(text: str, separator: str) -> list[str]:
    return text.strip("\r\n")[:SHOWN_CHARACTERS].split(separator)
