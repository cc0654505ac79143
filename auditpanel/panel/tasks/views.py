"""`/projects/<project id>/background-tasks/`: the list, each task's page and its files, and what can be done to a task."""

from __future__ import annotations

from uuid import UUID

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import InvalidInput, NotFound
from auditpanel.extensions import db
from auditpanel.ids import Prefix, parse_id
from auditpanel.logs.recorder import CALL
from auditpanel.panel.list_controls import ListUrls, resolve_span
from auditpanel.panel.login import logged_in
from auditpanel.panel.scope import current_scope, require_role
from auditpanel.panel.tasks.asking import ask_again, uploads_folder
from auditpanel.panel.tasks.files import send_original, send_refused
from auditpanel.panel.tasks.listing import build_list, read_request
from auditpanel.panel.tasks.record import build_record
from auditpanel.panel.tasks.refusals import ASKED, RefusedAsked
from auditpanel.panel.tasks.starts import TaskStarts
from auditpanel.panel.views import done
from auditpanel.tasks.queries import get_task
from auditpanel.tasks.records import TaskRecord
from auditpanel.tasks.store import ask_to_cancel
from auditpanel.tasks.uploads import path_of
from auditpanel.times import utc_now


class TasksView(TaskStarts):
    def require_access(self) -> None:
        current_scope()

    @expose("/")
    def index(self) -> ResponseReturnValue:
        page = build_list(db.session(), current_scope(), read_request(list(request.args.items(multi=True))), utc_now())
        leave_refresh_unrecorded()
        if page.empty and "after" in request.args:
            # Newer than the newest: that is the first page.
            return redirect(page.reload_url)
        return render_template("tasks/list.html", page=page), 400 if page.errors else 200

    @expose("/<task_id>")
    def show(self, task_id: str) -> ResponseReturnValue:
        scope, record = current_scope(), _task(task_id)
        pairs = [(name, value) for name, value in request.args.items(multi=True) if name not in ASKED]
        asked = read_request(pairs)
        span = resolve_span(asked, utc_now(), scope.time_zone)
        leave_refresh_unrecorded()
        page = build_record(
            db.session(),
            scope,
            record,
            ListUrls(url_for("tasks.index"), asked.filters, asked.times),
            span,
            RefusedAsked.of(request.args.to_dict()),
            file_is_kept=path_of(uploads_folder(), scope.project_id, record.line.key.id).is_file(),
        )
        return render_template("tasks/record.html", page=page)

    @expose("/<task_id>/file")
    def original(self, task_id: str) -> Response:
        record = _task(task_id)
        return send_original(record, path_of(uploads_folder(), current_scope().project_id, record.line.key.id))

    @expose("/<task_id>/refused-rows")
    def refused(self, task_id: str) -> Response:
        scope, record = current_scope(), _task(task_id)
        return send_refused(db.session(), scope, record, path_of(uploads_folder(), scope.project_id, record.line.key.id))

    @expose("/<task_id>/cancel", methods=["POST"])
    def cancel(self, task_id: str) -> ResponseReturnValue:
        scope = _scope_to_change()
        ask_to_cancel(db.session(), scope, _parsed(task_id), logged_in().email, utc_now())
        db.session.commit()
        return done("Cancelled: it ends before its next rows.", "tasks.show", task_id=task_id)

    @expose("/<task_id>/run-again", methods=["POST"])
    def again(self, task_id: str) -> ResponseReturnValue:
        return done("Started again, as a task of its own.", "tasks.show", task_id=ask_again(_scope_to_change(), _parsed(task_id)))


def leave_refresh_unrecorded() -> None:
    """A page that brings itself up to date is asked for by nobody: as a log it would only hide the others."""
    if "X-Fragment" in request.headers:
        request.environ[CALL] = None


def _scope_to_change() -> ProjectScope:
    scope = current_scope()
    require_role(scope, Role.OPERATOR)
    return scope


def _task(task_id: str) -> TaskRecord:
    return get_task(db.session(), current_scope(), _parsed(task_id))


def _parsed(task_id: str) -> UUID:
    try:
        return parse_id(Prefix.ASYNC_ACTION, task_id)
    except InvalidInput as error:
        raise NotFound(f"There is no such background task: {error}.") from None
