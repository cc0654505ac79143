"""Rows into the tables by bare COPY, in text format: the fastest way that PostgreSQL has, and what ingest is held against."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from uuid import UUID

import psycopg
from psycopg import sql

from auditpanel.accounts.scope import ProjectScope
from auditpanel.ids import uuid7_at
from auditpanel.logs.models import Log, LogContent
from auditpanel.logs.partitions import make_months, month_of
from auditpanel.logs.redaction import Redactor
from auditpanel.logs.store import rows_of
from auditpanel.logs.values import NewLog
from tests.benchmarks.calls import make_call
from tests.benchmarks.stage import Stage

HISTORY = timedelta(days=90)
# So many calls are made with care; a history repeats them at other times, with other ids and request ids.
SAMPLES = 5_000
CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class CopyLines:
    """A log as COPY reads it, a line for each of its two tables."""

    log: bytes
    content: bytes

    def moved(self, project_id: UUID, to: UUID) -> CopyLines:
        """The same log in another project."""
        old, new = str(project_id).encode(), str(to).encode()
        return CopyLines(self.log.replace(old, new, 1), self.content.replace(old, new, 1))


@dataclass(frozen=True, slots=True)
class Sample:
    """The lines without their keys."""

    log: str
    content: str
    request_id: str

    def at(self, project_id: UUID, moment: datetime, log_id: UUID) -> CopyLines:
        key = f"{project_id}\t{moment.isoformat()}\t{log_id}\t"
        request_id = f"v-{log_id.hex}"
        log, content = (key + text.replace(self.request_id, request_id) for text in (self.log, self.content))
        return CopyLines(log.encode(), content.encode())


def fill(stage: Stage, projects: Sequence[tuple[ProjectScope, int]], *, until: datetime, seed: int) -> None:
    """So many rows for each project, spread over HISTORY, in the order of time as they would have come in."""
    random = Random(seed)
    samples = [_sample(projects[0][0], make_call(random, until)) for _ in range(SAMPLES)]
    make_months(stage.engine, {month_of(until - timedelta(days=days)) for days in range(HISTORY.days + 1)})
    moments = sorted((until - HISTORY * random.random(), scope.project_id) for scope, number in projects for _ in range(number))
    lines = (random.choice(samples).at(project_id, moment, uuid7_at(moment, random.randbytes(16))) for moment, project_id in moments)
    with psycopg.connect(stage.conninfo) as connection:
        while chunk := list(islice(lines, CHUNK)):
            copy_lines(connection, chunk)
            connection.commit()


def settle(stage: Stage, *tables: str) -> None:
    """What autovacuum would have done by the time that a history is this long."""
    with psycopg.connect(stage.conninfo, autocommit=True) as connection:
        for table in tables:
            connection.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)))


def copy_lines(connection: psycopg.Connection, lines: Sequence[CopyLines]) -> None:
    _copy(connection, Log, (line.log for line in lines))
    _copy(connection, LogContent, (line.content for line in lines))


def lines_of(scope: ProjectScope, calls: Iterable[NewLog]) -> Iterator[CopyLines]:
    redactor = Redactor.of(scope.redact_paths)
    for call in calls:
        row = rows_of(scope, call, uuid7_at(call.occurred_at, call.id.bytes if call.id else os.urandom(16)), redactor)
        yield CopyLines(_line(row.log).encode(), _line(row.content).encode())


def _copy(connection: psycopg.Connection, table: type[Log] | type[LogContent], lines: Iterable[bytes]) -> None:
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.__table__.columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.__tablename__), names)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(b"".join(lines))


def _sample(scope: ProjectScope, call: NewLog) -> Sample:
    row = rows_of(scope, call, uuid7_at(call.occurred_at, b""), Redactor())
    assert call.request_id is not None
    return Sample(_line(row.log[3:]), _line(row.content[3:]), call.request_id)


def _line(values: Iterable[object]) -> str:
    return "\t".join(map(_text, values)) + "\n"


def _text(value: object) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value).replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")
