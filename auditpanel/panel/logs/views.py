"""`/projects/<project id>/logs/`: the list, and each log's page."""

from __future__ import annotations

from dataclasses import dataclass

from flask import jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import InvalidInput, NotFound
from auditpanel.extensions import db
from auditpanel.filters import FilterSet, Span
from auditpanel.ids import Prefix, parse_id
from auditpanel.logs.queries import get_log, has_logs
from auditpanel.logs.recorder import CALL
from auditpanel.panel.list_controls import ListUrls
from auditpanel.panel.logs.listing import build_list, read_request
from auditpanel.panel.logs.record import build_record
from auditpanel.panel.scope import current_scope
from auditpanel.panel.views import PanelView
from auditpanel.times import utc_now


@dataclass(frozen=True, slots=True)
class EmptyPage:
    """A project without a call yet: the ways to begin, as commands to copy."""

    listen_url: str
    base_url: str
    app_key_url: str | None
    project_id: str
    all_url: str


class LogsView(PanelView):
    def require_access(self) -> None:
        current_scope()

    @expose("/")
    def index(self) -> ResponseReturnValue:
        scope, pairs = current_scope(), list(request.args.items(multi=True))
        page = build_list(db.session(), scope, read_request(pairs), utc_now())
        if not pairs and not page.shows_others and not has_logs(db.session(), scope):
            return render_template("logs/empty.html", page=_empty_page(scope))
        if request.headers.get("X-Fragment") == "rows":
            return render_template("logs/rows.html", page=page)
        if not page.days and not page.looked_back and "after" in request.args:
            # Newer than the newest: that is the first page.
            return redirect(page.reload_url)
        return render_template("logs/list.html", page=page), 400 if page.is_refused else 200

    @expose("/first-call")
    def first_call(self) -> ResponseReturnValue:
        """What an empty project's page asks every few seconds. It is not recorded: no person asks."""
        arrived = has_logs(db.session(), current_scope())
        request.environ[CALL] = None
        return jsonify(arrived=arrived)

    @expose("/<log_id>")
    def show(self, log_id: str) -> ResponseReturnValue:
        scope = current_scope()
        try:
            record = get_log(db.session(), scope, parse_id(Prefix.LOG, log_id))
        except InvalidInput as error:
            raise NotFound(f"There is no such log: {error}.") from None
        asked = read_request(list(request.args.items(multi=True)))
        urls = ListUrls(url_for("logs.index"), asked.filters, asked.times)
        return render_template("logs/record.html", page=build_record(db.session(), scope, record, urls, _span(scope, asked.filters)))


def _span(scope: ProjectScope, filters: FilterSet) -> Span:
    try:
        return filters.range.resolve(utc_now(), scope.time_zone)
    except InvalidInput:
        return Span(None, None)


def _empty_page(scope: ProjectScope) -> EmptyPage:
    return EmptyPage(
        listen_url=url_for("logs.first_call"),
        base_url=request.host_url.rstrip("/"),
        app_key_url=url_for("settings.keys") if scope.role.includes(Role.ADMIN) else None,
        project_id=scope.id,
        all_url=url_for("logs.index", range="all"),
    )
