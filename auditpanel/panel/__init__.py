"""The pages: Flask-Admin gives views and their access, the templates and the navigation are ours."""

from __future__ import annotations

from functools import lru_cache

from flask import Flask
from flask_admin import Admin

from auditpanel.panel import account, administration, catalogue, login, scope, settings
from auditpanel.panel.exports.views import ExportsView
from auditpanel.panel.home import HomeView
from auditpanel.panel.logs.views import LogsView
from auditpanel.panel.marks import write_unseen
from auditpanel.panel.project import ProjectView
from auditpanel.panel.sendouts.views import SendoutsView
from auditpanel.panel.shell import add_shell
from auditpanel.panel.tasks.views import TasksView
from auditpanel.panel.traces.views import TracesView
from auditpanel.panel.webhooks.views import WebhooksView


def register(app: Flask) -> None:
    app.url_value_preprocessor(scope.pull_project_id)
    app.url_defaults(scope.add_project_id)
    app.after_request(scope.record_outside_projects)
    app.context_processor(add_shell)
    app.add_template_filter(write_unseen, "seen")
    # For macros that are called with the same values again and again, where nothing else is in what they draw.
    app.add_template_global(lru_cache(200), "drawn_once")
    app.register_blueprint(login.blueprint)
    app.register_blueprint(account.blueprint)
    admin = Admin(app, name="Auditpanel", index_view=HomeView(url="/", endpoint="home"))
    admin.add_views(
        ProjectView(url="/projects/<project_id>", endpoint="project"),
        LogsView(url="/projects/<project_id>/logs", endpoint="logs"),
        TasksView(url="/projects/<project_id>/background-tasks", endpoint="tasks"),
        ExportsView(url="/projects/<project_id>/exports", endpoint="exports"),
        SendoutsView(url="/projects/<project_id>/webhook-sendouts", endpoint="sendouts"),
        TracesView(url="/projects/<project_id>/traces", endpoint="traces"),
        *catalogue.views(),
        WebhooksView(url="/projects/<project_id>/webhooks", endpoint="webhooks"),
        *settings.views(),
        *administration.views(),
    )
