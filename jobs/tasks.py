"""The job of a background task."""

from __future__ import annotations

import signal
from threading import Event
from uuid import UUID

from sqlalchemy.orm import sessionmaker

from auditpanel.catalogue.operations import OPERATIONS
from auditpanel.config import Settings
from auditpanel.extensions import db
from auditpanel.queues import enqueue_delivery
from auditpanel.tasks.runner import Workshop, run_task
from auditpanel.times import utc_now
from auditpanel.webhooks.events import after_raising
from wsgi import app


def run(project_hex: str, task_hex: str) -> None:
    """Twice at once or after its end does no harm: the lease decides."""
    closing = Event()
    # The worker passes it on: the batch that is under way is ended first.
    signal.signal(signal.SIGTERM, lambda signum, frame: closing.set())
    settings: Settings = app.config["SETTINGS"]
    with app.app_context():
        sessions = sessionmaker(db.engine)
        after_raising(sessions, lambda: enqueue_delivery(app.config["REDIS_URL"]))
        workshop = Workshop(sessions, OPERATIONS, settings.data / "uploads", utc_now, closing.is_set)
        run_task(workshop, UUID(project_hex), UUID(task_hex))
