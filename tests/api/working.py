"""A worker for tests: runs what is due of a project here and now, as the job does."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.operations import OPERATIONS
from auditpanel.extensions import db
from auditpanel.tasks.models import DueTask
from auditpanel.tasks.runner import Workshop, run_task
from auditpanel.times import utc_now


def run_due_tasks(app: Flask, scope: ProjectScope) -> None:
    with app.app_context():
        engine = db.engine
    workshop = Workshop(lambda: Session(engine), OPERATIONS, app.config["SETTINGS"].data / "uploads", utc_now, lambda: False)
    with Session(engine) as session:
        due = list(session.scalars(select(DueTask.task_id).where(DueTask.project_id == scope.project_id).order_by(DueTask.task_id)))
    for task_id in due:
        run_task(workshop, scope.project_id, task_id)
