"""The door to background tasks for those who ask for them: the API and the panel. The caller commits, and enqueues after that."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import Conflict
from auditpanel.ids import new_uuid
from auditpanel.tasks.ending import raise_ended
from auditpanel.tasks.models import AsyncAction, DueTask
from auditpanel.tasks.queries import no_such_task
from auditpanel.tasks.storable import storable
from auditpanel.tasks.uploads import Upload, give_to_task, share_with_task, shown_name
from auditpanel.tasks.values import Asker, Json, TaskStatus, TaskType


def request_task(
    session: Session,
    scope: ProjectScope,
    type: TaskType,
    *,
    asker: Asker,
    parameters: Json,
    upload: Upload | None = None,
    now: datetime,
) -> UUID:
    """Write the task that is to be done. The upload is its own from here on."""
    task = _new_task(scope, type, asker, parameters, now)
    if upload is not None:
        task.file_name, task.file_bytes = upload.name, upload.size_bytes
        give_to_task(upload, scope.project_id, task.id)
    _add_due(session, task)
    return task.id


def record_refused_upload(
    session: Session,
    scope: ProjectScope,
    type: TaskType,
    *,
    asker: Asker,
    parameters: Json,
    file_name: str,
    error: str,
    now: datetime,
) -> UUID:
    """A file that was not taken is a failed task that says why: who sent it may look for it in the list."""
    task = _new_task(scope, type, asker, parameters, now)
    task.status, task.file_name, task.error, task.finished_at = TaskStatus.FAILED, shown_name(file_name), storable(error), now
    session.add(task)
    session.flush()
    raise_ended(session, scope, task.id)
    return task.id


def ask_to_cancel(session: Session, scope: ProjectScope, task_id: UUID, by: str, now: datetime) -> None:
    """The worker that has the task, or will get it, ends it before its next batch: only its operation knows what to put back.

    Raises NotFound, and Conflict where it has ended already. Asking twice is no different from asking once.
    """
    task = _locked_task(session, scope, task_id)
    if task.finished_at is not None:
        raise Conflict(f"The task has ended already: it is {task.status}.")
    if task.cancel_asked_at is None:
        task.cancel_asked_at, task.cancel_asked_by, task.updated_at = now, by, max(now, task.updated_at)
    session.flush()


def run_again(session: Session, scope: ProjectScope, task_id: UUID, *, asker: Asker, folder: Path, now: datetime) -> UUID:
    """A new task that goes on behind the last row which one that failed or was cancelled has done. `folder` is that of the uploads.

    Raises NotFound, and Conflict where it did not fail, its file was never taken, or it is being run again already.
    """
    failed = _locked_task(session, scope, task_id)
    if failed.status != TaskStatus.FAILED:
        raise Conflict(f"Only a failed task can be run again; this one is {failed.status}.")
    again = (AsyncAction.project_id == scope.project_id, AsyncAction.again_of == failed.id, AsyncAction.status != TaskStatus.FAILED)
    if session.scalar(select(AsyncAction.id).where(*again).limit(1)) is not None:
        raise Conflict("This task has been run again already; look for the newer one.")
    task = _new_task(scope, TaskType(failed.type), asker, failed.parameters, now)
    # What was done is not done again: rows without a key of their own, and generated codes, would be there twice.
    task.position, task.rows_done, task.rows_total = failed.position, failed.rows_done, failed.rows_total
    task.again_of, task.file_name, task.file_bytes = failed.id, failed.file_name, failed.file_bytes
    if failed.file_name is not None and not share_with_task(folder, scope.project_id, of_task=failed.id, with_task=task.id):
        raise Conflict("The file of this task was not taken, or is not kept any more: upload it again.")
    _add_due(session, task)
    return task.id


def has_task(session: Session, project_id: UUID, task_id: UUID) -> bool:
    """For the file of that name, which nothing else tells about."""
    statement = select(AsyncAction.id).where(AsyncAction.project_id == project_id, AsyncAction.id == task_id)
    return session.scalar(statement) is not None


def _new_task(scope: ProjectScope, type_: TaskType, asker: Asker, parameters: Json, now: datetime) -> AsyncAction:
    return AsyncAction(
        project_id=scope.project_id,
        id=new_uuid(),
        type=type_,
        status=TaskStatus.ENQUEUED,
        created_at=now,
        updated_at=now,
        request_id=asker.request_id,
        origin=asker.origin,
        channel=asker.channel,
        user=asker.user,
        api_key=asker.api_key,
        parameters=storable(parameters),
    )


def _add_due(session: Session, task: AsyncAction) -> None:
    session.add_all([task, DueTask(project_id=task.project_id, task_id=task.id)])
    session.flush()


def _locked_task(session: Session, scope: ProjectScope, task_id: UUID) -> AsyncAction:
    statement = select(AsyncAction).where(AsyncAction.project_id == scope.project_id, AsyncAction.id == task_id).with_for_update()
    task = session.scalar(statement, execution_options={"populate_existing": True})
    if task is None:
        raise no_such_task()
    return task
