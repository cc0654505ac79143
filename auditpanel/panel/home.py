"""`/`: the reader's projects; where there is only one, its logs."""

from __future__ import annotations

from dataclasses import dataclass

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_admin import AdminIndexView, expose

from auditpanel.accounts.members import list_projects
from auditpanel.accounts.models import PANEL_PROJECT_ID
from auditpanel.extensions import db
from auditpanel.panel.login import logged_in
from auditpanel.panel.views import PanelView


@dataclass(frozen=True, slots=True)
class ProjectCard:
    name: str
    url: str
    time_zone: str
    role_label: str


class HomeView(PanelView, AdminIndexView):
    def require_access(self) -> None:
        """Everybody who is logged in."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        me = logged_in()
        projects = list_projects(db.session(), me.id, is_superuser=me.is_superuser)
        cards = [
            ProjectCard(project.name, url_for("logs.index", project_id=project.id), project.time_zone, project.role.label)
            for project in projects
        ]
        of_others = [project.id for project in projects if project.project_id != PANEL_PROJECT_ID]
        if len(of_others) == 1:
            return redirect(url_for("logs.index", project_id=of_others[0]))
        return render_template("projects.html", projects=cards, may_create=url_for("projects_admin.create") if me.is_superuser else None)
