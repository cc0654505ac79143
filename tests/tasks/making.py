"""Tasks for tests that do not care who asked for them, and an operation that is as simple as can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, insert, select, text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope, scope_of_project
from auditpanel.catalogue.models import Customer
from auditpanel.ids import new_request_id
from auditpanel.tasks.leases import RENEW_EVERY_S
from auditpanel.tasks.queries import get_task
from auditpanel.tasks.records import TaskRecord
from auditpanel.tasks.runner import Workshop, run_task
from auditpanel.tasks.store import request_task
from auditpanel.tasks.uploads import Upload
from auditpanel.tasks.values import Asker, Batch, Json, Outcome, Refused, TaskInput, TaskType
from auditpanel.times import utc_now
from tests.factories import make_project

NOW = datetime(2026, 11, 24, 15, 42, 8, tzinfo=UTC)
TYPE = TaskType.CUSTOMERS_IMPORT_CSV


def make_scope(session: Session, time_zone: str = "Europe/Warsaw") -> ProjectScope:
    project = make_project(session, time_zone=time_zone)
    session.commit()
    return scope_of_project(project, Role.ADMIN)


def make_asker(user: str | None = "nina@example.com", *, api_key: str | None = None, request_id: str | None = None) -> Asker:
    return Asker(request_id or new_request_id(), "DASHBOARD", user=user, api_key=api_key)


def make_task(
    session: Session,
    scope: ProjectScope,
    *,
    type: TaskType = TYPE,
    rows: int = 10,
    asker: Asker | None = None,
    upload: Upload | None = None,
    now: datetime = NOW,
) -> UUID:
    task_id = request_task(session, scope, type, asker=asker or make_asker(), parameters={"rows": rows}, upload=upload, now=now)
    session.commit()
    return task_id


class Counting:
    """Makes a customer of each number below `rows`, four at a time; those that end in 7 are refused.

    A number that is done twice breaks a constraint.
    """

    size = 4

    def count_rows(self, session: Session, task: TaskInput) -> int | None:
        return _rows_of(task)

    def batches(self, session: Session, task: TaskInput) -> Iterator[Batch]:
        rows = _rows_of(task)
        first = task.position.get("first", 0)
        assert isinstance(first, int)
        for start in range(first, rows, self.size):
            numbers = range(start, min(start + self.size, rows))
            yield Batch(len(numbers), {"first": numbers.stop}, numbers)

    def apply(self, session: Session, task: TaskInput, batch: Batch) -> Outcome:
        assert isinstance(batch.work, range)
        good = [number for number in batch.work if number % 10 != 7]
        customers: list[Json] = [{"project_id": task.scope.project_id, "source_id": f"customer-{number}"} for number in good]
        session.execute(insert(Customer), customers)
        refused = [
            Refused(number + 2, {"number": number}, f'"{number}" ends in 7', "number", str(number))
            for number in batch.work
            if number % 10 == 7
        ]
        return Outcome(created=len(good), refused=refused)

    def finish(self, session: Session, task: TaskInput) -> None:
        pass

    def give_up(self, session: Session, task: TaskInput) -> None:
        pass


def _rows_of(task: TaskInput) -> int:
    rows = task.parameters["rows"]
    assert isinstance(rows, int)
    return rows


def make_workshop(
    engine: Engine, operation: Counting, *, is_closing: Callable[[], bool] = lambda: False, renew_every_s: float = RENEW_EVERY_S
) -> Workshop:
    pauses_s = (0.01, 0.02, 0.05)
    return Workshop(lambda: Session(engine), {TYPE: operation}, Path("unused"), utc_now, is_closing, pauses_s, renew_every_s)


def run(engine: Engine, scope: ProjectScope, task_id: UUID, operation: Counting | None = None) -> TaskRecord:
    run_task(make_workshop(engine, operation or Counting()), scope.project_id, task_id)
    return read(engine, scope, task_id)


def read(engine: Engine, scope: ProjectScope, task_id: UUID) -> TaskRecord:
    with Session(engine) as session:
        return get_task(session, scope, task_id)


def count_customers(engine: Engine, scope: ProjectScope) -> int:
    with Session(engine) as session:
        return session.scalars(select(func.count()).select_from(Customer).where(Customer.project_id == scope.project_id)).one()


def let_lease_run_out(engine: Engine, task_id: UUID) -> None:
    """As if its time had gone by."""
    with Session(engine) as session:
        session.execute(text("UPDATE due_tasks SET lease_until = now() - interval '1 second' WHERE task_id = :id"), {"id": task_id})
        session.commit()
