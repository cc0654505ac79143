"""What a FilterSet's conditions on background tasks mean in SQL."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import and_, or_

from auditpanel.accounts.scope import ProjectScope
from auditpanel.filters import FilterSet, Span
from auditpanel.keyset import Clause, Meanings, Order, clauses_of
from auditpanel.tasks.models import AsyncAction
from auditpanel.tasks.values import TaskStatus

TASKS = Order(AsyncAction.project_id, AsyncAction.created_at, AsyncAction.id)


def matching(scope: ProjectScope, filters: FilterSet, span: Span) -> list[Clause]:
    return TASKS.within(scope.project_id, span) + clauses_of(filters, CLAUSES)


def _needs_look() -> Clause:
    # Somebody wanted a cancelled one to end: it needs a look only where it refused rows.
    failed = and_(AsyncAction.status == TaskStatus.FAILED, AsyncAction.cancel_asked_at.is_(None))
    return or_(failed, and_(AsyncAction.status.in_((TaskStatus.FAILED, TaskStatus.DONE)), AsyncAction.refused > 0))


ONLY: dict[str, Callable[[], Clause]] = {
    "look": _needs_look,
    "running": lambda: or_(AsyncAction.status == TaskStatus.ENQUEUED, AsyncAction.status == TaskStatus.IN_PROGRESS),
    "done": lambda: and_(AsyncAction.status == TaskStatus.DONE, AsyncAction.refused == 0),
}
CLAUSES: Meanings = {
    "only": lambda value: ONLY[value](),
    "type": lambda value: AsyncAction.type == value,
    "status": lambda value: AsyncAction.status == value,
    "request_id": lambda value: AsyncAction.request_id == value,
    "who": lambda value: or_(AsyncAction.user == value, AsyncAction.api_key == value),
}
