"""The pages: Flask-Admin gives views and their access, the templates and the navigation are ours."""

from __future__ import annotations

from flask import Flask
from flask_admin import Admin

from auditpanel.panel import account, administration, login, scope, settings
from auditpanel.panel.home import HomeView
from auditpanel.panel.logs import LogsView
from auditpanel.panel.project import ProjectView
from auditpanel.panel.shell import add_shell


def register(app: Flask) -> None:
    app.url_value_preprocessor(scope.pull_project_id)
    app.url_defaults(scope.add_project_id)
    app.after_request(scope.record_outside_projects)
    app.context_processor(add_shell)
    app.register_blueprint(login.blueprint)
    app.register_blueprint(account.blueprint)
    admin = Admin(app, name="Auditpanel", index_view=HomeView(url="/", endpoint="home"))
    admin.add_views(
        ProjectView(url="/projects/<project_id>", endpoint="project"),
        LogsView(url="/projects/<project_id>/logs", endpoint="logs"),
        *settings.views(),
        *administration.views(),
    )
