"""One column of a Parquet file: how its values lie there, in pages that are packed one by one, and what is said of them.

Numbers and names are those of the format's own description, parquet.thrift.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from itertools import chain
from typing import Any

from auditpanel.exports import thrift
from auditpanel.exports.columns import Column, Kind
from auditpanel.exports.thrift import Encoded, Wire, int32, int64

# The values of a page are held as they are until it is whole, those of every column at once.
PAGE_BYTES = 1 << 16
PAGE_ROWS = 4_096

# Of the codecs that readers have, the one that Python has too. The window's 16 stand for the header of gzip.
GZIP = 2
GZIP_WINDOW = 16 + zlib.MAX_WBITS
# Nearly twice as fast as the default, for files that are a tenth larger.
GZIP_LEVEL = 3

OPTIONAL = 1
DATA_PAGE = 0
PLAIN, RLE = 0, 3

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
_NOTHING = thrift.struct({})


class _Physical(IntEnum):
    BOOLEAN = 0
    INT32 = 1
    INT64 = 2
    DOUBLE = 5
    BYTE_ARRAY = 6


class _Converted(IntEnum):
    """For readers that do not know the logical types, which came later."""

    UTF8 = 0
    DATE = 6
    TIMESTAMP_MICROS = 10


@dataclass(frozen=True, slots=True)
class _Type:
    physical: _Physical
    encode: Callable[[Sequence[Any]], bytes]
    converted: _Converted | None = None
    logical: Encoded | None = None


def _integers(values: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(values)}q", *values)


def _floats(values: Sequence[float]) -> bytes:
    return struct.pack(f"<{len(values)}d", *values)


def _moments(values: Sequence[datetime]) -> bytes:
    return _integers([(value - _EPOCH) // _MICROSECOND for value in values])


def _days(values: Sequence[date]) -> bytes:
    return struct.pack(f"<{len(values)}i", *(value.toordinal() - _FIRST_DAY for value in values))


def _texts(values: Sequence[str]) -> bytes:
    texts = [value.encode() for value in values]
    lengths = map(struct.Struct("<I").pack, map(len, texts))
    return b"".join(chain.from_iterable(zip(lengths, texts, strict=True)))


def _bits(values: Sequence[bool]) -> bytes:
    """Eight of them a byte, the first the lowest."""
    digits = "".join("1" if value else "0" for value in reversed(values))
    return int(digits or "0", 2).to_bytes(-(-len(values) // 8), "little")


_TEXT = _Type(_Physical.BYTE_ARRAY, _texts, _Converted.UTF8, thrift.struct({1: _NOTHING}))
_IN_UTC_MICROSECONDS = thrift.struct({1: thrift.TRUE, 2: thrift.struct({2: _NOTHING})})
_TYPES = {
    Kind.TEXT: _TEXT,
    Kind.JSON: _TEXT,
    Kind.INTEGER: _Type(_Physical.INT64, _integers),
    Kind.FLOAT: _Type(_Physical.DOUBLE, _floats),
    Kind.BOOLEAN: _Type(_Physical.BOOLEAN, _bits),
    Kind.MOMENT: _Type(_Physical.INT64, _moments, _Converted.TIMESTAMP_MICROS, thrift.struct({8: _IN_UTC_MICROSECONDS})),
    Kind.DAY: _Type(_Physical.INT32, _days, _Converted.DATE, thrift.struct({6: _NOTHING})),
}


def described(column: Column) -> Encoded:
    """A SchemaElement."""
    type_ = _TYPES[column.kind]
    converted = None if type_.converted is None else int32(type_.converted)
    return thrift.struct(
        {1: int32(type_.physical), 3: int32(OPTIONAL), 4: thrift.binary(column.name.encode()), 6: converted, 10: type_.logical}
    )


class ColumnChunk:
    """A column's values in one group of rows. `pages` are those that are whole, as they go into the file, of `size_bytes` together."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._type = _TYPES[column.kind]
        self._is_text = self._type is _TEXT
        # Whose least and greatest value help to find something: not texts that may be long, of which both would be kept.
        self._bounds = _Bounds(self._type) if column.is_ours or column.kind in (Kind.INTEGER, Kind.MOMENT, Kind.DAY) else None
        self._waiting: list[Any] = []
        self._waiting_bytes = 0
        self._rows = self._nulls = 0
        self.pages: list[bytes] = []
        self.size_bytes = self.unpacked_bytes = 0

    def add(self, values: Sequence[Any]) -> None:
        self._waiting += values
        if self._is_text:
            self._waiting_bytes += sum(map(len, filter(None, values)))
        if self._waiting_bytes >= PAGE_BYTES or len(self._waiting) >= PAGE_ROWS:
            self.end_page()

    def end_page(self) -> None:
        rows, present = len(self._waiting), [value for value in self._waiting if value is not None]
        if not rows:
            return
        content = _presence(self._waiting, len(present)) + self._type.encode(present)
        packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
        packed = packer.compress(content) + packer.flush()
        values = thrift.struct({1: int32(rows), 2: int32(PLAIN), 3: int32(RLE), 4: int32(RLE)})
        header = thrift.struct({1: int32(DATA_PAGE), 2: int32(len(content)), 3: int32(len(packed)), 5: values}).data
        self.pages += [header, packed]
        self.size_bytes += len(header) + len(packed)
        self.unpacked_bytes += len(header) + len(content)
        self._rows += rows
        self._nulls += rows - len(present)
        if self._bounds and present:
            self._bounds.take_in(present)
        self._waiting, self._waiting_bytes = [], 0

    def described(self, offset: int) -> Encoded:
        """A ColumnChunk, whose first page lies there."""
        metadata = thrift.struct(
            {
                1: int32(self._type.physical),
                2: thrift.list_of(Wire.INT32, [int32(PLAIN), int32(RLE)]),
                3: thrift.list_of(Wire.BINARY, [thrift.binary(self._column.name.encode())]),
                4: int32(GZIP),
                5: int64(self._rows),
                6: int64(self.unpacked_bytes),
                7: int64(self.size_bytes),
                9: int64(offset),
                12: self._statistics(),
            }
        )
        return thrift.struct({2: int64(0), 3: metadata})

    def _statistics(self) -> Encoded:
        greatest, least = self._bounds.encoded() if self._bounds else (None, None)
        return thrift.struct({3: int64(self._nulls), 5: greatest, 6: least})


class _Bounds:
    def __init__(self, type_: _Type) -> None:
        self._type = type_
        self._least: Any = None
        self._greatest: Any = None

    def take_in(self, values: Sequence[Any]) -> None:
        least, greatest = min(values), max(values)
        self._least = least if self._least is None else min(least, self._least)
        self._greatest = greatest if self._greatest is None else max(greatest, self._greatest)

    def encoded(self) -> tuple[Encoded | None, Encoded | None]:
        """The greatest and the least; texts without their length."""
        if self._least is None:
            return None, None
        return self._encoded(self._greatest), self._encoded(self._least)

    def _encoded(self, value: Any) -> Encoded:
        return thrift.binary(value.encode() if self._type is _TEXT else self._type.encode([value]))


def _presence(values: Sequence[object], present: int) -> bytes:
    """Which of the values are there: the definition levels, as one run."""
    if present in (0, len(values)):
        run = thrift.varint(len(values) << 1) + (b"\1" if present else b"\0")
    else:
        bits = _bits([value is not None for value in values])
        run = thrift.varint(len(bits) << 1 | 1) + bits
    return struct.pack("<I", len(run)) + run
