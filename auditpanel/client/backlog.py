"""The logs that wait to be sent: bounded by number and by memory, and each accounted for until it is settled."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Condition

from .capture import Log

# A value that is no text, the slot that holds it and its name.
_OTHER_BYTES = 100


@dataclass(frozen=True, slots=True)
class Counts:
    """captured = stored + duplicates + refused + dropped + failed + pending.

    `dropped`: the queue was full, or the sender closed. `failed`: could not be written as JSON, or not sent before the process ended.
    """

    captured: int = 0
    stored: int = 0
    duplicates: int = 0
    refused: int = 0
    dropped: int = 0
    failed: int = 0
    pending: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`batch_size` logs or `batch_bytes` make a batch at once; fewer wait for `interval_s`.

    What has been taken out but is not settled yet counts in `queue_limit` and `queue_limit_bytes` too.
    """

    batch_size: int
    batch_bytes: int
    interval_s: float
    queue_limit: int
    queue_limit_bytes: int

    def __post_init__(self) -> None:
        if not 1 <= self.batch_size <= 1_000:
            raise ValueError(f"batch_size: {self.batch_size} is not between 1 and 1000, the most that the panel takes at once")
        if self.queue_limit < 1 or self.queue_limit_bytes < 1:
            raise ValueError(f"queue_limit, queue_limit_bytes: {self.queue_limit} and {self.queue_limit_bytes} must both be above 0")
        if self.interval_s < 0:
            raise ValueError(f"interval_s: {self.interval_s} is below 0 seconds")


@dataclass(frozen=True, slots=True)
class Waiting:
    log: Log
    memory_bytes: int


class Backlog:
    """Shared by the threads that put logs in and the one that takes them out."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        # Reentrant by default: a log made in a signal handler or a finalizer must not wait for its own thread.
        self._changed = Condition()
        self._queue: deque[Waiting] = deque()
        self._queue_bytes = 0
        self._pending_bytes = 0
        self._counts = Counts()
        self._flushing = 0
        self._is_closing = False
        self._is_abandoned = False

    @property
    def counts(self) -> Counts:
        with self._changed:
            return self._counts

    def put(self, log: Log) -> bool:
        """False where the log was dropped, because the queue is full or closed."""
        waiting = Waiting(log, memory_bytes(log))
        with self._changed:
            if self._is_closing or not self._has_room_for(waiting):
                self._count(captured=1, dropped=1)
                return False
            self._count(captured=1, pending=1)
            self._queue.append(waiting)
            self._queue_bytes += waiting.memory_bytes
            self._pending_bytes += waiting.memory_bytes
            if len(self._queue) == 1 or self._is_batch_due():
                self._changed.notify_all()
            return True

    def take(self) -> list[Waiting]:
        """The oldest logs, as soon as they make a batch. They stay pending until settled. Empty once closed and nothing is left."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._is_closing)
            self._changed.wait_for(self._is_batch_due, self._limits.interval_s)
            batch: list[Waiting] = []
            size_bytes = 0
            while self._queue and len(batch) < self._limits.batch_size and size_bytes < self._limits.batch_bytes:
                batch.append(self._queue.popleft())
                size_bytes += batch[-1].memory_bytes
            self._queue_bytes -= size_bytes
            return batch

    def settle(self, logs: Sequence[Waiting], *, stored: int = 0, duplicates: int = 0, refused: int = 0, failed: int = 0) -> None:
        with self._changed:
            if self._is_abandoned:
                return
            self._count(stored=stored, duplicates=duplicates, refused=refused, failed=failed, pending=-len(logs))
            self._pending_bytes -= sum(waiting.memory_bytes for waiting in logs)
            self._changed.notify_all()

    def rest(self, pause_s: float) -> bool:
        """Waits before the next try, less when the queue closes meanwhile. False where there is no next one."""
        with self._changed:
            was_closing = self._is_closing
            self._changed.wait_for(lambda: self._is_abandoned or self._is_closing is not was_closing, pause_s)
            return not self._is_abandoned

    def flush(self, timeout_s: float) -> bool:
        """Waits until what is there now is settled; False where it took longer."""
        with self._changed:
            # Logs are settled in the order they came in.
            accepted = self._counts.captured - self._counts.dropped
            self._flushing += 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(lambda: self._settled >= accepted, timeout_s)
            finally:
                self._flushing -= 1

    def close(self) -> None:
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()

    def abandon(self) -> int:
        """Gives up what is pending, and says how many logs that is."""
        with self._changed:
            lost = self._counts.pending
            self._is_closing = self._is_abandoned = True
            self._count(failed=lost, pending=-lost)
            self._queue.clear()
            self._queue_bytes = self._pending_bytes = 0
            self._changed.notify_all()
            return lost

    @property
    def _settled(self) -> int:
        return self._counts.captured - self._counts.dropped - self._counts.pending

    def _has_room_for(self, waiting: Waiting) -> bool:
        has_bytes = self._pending_bytes + waiting.memory_bytes <= self._limits.queue_limit_bytes
        return has_bytes and self._counts.pending < self._limits.queue_limit

    def _is_batch_due(self) -> bool:
        is_full = len(self._queue) >= self._limits.batch_size or self._queue_bytes >= self._limits.batch_bytes
        return is_full or self._is_closing or self._flushing > 0

    def _count(self, **changes: int) -> None:
        self._counts = replace(self._counts, **{name: getattr(self._counts, name) + change for name, change in changes.items()})


def memory_bytes(value: object) -> int:
    """About what a log takes in memory: its texts exactly, the rest roughly."""
    if isinstance(value, (str, bytes)):
        return sys.getsizeof(value)
    if isinstance(value, Mapping):
        return _OTHER_BYTES + sum(_OTHER_BYTES + memory_bytes(item) for item in value.values())
    if isinstance(value, (list, tuple, set)):
        return _OTHER_BYTES + sum(memory_bytes(item) for item in value)
    return _OTHER_BYTES
