"""Filters that nothing matches, over all of a long history: an answer comes within the budget, and says how far back it has looked."""

from __future__ import annotations

import re
from functools import partial
from html import unescape
from statistics import median

from auditpanel.accounts.scope import ProjectScope
from auditpanel.logs.queries import BUDGET_S
from tests.benchmarks.measuring import seconds
from tests.benchmarks.pages import list_url
from tests.benchmarks.report import Ratio
from tests.benchmarks.stage import Stage

NOWHERE = "zzz-nowhere"
ROUNDS = 3
# What stands around the search itself: the page, and the call's own record.
AROUND_S = 0.2
_LOOKED_BACK = re.compile(r"<span data-words>(.*?)</span>")


def time_searches(stage: Stage, scope: ProjectScope) -> list[Ratio]:
    client = stage.log_in().client
    ratios = []
    for name in ("path_contains", "body_text"):
        url = list_url(scope, {"range": "all", name: NOWHERE})
        taken = median(seconds(partial(client.get, url)) for _ in range(ROUNDS))
        answer = client.get(url)
        assert answer.status_code == 200, answer.status
        looked_back = _LOOKED_BACK.search(answer.text)
        words = unescape(looked_back[1]) if looked_back else "Looked through all of it."
        ratios.append(
            Ratio.at_most(
                (BUDGET_S + AROUND_S) / BUDGET_S,
                f"{name}, seconds against the budget",
                taken / BUDGET_S,
                f"{taken:.2f} s / {BUDGET_S:g} s. {words}",
            )
        )
    return ratios
