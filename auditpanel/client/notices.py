"""Warnings about what may happen thousands of times a minute, written seldom enough to be read."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from threading import Lock
from time import monotonic

_logger = logging.getLogger(__name__)

INTERVAL_S = 10.0


@dataclass(slots=True)
class _Notice:
    text: str = ""
    count: int = 0
    written_at_s: float | None = None

    def is_due(self) -> bool:
        return self.written_at_s is None or monotonic() - self.written_at_s >= INTERVAL_S


class Notices:
    """A kind of warning is written at most once in ten seconds; what came between is counted into the next, or into `write_rest`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counted: dict[str, _Notice] = {}
        self._state = _Notice()

    def add(self, kind: str, count: int, text: str) -> None:
        """Written as "3 logs dropped: the queue is full", with the newest text."""
        with self._lock:
            notice = self._counted.setdefault(kind, _Notice())
            notice.text = text
            notice.count += count
            line = _taken(kind, notice) if notice.is_due() else None
        if line is not None:
            _logger.warning("%s", line)

    def say(self, text: str) -> None:
        """How things are: what came between is not worth telling later."""
        with self._lock:
            is_due = self._state.is_due()
            if is_due:
                self._state.written_at_s = monotonic()
        if is_due:
            _logger.warning("%s", text)

    def write_rest(self) -> None:
        with self._lock:
            lines = [_taken(kind, notice) for kind, notice in self._counted.items() if notice.count]
        for line in lines:
            _logger.warning("%s", line)


def _taken(kind: str, notice: _Notice) -> str:
    line = f"{notice.count} log{'s' if notice.count != 1 else ''} {kind}: {notice.text}"
    notice.count = 0
    notice.written_at_s = monotonic()
    return line
