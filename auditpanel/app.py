"""Where the parts are put together."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from flask import Flask, current_app, request
from flask.sessions import SecureCookieSessionInterface
from flask.templating import Environment
from sqlalchemy.engine import Engine
from werkzeug.middleware.proxy_fix import ProxyFix

from auditpanel import answers, api, cli, health, panel
from auditpanel.config import Settings, load_secret_key
from auditpanel.data_folder import make_folder
from auditpanel.extensions import csrf, db, login_manager, migrate
from auditpanel.logs.recorder import record_calls
from auditpanel.queues import enqueue_delivery
from auditpanel.running import ENGINE_OPTIONS, ServerUrls
from auditpanel.webhooks.events import after_raising

ROOT = Path(__file__).parent.parent
FORM_LIMIT_BYTES = 1024 * 1024


# Once for all applications of a process: they share what opens sessions.
after_raising(db.session, lambda: enqueue_delivery(current_app.config["REDIS_URL"]))


class PanelSessions(SecureCookieSessionInterface):
    """The cookie of a session that came over TLS is never sent without; over plain HTTP, on one's own machine, it has to be."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


class PanelEnvironment(Environment):
    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Nothing has globals of its own. Those of a chain are compared key by key at each import of macros, a dozen for a page."""
        return super().make_globals(d) if d else self.globals


def create_app(settings: Settings) -> Flask:
    """Put the parts together. Neither the database nor Redis is asked for anything here."""
    make_folder(settings.data)
    servers = ServerUrls.of(settings)
    app = Flask("auditpanel", static_folder="panel/static", template_folder=str(ROOT / "templates"))
    app.jinja_environment = PanelEnvironment
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=load_secret_key(settings),
        SQLALCHEMY_DATABASE_URI=servers.database,
        SQLALCHEMY_ENGINE_OPTIONS=ENGINE_OPTIONS,
        REDIS_URL=servers.redis,
        SESSION_COOKIE_NAME="auditpanel",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # A login does not slide, so neither does its cookie.
        SESSION_REFRESH_EACH_REQUEST=False,
        WTF_CSRF_TIME_LIMIT=None,
        MAX_CONTENT_LENGTH=FORM_LIMIT_BYTES,
        MAX_FORM_MEMORY_SIZE=FORM_LIMIT_BYTES,
    )
    app.session_interface = PanelSessions()
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    db.init_app(app)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"), compare_type=True)
    # Its context processor would ask the database who reads, also for the page which says that the database is away.
    login_manager.init_app(app, add_context_processor=False)
    # Before the look for a form's token, which reads the form.
    app.before_request(answers.refuse_forms_without_length)
    csrf.init_app(app)

    health.register(app)
    panel.register(app)
    api.register(app)
    cli.register(app)
    # Flask calls the last one first: what else is done to an answer may fail, and it has its headers all the same.
    answers.register(app)

    app.wsgi_app = record_calls(app.wsgi_app, lambda: _engine(app))  # type: ignore[assignment,method-assign]
    if settings.behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    return app


def _engine(app: Flask) -> Engine:
    with app.app_context():
        return db.engine
