"""The months of the log tables. There is no default partition, as it would take away PostgreSQL's ordered scan over the months."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine

TABLES = ("logs", "log_contents")


def month_of(moment: datetime) -> date:
    return moment.astimezone(UTC).date().replace(day=1)


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def existing_months(connection: Connection) -> set[date]:
    names = connection.scalars(
        text("SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid WHERE inhparent = 'log_contents'::regclass")
    )
    return {date(int(name[-6:-2]), int(name[-2:]), 1) for name in names}


def make_months(engine: Engine, months: Iterable[date]) -> None:
    """Make what is missing of the months, in a transaction of its own: other writers wait for a moment only, not for a whole batch."""
    with engine.begin() as connection:
        # Two makers of the same month: the second waits here and then finds it there.
        connection.execute(text("LOCK TABLE logs IN SHARE UPDATE EXCLUSIVE MODE"))
        for month in sorted(set(months) - existing_months(connection)):
            for table in TABLES:
                name = f"{table}_{month:%Y%m}"
                # Made apart and attached: CREATE … PARTITION OF would wait for every transaction that has read or written logs,
                # and for ever where the caller's own is one of them.
                connection.exec_driver_sql(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION)")
                # Utility statements take no parameters; both values are dates of our own making.
                connection.exec_driver_sql(
                    f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{month}+00') TO ('{next_month(month)}+00')"
                )


def make_months_ahead(engine: Engine, now: datetime) -> None:
    """So that no call has to wait until its month is made."""
    make_months(engine, [month_of(now), next_month(month_of(now))])
