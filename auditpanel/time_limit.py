"""Statements that may not take longer than a while, so that nobody can hold the database with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.errors import QueryCanceled
from sqlalchemy import Row, Select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Frame:
    """Commands around a statement. Giving up takes back the setting, too."""

    begin: tuple[str, str]
    end: tuple[str, ...]
    give_up: tuple[str, ...]


def _alone(timeout_ms: int) -> Frame:
    return Frame(("BEGIN", f"SET LOCAL statement_timeout = {timeout_ms}"), ("COMMIT",), ("ROLLBACK",))


def _in_transaction(timeout_ms: int) -> Frame:
    return Frame(
        ("SAVEPOINT reading", f"SET LOCAL statement_timeout = {timeout_ms}"),
        ("RELEASE SAVEPOINT reading", "SET LOCAL statement_timeout = 0"),
        ("ROLLBACK TO SAVEPOINT reading", "RELEASE SAVEPOINT reading"),
    )


_LIMIT = "SELECT set_config('statement_timeout', %s, true)"
# By itself PostgreSQL plans anew wherever it expects that to pay, and for a project of average size reads some tables whole.
_LIMIT_AND_ONE_PLAN = f"""{_LIMIT}, set_config('plan_cache_mode', 'force_generic_plan', true),
set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)"""


class TimeIsUp(Exception):
    """The database has ended a statement that took longer than it may."""


def execute_within(session: Session, statement: Select[*tuple[Any, ...]], timeout_s: float) -> Sequence[Row[*tuple[Any, ...]]]:
    """Raises TimeIsUp where the time was not enough; the transaction goes on."""
    frame = _frame(psycopg_connection(session), timeout_s)
    _command(session, frame.begin)
    try:
        rows = session.execute(statement).all()
    except OperationalError as error:
        if not isinstance(error.orig, QueryCanceled):
            raise
        _command(session, frame.give_up)
        raise TimeIsUp from None
    _command(session, frame.end)
    return rows


def execute_text_within(
    session: Session, text: bytes, values: Mapping[str, object], timeout_s: float, *, planned_once: bool
) -> list[tuple[Any, ...]]:
    """The same of a text in psycopg's style, sent in one go with its limit.

    `planned_once`: it is prepared, where no transaction is open, and its plan is one for any values, made of indexes alone.
    """
    connection = psycopg_connection(session)
    try:
        if connection.autocommit:
            # A pipeline is a transaction, so the settings end with it.
            with connection.pipeline():
                settings = _LIMIT_AND_ONE_PLAN if planned_once else _LIMIT
                connection.execute(settings, [str(_milliseconds(timeout_s))], prepare=True)
                cursor = connection.execute(text, values, prepare=planned_once)
            return cursor.fetchall()
        return _execute_in_transaction(session, connection, text, values, timeout_s)
    except QueryCanceled:
        raise TimeIsUp from None


def _execute_in_transaction(
    session: Session, connection: psycopg.Connection, text: bytes, values: Mapping[str, object], timeout_s: float
) -> list[tuple[Any, ...]]:
    # What is prepared outlives no ROLLBACK, which ends other requests.
    frame = _frame(connection, timeout_s)
    _command(session, frame.begin)
    try:
        rows = connection.execute(text, values).fetchall()
    except psycopg.Error:
        if not connection.closed:
            _command(session, frame.give_up)
        raise
    _command(session, frame.end)
    return rows


def psycopg_connection(session: Session) -> psycopg.Connection:
    """The one that the session works on."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection


def _frame(connection: psycopg.Connection, timeout_s: float) -> Frame:
    make = _alone if connection.autocommit else _in_transaction
    return make(_milliseconds(timeout_s))


def _milliseconds(timeout_s: float) -> int:
    # None at all would be no limit.
    return max(1, int(timeout_s * 1000))


def _command(session: Session, commands: Sequence[str]) -> None:
    """In one message: the session's own savepoints and settings come one by one, and take longer than most of the queries."""
    # Only a message without parameters may hold several commands.
    session.connection().exec_driver_sql("; ".join(commands), execution_options={"no_parameters": True})
