"""The memory of the web processes while much comes in and many pages go out."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from random import Random

import psutil

from auditpanel.accounts.keys import NewKey
from auditpanel.accounts.scope import ProjectScope
from auditpanel.times import utc_now
from tests.benchmarks.calls import SEED, make_calls
from tests.benchmarks.ingest import BATCH, post_all, request_bodies
from tests.benchmarks.pages import list_url
from tests.benchmarks.report import Ratio
from tests.benchmarks.stage import Reader, Stage, Web, serving

MOST_ROWS = 200_000
MOST_PAGES = 500
# The first part fills pools and caches; from there on it has to stay as it is.
WARM_UP = 0.2
FLAT = 1.1


def watch_memory(stage: Stage, *, rows: int) -> list[Ratio]:
    rows, pages = min(rows, MOST_ROWS), min(rows // 100, MOST_PAGES)
    scope, key = stage.make_project("watched")
    with serving(stage) as web:
        start = _resident_mb(web)
        _ingest(web, key, int(rows * WARM_UP), seed=1)
        warm = _resident_mb(web)
        _ingest(web, key, int(rows * (1 - WARM_UP)), seed=2)
        ingested = _resident_mb(web)
        cookie = stage.make_cookie()
        _open_pages(web, scope, cookie, int(pages * WARM_UP))
        first_pages = _resident_mb(web)
        _open_pages(web, scope, cookie, int(pages * (1 - WARM_UP)))
        paged = _resident_mb(web)
    details = f"{start:.0f} MB at the start, {warm:.0f} MB warmed up, {ingested:.0f} MB at the end"
    return [
        Ratio.at_most(FLAT, f"{rows:,} logs ingested, end against warm-up", ingested / warm, details),
        Ratio.at_most(
            FLAT, f"{pages} list pages, end against warm-up", paged / first_pages, f"{first_pages:.0f} MB, {paged:.0f} MB at the end"
        ),
    ]


def _ingest(web: Web, key: NewKey, rows: int, *, seed: int) -> None:
    """In parts, so that what is prepared needs little memory itself."""
    random, now = Random(SEED + seed), utc_now()
    for _ in range(rows // BATCH):
        post_all(web, key, request_bodies(list(make_calls(random, BATCH, now - timedelta(hours=1), timedelta(hours=1)))))


def _open_pages(web: Web, scope: ProjectScope, cookie: str, number: int) -> None:
    with closing(Reader(web, cookie)) as reader:
        for _ in range(number):
            reader.open(list_url(scope, {"range": "all"}))


def _resident_mb(web: Web) -> float:
    """Of all workers together."""
    return sum(worker.memory_info().rss for worker in psutil.Process(web.pid).children()) / 1e6
