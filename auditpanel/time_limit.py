"""Statements that may not take longer than a while, so that nobody can hold the database with one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.errors import QueryCanceled
from sqlalchemy import Row, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Frame:
    """Commands around a statement, each pair in one message: the session's own savepoints and settings come one by one, and take longer
    than most of the queries. Giving up takes back the setting, too.
    """

    begin: str
    end: str
    give_up: str


_ALONE = Frame("BEGIN; SET LOCAL statement_timeout = {timeout_ms}", "COMMIT", "ROLLBACK")
_IN_TRANSACTION = Frame(
    "SAVEPOINT reading; SET LOCAL statement_timeout = {timeout_ms}",
    "RELEASE SAVEPOINT reading; SET LOCAL statement_timeout = 0",
    "ROLLBACK TO SAVEPOINT reading; RELEASE SAVEPOINT reading",
)
_LIMIT = "SELECT set_config('statement_timeout', %s, true)"
# By itself PostgreSQL plans anew wherever it expects that to pay, and for a project of average size reads some tables whole.
_LIMIT_AND_ONE_PLAN = f"""{_LIMIT}, set_config('plan_cache_mode', 'force_generic_plan', true),
set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)"""


class TimeIsUp(Exception):
    """The database has ended a statement that took longer than it may."""


def execute_within(session: Session, statement: Select[*tuple[Any, ...]], timeout_s: float) -> Sequence[Row[*tuple[Any, ...]]]:
    """Raises TimeIsUp where the time was not enough; the transaction goes on."""
    with _limited(session, psycopg_connection(session), timeout_s):
        return session.execute(statement).all()


def execute_text_within(
    session: Session, text: bytes, values: Mapping[str, object], timeout_s: float, *, planned_once: bool
) -> list[tuple[Any, ...]]:
    """The same of a text in psycopg's style, where no transaction is open in one go with its limit.

    `planned_once`: it is prepared and its plan is one for any values, made of indexes alone. Not within a transaction, where psycopg would
    throw it away at a ROLLBACK.
    """
    connection = psycopg_connection(session)
    if not connection.autocommit:
        with _limited(session, connection, timeout_s):
            return connection.execute(text, values).fetchall()
    try:
        # A pipeline is a transaction, so the settings end with it.
        with connection.pipeline():
            settings = _LIMIT_AND_ONE_PLAN if planned_once else _LIMIT
            connection.execute(settings, [str(_milliseconds(timeout_s))], prepare=True)
            cursor = connection.execute(text, values, prepare=planned_once)
        return cursor.fetchall()
    except QueryCanceled:
        raise TimeIsUp from None


@contextmanager
def _limited(session: Session, connection: psycopg.Connection, timeout_s: float) -> Iterator[None]:
    frame = _ALONE if connection.autocommit else _IN_TRANSACTION
    _command(session, frame.begin.format(timeout_ms=_milliseconds(timeout_s)))
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        if not connection.closed:
            _command(session, frame.give_up)
        if isinstance(error.orig if isinstance(error, DBAPIError) else error, QueryCanceled):
            raise TimeIsUp from None
        raise
    _command(session, frame.end)


def psycopg_connection(session: Session) -> psycopg.Connection:
    """The one that the session works on."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection


def _milliseconds(timeout_s: float) -> int:
    # None at all would be no limit.
    return max(1, int(timeout_s * 1000))


def _command(session: Session, commands: str) -> None:
    # Only a message without parameters may hold several commands.
    session.connection().exec_driver_sql(commands, execution_options={"no_parameters": True})
