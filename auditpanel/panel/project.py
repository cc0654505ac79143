"""`/projects/<project id>/`: a project's address without a page of its own yet leads to its logs."""

from __future__ import annotations

from flask import redirect, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from auditpanel.panel.scope import current_scope
from auditpanel.panel.views import PanelView


class ProjectView(PanelView):
    def require_access(self) -> None:
        current_scope()

    @expose("/")
    def index(self) -> ResponseReturnValue:
        return redirect(url_for("logs.index"))
