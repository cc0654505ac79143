"""What comes out of the store of background tasks: a line of a list, a task with everything, a page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from auditpanel.errors import InvalidInput
from auditpanel.ids import EPOCH, Prefix, format_id
from auditpanel.tasks.values import Asker, Json, TaskStatus, TaskType


class OperationStatus(StrEnum):
    """Whether all that was asked for has been done. A task that is DONE with refused rows is FAILED here."""

    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class TaskKey:
    """Where a task stands in its project: lists are ordered by it, newest first."""

    created_at: datetime
    id: UUID

    @property
    def cursor(self) -> str:
        """The key as one word, for a URL: microseconds since 1970 and the id."""
        return f"{(self.created_at - EPOCH) // timedelta(microseconds=1)}-{self.id.hex}"

    @classmethod
    def from_cursor(cls, text: str) -> TaskKey:
        """Raises InvalidInput where no page has given this cursor."""
        parts = re.fullmatch(r"(-?\d{1,17})-([0-9a-f]{32})", text)
        try:
            if parts:
                return cls(EPOCH + timedelta(microseconds=int(parts[1])), UUID(parts[2]))
        except OverflowError:
            pass
        raise InvalidInput(f'"{text[:60]}" is no place in a list; take the cursor of the page before', field="cursor")


class Direction(StrEnum):
    OLDER = "older"
    NEWER = "newer"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: beyond `key`, going that way. A key that no task has is a place as well."""

    key: TaskKey
    direction: Direction


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


@dataclass(frozen=True, slots=True)
class TaskPage:
    """`lines` are newest first. `has_more` tells of further ones in the direction of reading."""

    lines: list[TaskLine]
    has_more: bool


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
    """What became of the tasks of one request: how many there are, rows they refused, whether one failed or has not ended."""

    tasks: int
    refused: int
    failed: int
    running: int


@dataclass(frozen=True, slots=True)
class Count:
    """`value` tasks; or, where it is not exact, more."""

    value: int
    is_exact: bool
