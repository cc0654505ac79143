"""Statements that may not take longer than a while, so that nobody can hold the database with one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

QUERY_CANCELED = "57014"


class TimeIsUp(Exception):
    """The database has ended a statement that took longer than it may."""


def execute_within(session: Session, statement: Select[*tuple[Any, ...]], timeout_s: float) -> Sequence[Row[*tuple[Any, ...]]]:
    """Raises TimeIsUp where the time was not enough; the transaction goes on."""
    # A message for each pair: the session's own savepoints and settings come one by one, and take longer than most of the queries.
    _command(session, f"SAVEPOINT reading; SET LOCAL statement_timeout = {max(1, int(timeout_s * 1000))}")
    try:
        rows = session.execute(statement).all()
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != QUERY_CANCELED:
            raise
        # It takes back the setting, too.
        _command(session, "ROLLBACK TO SAVEPOINT reading; RELEASE SAVEPOINT reading")
        raise TimeIsUp from None
    _command(session, "RELEASE SAVEPOINT reading; SET LOCAL statement_timeout = 0")
    return rows


def _command(session: Session, commands: str) -> None:
    # Only a message without parameters may hold several commands.
    session.connection().exec_driver_sql(commands, execution_options={"no_parameters": True})
