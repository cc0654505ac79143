"""Large background tasks: how fast they are against a bare COPY of the same rows, what memory they take, and what others notice of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory

from sqlalchemy import text
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.campaigns import create_campaign
from auditpanel.catalogue.changes import Changes
from auditpanel.catalogue.operations.sweeps import STEP_ROWS
from auditpanel.catalogue.values import read_campaign, read_voucher
from auditpanel.catalogue.vouchers import change_voucher, create_voucher, get_voucher
from auditpanel.ids import Prefix, format_id, new_request_id, new_uuid, parse_id
from auditpanel.tasks.models import AsyncAction
from auditpanel.tasks.records import TaskRecord
from auditpanel.tasks.values import TaskStatus, TaskType
from auditpanel.times import utc_now
from auditpanel.webhooks.values import EventType
from tests.benchmarks.calls import SEED
from tests.benchmarks.filling import fill, settle
from tests.benchmarks.measuring import percentile, seconds
from tests.benchmarks.pages import list_url
from tests.benchmarks.report import Ratio, times
from tests.benchmarks.stage import Reader, Stage, Web, serving
from tests.benchmarks.vouchers import Variety, copy_in, empty, write_copy_lines, write_csv
from tests.benchmarks.working import Meanwhile, Worked, Worker, wait_a_moment, working
from tests.webhooks.raising import make_webhook

ROUNDS = 3
MEMORY_WISH_MB = 300
LOGS = 10_000
TASKS = 1_000
MOST_GENERATED = 100_000
MOST_RAISED = 100_000
# What differs from row to row is slower to read; it need not be many to show how much.
MOST_DIFFERENT = 200_000
# A busy team opens some twenty pages a second.
PAUSE_S = 0.02
IDLE_PAGES = 100
IDLE_CHANGES = 200
# A look may come after several steps.
STEPS_AT_ONCE = 4
LONGEST_WAIT_S = 0.5

Do = Callable[[ProjectScope], Worked]


def measure_tasks(stage: Stage, *, rows: int) -> list[Ratio]:
    with TemporaryDirectory(prefix="auditpanel-bench-files-") as name, working(stage) as worker:
        bench = _Bench(stage, worker, Path(name))
        return [
            *_compare_imports(bench, rows),
            _compare_raising(bench, min(rows, MOST_RAISED)),
            _compare_generation(bench, min(rows, MOST_GENERATED)),
            *_watch_pages(bench, rows),
            *_watch_deletion(bench, rows),
        ]


@dataclass(frozen=True, slots=True)
class _Bench:
    stage: Stage
    worker: Worker
    files: Path

    def csv(self, rows: int, variety: Variety) -> Path:
        path = self.files / f"{variety.name}-{rows}.csv"
        if not path.exists():
            write_csv(path, rows, variety)
        return path

    def import_csv(self, rows: int, variety: Variety, scope: ProjectScope, *, meanwhile: Meanwhile = wait_a_moment) -> Worked:
        worked = self.worker.do(scope, TaskType.VOUCHERS_IMPORT_CSV, file=self.csv(rows, variety), meanwhile=meanwhile)
        assert worked.record.counts.created == rows, worked.record.counts
        return worked

    def against_copy(self, do: Do) -> tuple[list[float], list[Worked]]:
        """Seconds of COPY of the rows that the task makes, and what the task took, in turns, each into empty tables."""
        scope, _ = self.stage.make_project("worked")
        copied, _ = self.stage.make_project("copied")
        lines = self.files / "lines.copy"
        empty(self.stage)
        do(scope)
        write_copy_lines(self.stage, lines, scope, to=copied)
        copying, working = [], []
        for _ in range(ROUNDS):
            empty(self.stage)
            copying.append(seconds(partial(copy_in, self.stage, lines)))
            empty(self.stage)
            working.append(do(scope))
        return copying, working


def _compare_imports(bench: _Bench, rows: int) -> list[Ratio]:
    different = min(rows, MOST_DIFFERENT)
    copied, worked = bench.against_copy(partial(bench.import_csv, rows, Variety.OFFERS))
    peak_mb = max(one.peak_mb for one in worked)
    return [
        _speed(f"CSV import of {rows:,} vouchers against COPY", rows, copied, worked),
        Ratio.at_most(MEMORY_WISH_MB, "the worker's peak memory meanwhile, MB", peak_mb, ""),
        _speed(
            f"{different:,} vouchers, {Variety.EACH}", different, *bench.against_copy(partial(bench.import_csv, different, Variety.EACH))
        ),
    ]


def _speed(name: str, rows: int, copied: list[float], worked: list[Worked]) -> Ratio:
    ours, bare = rows / median(one.seconds for one in worked), rows / median(copied)
    return Ratio.at_least(1 / 4, name, ours / bare, f"{ours:,.0f} rows/s, COPY {bare:,.0f} rows/s")


def _compare_raising(bench: _Bench, rows: int) -> Ratio:
    """An import that raises an event with a sendout for each voucher, against one that raises none. Nobody delivers them."""
    unwatched, _ = bench.stage.make_project("unwatched")
    watched, _ = bench.stage.make_project("watched by a webhook")
    with Session(bench.stage.engine) as session:
        make_webhook(session, watched, EventType.VOUCHER_CREATED)
        session.commit()
    alone: list[float] = []
    raising: list[float] = []
    for _ in range(ROUNDS):
        for scope, taken in ((unwatched, alone), (watched, raising)):
            empty(bench.stage)
            taken.append(bench.import_csv(rows, Variety.OFFERS, scope).seconds)
    with bench.stage.engine.begin() as connection:
        connection.execute(text("TRUNCATE events, sendouts, due_sendouts"))
    slower = median(raising) / median(alone)
    details = f"{rows / median(raising):,.0f} rows/s, without {rows / median(alone):,.0f} rows/s"
    return Ratio.at_most(15, f"CSV import of {rows:,} vouchers that are told to a webhook, times as long", slower, details)


def _compare_generation(bench: _Bench, rows: int) -> Ratio:
    def generate(scope: ProjectScope) -> Worked:
        parameters: dict[str, object] = {"campaign_id": _make_campaign(bench.stage, scope), "vouchers_count": rows}
        return bench.worker.do(scope, TaskType.CAMPAIGN_VOUCHERS_GENERATE, parameters=parameters)

    return _speed(f"generation of {rows:,} codes against COPY", rows, *bench.against_copy(generate))


def _make_campaign(stage: Stage, scope: ProjectScope) -> str:
    with Session(stage.engine) as session:
        worth = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}}
        new = read_campaign({"name": f"Campaign {new_uuid().hex}", "campaign_type": "DISCOUNT_COUPONS", "voucher": worth})
        campaign = create_campaign(session, scope, new)
        session.commit()
        return format_id(Prefix.CAMPAIGN, campaign.id)


def _watch_pages(bench: _Bench, rows: int) -> list[Ratio]:
    """Through gunicorn, idle before and after the import and while it runs. The tasks' list shows its progress."""
    scope, _ = bench.stage.make_project("watched")
    fill(bench.stage, [(scope, LOGS)], until=utc_now(), seed=SEED)
    _make_tasks(bench.stage, scope)
    settle(bench.stage, "logs", "log_contents", "async_actions")
    with serving(bench.stage) as web:
        cookie = bench.stage.make_cookie()
        lists = {"logs": list_url(scope, {}), "background tasks": f"/projects/{scope.id}/background-tasks/"}
        readers = {name: _Reader(web, url, cookie) for name, url in lists.items()}
        _read(readers, "warming up")
        _read(readers, "idle")
        while readers["logs"].count("busy") < IDLE_PAGES:
            empty(bench.stage)
            bench.import_csv(rows, Variety.OFFERS, scope, meanwhile=lambda record: _open_each(readers, "busy"))
        _read(readers, "idle")
    return [reader.ratio(f"p95 of the list of {name} during the import") for name, reader in readers.items()]


@dataclass(slots=True)
class _Reader:
    """`taken_s` are the times of one page, by what else went on."""

    web: Web
    url: str
    cookie: str
    taken_s: dict[str, list[float]] = field(default_factory=dict)

    def open_page(self, when: str) -> None:
        self.taken_s.setdefault(when, []).append(seconds(self._get))

    def _get(self) -> None:
        with closing(Reader(self.web, self.cookie)) as reader:
            reader.open(self.url)

    def count(self, when: str) -> int:
        return len(self.taken_s.get(when, ()))

    def ratio(self, name: str) -> Ratio:
        busy, idle = percentile(self.taken_s["busy"], 95), percentile(self.taken_s["idle"], 95)
        return Ratio.at_most(2, name, busy / idle, f"{times(busy, idle)}, {self.count('busy')} pages")


def _read(readers: dict[str, _Reader], when: str) -> None:
    for _ in range(IDLE_PAGES):
        _open_each(readers, when)


def _open_each(readers: dict[str, _Reader], when: str) -> None:
    for reader in readers.values():
        reader.open_page(when)
        time.sleep(PAUSE_S)


def _make_tasks(stage: Stage, scope: ProjectScope) -> None:
    """That have ended, as most of a list's."""
    now = utc_now()
    with Session(stage.engine) as session:
        for _ in range(TASKS):
            task = AsyncAction(project_id=scope.project_id, type=TaskType.VOUCHERS_IMPORT_CSV, status=TaskStatus.DONE, created_at=now)
            task.request_id, task.origin, task.api_key = new_request_id(), "API", "bench"
            task.rows_total = task.rows_done = task.created = 1_000
            task.started_at = task.finished_at = now
            session.add(task)
        session.commit()


def _watch_deletion(bench: _Bench, rows: int) -> list[Ratio]:
    """Of a campaign with so many vouchers, while others make and change vouchers of the same project, one after the other."""
    source, _ = bench.stage.make_project("imported")
    scope, _ = bench.stage.make_project("deleting")
    campaign = _make_campaign(bench.stage, scope)
    empty(bench.stage)
    bench.import_csv(rows, Variety.OFFERS, source)
    write_copy_lines(bench.stage, bench.files / "lines.copy", source, to=scope, campaign_id=parse_id(Prefix.CAMPAIGN, campaign))
    copy_in(bench.stage, bench.files / "lines.copy")
    settle(bench.stage, "vouchers")
    others = _Others(bench.stage, scope)
    idle = [others.make_and_change() for _ in range(IDLE_CHANGES)]
    meanwhile: list[float] = []
    done: list[int] = [0]

    def go_on(record: TaskRecord) -> None:
        done.append(record.line.rows_done)
        meanwhile.append(others.make_and_change())

    worked = bench.worker.do(scope, TaskType.CAMPAIGN_VOUCHERS_DELETE, parameters={"campaign_id": campaign}, meanwhile=go_on)
    assert worked.record.counts.deleted == rows, worked.record.counts
    return [_longest_wait(meanwhile, idle), _largest_step(done, worked)]


def _longest_wait(meanwhile: list[float], idle: list[float]) -> Ratio:
    details = f"longest {times(max(meanwhile), max(idle))}, median {times(median(meanwhile), median(idle))}, {len(meanwhile)} times"
    return Ratio.at_most(LONGEST_WAIT_S, "longest wait of others while a campaign is deleted, s", max(meanwhile), details)


def _largest_step(done: list[int], worked: Worked) -> Ratio:
    """`done` is how many were deleted, at one look after another."""
    rows = worked.record.counts.deleted
    largest = max(later - earlier for earlier, later in zip(done, [*done[1:], rows], strict=True))
    details = f"{rows:,} deleted, {rows / worked.seconds:,.0f} rows/s"
    return Ratio.at_most(STEPS_AT_ONCE, f"steps of {STEP_ROWS:,} between two looks at the deletion", largest / STEP_ROWS, details)


class _Others:
    """Vouchers made and changed one by one, through what the API calls."""

    def __init__(self, stage: Stage, scope: ProjectScope) -> None:
        self._stage = stage
        self._scope = scope
        self._random = Random(SEED)

    def make_and_change(self) -> float:
        """The longer one of the two, in seconds."""
        time.sleep(PAUSE_S)
        code = new_uuid().hex
        return max(seconds(partial(self._make, code)), seconds(partial(self._change, code)))

    def _make(self, code: str) -> None:
        new = read_voucher({"code": code, "type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}})
        with Session(self._stage.engine) as session:
            create_voucher(session, self._scope, new, random=self._random)
            session.commit()

    def _change(self, code: str) -> None:
        with Session(self._stage.engine) as session:
            voucher = get_voucher(session, self._scope, code)
            change_voucher(session, self._scope, voucher, Changes({"category": "changed"}), now=utc_now())
            session.commit()
