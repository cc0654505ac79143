"""`/projects/<project id>/exports/`: the list, each export's page, its file and its rows, and asking for one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from urllib.parse import parse_qsl
from uuid import UUID

from flask import current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from auditpanel.accounts.scope import ProjectScope
from auditpanel.downloads import exports_files, no_file_words, remove_file
from auditpanel.errors import Forbidden, InvalidInput, NotFound
from auditpanel.exports.queries import get_export
from auditpanel.exports.records import ExportRecord
from auditpanel.exports.store import delete_export, run_again
from auditpanel.exports.tokens import Download, Tokens
from auditpanel.exports.values import Format
from auditpanel.extensions import db
from auditpanel.ids import Prefix, format_id, parse_id
from auditpanel.logs.recorder import CALL, refer
from auditpanel.logs.values import Reference
from auditpanel.panel.exports.asking import ask_for_export, asker, build_new, by_field, given_pairs, kinds, read_wanted, wanted
from auditpanel.panel.exports.browse import Asked, RowPage, build_page, build_row
from auditpanel.panel.exports.choices import Choices
from auditpanel.panel.exports.listing import build_list, read_request
from auditpanel.panel.exports.notices import await_export, awaited_notices, note_seen
from auditpanel.panel.exports.record import build_record, may_delete
from auditpanel.panel.exports.schedules import ExportSchedules
from auditpanel.panel.list_controls import ListUrls, resolve_span
from auditpanel.panel.login import logged_in
from auditpanel.panel.next_page import next_page
from auditpanel.panel.scope import current_scope
from auditpanel.panel.tasks.views import leave_refresh_unrecorded
from auditpanel.panel.views import done
from auditpanel.queues import enqueue_export
from auditpanel.times import utc_now


class ExportsView(ExportSchedules):
    def require_access(self) -> None:
        current_scope()

    @expose("/")
    def index(self) -> ResponseReturnValue:
        scope, now = current_scope(), utc_now()
        page = build_list(db.session(), scope, read_request(given_pairs()), now)
        leave_refresh_unrecorded()
        note_seen(scope, now)
        if page.empty and "after" in request.args:
            # Newer than the newest: that is the first page.
            return redirect(page.reload_url)
        return render_template("exports/list.html", page=page), 400 if page.errors else 200

    @expose("/new", methods=["GET", "POST"])
    def new(self) -> ResponseReturnValue:
        scope, now = current_scope(), utc_now()
        if "exported" not in request.args:
            return render_template("exports/kinds.html", kinds=kinds())
        asked = read_wanted(db.session(), scope, given_pairs())
        if request.method == "GET":
            choices = Choices.usual(asked.subject, scope.time_zone)
            return render_template("exports/new.html", page=build_new(db.session(), scope, asked, choices, now))
        choices = Choices.read(asked.subject, scope.time_zone, request.form)
        if "move" in request.form:
            return render_template("exports/new.html", page=build_new(db.session(), scope, asked, choices, now))
        try:
            export_id = ask_for_export(db.session(), scope, asked, choices.layout(), now)
        except InvalidInput as error:
            db.session.rollback()
            return render_template("exports/new.html", page=build_new(db.session(), scope, asked, choices, now, **by_field(error))), 400
        return _asked_for(scope, export_id, now, "Asked for. The file is here as soon as it is written.")

    @expose("/notices")
    def notices(self) -> ResponseReturnValue:
        """What stands on every page, alone, for pages that look out for it. Nobody asked: it is no call to be recorded."""
        scope = current_scope()
        if "X-Fragment" not in request.headers:
            return redirect(url_for("exports.index"))
        request.environ[CALL] = None
        return render_template("exports/notices.html", awaited=awaited_notices(db.session(), scope, logged_in().email))

    @expose("/notices/seen", methods=["POST"])
    def notices_seen(self) -> ResponseReturnValue:
        note_seen(current_scope(), utc_now())
        request.environ[CALL] = None
        return redirect(next_page(request.form.get("next")))

    @expose("/<export_id>")
    def show(self, export_id: str) -> ResponseReturnValue:
        scope, record, now = current_scope(), _export(export_id), utc_now()
        asked = read_request(given_pairs())
        span = resolve_span(asked, now, scope.time_zone)
        leave_refresh_unrecorded()
        note_seen(scope, now)
        urls = ListUrls(url_for("exports.index"), asked.filters, asked.times)
        return render_template("exports/record.html", page=build_record(db.session(), scope, record, urls, span, logged_in().email, now))

    @expose("/<export_id>/as-csv")
    def as_csv(self, export_id: str) -> ResponseReturnValue:
        """The form to ask for the same rows and fields once more, with CSV chosen."""
        scope, record = current_scope(), _export(export_id)
        asked = wanted(db.session(), scope, record.line.exported, parse_qsl(record.filters))
        choices = Choices.of_layout(asked.subject, scope.time_zone, replace(record.layout, format=Format.CSV))
        return render_template("exports/new.html", page=build_new(db.session(), scope, asked, choices, utc_now()))

    @expose("/<export_id>/run-again", methods=["POST"])
    def again(self, export_id: str) -> ResponseReturnValue:
        scope, now = current_scope(), utc_now()
        again_id = run_again(db.session(), scope, _parsed(export_id), asker=asker(), now=now)
        return _asked_for(scope, again_id, now, "Asked for again, as an export of its own.")

    @expose("/<export_id>/delete", methods=["POST"])
    def remove(self, export_id: str) -> ResponseReturnValue:
        scope, record, me = current_scope(), _export(export_id), logged_in()
        if not may_delete(scope, record.line, me.email):
            raise Forbidden("Only who has asked for an export, operators and admins may delete it.")
        file = delete_export(db.session(), scope, record.line.key.id, me.email, utc_now())
        db.session.commit()
        _refer(record.line.key.id)
        if file is not None:
            remove_file(file)
        return done(_deleted_words(record), "exports.show", export_id=export_id)

    @expose("/<export_id>/file")
    def download(self, export_id: str) -> ResponseReturnValue:
        """A signed link, which needs no cookie: whatever fetches the file for the reader can go on where it broke off."""
        record, reader = _ready(export_id), logged_in()
        link = Download(current_scope().project_id, record.line.key.id, user_id=reader.id)
        token = Tokens(current_app.config["SECRET_KEY"]).sign(link, utc_now())
        return redirect(url_for("api.get_export", export_id=record.line.id, token=token))

    @expose("/<export_id>/rows")
    def browse(self, export_id: str) -> ResponseReturnValue:
        page = build_page(_ready(export_id), exports_files(), Asked.read(request.args.to_dict()))
        return render_template("exports/browse.html", page=page)

    @expose("/<export_id>/row")
    def row(self, export_id: str) -> ResponseReturnValue:
        page = build_row(_ready(export_id), exports_files(), Asked.read(request.args.to_dict()))
        template = "row" if isinstance(page, RowPage) else "browse"
        return render_template(f"exports/{template}.html", page=page)


def _asked_for(scope: ProjectScope, export_id: UUID, now: datetime, message: str) -> ResponseReturnValue:
    db.session.commit()
    _refer(export_id)
    await_export(scope, now)
    enqueue_export(current_app.config["REDIS_URL"], scope.project_id, export_id)
    return done(message, "exports.show", export_id=format_id(Prefix.EXPORT, export_id))


def _deleted_words(before: ExportRecord) -> str:
    if before.file is not None:
        return "The export is deleted: its file is gone, its record stays."
    return f"The export is {'deleted' if before.line.is_ended else 'stopped'}: there was no file, its record stays."


def _refer(export_id: UUID) -> None:
    refer(request.environ, Reference("export", format_id(Prefix.EXPORT, export_id)))


def _ready(export_id: str) -> ExportRecord:
    """Raises NotFound where there is no file to look into."""
    record = _export(export_id)
    if record.file is None:
        raise NotFound(no_file_words(record, current_scope().time_zone))
    _refer(record.line.key.id)
    return record


def _export(export_id: str) -> ExportRecord:
    return get_export(db.session(), current_scope(), _parsed(export_id))


def _parsed(export_id: str) -> UUID:
    try:
        return parse_id(Prefix.EXPORT, export_id)
    except InvalidInput as error:
        raise NotFound(f"There is no such export: {error}.") from None
