"""Exports of logs with all that they have, against a bare COPY of the same rows and against Flask-Admin's own export; and their memory."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from random import Random
from statistics import median

import psycopg
from psycopg import sql

from auditpanel.accounts.scope import ProjectScope
from auditpanel.exports.values import Format
from auditpanel.logs.partitions import make_months, month_of
from auditpanel.logs.values import BODY_LIMIT_BYTES, NewLog
from auditpanel.times import utc_now
from tests.benchmarks.calls import SEED
from tests.benchmarks.exporting import Exporter, exporting
from tests.benchmarks.filling import copy_lines, fill, lines_of, settle
from tests.benchmarks.measuring import seconds
from tests.benchmarks.report import Ratio
from tests.benchmarks.stage import Stage
from tests.benchmarks.stock import Stock, fill_stock

ROUNDS = 3
# Flask-Admin's takes 2 kB of memory for each, and no fewer seconds a row when there are more of them.
STOCK_ROWS = 20_000
# As large as logs get, behind as many small ones: what is read at once has to become less on the way.
FAT_ROWS = 1_000
# What takes longer to write is written of fewer.
MOST_ROWS = {Format.XLSX: 50_000}
MEMORY_MB = 150.0
COPIED = (
    "SELECT l.occurred_at, l.id, l.status_code, l.request_id, l.channel, l.method, l.route, l.path, c.query, l.user_name, l.api_key, "
    "l.duration_ms, c.request_body, c.response_body, l.origin, l.customer, l.client_ip, l.user_agent, l.error "
    "FROM logs l JOIN log_contents c USING (project_id, occurred_at, id) WHERE project_id = {}"
)


def measure_exports(stage: Stage, *, rows: int) -> list[Ratio]:
    now = utc_now()
    scopes = {number: stage.make_project(f"{number} logs")[0] for number in {rows, STOCK_ROWS, *MOST_ROWS.values()}}
    print(f"Filling the tables: {rows:,} logs to export", flush=True)
    fill(stage, [(scope, number) for number, scope in scopes.items()], until=now, seed=SEED)
    fat, _ = stage.make_project("As large as logs get")
    _fill_with_fat_ones(stage, fat, now)
    settle(stage, "logs", "log_contents")
    fill_stock(stage, scopes[STOCK_ROWS])
    settle(stage, "stock_logs")
    with exporting(stage) as exporter:
        return [
            *_compare_rates(stage, exporter, scopes[rows], Stock(stage.environ["DATABASE_URL"])),
            *(_watch(exporter, scopes[min(rows, MOST_ROWS.get(format, rows))], fat, format) for format in Format),
        ]


def _compare_rates(stage: Stage, exporter: Exporter, scope: ProjectScope, stock: Stock) -> list[Ratio]:
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(_copy_rate(stage, scope))
        ours.append(exporter.export(scope, Format.CSV).rate)
    packed = exporter.export(scope, Format.CSV, gzip=True).rate
    stock_rate = STOCK_ROWS / seconds(lambda: stock.export(STOCK_ROWS))
    rate, bare_rate = median(ours), median(bare)
    return [
        Ratio.at_least(0.5, "CSV against a bare COPY of the same rows", rate / bare_rate, f"{rate:,.0f} / {bare_rate:,.0f} rows/s"),
        Ratio.at_least(
            8,
            f"CSV against Flask-Admin's export of {STOCK_ROWS:,}",
            rate / stock_rate,
            f"{rate:,.0f} / {stock_rate:,.0f} rows/s; {packed:,.0f} with gzip",
        ),
    ]


def _copy_rate(stage: Stage, scope: ProjectScope) -> float:
    """Rows a second into a file, as psql has it."""
    path, rows = Path(stage.environ["AUDITPANEL_DATA"]) / "copied.csv", 0

    def copy() -> None:
        nonlocal rows
        statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER)").format(sql.SQL(COPIED).format(scope.project_id))
        with psycopg.connect(stage.conninfo) as connection, connection.cursor() as cursor, path.open("wb") as file:
            with cursor.copy(statement) as blocks:
                for block in blocks:
                    file.write(block)
            rows = cursor.rowcount

    taken_s = seconds(copy)
    path.unlink()
    return rows / taken_s


def _watch(exporter: Exporter, scope: ProjectScope, fat: ProjectScope, format: Format) -> Ratio:
    many, large = exporter.export(scope, format), exporter.export(fat, format)
    words = f"{large.peak_mb:.0f} MB for {FAT_ROWS:,} of the largest, {many.rate:,.0f} rows/s, {many.bytes / 1e6:,.0f} MB"
    return Ratio.at_most(MEMORY_MB, f"{format}: MB of memory for {many.rows:,} rows", max(many.peak_mb, large.peak_mb), words)


def _fill_with_fat_ones(stage: Stage, scope: ProjectScope, now: datetime) -> None:
    random = Random(SEED)
    bodies = ["".join(random.choices("abcdefghijklmnopqrstuvwxyz ", k=BODY_LIMIT_BYTES)) for _ in range(10)]
    make_months(stage.engine, {month_of(now), month_of(now - timedelta(seconds=2 * FAT_ROWS))})
    small = (NewLog(occurred_at=now - timedelta(seconds=number), path="/v1/vouchers", status_code=200) for number in range(FAT_ROWS))
    large = (
        NewLog(
            occurred_at=now - timedelta(seconds=number),
            path="/v1/vouchers/import",
            status_code=200,
            request_body=random.choice(bodies),
            response_body=random.choice(bodies),
        )
        for number in range(FAT_ROWS, 2 * FAT_ROWS)
    )
    with psycopg.connect(stage.conninfo) as connection:
        copy_lines(connection, list(lines_of(scope, chain(small, large))))
        connection.commit()
