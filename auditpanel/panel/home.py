"""`/`: the reader's projects; where there is only one, its logs."""

from __future__ import annotations

from dataclasses import dataclass

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_admin import AdminIndexView, expose

from auditpanel.accounts.members import list_projects
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
        cards = [
            ProjectCard(project.name, url_for("logs.index", project_id=project.id), project.time_zone, project.role.label)
            for project in list_projects(db.session(), me.user)
        ]
        if len(cards) == 1:
            return redirect(cards[0].url)
        return render_template("projects.html", projects=cards, may_create=url_for("projects_admin.create") if me.is_superuser else None)
