"""Operations that go through a table in the order of its ids, some thousand rows a step: nothing is held for long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from auditpanel.catalogue.happenings import PART
from auditpanel.catalogue.operations.unnesting import Changeable
from auditpanel.tasks.values import Batch, Outcome, TaskInput
from auditpanel.webhooks.events import wanted

STEP_ROWS = 5_000

Clauses = Sequence[ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class SweepStep:
    """The rows of a step, in order; `before` is how many the task has done before them."""

    ids: Sequence[UUID]
    before: int

    @property
    def count(self) -> int:
        return len(self.ids)

    def parts(self, size: int) -> list[SweepStep]:
        return [SweepStep(self.ids[start : start + size], self.before + start) for start in range(0, self.count, size)]


@dataclass(frozen=True, slots=True)
class Sweep:
    """`rows` says which rows it is about and raises InvalidInput where the task cannot be done at all; `change` does one step of them.

    The position is the id of the last row done: ids are ordered by time, so rows that are made meanwhile come at the end.
    """

    model: Changeable
    rows: Callable[[TaskInput], Clauses]
    change: Callable[[Session, TaskInput, SweepStep, Clauses], Outcome]
    check: Callable[[Session, TaskInput], object] | None = None
    ending: Callable[[Session, TaskInput], None] | None = None
    giving_up: Callable[[Session, TaskInput], None] | None = None

    def count_rows(self, session: Session, task: TaskInput) -> int:
        if self.check is not None:
            self.check(session, task)
        return session.scalar(select(func.count()).select_from(self.model).where(*self._rows(task))) or 0

    def batches(self, session: Session, task: TaskInput) -> Iterator[Batch]:
        if self.check is not None:
            self.check(session, task)
        after = task.position.get("after")
        last = UUID(str(after)) if after else None
        done = task.rows_done
        while True:
            ids = self._next_ids(session, task, last)
            session.rollback()
            if not ids:
                return
            last = ids[-1]
            yield Batch(len(ids), {"after": last.hex}, SweepStep(ids, done))
            done += len(ids)

    def apply(self, session: Session, task: TaskInput, batch: Batch) -> Outcome:
        step = batch.work
        assert isinstance(step, SweepStep)
        # For events, each row is read as it was and as it is.
        parts = step.parts(PART) if wanted(session, task.scope) else [step]
        return reduce(add, (self._change(session, task, part) for part in parts))

    def _change(self, session: Session, task: TaskInput, step: SweepStep) -> Outcome:
        return self.change(session, task, step, [*self._rows(task), self.model.id >= step.ids[0], self.model.id <= step.ids[-1]])

    def finish(self, session: Session, task: TaskInput) -> None:
        if self.ending is not None:
            self.ending(session, task)

    def give_up(self, session: Session, task: TaskInput) -> None:
        if self.giving_up is not None:
            self.giving_up(session, task)

    def _rows(self, task: TaskInput) -> Clauses:
        return [self.model.project_id == task.scope.project_id, *self.rows(task)]

    def _next_ids(self, session: Session, task: TaskInput, last: UUID | None) -> Sequence[UUID]:
        statement = select(self.model.id).where(*self._rows(task)).order_by(self.model.id).limit(STEP_ROWS)
        return session.scalars(statement if last is None else statement.where(self.model.id > last)).all()
