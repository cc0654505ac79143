"""Records of a file on their way into the store, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from auditpanel.logs.importing import BATCH_SIZE, ImportCounts, import_logs
from auditpanel.logs.readers import RefusedLine
from auditpanel.logs.values import NewLog


@dataclass(frozen=True)
class Refusal:
    index: int
    reason: str


@dataclass(frozen=True)
class Stored:
    stored: int
    duplicates: int
    refused: Sequence[Refusal]


class Shelf:
    """A store that keeps paths, knows those it has, and takes none that end in "refused"."""

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self.batch_sizes: list[int] = []

    def __call__(self, logs: Sequence[NewLog]) -> Stored:
        self.batch_sizes.append(len(logs))
        refused = [Refusal(index, "is not for this shelf") for index, log in enumerate(logs) if log.path.endswith("refused")]
        new = {log.path for log in logs if not log.path.endswith("refused")} - self.paths
        self.paths |= new
        return Stored(len(new), len(logs) - len(refused) - len(new), refused)


def make_log(path: str, *, body: str | None = None) -> NewLog:
    return NewLog(occurred_at=datetime(2026, 11, 24, tzinfo=UTC), path=path, status_code=200, response_body=body)


def ignore(count: int) -> None:
    pass


def test_records_are_stored_in_batches_and_counted_and_progress_is_told() -> None:
    shelf, told = Shelf(), list[int]()
    records = [make_log(f"/{number}") for number in range(1_200)]
    assert import_logs(iter(records), shelf, told.append) == ImportCounts(stored=1_200)
    assert shelf.batch_sizes == told == [BATCH_SIZE, BATCH_SIZE, 200]


def test_the_same_records_again_are_there_already() -> None:
    shelf, records = Shelf(), [make_log(f"/{number}") for number in range(700)]
    import_logs(iter(records), shelf, ignore)
    assert import_logs(iter(records), shelf, ignore) == ImportCounts(already_there=700)


def test_what_reader_and_store_refuse_is_counted_and_the_first_ten_reasons_are_kept_with_their_places() -> None:
    records: list[NewLog | RefusedLine] = [make_log("/a"), RefusedLine(2, "not JSON"), make_log("/refused")]
    records += [RefusedLine(line, "not JSON") for line in range(4, 2_000)]
    told: list[int] = []
    counts = import_logs(iter(records), Shelf(), told.append)
    assert (counts.stored, counts.refused) == (1, 1_998)
    assert len(counts.first_reasons) == 10
    assert counts.first_reasons[:3] == ("line 2: not JSON", "record 3: is not for this shelf", "line 4: not JSON")
    assert sum(told) == 1_999


def test_no_records_are_no_batch() -> None:
    shelf = Shelf()
    assert import_logs(iter([]), shelf, ignore) == ImportCounts()
    assert shelf.batch_sizes == []


def test_logs_with_long_bodies_come_in_smaller_batches() -> None:
    shelf = Shelf()
    body = "x" * 1024 * 1024

    def records() -> Iterator[NewLog]:
        for number in range(40):
            yield make_log(f"/{number}", body=body)

    assert import_logs(records(), shelf, ignore).stored == 40
    assert shelf.batch_sizes == [17, 17, 6]
