"""Statements that may not take longer than a while, so that nobody can hold the database with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg.errors import QueryCanceled
from sqlalchemy import Row, Select
from sqlalchemy.exc import OperationalError
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


def execute_text_within(session: Session, text: str, values: Mapping[str, object], timeout_s: float) -> list[tuple[Any, ...]]:
    """The same in a single message: psycopg writes the values into the text."""
    connection = psycopg_connection(session)
    frame = _frame(connection, timeout_s)
    with psycopg.ClientCursor(connection) as cursor:
        try:
            cursor.execute(f"{frame.begin}; {text}; {frame.end}".encode(), values)
        except QueryCanceled:
            _command(session, frame.give_up)
            raise TimeIsUp from None
        # Behind the answers to the two commands.
        cursor.set_result(2)
        return cursor.fetchall()


def psycopg_connection(session: Session) -> psycopg.Connection:
    """The one that the session works on."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection


def _frame(connection: psycopg.Connection, timeout_s: float) -> Frame:
    frame = _ALONE if connection.autocommit else _IN_TRANSACTION
    return replace(frame, begin=frame.begin.format(timeout_ms=max(1, int(timeout_s * 1000))))


def _command(session: Session, commands: str) -> None:
    # Only a message without parameters may hold several commands.
    session.connection().exec_driver_sql(commands, execution_options={"no_parameters": True})
