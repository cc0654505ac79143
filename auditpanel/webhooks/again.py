"""Sending again, by hand: a sendout is made due, with the name of who asked (`due_sendouts.asked_by`); the delivery does the rest.

What was recorded before stays as it was. A sendout that has an attempt under way is passed over: it needs no other. The caller commits,
and enqueues a delivery after that.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, Uuid, func, literal, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import Conflict
from auditpanel.keyset import Clause
from auditpanel.webhooks.clauses import is_sendout
from auditpanel.webhooks.models import DueSendout, Sendout, Webhook
from auditpanel.webhooks.queries import no_such_sendout
from auditpanel.webhooks.records import Again

# The sessions hold no objects of this table, so none have to be found and brought up to date.
NO_OBJECTS = {"synchronize_session": False}


def send_again(session: Session, scope: ProjectScope, sendout_id: UUID, by: str) -> Again:
    """One more attempt, at once, whatever its status and though its webhook be switched off. `by` is recorded with the attempt.

    Raises NotFound; and Conflict where its webhook was removed: there is no address any more that it could go to.
    """
    statement = (
        select(Webhook.removed_at)
        .select_from(Sendout)
        .join(Webhook, (Webhook.project_id == Sendout.project_id) & (Webhook.id == Sendout.webhook_id))
        .where(Sendout.project_id == scope.project_id, Webhook.project_id == scope.project_id, is_sendout(sendout_id))
    )
    found = session.execute(statement).one_or_none()
    if found is None:
        raise no_such_sendout()
    if found.removed_at is not None:
        raise Conflict("The webhook of this sendout was removed, so there is no address to send it to. Create the webhook anew.")
    if make_due(session, scope.project_id, [is_sendout(sendout_id)], by, None):
        return Again(is_new=True, asked_by=by)
    under_way = select(DueSendout.asked_by).where(DueSendout.project_id == scope.project_id, DueSendout.sendout_id == sendout_id)
    return Again(is_new=False, asked_by=session.scalar(under_way))


def send_some_again(session: Session, scope: ProjectScope, sendout_ids: Sequence[UUID], by: str) -> int:
    """Those that were selected in a list. Answers how many; the others have an attempt under way, or no webhook any more."""
    if not sendout_ids:
        return 0
    clauses = [or_(*map(is_sendout, sendout_ids)), has_webhook(scope.project_id)]
    return make_due(session, scope.project_id, clauses, by, None)


def make_due(session: Session, project_id: UUID, chosen: Sequence[Clause], by: str, resend_id: UUID | None) -> int:
    """Answers of how many there is a new attempt to come. The database's clock says when, as it does for claims."""
    sendouts = [Sendout.project_id == project_id, *chosen]
    idle = idle_rows(project_id, DueSendout.asked_by.is_(None), DueSendout.sendout_id.in_(select(Sendout.id).where(*sendouts)))
    hastened = session.execute(
        update(DueSendout)
        .where(DueSendout.project_id == project_id, DueSendout.sendout_id.in_(idle))
        .values(due_at=func.now(), lease_token=None, lease_until=None, asked_by=by, resend_id=resend_id)
        .returning(DueSendout.sendout_id),
        execution_options=NO_OBJECTS,
    ).all()
    # Not by the conflict alone: that waits for whoever is changing a row which is there already.
    columns = (DueSendout.project_id, DueSendout.sendout_id, DueSendout.created_at, DueSendout.webhook_id)
    rows = select(
        Sendout.project_id,
        Sendout.id,
        Sendout.created_at,
        Sendout.webhook_id,
        func.now(),
        literal(by),
        literal(resend_id, Uuid()) if resend_id else null().cast(Uuid()),
    ).where(*sendouts, ~select(DueSendout.sendout_id).where(*is_of_due()).exists())
    into = (*columns, DueSendout.due_at, DueSendout.asked_by, DueSendout.resend_id)
    added = session.execute(
        insert(DueSendout).from_select([column.key for column in into], rows).on_conflict_do_nothing().returning(DueSendout.sendout_id),
        execution_options=NO_OBJECTS,
    ).all()
    return len(hastened) + len(added)


def idle_rows(project_id: UUID, *chosen: Clause) -> Select[UUID]:
    """Rows that nobody sends at this moment, locked.

    Those that a claim or an outcome holds are passed over, not waited for: waiting in another order than theirs could end in a deadlock.
    """
    is_free = or_(DueSendout.lease_until.is_(None), DueSendout.lease_until <= func.now())
    return select(DueSendout.sendout_id).where(DueSendout.project_id == project_id, is_free, *chosen).with_for_update(skip_locked=True)


def is_of_due() -> list[Clause]:
    return [
        Sendout.project_id == DueSendout.project_id,
        Sendout.created_at == DueSendout.created_at,
        Sendout.id == DueSendout.sendout_id,
    ]


def has_webhook(project_id: UUID) -> Clause:
    """One that was removed has no address any more."""
    return Sendout.webhook_id.in_(select(Webhook.id).where(Webhook.project_id == project_id, Webhook.removed_at.is_(None)))
