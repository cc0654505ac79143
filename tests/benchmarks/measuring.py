"""Times of several things, measured in turns, so that whatever else the machine does falls on all of them alike."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median, quantiles


def medians(actions: Mapping[str, Callable[[], object]], *, rounds: int, in_a_row: int) -> dict[str, float]:
    """Seconds for each action, the median over the rounds. A first round, which warms the caches, does not count.

    In each round it is done so often in a row: one that takes long leaves a processor's caches empty for the next.
    """
    times: dict[str, list[float]] = {name: [] for name in actions}
    for counts in [False] + [True] * rounds:
        for name, action in actions.items():
            # What one has left over is not cleared away at the other's cost.
            gc.collect()
            taken = [seconds(action) for _ in range(in_a_row)]
            if counts:
                times[name] += taken
    return {name: median(taken) for name, taken in times.items()}


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def percentile(taken_s: Sequence[float], percent: int) -> float:
    """Seconds that so many percent of them stay below."""
    return quantiles(taken_s, n=100, method="inclusive")[percent - 1]
