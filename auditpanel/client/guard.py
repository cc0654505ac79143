"""Keeps the faults of this package away from the service that it records."""

from __future__ import annotations

import logging
from collections import Counter
from types import TracebackType

_logger = logging.getLogger(__name__)


class Guard:
    """`with guard("doing this"):` ends every exception there; it is counted, and written to the log once for each kind."""

    def __init__(self) -> None:
        self.faults: Counter[str] = Counter()

    def __call__(self, doing: str) -> _Guarded:
        return _Guarded(self, doing)

    def take(self, doing: str, fault: Exception) -> None:
        kind = f"{doing}: {type(fault).__name__}"
        self.faults[kind] += 1
        if self.faults[kind] == 1:
            _logger.error("%s failed; the call itself is not affected. Further ones are counted only.", doing, exc_info=fault)


class _Guarded:
    __slots__ = ("_doing", "_guard")

    def __init__(self, guard: Guard, doing: str) -> None:
        self._guard = guard
        self._doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, traceback: TracebackType | None) -> bool:
        if not isinstance(fault, Exception):
            return False
        self._guard.take(self._doing, fault)
        return True
