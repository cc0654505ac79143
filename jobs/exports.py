"""The job of an export. It does without the application, whose pages would take half of the memory that an export may have."""

from __future__ import annotations

import os
import signal
from threading import Event
from uuid import UUID

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from auditpanel.config import Settings
from auditpanel.exports.files import files_of
from auditpanel.exports.runner import Workshop, run_export
from auditpanel.queues import enqueue_delivery
from auditpanel.running import ENGINE_OPTIONS, ServerUrls
from auditpanel.times import utc_now
from auditpanel.webhooks.events import after_raising


def run(project_hex: str, export_hex: str) -> None:
    """Twice at once or after its end does no harm: the lease decides."""
    closing = Event()
    # The worker passes it on: what is written so far is given up at once, and begun again by the next worker.
    signal.signal(signal.SIGTERM, lambda signum, frame: closing.set())
    settings = Settings.from_environment(os.environ)
    urls = ServerUrls.of(settings)
    engine = create_engine(urls.database, **ENGINE_OPTIONS)
    sessions = sessionmaker(engine)
    after_raising(sessions, lambda: enqueue_delivery(urls.redis))
    files = files_of(settings.exports_url, settings.data / "exports")
    run_export(Workshop(sessions, engine.connect, files, utc_now, closing.is_set), UUID(project_hex), UUID(export_hex))
