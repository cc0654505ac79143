"""The list's pages: ours against stock, and ours in a long history against ours in a short one. Through the whole WSGI stack of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from flask.testing import FlaskClient

from auditpanel.accounts.scope import ProjectScope
from auditpanel.logs.values import LogKey, Origin
from tests.benchmarks.filling import HISTORY
from tests.benchmarks.measuring import medians
from tests.benchmarks.report import Ratio, times
from tests.benchmarks.stage import Stage
from tests.benchmarks.stock import LIST_URL, Stock

ORIGIN = Origin.SHOPIFY
ROUNDS = 15


@dataclass(frozen=True, slots=True)
class Page:
    """The same page in each of the three lists."""

    name: str
    ours: str
    short: str
    stock: str


def compare_pages(stage: Stage, stock: Stock, long: ProjectScope, short: ProjectScope, *, rows: int, until: datetime) -> list[Ratio]:
    visitor = stage.log_in()
    ratios = []
    for page in _pages(stock, long, short, rows, until):
        taken = medians(
            {
                "ours": opening(visitor.client, page.ours),
                "short": opening(visitor.client, page.short),
                "stock": opening(stock.client, page.stock),
            },
            rounds=ROUNDS,
        )
        ratios += [
            Ratio.at_least(10, f"{page.name}: stock against ours", taken["stock"] / taken["ours"], times(taken["stock"], taken["ours"])),
            Ratio.at_most(
                1.5, f"{page.name}: long history against short", taken["ours"] / taken["short"], times(taken["ours"], taken["short"])
            ),
        ]
    return ratios


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


def opening(client: FlaskClient, url: str) -> Callable[[], None]:
    def open_page() -> None:
        answer = client.get(url)
        assert answer.status_code == 200, f"{url}: {answer.status}"

    return open_page
