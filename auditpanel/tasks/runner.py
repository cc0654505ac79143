"""Does a background task: claims it, lets its operation do one batch after another, and writes down how far it got.

A batch's effect, its refused rows, the counts and the position behind it are one transaction, in which the lease is renewed: whatever is
killed, each batch has had its effect once or not at all, and the next worker goes on behind the last one that has.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event
from uuid import UUID

from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, Role
from auditpanel.accounts.scope import scope_of_project
from auditpanel.errors import AuditpanelError
from auditpanel.ids import Prefix, format_id, new_request_id
from auditpanel.patience import PASSING, PAUSES_S, Patience
from auditpanel.tasks import checkpoints, leases
from auditpanel.tasks.checkpoints import State
from auditpanel.tasks.ending import raise_ended
from auditpanel.tasks.leases import Lease, LeaseLost
from auditpanel.tasks.stopwatch import Stopwatch
from auditpanel.tasks.uploads import path_of
from auditpanel.tasks.values import Operation, TaskInput, TaskType
from auditpanel.tasks.wording import broken_words, cancelled_words

# So often may an error of the program end a start that got no batch further.
FRUITLESS_STARTS = 3
# So often may a worker die without a word before it got a batch further: the task may be what kills it, or somebody restarts a lot.
SILENT_STARTS = 10


@dataclass(frozen=True, slots=True)
class Workshop:
    """What tasks are done with. `uploads` is the folder of the files; `is_closing` tells that the worker is asked to stop."""

    open_session: Callable[[], Session]
    operations: Mapping[TaskType, Operation]
    uploads: Path
    now: Callable[[], datetime]
    is_closing: Callable[[], bool] = lambda: False
    pauses_s: tuple[float, ...] = PAUSES_S
    renew_every_s: float = leases.RENEW_EVERY_S


def run_task(workshop: Workshop, project_id: UUID, task_id: UUID) -> None:
    """Until it has ended, the worker is asked to stop, or another worker has taken over. Does nothing with a task that is not free."""
    with workshop.open_session() as session:
        lease = leases.claim(session, project_id, task_id)
        session.commit()
    if lease is not None:
        with leases.kept_alive(lease, workshop.open_session, every_s=workshop.renew_every_s) as lost:
            _Run(workshop, lease, lost).until_over()


class _Cancelled(Exception):
    pass


class _GivenUp(Exception):
    """Its workers were killed, each time before they could say why."""


class _Closing(Exception):
    pass


class _Run:
    """One worker's work on one task."""

    def __init__(self, workshop: Workshop, lease: Lease, lost: Event) -> None:
        self._workshop = workshop
        self._lease = lease
        self._lost = lost
        self._fruitless_starts = lease.fruitless_starts
        self._patience = Patience(f"task {self._name}", workshop.pauses_s, workshop.is_closing)
        self._watch = Stopwatch()
        self._log = logging.getLogger(__name__)

    def until_over(self) -> None:
        while True:
            try:
                with self._workshop.open_session() as session:
                    self._go_on(session)
                return
            except LeaseLost:
                self._log.warning("task %s: another worker has taken over", self._name)
                return
            except PASSING as error:
                if not self._patience.waits(error):
                    return
                self._watch.skip()

    def _go_on(self, session: Session) -> None:
        try:
            self._work(session)
        except (LeaseLost, *PASSING):
            # The connection may be gone; nothing more is to be asked of it.
            session.invalidate()
            raise
        except AuditpanelError as error:
            self._fail(session, str(error))
        except _Cancelled:
            self._fail_cancelled(session)
        except _Closing:
            self._write(session, leases.give_back)
        except Exception as error:
            self._fail_or_release(session, error)

    def _work(self, session: Session) -> None:
        if self._fruitless_starts > SILENT_STARTS:
            raise _GivenUp
        state = self._begin(session)
        operation = self._workshop.operations[state.type]
        task = self._input(session, state)
        if state.rows_total is None and state.rows_done == 0:
            self._count(session, operation, task)
        for batch in operation.batches(session, task):
            # Whatever it has read is over; what follows is the batch's own transaction.
            session.rollback()
            self._raise_if_over(session)
            outcome = operation.apply(session, task, batch)
            leases.renew_with_progress(session, self._lease)
            checkpoints.write_batch(session, self._lease, batch, outcome, worked_ms=self._watch.lap_ms(), now=self._workshop.now())
            session.commit()
            self._fruitless_starts = 0
            self._patience.renew()
        session.rollback()
        self._finish(session, operation, task)

    def _begin(self, session: Session) -> State:
        leases.renew(session, self._lease)
        state = checkpoints.read_state(session, self._lease)
        if state.cancel_asked_by is not None:
            raise _Cancelled
        checkpoints.write_start(session, self._lease, self._workshop.now())
        session.commit()
        return state

    def _input(self, session: Session, state: State) -> TaskInput:
        project = session.get_one(Project, self._lease.project_id)
        asker = checkpoints.read_asker(session, self._lease)
        scope = scope_of_project(project, Role.OPERATOR).entered_by(asker.caller)
        session.rollback()
        return TaskInput(
            scope=scope,
            task_id=self._name,
            type=state.type,
            parameters=state.parameters,
            file=path_of(self._workshop.uploads, scope.project_id, self._lease.id) if state.file_name is not None else None,
            created_at=state.created_at,
            position=state.position,
            rows_done=state.rows_done,
        )

    def _count(self, session: Session, operation: Operation, task: TaskInput) -> None:
        rows_total = operation.count_rows(session, task)
        session.rollback()
        # To count a large file takes a while, and is not done twice: that is a step further, too.
        renew = leases.renew if rows_total is None else leases.renew_with_progress
        renew(session, self._lease)
        checkpoints.write_total(session, self._lease, rows_total, worked_ms=self._watch.lap_ms(), now=self._workshop.now())
        session.commit()

    def _raise_if_over(self, session: Session) -> None:
        if self._lost.is_set():
            raise LeaseLost
        if self._workshop.is_closing():
            raise _Closing
        if checkpoints.read_state(session, self._lease).cancel_asked_by is not None:
            raise _Cancelled

    def _finish(self, session: Session, operation: Operation, task: TaskInput) -> None:
        leases.renew(session, self._lease)
        operation.finish(session, task)
        checkpoints.write_done(session, self._lease, worked_ms=self._watch.lap_ms(), now=self._workshop.now())
        leases.end(session, self._lease)
        raise_ended(session, task.scope, self._lease.id)
        session.commit()

    def _fail_or_release(self, session: Session, error: Exception) -> None:
        reference = new_request_id()
        self._log.error("task %s: reference %s", self._name, reference, exc_info=error)
        if self._fruitless_starts < FRUITLESS_STARTS:
            self._write(session, leases.release)
            return
        session.rollback()
        rows_done = checkpoints.read_state(session, self._lease).rows_done
        self._fail(session, broken_words(reference, rows_done))

    def _fail_cancelled(self, session: Session) -> None:
        session.rollback()
        state = checkpoints.read_state(session, self._lease)
        self._fail(session, cancelled_words(state.cancel_asked_by or "somebody", state.rows_done, state.rows_total))

    def _fail(self, session: Session, error: str) -> None:
        session.rollback()
        state = checkpoints.read_state(session, self._lease)
        task = self._input(session, state)
        leases.renew(session, self._lease)
        self._workshop.operations[state.type].give_up(session, task)
        checkpoints.write_failure(session, self._lease, error, worked_ms=self._watch.lap_ms(), now=self._workshop.now())
        leases.end(session, self._lease)
        raise_ended(session, task.scope, self._lease.id)
        session.commit()

    def _write(self, session: Session, change: Callable[[Session, Lease], None]) -> None:
        session.rollback()
        change(session, self._lease)
        session.commit()

    @property
    def _name(self) -> str:
        return format_id(Prefix.ASYNC_ACTION, self._lease.id)
