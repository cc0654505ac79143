"""Statements that may not take longer than a while, so that nobody can hold the database with one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg.errors import QueryCanceled
from sqlalchemy import Row, Select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

# Pairs in one message each: the session's own savepoints and settings come one by one, and take longer than most of the queries.
_BEGIN = "SAVEPOINT reading; SET LOCAL statement_timeout = {timeout_ms}"
_END = "RELEASE SAVEPOINT reading; SET LOCAL statement_timeout = 0"
# It takes back the setting, too.
_GIVE_UP = "ROLLBACK TO SAVEPOINT reading; RELEASE SAVEPOINT reading"


class TimeIsUp(Exception):
    """The database has ended a statement that took longer than it may."""


def execute_within(session: Session, statement: Select[*tuple[Any, ...]], timeout_s: float) -> Sequence[Row[*tuple[Any, ...]]]:
    """Raises TimeIsUp where the time was not enough; the transaction goes on."""
    _command(session, _begin(timeout_s))
    try:
        rows = session.execute(statement).all()
    except OperationalError as error:
        if not isinstance(error.orig, QueryCanceled):
            raise
        _command(session, _GIVE_UP)
        raise TimeIsUp from None
    _command(session, _END)
    return rows


def execute_text_within(session: Session, text: str, values: Mapping[str, object], timeout_s: float) -> list[tuple[Any, ...]]:
    """The same in a single message: psycopg writes the values into the text."""
    with psycopg.ClientCursor(psycopg_connection(session)) as cursor:
        try:
            cursor.execute(f"{_begin(timeout_s)}; {text}; {_END}".encode(), values)
        except QueryCanceled:
            _command(session, _GIVE_UP)
            raise TimeIsUp from None
        # Behind the answers to the two commands.
        cursor.set_result(2)
        return cursor.fetchall()


def psycopg_connection(session: Session) -> psycopg.Connection:
    """The connection of the session's transaction."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection


def _begin(timeout_s: float) -> str:
    return _BEGIN.format(timeout_ms=max(1, int(timeout_s * 1000)))


def _command(session: Session, commands: str) -> None:
    # Only a message without parameters may hold several commands.
    session.connection().exec_driver_sql(commands, execution_options={"no_parameters": True})
