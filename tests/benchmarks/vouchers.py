"""Vouchers to be imported: as a CSV file like those that people have, and as bare COPY takes the very same rows."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from random import Random
from uuid import UUID

import psycopg
from psycopg import sql

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.models import Voucher
from tests.benchmarks.calls import SEED, WORDS
from tests.benchmarks.stage import Stage

HEADER = (
    "Code",
    "Voucher Type",
    "Value",
    "Discount Type",
    "Category",
    "Active",
    "Start Date",
    "Expiration Date",
    "Season",
    "Partner id",
)
# A file has the codes of a few offers: those of each differ in nothing but the code and what the metadata tells.
OFFERS = 40
INACTIVE = 0.03
START = datetime(2026, 9, 1, tzinfo=UTC)
CHUNK_BYTES = 1 << 20

Offer = tuple[str, str, str, str]


class Variety(StrEnum):
    """How alike the rows of a file are."""

    OFFERS = "a file of some offers"
    # Nothing that was made of one row's cells serves for another.
    EACH = "each with dates of its own"


def write_csv(path: Path, number: int, variety: Variety) -> None:
    random = Random(SEED)
    dates = _dates_by_offer(random) if variety is Variety.OFFERS else _dates_by_row(random)
    offers = [_offer(random) for _ in range(OFFERS)]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        writer.writerows(_rows(random, number, offers, dates))


def _rows(random: Random, number: int, offers: list[Offer], dates: Callable[[int], tuple[str, str]]) -> Iterator[tuple[str, ...]]:
    for _ in range(number):
        offer = random.randrange(OFFERS)
        code = f"{WORDS[offer % len(WORDS)]}-{random.getrandbits(48):012x}".upper()
        active = "false" if random.random() < INACTIVE else "true"
        yield code, *offers[offer], active, *dates(offer), random.choice(WORDS), f"partner-{random.randrange(10**6)}"


def _offer(random: Random) -> Offer:
    """Voucher type, value, type of discount and category."""
    kind, value, discount = random.choice(
        (
            ("DISCOUNT_VOUCHER", random.randrange(5, 60, 5), "PERCENT"),
            ("DISCOUNT_VOUCHER", random.randrange(500, 5_000, 100), "AMOUNT"),
            ("GIFT_VOUCHER", random.randrange(1_000, 50_000, 1_000), ""),
        )
    )
    return kind, str(value), discount, random.choice(WORDS)


def _dates_by_offer(random: Random) -> Callable[[int], tuple[str, str]]:
    by_offer = [_dates(random) for _ in range(OFFERS)]
    return lambda offer: by_offer[offer]


def _dates_by_row(random: Random) -> Callable[[int], tuple[str, str]]:
    return lambda offer: _dates(random)


def _dates(random: Random) -> tuple[str, str]:
    start = START + timedelta(seconds=random.randrange(80_000_000))
    return _written(start), _written(start + timedelta(days=random.randrange(10, 400)))


def _written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def write_copy_lines(stage: Stage, path: Path, scope: ProjectScope, *, to: ProjectScope, campaign_id: UUID | None = None) -> None:
    """The vouchers of a project in COPY's text format, as ones of another project, in the order in which they were stored."""
    query = sql.SQL("COPY (SELECT {} FROM vouchers WHERE project_id = {} ORDER BY id) TO STDOUT")
    given: dict[str, sql.Composable] = {"project_id": sql.Literal(to.project_id), "campaign_id": sql.Literal(campaign_id)}
    values = sql.SQL(", ").join(given.get(name, sql.Identifier(name)) for name in _COLUMNS)
    statement = query.format(values, sql.Literal(scope.project_id))
    with psycopg.connect(stage.conninfo) as connection, connection.cursor().copy(statement) as copy, path.open("wb") as stream:
        stream.writelines(bytes(block) for block in copy)


def copy_in(stage: Stage, path: Path) -> None:
    """One COPY, committed."""
    statement = sql.SQL("COPY vouchers ({}) FROM STDIN").format(sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)))
    with psycopg.connect(stage.conninfo) as connection, connection.cursor().copy(statement) as copy, path.open("rb") as stream:
        while block := stream.read(CHUNK_BYTES):
            copy.write(block)


def empty(stage: Stage) -> None:
    """So that each comer finds the table and its indexes alike."""
    with psycopg.connect(stage.conninfo, autocommit=True) as connection:
        connection.execute("TRUNCATE vouchers")


_COLUMNS = [column.name for column in Voucher.__table__.columns]
