"""`POST /v1/logs` in batches, against a bare COPY of the same rows into the same tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from random import Random
from statistics import median

import msgspec
import psycopg

from auditpanel.accounts.keys import NewKey
from auditpanel.accounts.scope import ProjectScope
from auditpanel.logs.partitions import make_months, month_of
from auditpanel.times import utc_now
from tests.benchmarks.calls import SEED, make_calls
from tests.benchmarks.filling import CopyLines, copy_lines, lines_of
from tests.benchmarks.measuring import seconds
from tests.benchmarks.report import Ratio
from tests.benchmarks.stage import Stage, Web, serving

BATCH = 500
CONNECTIONS = (1, 2, 4)
ROUNDS = 3
MOST_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Traffic:
    """The same calls, ready to be sent over HTTP and ready to be copied."""

    bodies: list[bytes]
    lines: list[CopyLines]
    scope: ProjectScope


def compare_ingest(stage: Stage, *, rows: int) -> list[Ratio]:
    number = min(rows // 4 // BATCH * BATCH, MOST_ROWS)
    rates: dict[str, list[float]] = {}
    with serving(stage) as web:
        _round(stage, web, BATCH * 4, seed=0)
        for round_number in range(ROUNDS):
            for name, seconds_taken in _round(stage, web, number, seed=SEED + round_number).items():
                rates.setdefault(name, []).append(number / seconds_taken)
    rate = {name: median(measured) for name, measured in rates.items()}
    best = max(CONNECTIONS, key=lambda connections: rate[_http(connections)])
    ours = rate[_http(best)]
    details = ", ".join(f"{name} {value:,.0f} rows/s" for name, value in rate.items())
    return [
        Ratio.at_least(1 / 3, f"POST /v1/logs ({best} connections) against COPY", ours / rate["COPY"], details),
        Ratio.at_least(1 / 3, f"the same against COPY by {BATCH}, each committed", ours / rate[f"COPY by {BATCH}"], ""),
    ]


def _round(stage: Stage, web: Web, number: int, *, seed: int) -> dict[str, float]:
    """Seconds for each way in. Each gets a project of its own, so that none finds what another has stored."""
    traffic = _prepare(stage, number, seed=seed)
    ways = {"COPY": _copying(stage, traffic, by=number), f"COPY by {BATCH}": _copying(stage, traffic, by=BATCH)}
    ways |= {_http(connections): _sending(stage, web, traffic, connections=connections) for connections in CONNECTIONS}
    return {name: seconds(way) for name, way in ways.items()}


def _http(connections: int) -> str:
    return f"HTTP over {connections}"


def _prepare(stage: Stage, number: int, *, seed: int) -> Traffic:
    """Calls of the last hour, as a service that sends them all the time has them."""
    now = utc_now()
    make_months(stage.engine, {month_of(now), month_of(now - timedelta(hours=1))})
    calls = list(make_calls(Random(seed), number, now - timedelta(hours=1), timedelta(hours=1)))
    scope, _ = stage.make_project("prepared")
    return Traffic(request_bodies(calls), list(lines_of(scope, calls)), scope)


def request_bodies(calls: Sequence[msgspec.Struct]) -> list[bytes]:
    # As other services write it: with json, every field by its name.
    return [json.dumps(msgspec.to_builtins(calls[start : start + BATCH])).encode() for start in range(0, len(calls), BATCH)]


def _copying(stage: Stage, traffic: Traffic, *, by: int) -> Callable[[], None]:
    scope, _ = stage.make_project("copied")
    lines = [line.moved(traffic.scope.project_id, scope.project_id) for line in traffic.lines]

    def copy() -> None:
        with psycopg.connect(stage.conninfo) as connection:
            for start in range(0, len(lines), by):
                copy_lines(connection, lines[start : start + by])
                connection.commit()

    return copy


def _sending(stage: Stage, web: Web, traffic: Traffic, *, connections: int) -> Callable[[], None]:
    _, key = stage.make_project("sent")
    shares = [traffic.bodies[place::connections] for place in range(connections)]

    def send() -> None:
        with ThreadPoolExecutor(connections) as pool:
            list(pool.map(partial(post_all, web, key), shares))

    return send


def post_all(web: Web, key: NewKey, bodies: Sequence[bytes]) -> None:
    headers = {"X-App-Id": key.app_id, "X-App-Token": key.app_token, "Content-Type": "application/json"}
    with closing(web.connect()) as connection:
        for body in bodies:
            connection.request("POST", "/v1/logs", body, headers)
            answer = connection.getresponse()
            stored = json.loads(answer.read())
            assert answer.status == 202 and stored["stored"] == BATCH, stored
