"""What is due and got lost on its way: a worker was killed, Redis has forgotten, a web process ended between its commit and the queue."""

from __future__ import annotations

import logging
from itertools import chain, zip_longest
from uuid import UUID

from rq import Queue
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from auditpanel.config import Settings
from auditpanel.extensions import db
from auditpanel.queues import TASKS, connect, open_queue, push_task, waiting_subjects
from auditpanel.tasks.leases import due_tasks, projects_with_due_tasks
from auditpanel.tasks.store import has_task
from auditpanel.tasks.uploads import remove_orphans
from auditpanel.times import utc_now
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
    projects = projects_with_due_tasks(session)
    shares = [[(project_id, task_id) for task_id in due_tasks(session, project_id, size=SHARE)] for project_id in projects]
    waiting = waiting_subjects(queue)
    in_turn: chain[tuple[UUID, UUID] | None] = chain.from_iterable(zip_longest(*shares))
    for project_id, task_id in filter(None, in_turn):
        if task_id.hex not in waiting:
            push_task(queue, project_id, task_id)


def remove_orphaned_uploads() -> None:
    settings: Settings = app.config["SETTINGS"]
    with app.app_context():
        session = db.session()
        remove_orphans(settings.data / "uploads", utc_now(), has_task=lambda project_id, task_id: has_task(session, project_id, task_id))
