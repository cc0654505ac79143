"""Attempts may take so long and no longer. One look now and then at all of them, as it is the oldest that are late.

`asyncio.timeout` does the same with a timer for each, which is a tenth of all that an attempt costs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LOOK_EVERY_S = 0.05


class Deadlines:
    def __init__(self, limit_s: float) -> None:
        """Needs a running loop."""
        self.limit_s = limit_s
        # Given to `current_task`, which asks the system for it otherwise: a twentieth of all that an attempt costs.
        self._loop = asyncio.get_running_loop()
        # The longest under way first, as each is put in at its end.
        self._begun: dict[asyncio.Task[object], float] = {}
        self._late: set[asyncio.Task[object]] = set()

    def begin(self) -> asyncio.Task[object]:
        """For the task that calls; it has to call `end`, whatever happens."""
        task = asyncio.current_task(self._loop)
        assert task is not None
        self._begun[task] = time.monotonic()
        return task

    def is_late(self, task: asyncio.Task[object]) -> bool:
        """Of one that was cancelled: whether for its lateness alone."""
        return task in self._late and task.cancelling() == 1

    def end(self, task: asyncio.Task[object]) -> None:
        """The task goes on, as if nothing had been cancelled for its lateness."""
        del self._begun[task]
        if task in self._late:
            self._late.discard(task)
            task.uncancel()

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            latest = time.monotonic() - self.limit_s
            for task, begun_at in self._begun.items():
                if begun_at > latest:
                    break
                if task not in self._late:
                    self._late.add(task)
                    task.cancel()
