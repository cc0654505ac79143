"""What comes out of the store of background tasks: a line of a list, a task with everything, a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from auditpanel.ids import Prefix, format_id
from auditpanel.keyset import Direction as Direction
from auditpanel.keyset import Key, Page
from auditpanel.keyset import Place as Place
from auditpanel.tasks.values import Asker, Json, TaskStatus, TaskType


class OperationStatus(StrEnum):
    """Whether all that was asked for has been done. A task that is DONE with refused rows is FAILED here."""

    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


class TaskKey(Key, frozen=True):
    """Where a task stands in its project."""

    @property
    def created_at(self) -> datetime:
        return self.at


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task as lists show it. `rows_total` is None where that is not known before the end.

    `about` is the name of its file, else its campaign or metadata key.
    """

    key: TaskKey
    type: TaskType
    status: TaskStatus
    updated_at: datetime
    processing_ms: int
    asker: Asker
    rows_total: int | None
    rows_done: int
    refused: int
    error: str | None
    is_cancel_asked: bool
    about: str | None = None

    @property
    def id(self) -> str:
        return format_id(Prefix.ASYNC_ACTION, self.key.id)

    @property
    def created_at(self) -> datetime:
        return self.key.created_at

    @property
    def request_id(self) -> str:
        return self.asker.request_id

    @property
    def origin(self) -> str:
        return self.asker.origin

    @property
    def channel(self) -> str | None:
        return self.asker.channel

    @property
    def who(self) -> str:
        return self.asker.name

    @property
    def is_ended(self) -> bool:
        return self.status in (TaskStatus.DONE, TaskStatus.FAILED)

    @property
    def was_cancelled(self) -> bool:
        return self.status is TaskStatus.FAILED and self.is_cancel_asked

    @property
    def progress(self) -> int:
        """In percent. 100 is only said of a task that is done: the last row's transaction may still be open."""
        if self.status is TaskStatus.DONE:
            return 100
        return min(99, self.rows_done * 100 // self.rows_total) if self.rows_total else 0

    @property
    def operation_status(self) -> OperationStatus:
        if not self.is_ended:
            return OperationStatus.UNKNOWN
        return OperationStatus.SUCCESS if self.status is TaskStatus.DONE and not self.refused else OperationStatus.FAILED


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the rows."""

    created: int
    updated: int
    deleted: int
    skipped: int
    refused: int


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task with everything. `refused_stored` of the refused rows can be read; the count goes on after that many."""

    line: TaskLine
    parameters: Json
    counts: Counts
    file_name: str | None
    file_bytes: int | None
    started_at: datetime | None
    finished_at: datetime | None
    cancel_asked_at: datetime | None
    cancel_asked_by: str | None
    again_of: str | None

    @property
    def refused_stored(self) -> int:
        return min(self.counts.refused, REFUSED_STORED_LIMIT)


# Of one task: a file of millions of bad rows is one mistake, which nobody reads a million times.
REFUSED_STORED_LIMIT = 100_000


TaskPage = Page[TaskLine]


@dataclass(frozen=True, slots=True)
class Shares:
    """How many tasks of a list need a look, run, and are done. `is_exact` is False where there are more."""

    all: int
    look: int
    running: int
    done: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Caused:
    """What became of the tasks of one request: how many there are, rows they refused, how many failed, were cancelled, have not ended."""

    tasks: int
    refused: int
    failed: int
    cancelled: int
    running: int
