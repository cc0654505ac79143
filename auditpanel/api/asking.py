"""Background tasks that a call asks for: by a JSON body, by an uploaded CSV file, or by what it says in its address."""

from __future__ import annotations

from pathlib import Path

from flask import current_app, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from auditpanel.api.calls import asker, refer
from auditpanel.api.scope import current_scope
from auditpanel.catalogue.models import Resource
from auditpanel.catalogue.preview import check_file
from auditpanel.errors import AuditpanelError, InvalidInput, TooLarge
from auditpanel.extensions import db
from auditpanel.ids import Prefix, format_id
from auditpanel.queues import enqueue_task
from auditpanel.tasks import uploads
from auditpanel.tasks.store import record_refused_upload, request_task
from auditpanel.tasks.uploads import Upload
from auditpanel.tasks.values import TaskType
from auditpanel.times import utc_now

Json = dict[str, object]


def start_task(type_: TaskType, parameters: Json, upload: Upload | None = None) -> str:
    """Commits, with whatever else the call has changed, and enqueues. Answers the task's id as people see it."""
    scope = current_scope()
    task_id = request_task(db.session(), scope, type_, asker=asker(), parameters=parameters, upload=upload, now=utc_now())
    db.session.commit()
    refer(Prefix.ASYNC_ACTION, task_id)
    enqueue_task(current_app.config["REDIS_URL"], scope.project_id, task_id)
    return format_id(Prefix.ASYNC_ACTION, task_id)


def answer_with_task(type_: TaskType, parameters: Json, upload: Upload | None = None, *, status: int = 202) -> ResponseReturnValue:
    return jsonify(async_action_id=start_task(type_, parameters, upload)), status


def answer_with_rows(type_: TaskType, rows: list[Json], parameters: Json) -> ResponseReturnValue:
    """Each row is checked by the task: a bad one never costs the others."""
    return answer_with_task(type_, parameters, uploads.keep_rows(rows, folder=uploads_folder()))


def answer_with_csv(type_: TaskType, resource: Resource, parameters: Json, *, status: int = 202) -> ResponseReturnValue:
    """The CSV file of a multipart form, in its field `file`.

    One that is not taken leaves a failed task which says the same as the answer, since who sent it may look for it in the list.
    """
    name = "file"
    try:
        sent = _sent_file()
        name = sent.filename or name
        upload = uploads.keep(sent.stream, name, folder=uploads_folder(), limit_bytes=uploads.LIMIT_BYTES)
        _check(upload, resource)
    except (InvalidInput, TooLarge) as error:
        task_id = _record_refused(type_, parameters, name, str(error))
        raise type(error)(f"{str(error).rstrip('.')}. The task that says so is {task_id}.") from None
    return answer_with_task(type_, parameters, upload, status=status)


def _sent_file() -> FileStorage:
    request.max_content_length = uploads.LIMIT_BYTES + uploads.FORM_ROOM_BYTES
    try:
        sent = request.files.get("file")
    except RequestEntityTooLarge:
        raise TooLarge(uploads.too_large()) from None
    if sent is None:
        raise InvalidInput('no file came; send the CSV as multipart/form-data in a field named "file"', field="file")
    return sent


def _check(upload: Upload, resource: Resource) -> None:
    try:
        check_file(upload.path, resource)
    except AuditpanelError:
        upload.path.unlink(missing_ok=True)
        raise


def _record_refused(type_: TaskType, parameters: Json, name: str, reason: str) -> str:
    task_id = record_refused_upload(
        db.session(),
        current_scope(),
        type_,
        asker=asker(),
        parameters=parameters,
        file_name=name,
        error=reason,
        now=utc_now(),
    )
    db.session.commit()
    refer(Prefix.ASYNC_ACTION, task_id)
    return format_id(Prefix.ASYNC_ACTION, task_id)


def uploads_folder() -> Path:
    folder: Path = current_app.config["SETTINGS"].data / "uploads"
    return folder
