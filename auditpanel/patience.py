"""Waiting while the database fails, so that who works over it goes on by itself when it is back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import psycopg
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

# The database restarts, or two transactions stood in each other's way. After the last one the sweep's turn comes.
PAUSES_S = (0.1, 0.4, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)
PASSING = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)


class Patience:
    """`name` is what is worked on; `pauses_s` the waits between failures in a row."""

    def __init__(self, name: str, pauses_s: tuple[float, ...], is_closing: Callable[[], bool]) -> None:
        self._name = name
        self._pauses_s = pauses_s
        self._is_closing = is_closing
        self._failures_in_a_row = 0
        self._log = logging.getLogger(__name__)

    def renew(self) -> None:
        """Something has worked again."""
        self._failures_in_a_row = 0

    def waits(self, error: Exception) -> bool:
        """False where it has been tried often enough, or is to stop: the lease then runs out, and the sweep sees to the rest."""
        if self._failures_in_a_row == len(self._pauses_s):
            self._log.error("%s is left for later", self._name, exc_info=error)
            return False
        pause_s = self._pauses_s[self._failures_in_a_row]
        self._log.warning("%s: the database failed; again in %s s: %s", self._name, pause_s, _in_one_line(error))
        self._failures_in_a_row += 1
        deadline = time.monotonic() + pause_s
        while time.monotonic() < deadline and not self._is_closing():
            time.sleep(min(pause_s, 0.1))
        return not self._is_closing()


def _in_one_line(error: Exception) -> str:
    # SQLAlchemy's own text has the statement and its values in it, which are the project's.
    cause = error.orig if isinstance(error, SQLAlchemyError) and isinstance(error, OperationalError | InterfaceError) else error
    return " ".join(str(cause).split())
