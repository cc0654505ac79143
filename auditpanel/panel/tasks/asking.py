"""Background tasks that somebody asks for in the panel. They are enqueued once they are committed."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from flask import current_app, request

from auditpanel.accounts.scope import ProjectScope
from auditpanel.answers import request_id
from auditpanel.extensions import db
from auditpanel.ids import Prefix, format_id
from auditpanel.logs.recorder import refer
from auditpanel.logs.values import Origin, Reference
from auditpanel.panel.login import logged_in
from auditpanel.queues import enqueue_task
from auditpanel.tasks.store import record_refused_upload, request_task, run_again
from auditpanel.tasks.uploads import Upload
from auditpanel.tasks.values import Asker, TaskType
from auditpanel.times import utc_now

Json = dict[str, object]


def uploads_folder() -> Path:
    folder: Path = current_app.config["SETTINGS"].data / "uploads"
    return folder


def ask_for_task(scope: ProjectScope, type_: TaskType, parameters: Json, upload: Upload | None = None) -> str:
    """Commits, with whatever else the request has changed. Gives the task's id as people see it."""
    task_id = request_task(db.session(), scope, type_, asker=_asker(), parameters=parameters, upload=upload, now=utc_now())
    return _committed(scope, task_id, parameters)


def ask_again(scope: ProjectScope, task_id: UUID) -> str:
    again = run_again(db.session(), scope, task_id, asker=_asker(), folder=uploads_folder(), now=utc_now())
    return _committed(scope, again, {})


def record_refusal(scope: ProjectScope, type_: TaskType, parameters: Json, *, file_name: str, error: str) -> str:
    """A failed task that says why a file was not taken."""
    task_id = record_refused_upload(
        db.session(), scope, type_, asker=_asker(), parameters=parameters, file_name=file_name, error=error, now=utc_now()
    )
    db.session.commit()
    return _referred(task_id)


def _committed(scope: ProjectScope, task_id: UUID, parameters: Json) -> str:
    db.session.commit()
    enqueue_task(current_app.config["REDIS_URL"], scope.project_id, task_id)
    if isinstance(campaign_id := parameters.get("campaign_id"), str):
        refer(request.environ, Reference("campaign", campaign_id))
    return _referred(task_id)


def _referred(task_id: UUID) -> str:
    shown = format_id(Prefix.ASYNC_ACTION, task_id)
    refer(request.environ, Reference("async_action", shown))
    return shown


def _asker() -> Asker:
    return Asker(request_id(), str(Origin.DASHBOARD), user=logged_in().email)
