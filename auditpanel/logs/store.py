"""The one door to the store of logs: whoever reports a call, it is checked, redacted, cleaned and cut here, and then appended.

Nothing in the program changes or deletes a log.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

import msgspec
import psycopg
from psycopg import errors, sql
from sqlalchemy import select, tuple_
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import InvalidInput
from auditpanel.ids import uuid7_at
from auditpanel.logs.content import clean, cut, error_of
from auditpanel.logs.models import Log, LogContent
from auditpanel.logs.partitions import make_months, month_of
from auditpanel.logs.redaction import Redactor
from auditpanel.logs.values import Headers, NewLog, Reference
from auditpanel.time_limit import psycopg_connection
from auditpanel.times import iso_utc

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST_AHEAD = timedelta(days=1)
HEADERS_LIMIT_BYTES = 64 * 1024

# A batch that somebody else is storing too is tried again without what they have stored meanwhile.
TRIES = 5


def _insert(table: type[Log] | type[LogContent]) -> sql.Composed:
    names = [sql.Identifier(column.name) for column in table.__table__.columns]
    values = sql.SQL(", ").join([sql.Placeholder()] * len(names))
    into = sql.Identifier(table.__tablename__)
    return sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(into, sql.SQL(", ").join(names), values)


# A log and its content in one statement, which is one transaction where no other is open.
APPEND_ONE = sql.SQL("WITH log AS ({}) {}").format(_insert(Log), _insert(LogContent)).as_string().encode()


@dataclass(frozen=True, slots=True)
class Refusal:
    """`index` is the place in the batch, from 0."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch. `ids` are the logs' ids in the batch's order, None for a refused one."""

    stored: int
    duplicates: int
    refused: tuple[Refusal, ...]
    ids: tuple[UUID | None, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """A log as the two tables have it, in the order of their columns."""

    log: tuple[object, ...]
    content: tuple[object, ...]

    @property
    def key(self) -> tuple[datetime, UUID]:
        _, occurred_at, log_id, *_ = self.log
        return occurred_at, log_id  # type: ignore[return-value]


def store_logs(session: Session, scope: ProjectScope, logs: Sequence[NewLog], *, now: datetime) -> Stored:
    """Append the logs; those that are there already, or twice in the batch, are counted as duplicates.

    The caller commits; nothing is stored before that. Months that are missing are made at once, in a transaction of their own.
    """
    redactor = Redactor.of(scope.redact_paths)
    refused: list[Refusal] = []
    ids: list[UUID | None] = []
    rows: dict[tuple[datetime, UUID], Rows] = {}
    for index, log in enumerate(logs):
        reason = _out_of_time(log.occurred_at, now)
        if reason:
            refused.append(Refusal(index, reason))
            ids.append(None)
            continue
        log_id = uuid7_at(log.occurred_at, log.id.bytes if log.id else os.urandom(16))
        row = rows_of(scope, log, log_id, redactor)
        ids.append(log_id)
        rows[row.key] = row
    # In one order for everybody: two batches with the same logs then wait for each other and cannot deadlock.
    stored = _append(session, scope, [rows[key] for key in sorted(rows)])
    return Stored(stored, len(logs) - len(refused) - stored, tuple(refused), tuple(ids))


def store_call(engine: Engine, scope: ProjectScope, log: NewLog, *, now: datetime) -> None:
    """Append one log in a transaction of its own: one message to the database, because somebody waits for the answer that it records.

    Raises InvalidInput where `store_logs` would refuse the log.
    """
    if reason := _out_of_time(log.occurred_at, now):
        raise InvalidInput(reason)
    row = rows_of(scope, log, uuid7_at(log.occurred_at, log.id.bytes if log.id else os.urandom(16)), Redactor.of(scope.redact_paths))
    try:
        _append_one(engine, row)
    except errors.CheckViolation:
        make_months(engine, {month_of(row.key[0])})
        _append_one(engine, row)


def _append_one(engine: Engine, row: Rows) -> None:
    with closing(engine.raw_connection()) as pooled:
        connection = pooled.driver_connection
        assert isinstance(connection, psycopg.Connection)
        connection.autocommit = True
        try:
            connection.execute(APPEND_ONE, row.log + row.content, prepare=True)
        finally:
            connection.autocommit = False


def _out_of_time(occurred_at: datetime, now: datetime) -> str | None:
    if occurred_at < EARLIEST:
        return f"occurred_at: {iso_utc(occurred_at)} is before 2000, which no log is"
    if occurred_at > now + LATEST_AHEAD:
        return f"occurred_at: {iso_utc(occurred_at)} is more than a day ahead of now, {iso_utc(now)}; look at the sender's clock"
    return None


def rows_of(scope: ProjectScope, log: NewLog, log_id: UUID, redactor: Redactor) -> Rows:
    def short(value: str | None) -> str | None:
        return clean(redactor.text(value)) if value else None

    request = _body(log.request_body, log.request_size_bytes, redactor, scope.body_limit_bytes)
    response = _body(log.response_body, log.response_size_bytes, redactor, scope.body_limit_bytes)
    occurred_at = log.occurred_at.astimezone(UTC)
    key = (scope.project_id, occurred_at, log_id)
    lean = (
        log.method,
        clean(redactor.path(log.path)),
        short(log.route),
        log.status_code,
        log.duration_ms,
        str(log.origin),
        *(short(text) for text in (log.channel, log.user, log.api_key, log.customer, log.client_ip, log.user_agent, log.request_id)),
        error_of(log.status_code, response.text),
    )
    content = (
        clean(redactor.query(_query_text(log.query))) or None,
        _headers(log.request_headers, redactor),
        request.text,
        request.size_bytes,
        request.is_cut,
        _headers(log.response_headers, redactor),
        response.text,
        response.size_bytes,
        response.is_cut,
        _references(log.references),
    )
    return Rows(key + lean, key + content)


@dataclass(frozen=True, slots=True)
class Body:
    """`size_bytes` is that of the whole body as it was sent."""

    text: str | None
    size_bytes: int | None
    is_cut: bool


def _body(text: str | None, whole_bytes: int | None, redactor: Redactor, limit_bytes: int) -> Body:
    """Redacted first and cut then: a secret that the cut went through would no longer look like one."""
    if text is None:
        return Body(None, whole_bytes, is_cut=bool(whole_bytes))
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    redacted = clean(redactor.body(text))
    stored = cut(redacted, limit_bytes)
    return Body(stored, max(size, whole_bytes or 0), is_cut=len(stored) < len(redacted) or (whole_bytes or 0) > size)


def _query_text(query: str | dict[str, str | list[str]] | None) -> str:
    if query is None or isinstance(query, str):
        return query or ""
    return urlencode(query, doseq=True)


def _headers(headers: dict[str, str] | Headers | None, redactor: Redactor) -> str:
    pairs = redactor.headers(list(headers.items()) if isinstance(headers, dict) else headers or [])
    return _json_if_storable(pairs) or _json(_fitted(pairs))


def _fitted(headers: Headers) -> Headers:
    kept: Headers = []
    room = HEADERS_LIMIT_BYTES
    for name, value in headers:
        value = cut(clean(value), room)
        room -= len(name) + len(value)
        kept.append((clean(name), value))
    return kept


def _references(references: Sequence[Reference]) -> str:
    return _json_if_storable(references) or _json([{"type": clean(reference.type), "id": clean(reference.id)} for reference in references])


def _json_if_storable(value: object) -> str | None:
    """Nearly all is: one look at the whole is several times as fast as one at each text in it."""
    try:
        text = _json(value)
    except UnicodeEncodeError:
        # Half of a surrogate pair.
        return None
    return text if len(text) <= HEADERS_LIMIT_BYTES and "\\u0000" not in text else None


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _append(session: Session, scope: ProjectScope, rows: Sequence[Rows]) -> int:
    """Copy the rows in, without those that are there already. Gives how many were new.

    COPY is twice as fast as INSERT … ON CONFLICT but fails on the first row that is there: this is rare, so it is tried first.
    """
    for _ in range(TRIES):
        if not rows:
            return 0
        try:
            with session.begin_nested():
                _copy(session, Log, (row.log for row in rows))
                _copy(session, LogContent, (row.content for row in rows))
            return len(rows)
        except errors.UniqueViolation:
            there = _keys_there(session, scope, rows)
            rows = [row for row in rows if row.key not in there]
        except errors.CheckViolation:
            bind = session.get_bind()
            assert isinstance(bind, Engine)
            make_months(bind, {month_of(row.key[0]) for row in rows})
    raise RuntimeError(f"{len(rows)} logs could not be appended in {TRIES} tries, others were storing the same ones each time")


def _copy(session: Session, table: type[Log] | type[LogContent], rows: Iterable[tuple[object, ...]]) -> None:
    columns = [column.name for column in table.__table__.columns]
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.__tablename__), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with psycopg_connection(session).cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _keys_there(session: Session, scope: ProjectScope, rows: Sequence[Rows]) -> set[tuple[datetime, UUID]]:
    found = session.execute(
        select(Log.occurred_at, Log.id).where(
            Log.project_id == scope.project_id, tuple_(Log.occurred_at, Log.id).in_([row.key for row in rows])
        )
    )
    return {(row.occurred_at, row.id) for row in found}
