"""What is due and got lost on its way: a worker was killed, Redis has forgotten, a web process ended between its commit and the queue."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from uuid import UUID

from rq import Queue
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from auditpanel.config import Settings
from auditpanel.exports.leases import due_exports, projects_with_due_exports
from auditpanel.exports.schedules import request_due_exports
from auditpanel.extensions import db
from auditpanel.queues import (
    EXPORTS,
    TASKS,
    WEBHOOKS,
    connect,
    enqueue_export,
    open_queue,
    push_delivery,
    push_export,
    push_task,
    waiting_subjects,
)
from auditpanel.tasks.leases import due_tasks, projects_with_due_tasks
from auditpanel.tasks.store import has_task
from auditpanel.tasks.uploads import remove_orphans
from auditpanel.times import utc_now
from auditpanel.webhooks.ledger import has_work
from wsgi import app

# Of one project in the queue at a time, as far as the sweep fills it.
SHARE = 100


def enqueue_lost_tasks() -> None:
    """Safe to run twice at once: a task that is enqueued twice is still done once."""
    try:
        with app.app_context(), connect(app.config["REDIS_URL"]) as connection:
            enqueue_due_tasks(db.session(), open_queue(TASKS, connection))
    except OperationalError as error:
        # What is due stays so; the next sweep is some seconds away.
        logging.getLogger(__name__).warning("no sweep this time: %s", " ".join(str(error.orig).split()))


def enqueue_due_tasks(session: Session, queue: Queue) -> None:
    """One of each project in turn, so that the backlog of one does not hold up the others."""
    due = {project_id: due_tasks(session, project_id, size=SHARE) for project_id in projects_with_due_tasks(session)}
    for project_id, task_id in _not_waiting(queue, due):
        push_task(queue, project_id, task_id)


def enqueue_lost_exports() -> None:
    try:
        with app.app_context(), connect(app.config["REDIS_URL"]) as connection:
            enqueue_due_exports(db.session(), open_queue(EXPORTS, connection))
    except OperationalError as error:
        logging.getLogger(__name__).warning("no sweep of exports this time: %s", " ".join(str(error.orig).split()))


def enqueue_due_exports(session: Session, queue: Queue) -> None:
    """As tasks, in turn."""
    due = {project_id: due_exports(session, project_id, size=SHARE) for project_id in projects_with_due_exports(session)}
    for project_id, export_id in _not_waiting(queue, due):
        push_export(queue, project_id, export_id)


def request_scheduled_exports() -> None:
    """Ask for the exports that are due by the clock."""
    try:
        with app.app_context():
            for project_id, export_id in request_due_exports(sessionmaker(db.engine), utc_now()):
                enqueue_export(app.config["REDIS_URL"], project_id, export_id)
    except OperationalError as error:
        logging.getLogger(__name__).warning("no scheduled exports this time: %s", " ".join(str(error.orig).split()))


def enqueue_due_deliveries() -> None:
    """What is to be tried again has come due, or was held by a worker that was killed."""
    try:
        with app.app_context(), connect(app.config["REDIS_URL"]) as connection:
            enqueue_delivery_if_due(db.session(), open_queue(WEBHOOKS, connection))
    except OperationalError as error:
        logging.getLogger(__name__).warning("no sweep of deliveries this time: %s", " ".join(str(error.orig).split()))


def enqueue_delivery_if_due(session: Session, queue: Queue) -> None:
    if has_work(session):
        push_delivery(queue)


def remove_orphaned_uploads() -> None:
    settings: Settings = app.config["SETTINGS"]
    with app.app_context():
        session = db.session()
        remove_orphans(settings.data / "uploads", utc_now(), has_task=lambda project_id, task_id: has_task(session, project_id, task_id))


def _not_waiting(queue: Queue, due: Mapping[UUID, Sequence[UUID]]) -> Iterator[tuple[UUID, UUID]]:
    """Project and record, one of each project in turn, without those that the queue has."""
    waiting = waiting_subjects(queue)
    shares = [[(project_id, record_id) for record_id in ids] for project_id, ids in due.items()]
    in_turn: chain[tuple[UUID, UUID] | None] = chain.from_iterable(zip_longest(*shares))
    return (each for each in in_turn if each and each[1].hex not in waiting)
