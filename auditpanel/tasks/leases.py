"""Who may work on a task: see `auditpanel.leases`."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from auditpanel.leases import LEASE as LEASE
from auditpanel.leases import RENEW_EVERY_S as RENEW_EVERY_S
from auditpanel.leases import DueTable
from auditpanel.leases import Lease as Lease
from auditpanel.leases import LeaseLost as LeaseLost
from auditpanel.tasks.models import DueTask

TASKS = DueTable(
    DueTask, DueTask.project_id, DueTask.task_id, DueTask.lease_token, DueTask.lease_until, fruitless_starts=DueTask.fruitless_starts
)

renew = TASKS.renew
renew_with_progress = TASKS.renew_with_progress
release = TASKS.release
give_back = TASKS.give_back
end = TASKS.end
kept_alive = TASKS.kept_alive
projects_with_due_tasks = TASKS.projects_with_due
due_tasks = TASKS.due


def claim(session: Session, project_id: UUID, task_id: UUID) -> Lease | None:
    """None also where an older task of the project was begun and has not ended. The caller commits.

    That one comes first, also where its worker was killed: going on later, it would overwrite what this one has done.
    """
    older = aliased(DueTask)
    begun = select(older.task_id).where(older.project_id == project_id, older.task_id < task_id, older.lease_token.is_not(None))
    return TASKS.claim(session, project_id, task_id, ~begun.exists())
