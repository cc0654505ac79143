"""Parquet: every column with its type and its exact values.

Written without a library: Arrow takes 40 MB by itself, holds a group of rows unpacked until it is whole, and keeps some kilobytes of each
column of each group to the end. Here a group is held packed, and what is kept of it are the 1,100 bytes that describe it in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import RawIOBase

from sqlalchemy import Connection

from auditpanel.exports import thrift
from auditpanel.exports.columns import Column
from auditpanel.exports.forms import as_typed
from auditpanel.exports.parquet_columns import ColumnChunk, described
from auditpanel.exports.reading import Row, batches
from auditpanel.exports.subjects import Selection
from auditpanel.exports.thrift import Encoded, Wire, int32, int64
from auditpanel.exports.values import Layout

# As it is held, packed. A hundred million logs make 5,000 groups of this size.
GROUP_BYTES = 1 << 23
# Some readers hold a group as a whole. Bodies that are much alike are packed to a hundredth.
UNPACKED_BYTES = 1 << 28
# Whoever looks for one row passes over those before it in its group.
GROUP_ROWS = 1 << 17

MAGIC = b"PAR1"
VERSION = 1
# Readers look for a version in it.
CREATED_BY = b"auditpanel version 1"


def write_parquet(connection: Connection, selection: Selection, layout: Layout, file: RawIOBase, progress: Callable[[int], None]) -> int:
    """Moments are in UTC, whatever the layout's time zone: the format has no other."""
    written = ParquetFile(file, selection.columns)
    with batches(connection, selection, as_typed) as read:
        for batch in read:
            written.add(batch)
            progress(written.rows)
    written.end()
    return written.rows


class ParquetFile:
    def __init__(self, file: RawIOBase, columns: Sequence[Column]) -> None:
        self._file = file
        self._columns = columns
        self._chunks = [ColumnChunk(column) for column in columns]
        self._rows_of_group = 0
        self._groups: list[Encoded] = []
        self._offset = 0
        self.rows = 0
        self._write(MAGIC)

    def add(self, batch: Sequence[Row]) -> None:
        for chunk, values in zip(self._chunks, zip(*batch, strict=True), strict=True):
            chunk.add(values)
        self.rows += len(batch)
        self._rows_of_group += len(batch)
        packed = sum(chunk.size_bytes for chunk in self._chunks)
        unpacked = sum(chunk.unpacked_bytes for chunk in self._chunks)
        if self._rows_of_group >= GROUP_ROWS or packed >= GROUP_BYTES or unpacked >= UNPACKED_BYTES:
            self._end_group()

    def end(self) -> None:
        if self._rows_of_group:
            self._end_group()
        description = self._described().data
        self._write(description)
        self._write(len(description).to_bytes(4, "little") + MAGIC)

    def _end_group(self) -> None:
        begin, columns = self._offset, []
        for chunk in self._chunks:
            chunk.end_page()
            columns.append(chunk.described(self._offset))
            for part in chunk.pages:
                self._write(part)
        self._groups.append(
            thrift.struct(
                {
                    1: thrift.list_of(Wire.STRUCT, columns),
                    2: int64(sum(chunk.unpacked_bytes for chunk in self._chunks)),
                    3: int64(self._rows_of_group),
                    5: int64(begin),
                    6: int64(self._offset - begin),
                }
            )
        )
        self._chunks = [ColumnChunk(column) for column in self._columns]
        self._rows_of_group = 0

    def _described(self) -> Encoded:
        """The FileMetaData."""
        root = thrift.struct({4: thrift.binary(b"schema"), 5: int32(len(self._columns))})
        # Least and greatest values are meant in the order of their type.
        order = thrift.struct({1: thrift.struct({})})
        return thrift.struct(
            {
                1: int32(VERSION),
                2: thrift.list_of(Wire.STRUCT, [root, *map(described, self._columns)]),
                3: int64(self.rows),
                4: thrift.list_of(Wire.STRUCT, self._groups),
                6: thrift.binary(CREATED_BY),
                7: thrift.list_of(Wire.STRUCT, [order] * len(self._columns)),
            }
        )

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._offset += len(data)
