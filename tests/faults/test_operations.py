"""Each type of task, its workers killed at random moments: it ends with the same rows, counts and events as an undisturbed run."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import NullPool, create_engine
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.operations import OPERATIONS
from auditpanel.tasks.runner import Workshop, run_task
from auditpanel.tasks.store import request_task
from auditpanel.tasks.values import TaskStatus, TaskType
from auditpanel.times import utc_now
from tests.tasks.inputs import make_input
from tests.tasks.making import NOW, let_lease_run_out, make_asker, make_scope, read
from tests.tasks.outcome import Result, result_of
from tests.webhooks.raising import make_webhook

RANDOM = Random()
KILLS = 3
# Several batches of each type.
ROWS = 11_000
# From here a child is made by a fork: it need not load anything, so that it is killed at its work.
FORKS = multiprocessing.get_context("fork")


def work(url: str, folder: Path, project_id: UUID, task_id: UUID) -> None:
    engine = create_engine(url, poolclass=NullPool)
    run_task(Workshop(lambda: Session(engine), OPERATIONS, folder, utc_now), project_id, task_id)


def run_and_kill(engine: Engine, folder: Path, scope: ProjectScope, task_id: UUID, *, after_s: float) -> None:
    url = engine.url.render_as_string(hide_password=False)
    worker = FORKS.Process(target=work, args=(url, folder, scope.project_id, task_id))
    worker.start()
    worker.join(after_s)
    worker.kill()
    worker.join()
    let_lease_run_out(engine, task_id)


def ask(session: Session, type_: TaskType, folder: Path) -> tuple[ProjectScope, UUID]:
    scope = make_scope(session)
    parameters, upload = make_input(session, scope, type_, rows=ROWS, folder=folder)
    # From here on all that happens is told to it.
    make_webhook(session, scope)
    task_id = request_task(session, scope, type_, asker=make_asker(), parameters=parameters, upload=upload, now=NOW)
    session.commit()
    return scope, task_id


def end(engine: Engine, session: Session, folder: Path, scope: ProjectScope, task_id: UUID) -> Result:
    work(engine.url.render_as_string(hide_password=False), folder, scope.project_id, task_id)
    session.rollback()
    return result_of(session, scope, task_id)


@pytest.mark.parametrize("type_", TaskType)
def test_a_killed_task_ends_as_an_undisturbed_one(
    engine: Engine, session: Session, tmp_path: Path, type_: TaskType, fault_round: int
) -> None:
    scope, task_id = ask(session, type_, tmp_path)
    undisturbed = end(engine, session, tmp_path, scope, task_id)
    assert undisturbed.status is TaskStatus.DONE, undisturbed.error
    took_s = read(engine, scope, task_id).line.processing_ms / 1000

    scope, task_id = ask(session, type_, tmp_path)
    rows_done = 0
    for _ in range(KILLS):
        run_and_kill(engine, tmp_path, scope, task_id, after_s=RANDOM.uniform(0, took_s * 0.7))
        line = read(engine, scope, task_id).line
        assert line.rows_done >= rows_done and line.status is not TaskStatus.FAILED
        rows_done = line.rows_done
    assert end(engine, session, tmp_path, scope, task_id) == undisturbed
