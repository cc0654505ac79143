"""The rows of a Parquet file, as texts. It says itself where each of its groups of rows begins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import BinaryIO
from zoneinfo import ZoneInfo

from pyarrow import parquet

from auditpanel.exports.stored_rows import Cells, Deadline, Mark, StoredRow
from auditpanel.times import in_zone

BATCH = 50


class ParquetRows:
    """With moments in this zone: those in the file are in UTC."""

    def __init__(self, file: BinaryIO, zone: ZoneInfo) -> None:
        self._file = parquet.ParquetFile(file, pre_buffer=False)
        self._zone = zone

    def rows(self, mark: Mark, deadline: Deadline) -> Iterator[StoredRow]:
        number = 1
        for group in range(self._file.metadata.num_row_groups):
            behind = number + self._file.metadata.row_group(group).num_rows
            if behind > mark.number:
                yield from self._rows_of(group, number, mark, deadline)
            number = behind

    def cells(self, raw: object) -> Cells:
        assert isinstance(raw, tuple)
        return [self._text(value) for value in raw]

    def _rows_of(self, group: int, number: int, mark: Mark, deadline: Deadline) -> Iterator[StoredRow]:
        for batch in self._file.iter_batches(batch_size=BATCH, row_groups=[group], use_threads=False):
            if number + batch.num_rows > mark.number:
                for raw in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    if number >= mark.number:
                        yield StoredRow(Mark(number), raw)
                    number += 1
            else:
                number += batch.num_rows
                deadline.check()

    def _text(self, value: object) -> str | None:
        if value is None:
            return None
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, datetime):
            return in_zone(value, self._zone).isoformat(timespec="microseconds")
        return value.isoformat() if isinstance(value, date) else str(value)
