"""How far sending again in bulk is: those that run and the latest that ended, told by what is due of them and by their attempts."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import NotFound
from auditpanel.keyset import Key, counting
from auditpanel.webhooks.models import DueSendout, Resend, SendoutAttempt
from auditpanel.webhooks.records import ResendLine, ResendStatus

# Of each kind, so many are counted, in an index alone: some milliseconds, however many a million are. Then it is told of at least so many.
COUNTED_MOST = 100_000
_FRESH = {"populate_existing": True}


def list_resends(session: Session, scope: ProjectScope, *, size: int = 10, cap: int = COUNTED_MOST) -> list[ResendLine]:
    """All that run (MOST_RUNNING at most), then the latest `size` that have ended, the newest first."""
    of_project = select(Resend).where(Resend.project_id == scope.project_id).order_by(Resend.created_at.desc(), Resend.id.desc())
    running = session.scalars(of_project.where(Resend.status == ResendStatus.RUNNING), execution_options=_FRESH).all()
    ended = session.scalars(of_project.where(Resend.status != ResendStatus.RUNNING).limit(size), execution_options=_FRESH).all()
    return [_line(session, resend, cap) for resend in (*running, *ended)]


def get_resend(session: Session, scope: ProjectScope, resend_id: UUID, *, cap: int = COUNTED_MOST) -> ResendLine:
    """Raises NotFound."""
    statement = select(Resend).where(Resend.project_id == scope.project_id, Resend.id == resend_id)
    resend = session.scalar(statement, execution_options=_FRESH)
    if resend is None:
        raise no_such_resend()
    return _line(session, resend, cap)


def no_such_resend() -> NotFound:
    return NotFound("There is no such sending again in this project. It may belong to a project that you are not a member of.")


def _line(session: Session, resend: Resend, cap: int) -> ResendLine:
    waiting, delivered, *failed = _counts(session, resend, cap)
    failures = sum(failed)
    return ResendLine(
        Key(resend.created_at, resend.id),
        resend.updated_at,
        resend.filters,
        resend.words,
        resend.since,
        resend.until,
        resend.asked_by,
        resend.rate_per_s,
        resend.total,
        resend.picked,
        ResendStatus(resend.status),
        resend.stopped_by,
        min(waiting, cap),
        min(delivered, cap),
        min(failures, cap),
        is_exact=max(waiting, delivered, failures) <= cap,
    )


def _counts(session: Session, resend: Resend, cap: int) -> Sequence[int]:
    """What waits, what was delivered, and what failed in each of three ways. In one statement, so that an outcome is in one of them."""
    code = SendoutAttempt.status_code
    due = select(DueSendout.resend_id).where(DueSendout.project_id == resend.project_id, DueSendout.resend_id == resend.id)
    made = select(SendoutAttempt.resend_id).where(SendoutAttempt.project_id == resend.project_id, SendoutAttempt.resend_id == resend.id)
    # Each is a stretch of the index: those that failed are found without passing by all that were delivered.
    kinds = (code.between(200, 299), code < 200, code > 299, code.is_(None))
    counted = (counting(rows, cap).scalar_subquery() for rows in (due, *(made.where(kind) for kind in kinds)))
    return session.execute(select(*counted)).one()
