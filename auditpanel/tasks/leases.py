"""Who may work on a task: whose token stands in `due_tasks`, until the lease runs out.

All times here are the database's: the clocks of two machines may differ. A lease that has run out still is its holder's until another
takes it, so what a holder writes is only right when `hold` was called in the same transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Thread
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, CursorResult, delete, func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, aliased

from auditpanel.tasks.models import DueTask

# A task whose worker was killed waits this long at most; then the sweep's turn comes, every 10 s: a minute in all is promised.
LEASE = timedelta(seconds=30)
RENEW_EVERY_S = LEASE.total_seconds() / 3


class LeaseLost(Exception):
    """Another worker has taken over: whoever gets this stops and writes nothing more."""


@dataclass(frozen=True, slots=True)
class Lease:
    """`fruitless_starts` are those since the task last got further, this one included."""

    project_id: UUID
    task_id: UUID
    token: UUID
    fruitless_starts: int


def claim(session: Session, project_id: UUID, task_id: UUID) -> Lease | None:
    """None where the task has ended, another works on it, or an older one of the project was begun and has not ended.

    That one comes first, also where its worker was killed: going on later, it would overwrite what this one has done. The caller commits.
    """
    token = uuid4()
    older = aliased(DueTask)
    begun = select(older.task_id).where(older.project_id == project_id, older.task_id < task_id, older.lease_token.is_not(None))
    starts = session.scalar(
        update(DueTask)
        .where(DueTask.project_id == project_id, DueTask.task_id == task_id, _is_free(), ~begun.exists())
        .values(lease_token=token, lease_until=func.now() + LEASE, fruitless_starts=DueTask.fruitless_starts + 1)
        .returning(DueTask.fruitless_starts)
    )
    return None if starts is None else Lease(project_id, task_id, token, starts)


def renew(session: Session, lease: Lease) -> None:
    """Raises LeaseLost. From here to the commit nobody else can take the task."""
    # The transaction may be older than the last renewal from beside.
    until = func.greatest(DueTask.lease_until, func.now() + LEASE)
    _require_one(session.execute(update(DueTask).where(*_mine(lease)).values(lease_until=until)))


def renew_with_progress(session: Session, lease: Lease) -> None:
    """As `renew`, in the transaction that gets the task further."""
    until = func.greatest(DueTask.lease_until, func.now() + LEASE)
    _require_one(session.execute(update(DueTask).where(*_mine(lease)).values(lease_until=until, fruitless_starts=0)))


def release(session: Session, lease: Lease) -> None:
    """After an error: the task is due again at once."""
    _require_one(session.execute(update(DueTask).where(*_mine(lease)).values(lease_until=None)))


def give_back(session: Session, lease: Lease) -> None:
    """By a worker that is asked to stop: as `release`, and that it got no further is not the task's fault."""
    starts = func.greatest(DueTask.fruitless_starts - 1, 0)
    _require_one(session.execute(update(DueTask).where(*_mine(lease)).values(lease_until=None, fruitless_starts=starts)))


def end(session: Session, lease: Lease) -> None:
    """In the transaction that ends the task: nobody is to take it up any more."""
    _require_one(session.execute(delete(DueTask).where(*_mine(lease))))


@contextmanager
def kept_alive(lease: Lease, open_session: Callable[[], Session], *, every_s: float = RENEW_EVERY_S) -> Iterator[Event]:
    """Renews the lease from beside, over a connection of its own, however long a batch takes. The event tells that it is lost."""
    lost, over = Event(), Event()
    thread = Thread(target=_renew_until, args=(over, lost, lease, open_session, every_s), name="lease", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        over.set()
        thread.join()


def _renew_until(over: Event, lost: Event, lease: Lease, open_session: Callable[[], Session], every_s: float) -> None:
    while not over.wait(every_s):
        try:
            with open_session() as session:
                renew(session, lease)
                session.commit()
        except LeaseLost:
            lost.set()
            return
        except SQLAlchemyError:
            # Away or restarting; the lease stands a while longer, and what is written asks for it anyway.
            logging.getLogger(__name__).warning("task %s: its lease could not be renewed this time", lease.task_id, exc_info=True)


def projects_with_due_tasks(session: Session) -> list[UUID]:
    return list(session.scalars(select(DueTask.project_id).where(_is_free()).distinct()))


def due_tasks(session: Session, project_id: UUID, *, size: int) -> list[UUID]:
    """The oldest of those that nobody works on."""
    due = select(DueTask.task_id).where(DueTask.project_id == project_id, _is_free())
    return list(session.scalars(due.order_by(DueTask.task_id).limit(size)))


def _is_free() -> ColumnElement[bool]:
    return or_(DueTask.lease_until.is_(None), DueTask.lease_until < func.now())


def _mine(lease: Lease) -> tuple[ColumnElement[bool], ...]:
    return DueTask.project_id == lease.project_id, DueTask.task_id == lease.task_id, DueTask.lease_token == lease.token


def _require_one(result: object) -> None:
    assert isinstance(result, CursorResult)
    if result.rowcount != 1:
        raise LeaseLost
