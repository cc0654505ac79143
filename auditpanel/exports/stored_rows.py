"""The rows of a file as texts, for who looks into it without downloading it: one after another, from any of them on, never all at once.

A row is found again by its `Mark`. A reader gives what lies in the file for a row (`raw`), which costs little, and the texts of it
(`cells`), which cost more: rows that are only passed over are never taken apart.
"""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import msgspec

from auditpanel.errors import InvalidInput
from auditpanel.exports.columns import Kind
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.values import Exported, Format, Layout, Packing
from auditpanel.times import zone_named

# A row may have two bodies of 1 MiB, each character of which may be written as six.
LARGEST_ROW_BYTES = 1 << 24
SKIPPED_BYTES = 1 << 18

Cells = Sequence[str | None]
_MARK = re.compile(r"(\d{1,12})-(\d{1,15})", re.ASCII)


class OutOfTime(Exception):
    """The rows that are wanted lie further on."""


@dataclass(frozen=True, slots=True)
class Deadline:
    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(time.monotonic() + seconds)

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.at

    def check(self) -> None:
        if self.is_over:
            raise OutOfTime


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a row begins: its number, from 1, and a byte of what is in the file, once it is unpacked."""

    number: int = 1
    offset: int = 0

    @property
    def text(self) -> str:
        return f"{self.number}-{self.offset}"

    @classmethod
    def read(cls, text: str) -> Mark:
        """Raises InvalidInput, field `at`. Whether a row begins there, nobody knows before it is read."""
        parts = _MARK.fullmatch(text)
        if not parts or parts[1] == "0":
            raise InvalidInput(f'"{text[:40]}" is no place in a file; begin at row 1', field="at")
        return cls(int(parts[1]), int(parts[2]))


@dataclass(frozen=True, slots=True)
class StoredRow:
    """`raw` is what the reader that gave it makes cells of."""

    mark: Mark
    raw: object


class RowReader(Protocol):
    def rows(self, mark: Mark, deadline: Deadline) -> Iterator[StoredRow]:
        """From the marked one on. Raises OutOfTime where it takes too long to get there."""

    def cells(self, raw: object) -> Cells:
        """As many as there are columns; None where there is no value. Raises ValueError where it is no row."""


def reader_of(file: BinaryIO, exported: Exported, layout: Layout, total: int) -> RowReader:
    """`total` is the number of the file's rows."""
    if layout.format is Format.XLSX:
        from auditpanel.exports.xlsx_rows import XlsxRows

        columns = SUBJECTS[exported].columns
        return XlsxRows(file, [columns[name].kind if name in columns else Kind.TEXT for name in layout.fields], total)
    if layout.format is Format.PARQUET:
        # Arrow takes 30 MB, which a process need not have before somebody looks into such a file.
        from auditpanel.exports.parquet_rows import ParquetRows

        return ParquetRows(file, zone_named(layout.time_zone))
    stream = gzip.GzipFile(fileobj=file, mode="rb") if layout.packing is Packing.GZIP else file
    return CsvRows(stream, layout) if layout.format is Format.CSV else NdjsonRows(stream, layout)


class NdjsonRows:
    def __init__(self, stream: BinaryIO | gzip.GzipFile, layout: Layout) -> None:
        self._stream = stream
        self._fields = layout.fields
        self._decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])

    def rows(self, mark: Mark, deadline: Deadline) -> Iterator[StoredRow]:
        number, offset = mark.number, mark.offset
        skip(self._stream, offset, deadline)
        while line := read_line(self._stream):
            yield StoredRow(Mark(number, offset), line)
            number, offset = number + 1, offset + len(line)

    def cells(self, raw: object) -> Cells:
        assert isinstance(raw, bytes)
        values = self._decoder.decode(raw)
        return [_json_text(values.get(name)) for name in self._fields]


class CsvRows:
    def __init__(self, stream: BinaryIO | gzip.GzipFile, layout: Layout) -> None:
        self._stream = stream
        self._columns = len(layout.fields)

    def rows(self, mark: Mark, deadline: Deadline) -> Iterator[StoredRow]:
        skip(self._stream, mark.offset, deadline)
        number, offset = mark.number, mark.offset
        if not offset:
            offset = len(self._record())
        while record := self._record():
            yield StoredRow(Mark(number, offset), record)
            number, offset = number + 1, offset + len(record)

    def cells(self, raw: object) -> Cells:
        assert isinstance(raw, bytes)
        text = raw.decode("utf-8", "replace").removesuffix("\n")
        cells = _split(text)
        if len(cells) != self._columns:
            raise ValueError(f"{len(cells)} cells")
        return cells

    def _record(self) -> bytes:
        """A line, and those after it as long as a quote is open."""
        line = read_line(self._stream)
        if line.count(b'"') % 2 == 0:
            return line
        lines, size, is_open = [line], len(line), True
        while is_open and (line := read_line(self._stream)):
            lines.append(line)
            size += len(line)
            if size > LARGEST_ROW_BYTES:
                raise ValueError("no row is so long")
            is_open ^= line.count(b'"') % 2 == 1
        return b"".join(lines)


_CELL = re.compile(r'(?:"([^"]*+(?:""[^"]*+)*+)"|([^",]*+))(,|\Z)')


def _split(text: str) -> list[str | None]:
    """As COPY writes it. Python's own reader cannot tell an empty text from none, and has one limit of length for all that use it."""
    cells: list[str | None] = []
    position = 0
    while match := _CELL.match(text, position):
        quoted, plain, end = match.groups()
        cells.append(quoted.replace('""', '"') if quoted is not None else plain or None)
        if not end:
            return cells
        position = match.end()
    raise ValueError("a quote stands where none may")


def skip(stream: BinaryIO | gzip.GzipFile, offset: int, deadline: Deadline) -> None:
    """What is packed has to be unpacked from its beginning, however far on the place is."""
    if not isinstance(stream, gzip.GzipFile):
        stream.seek(offset)
        return
    stream.seek(0)
    while offset > 0 and (block := stream.read(min(offset, SKIPPED_BYTES))):
        offset -= len(block)
        deadline.check()


def read_line(stream: BinaryIO | gzip.GzipFile) -> bytes:
    line: bytes = stream.readline(LARGEST_ROW_BYTES)
    if len(line) == LARGEST_ROW_BYTES:
        raise ValueError("no row is so long")
    return line


def _json_text(value: msgspec.Raw | None) -> str | None:
    """Texts without their quotes, all else as it stands there: a number keeps its digits."""
    text = bytes(value) if value is not None else b"null"
    if text == b"null":
        return None
    return str(msgspec.json.decode(text)) if text.startswith(b'"') else text.decode()
