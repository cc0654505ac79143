"""The end of a task as an event, for webhooks that wait for it: raised in the transaction that ends the task."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.ids import uuid7_at
from auditpanel.tasks.queries import get_task, list_refused
from auditpanel.tasks.showing import FAILED_SHOWN, task_as_json
from auditpanel.tasks.values import TaskStatus
from auditpanel.times import utc_now
from auditpanel.webhooks.events import raise_events, wanted
from auditpanel.webhooks.values import EventType, NewEvent

_TYPES = {TaskStatus.DONE: EventType.TASK_FINISHED, TaskStatus.FAILED: EventType.TASK_FAILED}


def raise_ended(session: Session, scope: ProjectScope, task_id: UUID) -> None:
    """Of a task that has just ended as done or failed. The event has the task's own id in it: it is raised once."""
    chosen = wanted(session, scope)
    if not any(map(chosen.wants, _TYPES.values())):
        return
    record = get_task(session, scope, task_id)
    failed = list_refused(session, scope, task_id, size=FAILED_SHOWN)
    type_ = _TYPES[record.line.status]
    event_id = uuid7_at(record.line.created_at, task_id.bytes + type_.encode())
    raise_events(session, scope, [NewEvent(type_, record.line.id, task_as_json(record, failed), event_id)], utc_now())
