"""One task from its claim to its end, whatever comes between."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from threading import Event, Thread
from uuid import UUID

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.models import Customer
from auditpanel.errors import InvalidInput, NotFound
from auditpanel.tasks import leases
from auditpanel.tasks.checkpoints import REASONS_LIMIT
from auditpanel.tasks.models import AsyncAction, DueTask
from auditpanel.tasks.queries import list_refused, refused_reasons
from auditpanel.tasks.records import REFUSED_STORED_LIMIT, OperationStatus
from auditpanel.tasks.runner import FRUITLESS_STARTS, SILENT_STARTS, run_task
from auditpanel.tasks.store import ask_to_cancel
from auditpanel.tasks.values import Batch, Outcome, Refused, TaskInput, TaskStatus
from tests.tasks.making import NOW, Counting, count_customers, let_lease_run_out, make_scope, make_task, make_workshop, read, run


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    return make_scope(session)


def is_due(session: Session, scope: ProjectScope, task_id: object) -> bool:
    return session.get(DueTask, (scope.project_id, task_id), populate_existing=True) is not None


def test_a_task_is_done_with_its_counts_and_nobody_need_take_it_up_again(engine: Engine, session: Session, scope: ProjectScope) -> None:
    task_id = make_task(session, scope, rows=10)
    done = run(engine, scope, task_id)
    assert (done.line.status, done.line.progress, done.line.rows_done, done.line.rows_total) == (TaskStatus.DONE, 100, 10, 10)
    assert (done.counts.created, done.counts.refused, count_customers(engine, scope)) == (9, 1, 9)
    assert done.line.operation_status is OperationStatus.FAILED, "a row was refused"
    assert done.started_at and done.finished_at and done.line.updated_at >= done.started_at
    assert list_refused(session, scope, task_id) == [Refused(9, {"number": 7}, '"7" ends in 7', "number", "7")]
    assert not is_due(session, scope, task_id)


def test_a_second_run_of_a_finished_task_does_nothing(engine: Engine, session: Session, scope: ProjectScope) -> None:
    task_id = make_task(session, scope)
    assert run(engine, scope, task_id) == run(engine, scope, task_id)


def test_a_task_that_another_works_on_is_left_alone(engine: Engine, session: Session, scope: ProjectScope) -> None:
    task_id = make_task(session, scope)
    assert leases.claim(session, scope.project_id, task_id) is not None
    session.commit()
    assert run(engine, scope, task_id).line.status is TaskStatus.ENQUEUED


class Watched(Counting):
    """Notes what others see of the task before each batch and at its end."""

    def __init__(self, engine: Engine, scope: ProjectScope, task_id: UUID) -> None:
        self._seen = partial(read, engine, scope, task_id)
        self.progress: list[int] = []
        self.statuses: list[TaskStatus] = []

    def apply(self, session: Session, task: TaskInput, batch: Batch) -> Outcome:
        self._note()
        return super().apply(session, task, batch)

    def finish(self, session: Session, task: TaskInput) -> None:
        self._note()

    def _note(self) -> None:
        line = self._seen().line
        self.progress.append(line.progress)
        self.statuses.append(line.status)


def test_progress_only_grows_and_is_99_until_the_task_has_ended(engine: Engine, session: Session, scope: ProjectScope) -> None:
    task_id = make_task(session, scope, rows=12)
    watched = Watched(engine, scope, task_id)
    assert run(engine, scope, task_id, watched).line.progress == 100
    assert watched.progress == [0, 33, 66, 99]
    assert set(watched.statuses) == {TaskStatus.IN_PROGRESS}


class Uncounted(Counting):
    def count_rows(self, session: Session, task: TaskInput) -> int | None:
        return None


def test_a_task_whose_rows_are_not_known_before_knows_them_in_the_end(engine: Engine, session: Session, scope: ProjectScope) -> None:
    done = run(engine, scope, make_task(session, scope, rows=9), Uncounted())
    assert (done.line.rows_done, done.line.rows_total, done.line.progress) == (9, 9, 100)


class Refusing(Counting):
    def count_rows(self, session: Session, task: TaskInput) -> int | None:
        raise InvalidInput("there is no column that is known", field="file")


def test_a_file_that_cannot_be_read_is_a_failed_task_that_says_why(engine: Engine, session: Session, scope: ProjectScope) -> None:
    task_id = make_task(session, scope)
    failed = run(engine, scope, task_id, Refusing())
    assert (failed.line.status, failed.line.error) == (TaskStatus.FAILED, "file: there is no column that is known")
    assert failed.finished_at is not None and not is_due(session, scope, task_id)


class Unfound(Counting):
    def apply(self, session: Session, task: TaskInput, batch: Batch) -> Outcome:
        raise NotFound("The campaign is gone.")


def test_what_is_not_there_any_more_is_said(engine: Engine, session: Session, scope: ProjectScope) -> None:
    failed = run(engine, scope, make_task(session, scope), Unfound())
    assert (failed.line.status, failed.line.error) == (TaskStatus.FAILED, "The campaign is gone.")


class Broken(Counting):
    """Breaks in its second batch, after it has written something."""

    def apply(self, session: Session, task: TaskInput, batch: Batch) -> Outcome:
        outcome = super().apply(session, task, batch)
        if batch.position == {"first": 8}:
            raise ZeroDivisionError
        return outcome


def test_an_error_of_the_program_is_tried_again_and_then_given_up_with_a_reference(
    engine: Engine, session: Session, scope: ProjectScope, caplog: pytest.LogCaptureFixture
) -> None:
    task_id = make_task(session, scope, rows=12)
    for _ in range(FRUITLESS_STARTS):
        assert run(engine, scope, task_id, Broken()).line.status is TaskStatus.IN_PROGRESS
        assert count_customers(engine, scope) == 4
    failed = run(engine, scope, task_id, Broken())
    assert failed.line.status is TaskStatus.FAILED and failed.line.rows_done == 4 and count_customers(engine, scope) == 4
    assert failed.line.error and "after 4 rows; what was done stays done" in failed.line.error
    last = caplog.records[-1]
    assert last.exc_info and last.getMessage().split()[-1] in failed.line.error, "the reference finds the traceback"


def test_a_task_that_kills_its_workers_is_given_up(engine: Engine, session: Session, scope: ProjectScope) -> None:
    task_id = make_task(session, scope)
    for _ in range(SILENT_STARTS):
        assert leases.claim(session, scope.project_id, task_id) is not None
        session.commit()
        let_lease_run_out(engine, task_id)
    failed = run(engine, scope, task_id)
    assert failed.line.status is TaskStatus.FAILED and failed.line.error and failed.line.error.startswith("An error of the panel")


class LosingItsConnection(Counting):
    """Once in its second batch the database ends the connection."""

    has_lost = False

    def apply(self, session: Session, task: TaskInput, batch: Batch) -> Outcome:
        outcome = super().apply(session, task, batch)
        if batch.position == {"first": 8} and not self.has_lost:
            self.has_lost = True
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return outcome


def test_a_lost_connection_is_gone_on_from_within_the_same_run(engine: Engine, session: Session, scope: ProjectScope) -> None:
    done = run(engine, scope, make_task(session, scope, rows=20), LosingItsConnection())
    assert (done.line.status, done.counts.created, count_customers(engine, scope)) == (TaskStatus.DONE, 18, 18)


class WithoutDatabase(Counting):
    def apply(self, session: Session, task: TaskInput, batch: Batch) -> Outcome:
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return Outcome()


def test_a_database_that_keeps_failing_leaves_the_task_to_a_later_run(engine: Engine, session: Session, scope: ProjectScope) -> None:
    task_id = make_task(session, scope)
    assert run(engine, scope, task_id, WithoutDatabase()).line.status is TaskStatus.IN_PROGRESS
    let_lease_run_out(engine, task_id)
    assert run(engine, scope, task_id).line.status is TaskStatus.DONE


class Overtaken(Counting):
    """In its second batch another worker takes over, as after a long standstill."""

    def __init__(self, engine: Engine, scope: ProjectScope) -> None:
        self._engine, self._scope = engine, scope

    def apply(self, session: Session, task: TaskInput, batch: Batch) -> Outcome:
        outcome = super().apply(session, task, batch)
        if batch.position == {"first": 8}:
            with Session(self._engine) as other:
                other.execute(
                    text("UPDATE due_tasks SET lease_token = gen_random_uuid() WHERE project_id = :id"), {"id": self._scope.project_id}
                )
                other.commit()
        return outcome


def test_a_worker_that_was_overtaken_writes_nothing_more(engine: Engine, session: Session, scope: ProjectScope) -> None:
    task_id = make_task(session, scope, rows=12)
    left = run(engine, scope, task_id, Overtaken(engine, scope))
    assert (left.line.status, left.line.rows_done, count_customers(engine, scope)) == (TaskStatus.IN_PROGRESS, 4, 4)
    let_lease_run_out(engine, task_id)
    assert run(engine, scope, task_id).counts.created == 11


class Waiting(Counting):
    """Its first batch goes on until the test lets it."""

    def __init__(self) -> None:
        self.began, self.may_end = Event(), Event()

    def apply(self, session: Session, task: TaskInput, batch: Batch) -> Outcome:
        self.began.set()
        assert self.may_end.wait(30)
        return super().apply(session, task, batch)


def test_the_lease_is_renewed_while_a_batch_takes_long(engine: Engine, session: Session, scope: ProjectScope) -> None:
    task_id = make_task(session, scope)
    slow = Waiting()
    workshop = make_workshop(engine, slow, renew_every_s=0.02)
    worker = Thread(target=run_task, args=(workshop, scope.project_id, task_id))
    worker.start()
    try:
        assert slow.began.wait(30)
        let_lease_run_out(engine, task_id)
        free = text("SELECT count(*) FROM due_tasks WHERE task_id = :id AND lease_until < now()")
        for _ in range(500):
            if session.scalar(free, {"id": task_id}) == 0:
                break
            session.rollback()
            Event().wait(0.02)
        assert leases.claim(session, scope.project_id, task_id) is None
        session.rollback()
    finally:
        slow.may_end.set()
        worker.join()
    assert read(engine, scope, task_id).line.status is TaskStatus.DONE


class Cancelling(Counting):
    """While its second batch is under way, Nina asks to cancel."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def apply(self, session: Session, task: TaskInput, batch: Batch) -> Outcome:
        if batch.position == {"first": 8}:
            with Session(self._engine) as other:
                action = other.execute(text("SELECT id FROM async_actions WHERE project_id = :id"), {"id": task.scope.project_id})
                ask_to_cancel(other, task.scope, action.scalar_one(), "nina@example.com", NOW)
                other.commit()
        return super().apply(session, task, batch)


def test_a_running_task_that_is_cancelled_ends_after_its_batch_and_says_what_stays(
    engine: Engine, session: Session, scope: ProjectScope
) -> None:
    ended = run(engine, scope, make_task(session, scope, rows=12), Cancelling(engine))
    assert ended.line.status is TaskStatus.FAILED and ended.line.was_cancelled
    assert ended.line.error == "Cancelled by nina@example.com after 8 of 12 rows; what was done stays done."
    assert (ended.line.progress, ended.counts.created, count_customers(engine, scope)) == (66, 7, 7)


def test_a_worker_that_is_asked_to_stop_hands_the_task_on_at_once(engine: Engine, session: Session, scope: ProjectScope) -> None:
    task_id = make_task(session, scope, rows=12)
    asked = iter([False, False, True])
    run_task(make_workshop(engine, Counting(), is_closing=lambda: next(asked)), scope.project_id, task_id)
    left = read(engine, scope, task_id)
    assert (left.line.status, left.line.rows_done) == (TaskStatus.IN_PROGRESS, 8)
    assert leases.due_tasks(session, scope.project_id, size=10) == [task_id]
    session.rollback()
    done = run(engine, scope, task_id)
    assert done.line.status is TaskStatus.DONE and done.started_at == left.started_at


class Unstorable(Counting):
    def apply(self, session: Session, task: TaskInput, batch: Batch) -> Outcome:
        return Outcome(refused=[Refused(2, {"Co\x00de": "\ud800", "n": [None, 1.5]}, "a\x00b", "c\x00", "\x00")] * 2)


def test_a_refused_row_that_no_database_could_store_is_shown_all_the_same(engine: Engine, session: Session, scope: ProjectScope) -> None:
    task_id = make_task(session, scope, rows=1)
    assert run(engine, scope, task_id, Unstorable()).line.status is TaskStatus.DONE
    assert list_refused(session, scope, task_id) == [Refused(2, {"Co\\x00de": "\\ud800", "n": [None, 1.5]}, "a\\x00b", "c\\x00", "\\x00")]


class RefusingAll(Counting):
    size = 60_000

    def apply(self, session: Session, task: TaskInput, batch: Batch) -> Outcome:
        assert isinstance(batch.work, range)
        return Outcome(refused=[Refused(number + 2, {}, "no") for number in batch.work])


def test_of_very_many_refused_rows_all_are_counted_and_the_first_are_kept(engine: Engine, session: Session, scope: ProjectScope) -> None:
    task_id = make_task(session, scope, rows=REFUSED_STORED_LIMIT + 30_000)
    done = run(engine, scope, task_id, RefusingAll())
    assert (done.counts.refused, done.refused_stored) == (REFUSED_STORED_LIMIT + 30_000, REFUSED_STORED_LIMIT)
    kept = session.scalar(text("SELECT count(*) FROM refused_rows WHERE task_id = :id"), {"id": task_id})
    assert kept == REFUSED_STORED_LIMIT


class ReadingBesides(Counting):
    """Leaves a transaction open when it yields, with something in it that it should not have written."""

    def batches(self, session: Session, task: TaskInput) -> Iterator[Batch]:
        for batch in super().batches(session, task):
            session.execute(insert(Customer), [{"project_id": task.scope.project_id}])
            yield batch


def test_what_an_operation_does_between_batches_is_no_part_of_them(engine: Engine, session: Session, scope: ProjectScope) -> None:
    run(engine, scope, make_task(session, scope, rows=5), ReadingBesides())
    assert count_customers(engine, scope) == 5


def test_the_time_of_work_is_counted_without_the_time_in_the_queue(engine: Engine, session: Session, scope: ProjectScope) -> None:
    done = run(engine, scope, make_task(session, scope, rows=100, now=NOW - timedelta(days=1)))
    assert 0 < done.line.processing_ms < 30_000


class Reasoning(Counting):
    """Refuses each row: every other one for a reason of its own."""

    def apply(self, session: Session, task: TaskInput, batch: Batch) -> Outcome:
        assert isinstance(batch.work, range)
        why = {number: "is odd" if number % 2 else f"is {'x' * number}" for number in batch.work}
        return Outcome(refused=[Refused(number + 2, {}, f'n: "{number}" {why[number]}', "n", str(number)) for number in batch.work])


def test_reasons_are_counted_as_rows_are_refused_and_only_so_many_are_told_apart(
    engine: Engine, session: Session, scope: ProjectScope
) -> None:
    rows = 4 * REASONS_LIMIT
    task_id = make_task(session, scope, rows=rows)
    run(engine, scope, task_id, Reasoning())
    reasons = session.scalars(select(AsyncAction.refused_reasons).where(AsyncAction.id == task_id)).one()
    assert len(reasons) == REASONS_LIMIT and reasons['n: "…" is odd'] == rows // 2
    assert refused_reasons(session, scope, task_id)[0] == ('n: "…" is odd', rows // 2)
    assert len(list_refused(session, scope, task_id, pattern='n: "…" is odd', size=rows)) == rows // 2
