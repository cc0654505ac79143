"""The delivery loop over the tests' database, towards a receiver on this machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.times import utc_now
from auditpanel.webhooks.addresses import guard_of
from auditpanel.webhooks.claiming import Source
from auditpanel.webhooks.delivery import Delivery, Hours
from auditpanel.webhooks.events import raise_events
from auditpanel.webhooks.ledger import Ledger
from auditpanel.webhooks.models import DueSendout, Sendout, SendoutAttempt, Webhook
from auditpanel.webhooks.sending import open_sender
from auditpanel.webhooks.target_records import NewWebhook
from auditpanel.webhooks.targets import create_webhook
from auditpanel.webhooks.values import TIMEOUT_S, Headers
from tests.event_loop import complete
from tests.webhooks.raising import CALLER, SEAL, make_event

# Ends soon after the last one is done.
BRIEF = Hours(longest_s=20, linger_s=0.2)


def make_target(session: Session, scope: ProjectScope, url: str, *, headers: Headers | None = None, name: str = "Shop") -> NewWebhook:
    """On this machine, which the operator has to allow."""
    made = create_webhook(
        session, scope, SEAL, name=name, url=url, event_types=None, headers=headers or [], allow_private=True, now=utc_now()
    )
    session.commit()
    return made


def raise_many(session: Session, scope: ProjectScope, count: int, *, now: datetime | None = None) -> None:
    events = [make_event(entity_id=f"v_{number}", code=f"CODE-{number}") for number in range(count)]
    raise_events(session, scope.entered_by(CALLER), events, now or utc_now())
    session.commit()


def make_ledger(engine: Engine, *, now: Callable[[], datetime] = utc_now) -> Ledger:
    return Ledger(lambda: Session(engine), SEAL, now)


def deliver(
    engine: Engine,
    *,
    hours: Hours = BRIEF,
    allow_private: bool = True,
    timeout_s: float = TIMEOUT_S,
    is_closing: Callable[[], bool] = lambda: False,
    ledger: Ledger | None = None,
) -> None:
    async def run() -> None:
        async with open_sender(guard_of(allow_private=allow_private), timeout_s=timeout_s) as sender:
            await Delivery(ledger or make_ledger(engine), sender, hours=hours, is_closing=is_closing).run()

    complete(run())


def sendouts(session: Session, scope: ProjectScope) -> list[Sendout]:
    statement = select(Sendout).where(Sendout.project_id == scope.project_id).order_by(Sendout.created_at, Sendout.id)
    return list(session.scalars(statement, execution_options={"populate_existing": True}))


def attempts(session: Session, scope: ProjectScope) -> list[SendoutAttempt]:
    statement = select(SendoutAttempt).where(SendoutAttempt.project_id == scope.project_id).order_by(SendoutAttempt.started_at)
    return list(session.scalars(statement, execution_options={"populate_existing": True}))


def due(session: Session, scope: ProjectScope) -> list[DueSendout]:
    statement = select(DueSendout).where(DueSendout.project_id == scope.project_id)
    return list(session.scalars(statement, execution_options={"populate_existing": True}))


def webhook(session: Session, scope: ProjectScope, webhook_id: UUID) -> Webhook:
    return session.get_one(Webhook, (scope.project_id, webhook_id), populate_existing=True)


def let_it_be_due(session: Session, scope: ProjectScope) -> None:
    """As if the time until the next attempt, or until the end of a lease, had gone by."""
    session.execute(text("UPDATE due_sendouts SET due_at = now(), lease_until = NULL WHERE project_id = :id"), {"id": scope.project_id})
    session.commit()


def source_of(scope: ProjectScope, webhook_id: UUID) -> Source:
    return Source(scope.project_id, webhook_id)
