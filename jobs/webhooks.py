"""The job that delivers what is due to webhooks, of all projects. Several at once share the work."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from threading import Event

import uvloop
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from auditpanel.config import Settings
from auditpanel.extensions import db
from auditpanel.queues import WEBHOOKS, connect, open_queue, push_delivery
from auditpanel.times import utc_now
from auditpanel.webhooks.addresses import guard_of
from auditpanel.webhooks.delivery import Delivery
from auditpanel.webhooks.ledger import Ledger
from auditpanel.webhooks.sealing import Seal
from auditpanel.webhooks.sending import open_sender
from wsgi import app


def deliver() -> None:
    """As long as something is due, and a minute at most; then the next job goes on."""
    # Next to nothing that a delivery makes has to be looked for: it is gone when it is done with.
    gc.set_threshold(50_000, 20, 20)
    # Whenever the database has answered, its thread wants the interpreter from the one that sends; for 5 ms at first it would wait.
    sys.setswitchinterval(0.0005)
    closing = Event()
    # The worker passes it on: what is under way is ended first.
    signal.signal(signal.SIGTERM, lambda signum, frame: closing.set())
    settings: Settings = app.config["SETTINGS"]
    with app.app_context():
        engine = db.engine
    ledger = Ledger(lambda: Session(engine), Seal.of(app.config["SECRET_KEY"]), utc_now)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_deliver(ledger, settings, closing))
        is_over = not ledger.has_work()
    except OperationalError as error:
        # What was sent and could not be written is sent again, under the same id, when its lease has run out.
        logging.getLogger(__name__).warning("deliveries are left for later: %s", " ".join(str(error.orig).split()))
        return
    if not is_over:
        with connect(app.config["REDIS_URL"]) as connection:
            push_delivery(open_queue(WEBHOOKS, connection))


async def _deliver(ledger: Ledger, settings: Settings, closing: Event) -> None:
    async with open_sender(guard_of(allow_private=settings.allow_private_webhooks)) as sender:
        await Delivery(ledger, sender, is_closing=closing.is_set).run()
