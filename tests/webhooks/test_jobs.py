"""The queue's side: one job for all that is due, enqueued after a commit, by the sweep, and by the job before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rq import Queue
from sqlalchemy import text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.config import Settings
from auditpanel.filters import FilterSet, Span
from auditpanel.queues import DELIVER, WEBHOOKS, connect, enqueue_delivery, open_queue
from auditpanel.times import utc_now
from auditpanel.webhooks import resends
from auditpanel.webhooks.filters import SENDOUT_FIELDS
from jobs import sweep
from jobs.worker import PRELOADED
from tests.tasks.making import make_scope
from tests.webhooks.delivering import deliver, make_target, raise_many
from tests.webhooks.receiver import receiving


@pytest.fixture
def queue(settings: Settings, session: Session) -> Iterator[Queue]:
    """With nothing due but what the test makes so."""
    session.execute(text("DELETE FROM due_sendouts"))
    session.execute(text("UPDATE resends SET status = 'DONE'"))
    session.commit()
    assert settings.redis_url
    with connect(settings.redis_url) as connection:
        connection.flushall()
        yield open_queue(WEBHOOKS, connection)


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    return make_scope(session)


def enqueued(queue: Queue) -> list[str | None]:
    return [job.func_name for job in queue.get_jobs()]


def test_many_events_make_one_job(queue: Queue, settings: Settings) -> None:
    assert settings.redis_url
    for _ in range(3):
        enqueue_delivery(settings.redis_url)
    assert enqueued(queue) == [DELIVER]


def test_without_redis_an_event_is_raised_all_the_same() -> None:
    enqueue_delivery("redis://127.0.0.1:1/0")


def test_the_sweep_enqueues_what_is_due_and_nothing_where_nothing_is(queue: Queue, session: Session, scope: ProjectScope) -> None:
    sweep.enqueue_delivery_if_due(session, queue)
    assert enqueued(queue) == []
    make_target(session, scope, "http://shop.example.com/")
    raise_many(session, scope, 3)
    for _ in range(2):
        sweep.enqueue_delivery_if_due(session, queue)
    assert enqueued(queue) == [DELIVER]


def test_what_is_tried_later_is_left_alone_until_then(engine: Engine, queue: Queue, session: Session, scope: ProjectScope) -> None:
    with receiving() as receiver:
        make_target(session, scope, receiver.to("/500"))
        raise_many(session, scope, 3)
        deliver(engine)
    sweep.enqueue_delivery_if_due(session, queue)
    assert enqueued(queue) == []


def test_the_sweep_enqueues_a_delivery_for_what_is_sent_again_in_bulk(
    engine: Engine, queue: Queue, session: Session, scope: ProjectScope
) -> None:
    with receiving() as receiver:
        make_target(session, scope, receiver.to("/200"))
        raise_many(session, scope, 3)
        deliver(engine)
    filters = FilterSet.parse([("range", "all")], SENDOUT_FIELDS)
    resends.request_resend(session, scope, filters, Span(None, None), 1, "nina@example.com", utc_now())
    session.commit()
    sweep.enqueue_delivery_if_due(session, queue)
    assert enqueued(queue) == [DELIVER]


def test_the_queue_of_deliveries_has_a_worker_that_knows_its_job() -> None:
    assert DELIVER.rpartition(".")[0] in PRELOADED[WEBHOOKS]
