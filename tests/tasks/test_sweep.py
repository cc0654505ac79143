"""What got lost on its way to a worker is enqueued again, each task once, each project in its turn."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from uuid import UUID

import pytest
from redis import Redis
from rq import Queue
from sqlalchemy import text
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.config import Settings
from auditpanel.queues import MAINTENANCE, TASKS, connect, enqueue_task, open_queue
from auditpanel.tasks import leases
from jobs import sweep
from jobs.cron import SCHEDULE_S, JsonCronJob
from tests.tasks.making import make_scope, make_task


@pytest.fixture
def connection(settings: Settings) -> Iterator[Redis]:
    assert settings.redis_url
    with connect(settings.redis_url) as connection:
        connection.flushall()
        yield connection


@pytest.fixture
def queue(connection: Redis, session: Session) -> Queue:
    """With nothing due but what the test makes so."""
    session.execute(text("DELETE FROM due_tasks"))
    session.commit()
    return open_queue(TASKS, connection)


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    return make_scope(session)


def enqueued(queue: Queue) -> list[tuple[str, str]]:
    return [(job.args[0], job.args[1]) for job in queue.get_jobs()]


def args_of(scope: ProjectScope, *tasks: UUID) -> list[tuple[str, str]]:
    return [(scope.project_id.hex, task_id.hex) for task_id in tasks]


def test_a_task_that_the_queue_has_lost_is_enqueued_again(queue: Queue, session: Session, scope: ProjectScope) -> None:
    task_id = make_task(session, scope)
    sweep.enqueue_due_tasks(session, queue)
    assert enqueued(queue) == args_of(scope, task_id)


def test_a_task_that_waits_for_a_busy_worker_is_not_enqueued_again(
    queue: Queue, session: Session, scope: ProjectScope, settings: Settings
) -> None:
    assert settings.redis_url
    enqueue_task(settings.redis_url, scope.project_id, make_task(session, scope))
    make_task(session, scope)
    for _ in range(3):
        sweep.enqueue_due_tasks(session, queue)
    assert len(queue) == 2


def test_a_task_that_is_worked_on_is_left_alone(queue: Queue, session: Session, scope: ProjectScope) -> None:
    assert leases.claim(session, scope.project_id, make_task(session, scope)) is not None
    sweep.enqueue_due_tasks(session, queue)
    assert len(queue) == 0


def test_projects_take_turns_and_none_fills_the_queue(queue: Queue, session: Session, scope: ProjectScope) -> None:
    for _ in range(sweep.SHARE + 5):
        make_task(session, scope)
    other = make_scope(session)
    task_id = make_task(session, other)
    sweep.enqueue_due_tasks(session, queue)
    assert len(queue) == sweep.SHARE + 1
    assert args_of(other, task_id)[0] in enqueued(queue)[:2]


def test_a_job_of_the_clock_waits_at_most_once(connection: Redis) -> None:
    jobs = [JsonCronJob(MAINTENANCE, func_name=function, interval=10) for function in SCHEDULE_S]
    for job in jobs * 3:
        job.enqueue(connection)
    assert [job.func_name for job in open_queue(MAINTENANCE, connection).get_jobs()] == list(SCHEDULE_S)


@pytest.mark.parametrize("function", SCHEDULE_S)
def test_what_the_clock_enqueues_is_there(function: str) -> None:
    module, _, name = function.rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))
