"""How many messages are under way to one target at once. It is found out: those that answer quickly get more, those that hang next to none.

So a target that hangs holds a few connections, not the worker, and one that is quick is kept busy.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from auditpanel.webhooks.claiming import Claimed, Source
from auditpanel.webhooks.sending import Target, TargetState
from auditpanel.webhooks.values import Attempt

# A target that nobody knows yet may hang for 10 s: a few are enough to find out.
FIRST, LEAST, MOST = 4.0, 2.0, 64.0
# Doubled with each round up to here, then more slowly.
STEEP_UP_TO = 32.0
# An answer within this is quick; of a target that takes longer, and answers all the same, so many wait at most.
QUICK_S, MOST_OF_SLOW = 1.0, 16.0
# So much work is claimed ahead, that a quick target never waits for the database; of what is unknown or slow, next to nothing.
AHEAD_S, AHEAD_TIMES = 0.5, 40.0
# And not more than this, should all be as long as the longest of the last share.
AHEAD_BYTES = 1 << 25
# Of a target that nobody knows yet.
FIRST_CLAIM = 8
CLAIM_TO_GIVE_UP = 200
# How much the last duration counts.
_WEIGHT = 0.3
# To all targets together. Those that hang share half of it among them: others find room however many they are.
MOST_AT_ONCE = 512


@dataclass(slots=True)
class Lane:
    """The way to one target. `waiting` have been claimed and not begun; `under_way` are the moments that attempts began at, by number."""

    source: Source
    target: Target
    waiting: deque[tuple[Claimed, float]] = field(default_factory=deque)
    under_way: dict[int, float] = field(default_factory=dict)
    limit: float = FIRST
    typical_s: float = AHEAD_S
    # Where fewer wait, more are wanted.
    short_at: int = 1
    # Whether the last attempt got no answer at all.
    is_failing: bool = False
    _longest_bytes: int = 1
    _begun: int = 0

    @property
    def is_slow(self) -> bool:
        return self.is_failing or self.typical_s > QUICK_S

    def is_hanging(self, now: float) -> bool:
        """Whether an attempt takes long already, of whatever target."""
        return now - next(iter(self.under_way.values()), now) > QUICK_S

    def allowed(self, now: float) -> int:
        return int(min(self.limit, MOST_OF_SLOW) if self.is_hanging(now) else self.limit)

    def room(self, now: float) -> int:
        """For how many more."""
        return self.allowed(now) - len(self.under_way)

    def wanted(self, now: float) -> int:
        """How many more to claim; none before it runs short."""
        if self.target.state is not TargetState.ON:
            # Most of it is given up without being sent.
            return max(0, CLAIM_TO_GIVE_UP - len(self.waiting))
        times = min(max(AHEAD_S / self.typical_s, 1), AHEAD_TIMES)
        ahead = min(math.ceil(self.allowed(now) * times), max(FIRST_CLAIM, AHEAD_BYTES // self._longest_bytes))
        self.short_at = max(1, ahead // 2)
        if len(self.waiting) >= self.short_at:
            return 0
        return max(0, ahead - len(self.waiting) - (len(self.under_way) if times == 1 else 0))

    def take_in(self, share: Sequence[Claimed], claimed_at: float) -> None:
        self.waiting.extend((claimed, claimed_at) for claimed in share)
        self._longest_bytes = max((len(claimed.message.body) for claimed in share), default=1)

    def switch_off(self) -> None:
        if self.target.state is TargetState.ON:
            self.target = replace(self.target, state=TargetState.OFF)

    def begin(self, now: float) -> int:
        self._begun += 1
        self.under_way[self._begun] = now
        return self._begun

    def end(self, number: int, attempt: Attempt | None) -> None:
        """None: it broke off, which tells nothing of the target."""
        del self.under_way[number]
        if attempt is None:
            return
        duration_s = attempt.duration_ms / 1000
        self.typical_s += (duration_s - self.typical_s) * _WEIGHT
        self.is_failing = attempt.answer is None
        self.limit = self._next_limit(duration_s)

    def _next_limit(self, duration_s: float) -> float:
        if self.is_failing:
            return max(LEAST, self.limit / 2)
        if duration_s > QUICK_S:
            return self.limit * 0.9 if self.limit > MOST_OF_SLOW else min(self.limit + 0.25, MOST_OF_SLOW)
        return min(MOST, self.limit + (1 if self.limit < STEEP_UP_TO else 8 / self.limit))


class Lanes:
    """All of them, by the webhook."""

    def __init__(self) -> None:
        self._lanes: dict[Source, Lane] = {}

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    def of(self, source: Source, target: Target) -> Lane:
        lane = self._lanes.setdefault(source, Lane(source, target))
        lane.target = target
        return lane

    def wanted(self, source: Source, now: float) -> int:
        lane = self._lanes.get(source)
        return FIRST_CLAIM if lane is None else lane.wanted(now)

    def is_slow(self, source: Source) -> bool:
        lane = self._lanes.get(source)
        return lane is not None and lane.is_slow

    def has_hanging(self, now: float) -> bool:
        return any(lane.is_hanging(now) for lane in self)

    def slow_under_way(self) -> int:
        return sum(len(lane.under_way) for lane in self if lane.is_slow)
