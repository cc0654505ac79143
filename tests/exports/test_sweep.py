"""What got lost on its way to a worker is enqueued again, each export once, each project in its turn."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from rq import Queue
from sqlalchemy import text
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.config import Settings
from auditpanel.exports import leases
from auditpanel.queues import EXPORTS, RUN_EXPORT, connect, enqueue_export, open_queue
from jobs import sweep
from tests.exports.asking import ask
from tests.tasks.making import make_scope


@pytest.fixture
def queue(settings: Settings, session: Session) -> Iterator[Queue]:
    """With nothing due but what the test makes so."""
    session.execute(text("DELETE FROM due_exports"))
    session.commit()
    assert settings.redis_url
    with connect(settings.redis_url) as connection:
        connection.flushall()
        yield open_queue(EXPORTS, connection)


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    return make_scope(session)


def enqueued(queue: Queue) -> list[tuple[str, str]]:
    return [(job.args[0], job.args[1]) for job in queue.get_jobs()]


def args_of(scope: ProjectScope, *exports: UUID) -> list[tuple[str, str]]:
    return [(scope.project_id.hex, export_id.hex) for export_id in exports]


def test_an_export_that_was_asked_for_is_enqueued(queue: Queue, session: Session, scope: ProjectScope, settings: Settings) -> None:
    export_id = ask(session, scope)
    enqueue_export(settings.redis_url or "", scope.project_id, export_id)
    (job,) = queue.get_jobs()
    assert (job.func_name, list(job.args)) == (RUN_EXPORT, [scope.project_id.hex, export_id.hex])


def test_asking_does_not_fail_where_redis_is_away(session: Session, scope: ProjectScope) -> None:
    enqueue_export("redis://127.0.0.1:1", scope.project_id, ask(session, scope))


def test_an_export_that_the_queue_has_lost_is_enqueued_again_once(queue: Queue, session: Session, scope: ProjectScope) -> None:
    export_id = ask(session, scope)
    for _ in range(3):
        sweep.enqueue_due_exports(session, queue)
    assert enqueued(queue) == args_of(scope, export_id)


def test_an_export_that_is_made_is_left_alone(queue: Queue, session: Session, scope: ProjectScope) -> None:
    assert leases.claim(session, scope.project_id, ask(session, scope)) is not None
    sweep.enqueue_due_exports(session, queue)
    assert len(queue) == 0


def test_projects_take_turns(queue: Queue, session: Session, scope: ProjectScope) -> None:
    for _ in range(5):
        ask(session, scope)
    other = make_scope(session)
    export_id = ask(session, other)
    sweep.enqueue_due_exports(session, queue)
    assert args_of(other, export_id)[0] in enqueued(queue)[:2] and len(queue) == 6
