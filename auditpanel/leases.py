"""Who may work on what is due: whose token stands in the due table, until the lease runs out.

All times here are the database's: the clocks of two machines may differ. A lease that has run out still is its holder's until another
takes it, so what a holder writes is only right when `renew` was called in the same transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, CursorResult, delete, func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import InstrumentedAttribute, Session

from auditpanel.tables import Model

# What a killed worker held waits this long at most; then the sweep's turn comes, every 10 s: a minute in all is promised.
LEASE = timedelta(seconds=30)
RENEW_EVERY_S = LEASE.total_seconds() / 3


class LeaseLost(Exception):
    """Another worker has taken over, or there is nothing to do any more: whoever gets this stops and writes nothing more."""


@dataclass(frozen=True, slots=True)
class Lease:
    """`fruitless_starts` are those since the work on it last got further, this one included."""

    project_id: UUID
    id: UUID
    token: UUID
    fruitless_starts: int


@dataclass(frozen=True, slots=True)
class DueTable:
    """The columns of a table of what is due; `id` is that of the record. A row is there until the record has ended."""

    model: type[Model]
    project_id: InstrumentedAttribute[UUID]
    id: InstrumentedAttribute[UUID]
    lease_token: InstrumentedAttribute[UUID | None]
    lease_until: InstrumentedAttribute[datetime | None]
    fruitless_starts: InstrumentedAttribute[int]

    def claim(self, session: Session, project_id: UUID, id: UUID, *only_where: ColumnElement[bool]) -> Lease | None:
        """None where it has ended, another works on it, or `only_where` does not hold. The caller commits."""
        token = uuid4()
        starts = session.scalar(
            update(self.model)
            .where(self.project_id == project_id, self.id == id, self._is_free, *only_where)
            .values(self._values(lease_token=token, lease_until=func.now() + LEASE, fruitless_starts=self.fruitless_starts + 1))
            .returning(self.fruitless_starts)
        )
        return None if starts is None else Lease(project_id, id, token, starts)

    def renew(self, session: Session, lease: Lease) -> None:
        """Raises LeaseLost. From here to the commit nobody else can take it."""
        self._write(session, lease, lease_until=self._later)

    def renew_with_progress(self, session: Session, lease: Lease) -> None:
        """As `renew`, in the transaction that gets the work further."""
        self._write(session, lease, lease_until=self._later, fruitless_starts=0)

    def release(self, session: Session, lease: Lease) -> None:
        """After an error: it is due again at once."""
        self._write(session, lease, lease_until=None)

    def give_back(self, session: Session, lease: Lease) -> None:
        """By a worker that is asked to stop: as `release`, and that it got no further is nobody's fault."""
        self._write(session, lease, lease_until=None, fruitless_starts=func.greatest(self.fruitless_starts - 1, 0))

    def end(self, session: Session, lease: Lease) -> None:
        """In the transaction that ends the record: nobody is to take it up any more."""
        _require_one(session.execute(delete(self.model).where(*self._mine(lease))))

    @contextmanager
    def kept_alive(self, lease: Lease, open_session: Callable[[], Session], *, every_s: float = RENEW_EVERY_S) -> Iterator[Event]:
        """Renews the lease from beside, over a connection of its own, however long a step takes. The event tells that it is lost."""
        lost, over = Event(), Event()
        thread = Thread(target=self._renew_until, args=(over, lost, lease, open_session, every_s), name="lease", daemon=True)
        thread.start()
        try:
            yield lost
        finally:
            over.set()
            thread.join()

    def projects_with_due(self, session: Session) -> list[UUID]:
        return list(session.scalars(select(self.project_id).where(self._is_free).distinct()))

    def due(self, session: Session, project_id: UUID, *, size: int) -> list[UUID]:
        """The oldest of those that nobody works on."""
        free = select(self.id).where(self.project_id == project_id, self._is_free)
        return list(session.scalars(free.order_by(self.id).limit(size)))

    def _renew_until(self, over: Event, lost: Event, lease: Lease, open_session: Callable[[], Session], every_s: float) -> None:
        while not over.wait(every_s):
            try:
                with open_session() as session:
                    self.renew(session, lease)
                    session.commit()
            except LeaseLost:
                lost.set()
                return
            except SQLAlchemyError:
                # Away or restarting; the lease stands a while longer, and what is written asks for it anyway.
                logging.getLogger(__name__).warning("%s: its lease could not be renewed this time", lease.id, exc_info=True)

    @property
    def _is_free(self) -> ColumnElement[bool]:
        return or_(self.lease_until.is_(None), self.lease_until < func.now())

    @property
    def _later(self) -> ColumnElement[Any]:
        # The transaction may be older than the last renewal from beside.
        return func.greatest(self.lease_until, func.now() + LEASE)

    def _mine(self, lease: Lease) -> tuple[ColumnElement[bool], ...]:
        return self.project_id == lease.project_id, self.id == lease.id, self.lease_token == lease.token

    def _write(self, session: Session, lease: Lease, **values: object) -> None:
        _require_one(session.execute(update(self.model).where(*self._mine(lease)).values(self._values(**values))))

    def _values(self, **values: object) -> dict[InstrumentedAttribute[Any], object]:
        return {getattr(self, name): value for name, value in values.items()}


def _require_one(result: object) -> None:
    assert isinstance(result, CursorResult)
    if result.rowcount != 1:
        raise LeaseLost
