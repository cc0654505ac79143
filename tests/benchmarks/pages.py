"""The list's pages: ours against stock, and ours in a long history against ours in a short one. Each as gunicorn serves it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from urllib.parse import urlencode

from auditpanel.accounts.scope import ProjectScope
from auditpanel.logs.values import LogKey, Origin
from tests.benchmarks.filling import HISTORY
from tests.benchmarks.measuring import medians
from tests.benchmarks.report import Ratio, times
from tests.benchmarks.stage import Reader, Stage, serving
from tests.benchmarks.stock import LIST_URL, Stock

ORIGIN = Origin.SHOPIFY
ROUNDS, IN_A_ROW = 5, 10


@dataclass(frozen=True, slots=True)
class Page:
    """The same page in each of the three lists."""

    name: str
    ours: str
    short: str
    stock: str


def compare_pages(stage: Stage, long: ProjectScope, short: ProjectScope, *, rows: int, until: datetime) -> list[Ratio]:
    stock = Stock(stage.environ["DATABASE_URL"])
    with (
        serving(stage) as panel,
        serving(stage, "tests.benchmarks.stock:create_app()", ready_at="/admin/") as stocked,
        closing(Reader(panel, stage.make_cookie())) as ours,
        closing(Reader(stocked)) as theirs,
    ):
        return [
            ratio
            for page in _pages(stock, long, short, rows, until)
            for ratio in _compare(
                page.name,
                medians(
                    {
                        "ours": partial(ours.open, page.ours),
                        "short": partial(ours.open, page.short),
                        "stock": partial(theirs.open, page.stock),
                    },
                    rounds=ROUNDS,
                    in_a_row=IN_A_ROW,
                ),
            )
        ]


def _compare(name: str, taken: dict[str, float]) -> list[Ratio]:
    return [
        Ratio.at_least(10, f"{name}: stock against ours", taken["stock"] / taken["ours"], times(taken["stock"], taken["ours"])),
        Ratio.at_most(1.5, f"{name}: long history against short", taken["ours"] / taken["short"], times(taken["ours"], taken["short"])),
    ]


def _pages(stock: Stock, long: ProjectScope, short: ProjectScope, rows: int, until: datetime) -> list[Page]:
    middle = LogKey(until - HISTORY / 2, long.project_id).cursor
    failures = {"range": "all", "origin": str(ORIGIN), "result": "failure"}
    return [
        _page("first page, as it opens", long, short, LIST_URL, {}),
        _page("first page of all time", long, short, LIST_URL, {"range": "all"}),
        _page("an origin's failures", long, short, stock.failures_url(ORIGIN), failures),
        _page("middle of the history", long, short, stock.middle_url(rows), {"range": "all", "before": middle}),
    ]


def _page(name: str, long: ProjectScope, short: ProjectScope, stock_url: str, query: dict[str, str]) -> Page:
    return Page(name, list_url(long, query), list_url(short, query), stock_url)


def list_url(scope: ProjectScope, query: dict[str, str]) -> str:
    return f"/projects/{scope.id}/logs/?{urlencode(query)}"
