"""Counts that have reached their cap lately: logs are appended and never changed, so such a count holds a moment later too."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from uuid import UUID

from auditpanel.filters import FilterSet

# So long a "10,000+" may be out of date: where a sliding range has left a busy time behind, or a month was dropped. It is a bound in
# words, and a reload after that counts again.
CAPPED_FOR_S = 60.0
KEPT = 1_000


class CappedCounts:
    """Of the latest lists. Nothing is kept of a count that is exact: that one has to be fresh."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._until_s: OrderedDict[tuple[UUID, FilterSet], float] = OrderedDict()
        # Its keys are compared by Python, which may go on with another thread in between.
        self._lock = Lock()

    def note(self, project_id: UUID, filters: FilterSet) -> None:
        with self._lock:
            self._until_s[project_id, filters] = self._clock_s() + CAPPED_FOR_S
            self._until_s.move_to_end((project_id, filters))
            while len(self._until_s) > KEPT:
                self._until_s.popitem(last=False)

    def holds(self, project_id: UUID, filters: FilterSet) -> bool:
        with self._lock:
            return self._until_s.get((project_id, filters), 0.0) > self._clock_s()
