"""Brings what a reader gives into the store, batch by batch, and counts what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from auditpanel.logs.readers.records import RefusedLine
from auditpanel.logs.values import NewLog

BATCH_SIZE = 500
# Bodies of a batch together: 500 logs of 16 MiB each would not fit into memory.
BATCH_LIMIT_CHARACTERS = 16 * 1024 * 1024
REASONS_KEPT = 10


class Refusal(Protocol):
    @property
    def index(self) -> int: ...
    @property
    def reason(self) -> str: ...


class Stored(Protocol):
    """What became of a batch: `auditpanel.logs.store.Stored`, as far as it matters here."""

    @property
    def stored(self) -> int: ...
    @property
    def duplicates(self) -> int: ...
    @property
    def refused(self) -> Sequence[Refusal]: ...


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """`first_reasons` are those of the first REASONS_KEPT records that were refused, each with its place in the file."""

    stored: int = 0
    already_there: int = 0
    refused: int = 0
    first_reasons: tuple[str, ...] = ()

    def __add__(self, other: ImportCounts) -> ImportCounts:
        return ImportCounts(
            self.stored + other.stored,
            self.already_there + other.already_there,
            self.refused + other.refused,
            (self.first_reasons + other.first_reasons)[:REASONS_KEPT],
        )


@dataclass(frozen=True, slots=True)
class _Batch:
    """`places` are the numbers of the logs among all records of the file, from 1; `reasons` go by the same numbers."""

    logs: list[NewLog]
    places: list[int]
    reasons: dict[int, str]

    @property
    def size(self) -> int:
        return len(self.logs) + len(self.reasons)


def import_logs(
    records: Iterator[NewLog | RefusedLine],
    store: Callable[[Sequence[NewLog]], Stored],
    progress: Callable[[int], None],
) -> ImportCounts:
    """`store` commits each batch it is given; `progress` is told how many more records are done, refused ones too.

    An import that breaks off keeps the batches that were stored; done again, it counts them as already there.
    Raises what the reader raises, InvalidInput for a file of another format.
    """
    counts = ImportCounts()
    for batch in _batches(records):
        counts += _store(batch, store)
        progress(batch.size)
    return counts


def _batches(records: Iterator[NewLog | RefusedLine]) -> Iterator[_Batch]:
    batch, characters = _Batch([], [], {}), 0
    for place, record in enumerate(records, start=1):
        if isinstance(record, RefusedLine):
            batch.reasons[place] = str(record)
        else:
            batch.logs.append(record)
            batch.places.append(place)
            characters += len(record.request_body or "") + len(record.response_body or "")
        if batch.size == BATCH_SIZE or characters > BATCH_LIMIT_CHARACTERS:
            yield batch
            batch, characters = _Batch([], [], {}), 0
    if batch.size:
        yield batch


def _store(batch: _Batch, store: Callable[[Sequence[NewLog]], Stored]) -> ImportCounts:
    if not batch.logs:
        return ImportCounts(refused=len(batch.reasons), first_reasons=_first(batch.reasons))
    result = store(batch.logs)
    places = [batch.places[refusal.index] for refusal in result.refused]
    # Blank lines are no records, so a record's number need not be its line's; lines are the readers' to know.
    not_taken = {place: f"record {place}: {refusal.reason}" for place, refusal in zip(places, result.refused, strict=True)}
    reasons = batch.reasons | not_taken
    return ImportCounts(result.stored, result.duplicates, len(reasons), _first(reasons))


def _first(reasons: dict[int, str]) -> tuple[str, ...]:
    return tuple(reasons[place] for place in sorted(reasons)[:REASONS_KEPT])
