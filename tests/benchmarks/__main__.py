"""`make bench`: prints ratios, each beside what is wished for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from enum import StrEnum

from auditpanel.times import utc_now
from tests.benchmarks.calls import SEED
from tests.benchmarks.deliveries import measure_deliveries
from tests.benchmarks.exports import measure_exports
from tests.benchmarks.filling import fill, settle
from tests.benchmarks.ingest import compare_ingest
from tests.benchmarks.memory import watch_memory
from tests.benchmarks.pages import compare_pages
from tests.benchmarks.report import table
from tests.benchmarks.search import time_searches
from tests.benchmarks.stage import Stage, open_stage
from tests.benchmarks.stock import fill_stock
from tests.benchmarks.tasks import measure_tasks

SHORT_HISTORY = 10_000


class Part(StrEnum):
    PAGES = "pages"
    SEARCH = "search"
    INGEST = "ingest"
    MEMORY = "memory"
    TASKS = "tasks"
    WEBHOOKS = "webhooks"
    EXPORTS = "exports"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=…", description="Prints ratios, each beside what is wished for.")
    parser.add_argument(
        "--rows", type=_number, default=1_000_000, help="logs of the long history, and vouchers of a task (default 1000000)"
    )
    parser.add_argument("--only", type=Part, choices=list(Part), help="one part of it")
    options = parser.parse_args()
    with open_stage() as stage:
        run(stage, options.rows, [options.only] if options.only else list(Part))


def run(stage: Stage, rows: int, parts: Sequence[Part]) -> None:
    if Part.PAGES in parts or Part.SEARCH in parts:
        _run_on_history(stage, rows, parts)
    if Part.INGEST in parts:
        print(table("Ingest: rows/s through POST /v1/logs over those of COPY", compare_ingest(stage, rows=rows)), flush=True)
    if Part.MEMORY in parts:
        print(table("Memory of the web processes", watch_memory(stage, rows=rows)), flush=True)
    if Part.TASKS in parts:
        print(table("Background tasks", measure_tasks(stage, rows=rows)), flush=True)
    if Part.WEBHOOKS in parts:
        print(table("Webhooks", measure_deliveries(stage, rows=rows)), flush=True)
    if Part.EXPORTS in parts:
        print(table("Exports", measure_exports(stage, rows=rows)), flush=True)


def _run_on_history(stage: Stage, rows: int, parts: Sequence[Part]) -> None:
    now = utc_now()
    long, _ = stage.make_project("A long history")
    short, _ = stage.make_project("A short history")
    print(f"Filling the tables: {rows:,} logs of one project, {SHORT_HISTORY:,} of another, over 90 days", flush=True)
    fill(stage, [(long, rows), (short, SHORT_HISTORY)], until=now, seed=SEED)
    settle(stage, "logs", "log_contents")
    if Part.PAGES in parts:
        fill_stock(stage, long)
        settle(stage, "stock_logs")
        ratios = compare_pages(stage, long, short, rows=rows, until=now)
        print(table("Pages, each as gunicorn serves it, to the last byte", ratios), flush=True)
    if Part.SEARCH in parts:
        print(table("Searches that find nothing", time_searches(stage, long)), flush=True)


def _number(text: str) -> int:
    number = int(text.replace("_", "").replace(",", ""))
    if number < SHORT_HISTORY:
        raise argparse.ArgumentTypeError(f"{number} is too few; {SHORT_HISTORY:,} or more")
    return number


if __name__ == "__main__":
    main()
