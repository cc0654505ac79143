"""How long was worked: laps in whole milliseconds, nothing lost between them."""

from __future__ import annotations

import time
from collections.abc import Callable


class Stopwatch:
    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._since_s = clock_s()

    def lap_ms(self) -> int:
        """Since the last lap; what is less than a millisecond counts for the next one."""
        lap_ms = int((self._clock_s() - self._since_s) * 1000)
        self._since_s += lap_ms / 1000
        return lap_ms

    def skip(self) -> None:
        """The time since the last lap was not work."""
        self._since_s = self._clock_s()
