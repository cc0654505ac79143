"""The delivery loop: goes round the webhooks that have something due, sends, and writes down what came of it, while there is work.

Three things go on side by side. Carriers, some for each target (webhooks/lanes), send one message after the other. New shares are claimed
for the targets that take more (webhooks/ledger), when one runs short or a moment has passed. And outcomes are written down, when some
have come together or a moment has passed. While the database is away, nothing of what was sent is forgotten.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.exc import InterfaceError, InternalError, OperationalError

from auditpanel.webhooks.claiming import LEASE, Claimed, Source
from auditpanel.webhooks.lanes import MOST_AT_ONCE, Lane, Lanes
from auditpanel.webhooks.ledger import Ledger, Share, Want
from auditpanel.webhooks.outcomes import Outcome, Rules, given_up
from auditpanel.webhooks.sending import Sender, TargetState
from auditpanel.webhooks.values import TIMEOUT_S, Attempt

# Outcomes are written when so many have come, or after this long; of more, which are there after the database was away, so many at a time.
BATCH, BATCH_AFTER_S, MOST_AT_A_TIME = 1_000, 0.1, 2_000
# Due ones are looked for as often; those that run short of what is due to them are claimed for at once.
CLAIM_AFTER_S = 0.05
# Where outcomes have waited longer for the database, nothing is claimed: their leases may end, and what was delivered would be claimed.
UNWRITTEN_S = 1.0
# What has waited longer since its claim is given back: sent now, its outcome might come after the end of the lease.
FRESH_S = LEASE.total_seconds() - TIMEOUT_S - 5
# Each claim is some milliseconds; nobody waits for those of hundreds of others.
MOST_CLAIMS = 50
# How long the database may be away before the loop leaves the rest to the next one.
PATIENCE_S, PAUSE_S = 30.0, 0.5
# What is sent again in bulk goes on so often; whether there is any is looked up less often.
FEED_EVERY_S, LOOK_FOR_RESENDS_EVERY_S = 0.1, 0.5

Answered = TypeVar("Answered")

_AWAY = (OperationalError, InterfaceError, InternalError)


@dataclass(frozen=True, slots=True)
class Hours:
    """How long the loop goes on: while something is due and `linger_s` after that, `longest_s` at most.

    Then what is under way is waited for, as long as an attempt may take; or `closing_s` where the loop was asked to stop: what takes
    longer is made again.
    """

    longest_s: float = 60.0
    linger_s: float = 2.0
    closing_s: float = 5.0


class Delivery:
    def __init__(
        self,
        ledger: Ledger,
        sender: Sender,
        *,
        rules: Rules | None = None,
        hours: Hours | None = None,
        is_closing: Callable[[], bool] = lambda: False,
    ) -> None:
        self._ledger = ledger
        self._sender = sender
        self._rules = rules or Rules()
        self._hours = hours or Hours()
        self._is_closing = is_closing
        self._log = logging.getLogger(__name__)
        # A connection for each thread: one records while the other claims. Feeding may take longer, and deliveries must not wait for it.
        self._database, self._feeding = ThreadPoolExecutor(2, "ledger"), ThreadPoolExecutor(1, "resends")
        self._lanes = Lanes()
        # Those that are to be claimed for, as far as is known, the longest waiting first.
        self._due: dict[Source, None] = {}
        self._outcomes: list[Outcome] = []
        self._unsent: list[Claimed] = []
        # How long the oldest outcome has been there that waits, and that is being written.
        self._waiting_since: float | None = None
        self._writing_since: float | None = None
        # Targets that nothing more is to go to; until when a claim may not know it yet.
        self._ended: dict[Source, float] = {}
        self._carriers: set[asyncio.Task[None]] = set()
        # Outcomes to be written together; a lane that runs short.
        self._enough, self._short = asyncio.Event(), asyncio.Event()
        # No more outcomes come.
        self._is_done = False
        self._started = self._worked_at = time.monotonic()
        self._looked_at = 0.0

    async def run(self) -> None:
        """Until nothing is due any more, or its hours are over. Raises OperationalError where the database stays away."""
        feeding, recording = asyncio.create_task(self._feed_resends()), asyncio.create_task(self._keep_recording())
        try:
            while not self._is_over() and not recording.done():
                await self._take_turn()
            await self._close(recording)
        finally:
            tasks = (feeding, recording, *self._carriers)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for threads in (self._database, self._feeding):
                threads.shutdown(wait=False)

    def _is_over(self) -> bool:
        now = time.monotonic()
        is_idle = not self._carriers and now - self._worked_at > self._hours.linger_s
        over_s = now - self._started - self._hours.longest_s
        # What hangs is waited for with the others going on.
        return self._is_closing() or is_idle or over_s > (TIMEOUT_S if self._lanes.has_hanging(now) else 0)

    async def _take_turn(self) -> None:
        await _wait(self._short, CLAIM_AFTER_S)
        await self._look_for_due()
        self._set_stale_aside()
        await self._claim(self._wants())
        self._start_carriers()
        if self._carriers or self._due:
            self._worked_at = time.monotonic()

    async def _look_for_due(self) -> None:
        """Now and then. In between, those are asked again whose last claim did not take all."""
        now = time.monotonic()
        if now - self._looked_at >= CLAIM_AFTER_S:
            self._looked_at = now
            self._due |= dict.fromkeys(await self._ask(self._ledger.due_sources))

    def _wants(self) -> list[Want]:
        now = time.monotonic()
        unwritten_since = self._writing_since or self._waiting_since
        if unwritten_since is not None and now - unwritten_since > UNWRITTEN_S:
            return []
        # What is slow is not begun at the end: the next loop would have to wait for it.
        ends_soon = now - self._started > self._hours.longest_s - TIMEOUT_S
        sizes = ((source, self._lanes.wanted(source, now)) for source in self._due if not (ends_soon and self._lanes.is_slow(source)))
        return [Want(source, size) for source, size in sizes if size > 0][:MOST_CLAIMS]

    async def _claim(self, wants: Sequence[Want]) -> None:
        if not wants:
            return
        claimed_at = time.monotonic()
        try:
            shares = await self._in_thread(lambda: self._ledger.claim(wants))
        except _AWAY as error:
            self._log.warning("nothing is claimed this time: %s", _in_one_line(error))
            return
        for want in wants:
            self._due.pop(want.source, None)
        for share in shares:
            self._take_in(share, claimed_at, is_ended=claimed_at < self._ended.get(share.source, 0.0))

    def _take_in(self, share: Share, claimed_at: float, *, is_ended: bool) -> None:
        lane = self._lanes.of(share.source, share.target)
        if is_ended:
            lane.switch_off()
        lane.take_in(share.claimed, claimed_at)
        if share.is_full:
            self._due[share.source] = None

    def _set_stale_aside(self) -> None:
        oldest = time.monotonic() - FRESH_S
        for lane in self._lanes:
            while lane.waiting and lane.waiting[0][1] < oldest:
                self._unsent.append(lane.waiting.popleft()[0])

    async def _keep_recording(self) -> None:
        """Until no more come. Raises OperationalError where the database stays away."""
        while self._outcomes or self._unsent or not self._is_done:
            if not self._is_done:
                await _wait(self._enough, BATCH_AFTER_S)
            await self._record()

    async def _record(self) -> None:
        outcomes, self._outcomes = self._outcomes[:MOST_AT_A_TIME], self._outcomes[MOST_AT_A_TIME:]
        unsent, self._unsent = self._unsent, []
        if not outcomes and not unsent:
            return
        self._writing_since = self._waiting_since
        if self._outcomes:
            self._enough.set()
        else:
            self._waiting_since = None
        await self._ask(lambda: self._ledger.record(outcomes, unsent))
        self._writing_since = None
        for outcome in outcomes:
            if outcome.ends_target:
                self._ended[outcome.claimed.source] = time.monotonic()

    def _start_carriers(self) -> None:
        for lane in self._lanes:
            self._start_carriers_of(lane)

    def _start_carriers_of(self, lane: Lane) -> None:
        while lane.room(time.monotonic()) > 0 and self._has_slot(lane) and (claimed := self._next(lane)):
            carrier = asyncio.create_task(self._carry(lane, claimed, lane.begin(time.monotonic())))
            self._carriers.add(carrier)
            carrier.add_done_callback(self._see_off)

    def _has_slot(self, lane: Lane) -> bool:
        if len(self._carriers) >= MOST_AT_ONCE:
            return False
        return not lane.is_slow or self._lanes.slow_under_way() < MOST_AT_ONCE // 2

    def _next(self, lane: Lane) -> Claimed | None:
        """The next one that may be sent; those that may not are given up."""
        oldest = time.monotonic() - FRESH_S
        while lane.waiting:
            claimed, claimed_at = lane.waiting.popleft()
            if claimed_at < oldest:
                self._unsent.append(claimed)
                continue
            if len(lane.waiting) < lane.short_at and lane.source in self._due:
                self._short.set()
            reason = None if lane.target.state is TargetState.ON else _reason_against(lane, claimed)
            if reason is None:
                return claimed
            self._keep(given_up(claimed, reason))
        return None

    async def _carry(self, lane: Lane, first: Claimed, number: int) -> None:
        claimed: Claimed | None = first
        while claimed:
            outcome = self._rules.outcome(claimed, await self._attempt(lane, claimed, number))
            if outcome.ends_target:
                # What waits here already must not go out any more.
                lane.switch_off()
                self._ended[lane.source] = math.inf
            self._keep(outcome)
            now = time.monotonic()
            room = lane.room(now)
            claimed = self._next(lane) if room > 0 else None
            if claimed:
                number = lane.begin(now)
            if room > 1:
                # It takes a few more along where they have become more.
                self._start_carriers_of(lane)

    async def _attempt(self, lane: Lane, claimed: Claimed, number: int) -> Attempt:
        attempt = None
        try:
            attempt = await self._sender.send(lane.target, claimed.message)
        except asyncio.CancelledError:
            self._unsent.append(claimed)
            raise
        finally:
            lane.end(number, attempt)
        return attempt

    def _keep(self, outcome: Outcome) -> None:
        if not self._outcomes:
            self._waiting_since = time.monotonic()
        self._outcomes.append(outcome)
        if len(self._outcomes) >= BATCH:
            self._enough.set()

    def _see_off(self, carrier: asyncio.Task[None]) -> None:
        self._carriers.discard(carrier)
        if not self._carriers:
            # Nothing more comes for now that could be written with these.
            self._enough.set()
        if not carrier.cancelled() and (error := carrier.exception()):
            # Its message is due again when the lease ends.
            self._log.error("a delivery broke off", exc_info=error)

    async def _close(self, recording: asyncio.Task[None]) -> None:
        """No more is begun; what is under way is waited for, and what was not sent is left to the next loop."""
        for lane in self._lanes:
            self._unsent += [claimed for claimed, _ in lane.waiting]
            lane.waiting.clear()
        began = time.monotonic()
        while self._carriers and time.monotonic() - began < (self._hours.closing_s if self._is_closing() else TIMEOUT_S + 1):
            if recording.done():
                break
            await asyncio.wait(self._carriers, timeout=BATCH_AFTER_S)
        late = [*self._carriers]
        for carrier in late:
            carrier.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        self._is_done = True
        self._enough.set()
        await recording

    async def _feed_resends(self) -> None:
        """As long as the loop runs, which it does as long as there is something to feed."""
        while True:
            try:
                goes_on = await asyncio.get_running_loop().run_in_executor(self._feeding, self._ledger.feed_resends)
            except _AWAY as error:
                self._log.warning("nothing is picked to be sent again this time: %s", _in_one_line(error))
                goes_on = False
            if goes_on:
                self._worked_at = time.monotonic()
            await asyncio.sleep(FEED_EVERY_S if goes_on else LOOK_FOR_RESENDS_EVERY_S)

    async def _ask(self, question: Callable[[], Answered]) -> Answered:
        """Of the database. While it is away, again and again for a while."""
        deadline = time.monotonic() + (self._hours.closing_s if self._is_closing() else PATIENCE_S)
        while True:
            try:
                return await self._in_thread(question)
            except _AWAY as error:
                if time.monotonic() > deadline:
                    raise
                self._log.warning("the database failed; again in %s s: %s", PAUSE_S, _in_one_line(error))
            await asyncio.sleep(PAUSE_S)

    async def _in_thread(self, question: Callable[[], Answered]) -> Answered:
        return await asyncio.get_running_loop().run_in_executor(self._database, question)


async def _wait(event: asyncio.Event, most_s: float) -> None:
    """Until it comes, or so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(most_s):
            await event.wait()
    event.clear()


def _reason_against(lane: Lane, claimed: Claimed) -> str | None:
    if lane.target.state is TargetState.REMOVED:
        return "the webhook was removed"
    return "the webhook is switched off" if lane.target.state is TargetState.OFF and claimed.asked_by is None else None


def _in_one_line(error: OperationalError | InterfaceError | InternalError) -> str:
    # SQLAlchemy's own text has the statement and its values in it, which are the project's.
    return " ".join(str(error.orig).split())
