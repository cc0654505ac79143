"""A worker killed at any moment: the next one goes on, and in the end every row was done once."""

from __future__ import annotations

import subprocess
import sys
from random import Random
from threading import Event
from uuid import UUID

from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.tasks.values import TaskStatus
from tests.tasks.making import count_customers, let_lease_run_out, make_scope, make_task, read, run

RANDOM = Random()
KILLS = 3
ROWS = 1_200


def start_and_kill(engine: Engine, scope: ProjectScope, task_id: UUID) -> None:
    url = engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.tasks.worker", url, str(scope.project_id), str(task_id)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None and worker.stdout.readline() == b"begins\n"
        Event().wait(RANDOM.uniform(0, 0.45))
        worker.kill()


def test_a_task_whose_workers_are_killed_again_and_again_ends_as_an_undisturbed_one(engine: Engine, session: Session) -> None:
    scope = make_scope(session)
    task_id = make_task(session, scope, rows=ROWS)
    done_before, progress = 0, 0
    for _ in range(KILLS):
        start_and_kill(engine, scope, task_id)
        line = read(engine, scope, task_id).line
        assert line.rows_done >= done_before and line.progress >= progress and line.status is not TaskStatus.FAILED
        done_before, progress = line.rows_done, line.progress
        let_lease_run_out(engine, task_id)
    done = run(engine, scope, task_id)
    assert (done.line.status, done.line.rows_done) == (TaskStatus.DONE, ROWS)
    assert done.counts.created == count_customers(engine, scope) == ROWS - ROWS // 10
    assert done.counts.refused == ROWS // 10
