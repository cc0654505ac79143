"""Sends logs to a panel from a thread of its own."""

from __future__ import annotations

import atexit
import itertools
import json
import logging
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from threading import Lock, Thread
from time import monotonic
from weakref import WeakSet

from .backlog import Backlog, Counts, Limits, Waiting
from .capture import Log
from .delivery import Answer, BatchRefused, BatchTooLarge, Delivery, TryAgain
from .notices import Notices

_logger = logging.getLogger(__name__)

# Of JSON before it is packed. A single log that is larger goes alone, and the panel decides.
BATCH_BYTES = 4 * 1024 * 1024 - 1024

LAST_FLUSH_S = 5.0
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0


class Sender:
    """A sink that sends what it gets to `POST /v1/logs` of the panel at `url`, in batches, again until the panel has answered.

    Calling it never waits. Its thread starts with the first log, and anew in a process that was forked off.
    """

    def __init__(
        self,
        url: str,
        app_id: str,
        app_token: str,
        *,
        batch_size: int = 500,
        interval_s: float = 1.0,
        queue_limit: int = 10_000,
        queue_limit_bytes: int = 64 * 1024 * 1024,
        timeout_s: float = 10.0,
        first_pause_s: float = _FIRST_PAUSE_S,
    ) -> None:
        self._limits = Limits(
            batch_size=batch_size,
            batch_bytes=BATCH_BYTES,
            interval_s=interval_s,
            queue_limit=queue_limit,
            queue_limit_bytes=queue_limit_bytes,
        )
        self._target = (url, app_id, app_token, timeout_s)
        self._first_pause_s = first_pause_s
        self.start_afresh()
        _living.add(self)

    def start_afresh(self) -> None:
        """For a process that was forked off: what was pending there is the parent's to send, and its locks may be held for ever here."""
        url, app_id, app_token, timeout_s = self._target
        self._process_id = os.getpid()
        self._starting = Lock()
        self._thread: Thread | None = None
        self._worker = _Worker(
            Backlog(self._limits), Delivery(url, app_id, app_token, timeout_s=timeout_s), Notices(), first_pause_s=self._first_pause_s
        )

    def __call__(self, log: Log, host: Mapping[str, object], /) -> None:
        # Some servers fork without Python's hooks.
        if self._process_id != os.getpid():
            self.start_afresh()
        if not self._worker.backlog.put(log):
            self._worker.notices.add("dropped", 1, "the queue is full or closed; the panel does not take logs as fast as they come")
        elif self._thread is None or not self._thread.is_alive():
            self._start()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._worker.run, name="auditpanel-sender", daemon=True)
                self._thread.start()

    @property
    def counts(self) -> Counts:
        """Of this process, since its start."""
        return self._worker.backlog.counts

    def flush(self, timeout_s: float) -> bool:
        """Sends what is there now without waiting for a full batch; False where that was not done in time."""
        return self._worker.backlog.flush(timeout_s)

    def close(self, timeout_s: float = LAST_FLUSH_S) -> None:
        """Sends what is there, for `timeout_s` at most; what is left then is counted as failed. Logs that come later are dropped."""
        backlog = self._worker.backlog
        backlog.close()
        if self._thread is not None:
            self._thread.join(max(timeout_s, 0.0))
        lost = backlog.abandon()
        if lost:
            self._worker.notices.add("failed", lost, f"not sent within the {max(timeout_s, 0.0):.1f} s that were left")
        self._worker.notices.write_rest()


class _Worker:
    """What runs in the thread."""

    def __init__(self, backlog: Backlog, delivery: Delivery, notices: Notices, *, first_pause_s: float) -> None:
        self.backlog = backlog
        self.notices = notices
        self._delivery = delivery
        self._first_pause_s = first_pause_s

    def run(self) -> None:
        try:
            while taken := self.backlog.take():
                for batch in _batches(self._encode(taken)):
                    self._deliver_or_fail(batch)
        finally:
            self._delivery.close()

    def _encode(self, taken: Sequence[Waiting]) -> Iterator[tuple[Waiting, bytes]]:
        for waiting in taken:
            try:
                # Half a surrogate pair, which JSON has no place for, becomes a question mark; what `describe` gave may be of any type.
                content = json.dumps(waiting.log, default=str, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
            except (ValueError, TypeError, RecursionError) as error:
                self.notices.add("failed", 1, f"no JSON: {error}")
                self.backlog.settle([waiting], failed=1)
            else:
                yield waiting, content

    def _deliver_or_fail(self, batch: list[tuple[Waiting, bytes]]) -> None:
        try:
            self._deliver(batch)
        except Exception:
            # A fault of ours. The thread must outlive it, and the count must be right.
            self.backlog.settle([waiting for waiting, _ in batch], failed=len(batch))
            _logger.exception("%s logs failed to be sent", len(batch))

    def _deliver(self, batch: list[tuple[Waiting, bytes]]) -> None:
        logs = [waiting for waiting, _ in batch]
        try:
            answer = self._post([content for _, content in batch])
        except BatchTooLarge as error:
            self._deliver_in_halves(batch, error)
        except BatchRefused as error:
            self._refuse(logs, error)
        else:
            if answer is None:
                return
            if answer.reasons:
                self.notices.add("refused", len(answer.reasons), "; ".join(answer.reasons[:3]))
            self.backlog.settle(logs, stored=answer.stored, duplicates=answer.duplicates, refused=len(answer.reasons))

    def _deliver_in_halves(self, batch: list[tuple[Waiting, bytes]], error: BatchTooLarge) -> None:
        if len(batch) == 1:
            self._refuse([batch[0][0]], error)
            return
        middle = len(batch) // 2
        self._deliver(batch[:middle])
        self._deliver(batch[middle:])

    def _refuse(self, logs: list[Waiting], error: BatchRefused) -> None:
        self.notices.add("refused", len(logs), f"the panel {error}")
        self.backlog.settle(logs, refused=len(logs))

    def _post(self, contents: list[bytes]) -> Answer | None:
        """Tries until the panel has answered; None where the process ends before."""
        for tried in itertools.count():
            try:
                return self._delivery.post(contents)
            except TryAgain as error:
                pause_s = self._pause_s(tried, error)
                self.notices.say(f"waiting logs: {self.backlog.counts.pending}; next try in {pause_s:.1f} s: {error}")
                if not self.backlog.rest(pause_s):
                    return None
        return None

    def _pause_s(self, tried: int, error: TryAgain) -> float:
        """Twice as long each time, and never the same for two services that the panel's restart hit at once."""
        if error.pause_s is not None:
            return error.pause_s * random.uniform(1.0, 1.1)
        return min(self._first_pause_s * 2.0 ** min(tried, 16), _LONGEST_PAUSE_S) * random.uniform(0.5, 1.0)


def _batches(encoded: Iterator[tuple[Waiting, bytes]]) -> Iterator[list[tuple[Waiting, bytes]]]:
    batch: list[tuple[Waiting, bytes]] = []
    size_bytes = 0
    for item in encoded:
        # One more for the comma.
        item_bytes = len(item[1]) + 1
        if batch and size_bytes + item_bytes > BATCH_BYTES:
            yield batch
            batch, size_bytes = [], 0
        batch.append(item)
        size_bytes += item_bytes
    if batch:
        yield batch


# A fork and the end of the process concern every sender there is; no sender is kept alive by standing here.
_living: WeakSet[Sender] = WeakSet()


def _start_all_afresh() -> None:
    for sender in list(_living):
        sender.start_afresh()


def _close_all() -> None:
    deadline_s = monotonic() + LAST_FLUSH_S
    for sender in list(_living):
        sender.close(deadline_s - monotonic())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_all_afresh)
atexit.register(_close_all)
