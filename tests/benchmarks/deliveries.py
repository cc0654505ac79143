"""Webhooks: how fast one worker delivers against a bare loop of the same client, in what memory, and what one that hangs costs others."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from statistics import median
from uuid import uuid4

import psutil
import uvloop
from aiohttp import ClientSession, TCPConnector
from sqlalchemy import text
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.config import Settings, load_secret_key
from auditpanel.ids import Prefix, format_id
from auditpanel.queues import enqueue_delivery
from auditpanel.times import utc_now
from auditpanel.webhooks import claiming
from auditpanel.webhooks.claiming import Claimed, Source
from auditpanel.webhooks.events import raise_events
from auditpanel.webhooks.lanes import MOST
from auditpanel.webhooks.sealing import Seal
from auditpanel.webhooks.targets import create_webhook
from auditpanel.webhooks.values import Json, NewEvent
from tests.benchmarks.filling import settle
from tests.benchmarks.measuring import percentile, seconds
from tests.benchmarks.report import Ratio, times
from tests.benchmarks.stage import ROOT, Stage

ROUNDS = 3
MESSAGES = 20_000
BACKLOG = 100_000
HANGING = 10_000
TIMED, PAUSE_S = 400, 0.02
CLAIMS, CLAIM_SIZE = 30, 200
# The platform's objects make messages of about 2 kB.
OBJECT: Json = {"object": "voucher", "code": "BLCKFRDY-0001", "metadata": {f"field_{number}": "x" * 24 for number in range(36)}}


def measure_deliveries(stage: Stage, *, rows: int) -> list[Ratio]:
    """`rows` times five sent ones is what claims are timed beside."""
    with _sink() as sink, _worker(stage) as worker:
        bench = _Bench(stage, sink, worker)
        return [*_compare_speed(bench), *_drain(bench), _watch_other(bench), _time_claims(bench, 5 * rows)]


@dataclass(frozen=True, slots=True)
class _Sink:
    port: int

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def counts(self) -> dict[str, int]:
        with urllib.request.urlopen(self.url("/counts")) as answer:
            counts: dict[str, int] = json.load(answer)
            return counts

    def times(self) -> dict[str, float]:
        with urllib.request.urlopen(self.url("/times")) as answer:
            moments: dict[str, float] = json.load(answer)
            return moments


@dataclass(frozen=True, slots=True)
class _Bench:
    stage: Stage
    sink: _Sink
    worker: psutil.Process

    def make_webhook(self, path: str) -> tuple[ProjectScope, Source]:
        scope, _ = self.stage.make_project("sends")
        seal = Seal.of(load_secret_key(Settings.from_environment(self.stage.environ)))
        with Session(self.stage.engine) as session:
            made = create_webhook(
                session,
                scope,
                seal,
                name="sink",
                url=self.sink.url(path),
                event_types=None,
                headers=[],
                allow_private=True,
                now=utc_now(),
            )
            session.commit()
        return scope, Source(scope.project_id, made.webhook_id)

    def raise_many(self, scope: ProjectScope, count: int) -> None:
        with Session(self.stage.engine) as session:
            for start in range(0, count, 2_000):
                events = [NewEvent("voucher.created", f"v_{number}", OBJECT) for number in range(start, min(start + 2_000, count))]
                raise_events(session, scope, events, utc_now())
            session.commit()

    def enqueue(self) -> None:
        enqueue_delivery(self.stage.environ["REDIS_URL"])

    def wait_until_done(self, scope: ProjectScope) -> tuple[float, float]:
        """The most memory of the process that delivers meanwhile, MB; and the processor's time of the deliveries, s."""
        peak, spent_s, children = 0.0, dict[int, float](), list[psutil.Process]()
        while self.due(scope):
            # To look for them goes through all processes there are, and takes its time from what is measured.
            children = [child for child in children if child.is_running()] or self._children()
            for child in children:
                with suppress(psutil.NoSuchProcess):
                    peak = max(peak, child.memory_info().rss / 1e6)
                    spent_s[child.pid] = sum(child.cpu_times()[:2])
            time.sleep(0.02)
        return peak, sum(spent_s.values())

    def due(self, scope: ProjectScope) -> bool:
        with Session(self.stage.engine) as session:
            statement = text("SELECT EXISTS (SELECT FROM due_sendouts WHERE project_id = :id)")
            return bool(session.scalar(statement, {"id": scope.project_id}))

    def wait_until_idle(self) -> None:
        """No delivery lingers, so that what was taken for one does not depend on the one before."""
        while self._children():
            time.sleep(0.05)

    @contextmanager
    def without_worker(self) -> Iterator[None]:
        """Neither a delivery that lingers nor the next one takes what is raised."""
        self.worker.suspend()
        try:
            self.wait_until_idle()
            yield
        finally:
            self.worker.resume()

    def _children(self) -> list[psutil.Process]:
        """Those that have ended are there until the worker, which may be suspended, has seen it."""
        with suppress(psutil.NoSuchProcess):
            return [child for child in self.worker.children() if child.status() != psutil.STATUS_ZOMBIE]
        return []

    def deliver(self, count: int) -> _Delivered:
        path = f"/{uuid4().hex}"
        scope, _ = self.make_webhook(path)
        # One that lingers would begin with it at once.
        self.wait_until_idle()
        self.raise_many(scope, count)
        settle(self.stage, "sendouts", "due_sendouts", "events", "sendout_attempts")
        self.enqueue()
        while not self.sink.counts().get(path):
            time.sleep(0.005)
        started = time.perf_counter()
        peak_mb, spent_s = self.wait_until_done(scope)
        assert self.sink.counts()[path] == count, self.sink.counts()[path]
        return _Delivered(count / (time.perf_counter() - started), spent_s / count * 1e6, peak_mb)


@dataclass(frozen=True, slots=True)
class _Delivered:
    """Messages a second from the first arrival until all is recorded; the processor's time of each, µs; and the peak memory, MB."""

    rate: float
    spent_us: float
    peak_mb: float


def _compare_speed(bench: _Bench) -> list[Ratio]:
    bench.deliver(2_000)
    _bare(bench, 2_000)
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(_bare(bench, MESSAGES))
        ours.append(bench.deliver(MESSAGES))
    rate, bare_rate = median(each.rate for each in ours), median(each.rate for each in bare)
    spent_us, bare_us = median(each.spent_us for each in ours), median(each.spent_us for each in bare)
    return [
        Ratio.at_least(
            0.75,
            f"{MESSAGES:,} messages against a bare loop of aiohttp's session",
            rate / bare_rate,
            f"{rate:,.0f} messages/s, bare {bare_rate:,.0f} messages/s",
        ),
        # Where the database has no processor of its own, it takes its time from both.
        Ratio.at_least(
            0.75,
            "the same by the processor's time of the process",
            bare_us / spent_us,
            f"{spent_us:,.0f} µs a message, bare {bare_us:,.0f} µs",
        ),
    ]


def _bare(bench: _Bench, count: int) -> _Delivered:
    """aiohttp as anyone uses it: over as many connections, of the same size, with nothing claimed, signed or recorded."""
    body = json.dumps({"data": OBJECT, "rest": "x" * 600}).encode()
    headers = {"Content-Type": "application/json", "webhook-id": "whs_1", "webhook-timestamp": "1", "webhook-signature": "v1," + "x" * 44}
    url = bench.sink.url("/bare")

    async def send(session: ClientSession, left: Iterator[int]) -> None:
        for _ in left:
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
                await response.read()

    async def run() -> None:
        async with ClientSession(connector=TCPConnector(limit=0)) as session:
            left = iter(range(count))
            await asyncio.gather(*(send(session, left) for _ in range(int(MOST))))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        began_s = time.process_time()
        rate = count / seconds(lambda: runner.run(run()))
        return _Delivered(rate, (time.process_time() - began_s) / count * 1e6, 0)


def _drain(bench: _Bench) -> list[Ratio]:
    """Of a backlog that is five times as large."""
    small, large = bench.deliver(MESSAGES), bench.deliver(BACKLOG)
    name = f"a backlog of {BACKLOG:,} against one of {MESSAGES:,}, messages/s"
    memory = f"{large.peak_mb:,.0f} MB / {small.peak_mb:,.0f} MB"
    return [
        Ratio.at_least(0.85, name, large.rate / small.rate, f"{large.rate:,.0f} / {small.rate:,.0f}"),
        Ratio.at_most(1.15, "the worker's peak memory for the same", large.peak_mb / small.peak_mb, memory),
    ]


def _watch_other(bench: _Bench) -> Ratio:
    # The first delivery of a worker takes longer; what is compared begins with one that runs.
    _arrivals_s(bench)
    undisturbed = _arrivals_s(bench)
    hanging, _ = bench.make_webhook("/hang")
    bench.raise_many(hanging, HANGING)
    bench.enqueue()
    # From the moment on at which nobody knows yet that it hangs.
    disturbed = _arrivals_s(bench)
    with Session(bench.stage.engine) as session:
        session.execute(text("DELETE FROM due_sendouts WHERE project_id = :id"), {"id": hanging.project_id})
        session.commit()
    against, measured = percentile(undisturbed, 95), percentile(disturbed, 95)
    name = f"p95 from event to arrival beside {HANGING:,} to one that hangs"
    return Ratio.at_most(2, name, measured / against, times(measured, against))


def _arrivals_s(bench: _Bench) -> list[float]:
    """Seconds from each event's commit until it arrives: a busy shop's, one after the other."""
    scope, _ = bench.make_webhook("/timed")
    raised: dict[str, float] = {}
    for _ in range(TIMED):
        event = NewEvent("voucher.created", "v_1", OBJECT)
        with Session(bench.stage.engine) as session:
            raise_events(session, scope, [event], utc_now())
            session.commit()
        raised[event.id.hex] = time.time()
        bench.enqueue()
        time.sleep(PAUSE_S)
    bench.wait_until_done(scope)
    arrived = bench.sink.times()
    with Session(bench.stage.engine) as session:
        ids = session.execute(text("SELECT id, event_id FROM sendouts WHERE project_id = :id"), {"id": scope.project_id}).all()
    return [arrived[format_id(Prefix.SENDOUT, row.id)] - raised[row.event_id.hex] for row in ids]


def _time_claims(bench: _Bench, sent: int) -> Ratio:
    """In a transaction each that is taken back."""
    with bench.without_worker():
        scope, source = bench.make_webhook("/claimed")
        bench.raise_many(scope, CLAIM_SIZE * 10)
        settle(bench.stage, "sendouts", "due_sendouts", "events")
        before = _claim_s(bench, source)
        _fill_with_sent(bench, scope, source, sent)
        settle(bench.stage, "sendouts")
        after = _claim_s(bench, source)
    return Ratio.at_most(1.5, f"a claim of {CLAIM_SIZE} beside {sent:,} sent ones", after / before, times(after, before))


def _claim_s(bench: _Bench, source: Source) -> float:
    taken = []
    for _ in range(CLAIMS):
        with Session(bench.stage.engine) as session:
            session.connection()
            claimed: list[Claimed] = []
            taken.append(seconds(partial(_claim_into, claimed, session, source)))
            assert len(claimed) == CLAIM_SIZE, len(claimed)
            session.rollback()
    return median(taken)


def _claim_into(claimed: list[Claimed], session: Session, source: Source) -> None:
    claimed += claiming.claim(session, source, size=CLAIM_SIZE)


def _fill_with_sent(bench: _Bench, scope: ProjectScope, source: Source, count: int) -> None:
    statement = text("""
        INSERT INTO sendouts (project_id, created_at, id, event_id, webhook_id, type, target_url, status, tries, attempts, sent_at)
        SELECT :project_id, now() - number * interval '1 second', gen_random_uuid(), gen_random_uuid(), :webhook_id, 'voucher.created',
               'http://127.0.0.1/claimed', 'SENT', 1, 1, now()
        FROM generate_series(1, :count) AS number
    """)
    with Session(bench.stage.engine) as session:
        session.execute(statement, {"project_id": scope.project_id, "webhook_id": source.webhook_id, "count": count})
        session.commit()


@contextmanager
def _sink() -> Iterator[_Sink]:
    process = subprocess.Popen([sys.executable, "-m", "tests.benchmarks.sink"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield _Sink(int(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _worker(stage: Stage) -> Iterator[psutil.Process]:
    environ = os.environ | stage.environ | {"AUDITPANEL_ALLOW_PRIVATE_WEBHOOKS": "1"}
    process = subprocess.Popen([sys.executable, "-m", "jobs.worker", "webhooks"], cwd=ROOT, env=environ)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()
