"""Operations that go through the rows of a file: each row is read, and what is right is stored batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import msgspec
from sqlalchemy.orm import Session

from auditpanel.catalogue.rows import WrongRow
from auditpanel.errors import InvalidInput
from auditpanel.tasks.values import Batch, Outcome, Refused, TaskInput

Json = dict[str, object]
Value = TypeVar("Value")

BATCH_ROWS = 2_000
# Rows may be large: a batch ends early, so that a worker's memory stays small whatever the file.
BATCH_CHARACTERS = 8 << 20


class Row(Protocol):
    """A row as it came. `content` is by header or as the JSON has it; `size` is in characters or bytes."""

    @property
    def line(self) -> int: ...

    @property
    def content(self) -> Json: ...

    @property
    def size(self) -> int: ...


@dataclass(frozen=True, slots=True)
class JsonRow:
    line: int
    data: object
    size: int

    @property
    def content(self) -> Json:
        return self.data if isinstance(self.data, dict) else {"row": self.data}


Rows = Iterator[Row | Refused]
Read = Callable[[Row], Value]


@dataclass(frozen=True, slots=True)
class Step(Generic[Value]):
    """The rows of a batch that could be read, with what they say, and those that could not."""

    read: list[tuple[Row, Value]]
    refused: list[Refused]


@dataclass(frozen=True, slots=True)
class RowsOperation(Generic[Value]):
    """`rows` opens the file, `reading` prepares what reads a row (it may ask the database), `store` does a batch.

    The position is the number of rows done. A task that goes on reads its file from the start again and passes over those: a second for a
    million of them.
    """

    rows: Callable[[TaskInput], Rows]
    reading: Callable[[Session, TaskInput], Read[Value]]
    store: Callable[[Session, TaskInput, Step[Value]], Outcome]

    def count_rows(self, session: Session, task: TaskInput) -> int:
        self.reading(session, task)
        return sum(1 for _ in self.rows(task))

    def batches(self, session: Session, task: TaskInput) -> Iterator[Batch]:
        read = self.reading(session, task)
        session.rollback()
        done = _rows_done(task)
        rows = islice(self.rows(task), done, None)
        while True:
            step, count = _next_step(rows, read)
            if count == 0:
                return
            done += count
            yield Batch(count, {"rows": done}, step)

    def apply(self, session: Session, task: TaskInput, batch: Batch) -> Outcome:
        step = batch.work
        assert isinstance(step, Step)
        return self.store(session, task, step)

    def finish(self, session: Session, task: TaskInput) -> None:
        """Each row was an end in itself."""

    def give_up(self, session: Session, task: TaskInput) -> None:
        """What was stored stays stored."""


def _rows_done(task: TaskInput) -> int:
    done = task.position.get("rows", 0)
    assert isinstance(done, int)
    return done


def _next_step(rows: Rows, read: Read[Value]) -> tuple[Step[Value], int]:
    step: Step[Value] = Step([], [])
    count = characters = 0
    for row in rows:
        count += 1
        if isinstance(row, Refused):
            step.refused.append(row)
        else:
            characters += row.size
            try:
                step.read.append((row, read(row)))
            except WrongRow as error:
                step.refused.append(refused(row, error))
        if count >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
            break
    return step, count


def refused(row: Row, error: WrongRow) -> Refused:
    return Refused(row.line, row.content, error.reason, error.column, error.value)


def file_of(task: TaskInput) -> Path:
    """Raises InvalidInput where it is gone."""
    if task.file is None or not task.file.exists():
        raise InvalidInput("The task's file is not kept any more; send it again.")
    return task.file


def json_rows(task: TaskInput) -> Rows:
    """Of a JSON body that is kept as NDJSON: the line is the row's place in the list."""
    with file_of(task).open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                yield JsonRow(number, msgspec.json.decode(line), len(line))
            except (msgspec.DecodeError, RecursionError) as error:
                yield Refused(number, {"row": line.decode("utf-8", "replace")[:1_000]}, f"is not JSON: {error}")


def reading_json(read: Callable[[object], Value]) -> Read[Value]:
    """The same, for rows of JSON: what it refuses is told of the row."""

    def read_row(row: Row) -> Value:
        assert isinstance(row, JsonRow)
        try:
            return read(row.data)
        except InvalidInput as error:
            raise WrongRow(error.details, error.field, _value_at(row.data, error.field)) from None

    return read_row


def _value_at(data: object, path: str | None) -> str | None:
    for name in (path or "").split("."):
        data = data.get(name) if isinstance(data, dict) else None
    return None if data is None else str(data)[:200]
