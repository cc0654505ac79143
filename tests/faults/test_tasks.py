"""Whatever is killed while background tasks run in a whole panel: they go on by themselves, and end as undisturbed ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from threading import Event
from uuid import UUID

import pytest
from sqlalchemy.exc import OperationalError

from auditpanel.accounts.scope import ProjectScope
from auditpanel.embedded import redis_url
from auditpanel.queues import TASKS, enqueue_task
from auditpanel.tasks.leases import LEASE
from auditpanel.tasks.queries import get_task
from auditpanel.tasks.records import TaskLine
from auditpanel.tasks.store import request_task
from auditpanel.tasks.values import TaskStatus, TaskType
from auditpanel.times import utc_now
from tests.faults.kills import kills_around, worker_of
from tests.faults.started_panel import wait_for
from tests.faults.whole_panel import RECOVERY_S, WholePanel
from tests.tasks.inputs import make_input
from tests.tasks.making import make_asker, make_scope
from tests.tasks.outcome import Result, result_of

pytestmark = pytest.mark.timeout(600)

RANDOM = Random()
# A few seconds of work, in many batches.
LONG = (TaskType.VOUCHERS_IMPORT_CSV, 60_000)
# Several batches of each type.
ROWS = 11_000
DISTURBANCES = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """A task that was asked for, in a project of its own."""

    panel: WholePanel
    scope: ProjectScope
    task_id: UUID

    def read(self) -> TaskLine | None:
        """None while the database is away."""
        try:
            with self.panel.session() as session:
                return get_task(session, self.scope, self.task_id).line
        except OperationalError:
            return None

    def has_ended(self) -> bool:
        line = self.read()
        return line is not None and line.is_ended

    def is_under_way(self) -> bool:
        line = self.read()
        return line is not None and line.rows_done > 0

    def result(self) -> Result:
        with self.panel.session() as session:
            return result_of(session, self.scope, self.task_id)


def ask(panel: WholePanel, type_: TaskType, rows: int) -> Asked:
    with panel.session() as session:
        scope = make_scope(session)
        parameters, upload = make_input(session, scope, type_, rows=rows, folder=panel.data / "uploads")
        task_id = request_task(session, scope, type_, asker=make_asker(), parameters=parameters, upload=upload, now=utc_now())
        session.commit()
    enqueue_task(redis_url(panel.data), scope.project_id, task_id)
    return Asked(panel, scope, task_id)


@pytest.fixture(scope="module")
def undisturbed(panel: WholePanel) -> Result:
    asked = ask(panel, *LONG)
    wait_for(asked.has_ended, timeout_s=RECOVERY_S)
    assert (result := asked.result()).status is TaskStatus.DONE, result.error
    return result


KILLS = kills_around(TASKS)


@pytest.mark.parametrize("kill", KILLS, ids=lambda kill: kill.__name__)
def test_a_task_goes_on_by_itself_within_a_minute(
    panel: WholePanel, undisturbed: Result, kill: Callable[[WholePanel], None], fault_round: int
) -> None:
    under_way, waiting = ask(panel, *LONG), ask(panel, *LONG)
    wait_for(under_way.is_under_way, timeout_s=RECOVERY_S)
    Event().wait(RANDOM.uniform(0, 0.4))
    kill(panel)
    before = under_way.read()
    wait_for(lambda: _has_got_further(under_way, before), timeout_s=RECOVERY_S)
    wait_for(lambda: under_way.has_ended() and waiting.has_ended(), timeout_s=RECOVERY_S)
    assert under_way.result() == waiting.result() == undisturbed


def test_a_panel_that_is_stopped_goes_on_with_its_tasks_at_the_next_start(panel: WholePanel, undisturbed: Result) -> None:
    under_way = ask(panel, *LONG)
    wait_for(under_way.is_under_way, timeout_s=RECOVERY_S)
    panel.end()
    assert "does not stop" not in panel.terminal and "Traceback" not in panel.terminal
    panel.start()
    line = under_way.read()
    assert line is not None and line.status is TaskStatus.IN_PROGRESS
    # Sooner than a lease runs out: it was given back.
    wait_for(lambda: _has_got_further(under_way, line), timeout_s=LEASE.total_seconds() * 0.7)
    wait_for(under_way.has_ended, timeout_s=RECOVERY_S)
    assert under_way.result() == undisturbed


def _has_got_further(asked: Asked, before: TaskLine | None) -> bool:
    line = asked.read()
    return line is not None and (line.is_ended or before is None or line.rows_done > before.rows_done)


def test_all_nineteen_end_as_undisturbed_ones_whatever_is_killed(panel: WholePanel, fault_round: int) -> None:
    undisturbed = [ask(panel, type_, ROWS) for type_ in TaskType]
    wait_for(lambda: all(asked.has_ended() for asked in undisturbed), timeout_s=2 * RECOVERY_S)
    disturbed = [ask(panel, type_, ROWS) for type_ in TaskType]
    disturbances = KILLS[:-1] * 2
    RANDOM.shuffle(disturbances)
    for disturb in disturbances[:DISTURBANCES]:
        # At a random moment, and again only when what was killed has come back.
        Event().wait(RANDOM.uniform(0.1, 0.45))
        disturb(panel)
        wait_for(lambda: _all_run(panel), timeout_s=RECOVERY_S)
    wait_for(lambda: all(asked.has_ended() for asked in disturbed), timeout_s=3 * RECOVERY_S)
    for type_, one, other in zip(TaskType, disturbed, undisturbed, strict=True):
        assert other.result().status is TaskStatus.DONE, type_
        assert one.result() == other.result(), type_


def _all_run(panel: WholePanel) -> bool:
    return worker_of(panel, TASKS) is not None and panel.answers("/readyz")
