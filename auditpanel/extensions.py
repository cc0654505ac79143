"""Made once here, bound to the app in create_app()."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import has_request_context, request
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from flask_wtf import CSRFProtect
from sqlalchemy.engine import Connection, Engine

from auditpanel.tables import Model

READING_METHODS = ("GET", "HEAD")


class RequestSession(Session):
    """Of a request, or of a command. Where it only reads, each statement is a transaction of its own: it sees no less than within one of
    the whole request, and BEGIN and ROLLBACK would be two messages more for every page.
    """

    def get_bind(self, *args: Any, **options: Any) -> Engine | Connection:
        bind = super().get_bind(*args, **options)
        only_reads = has_request_context() and request.method in READING_METHODS
        return _without_transactions(bind) if only_reads and isinstance(bind, Engine) else bind


@cache
def _without_transactions(engine: Engine) -> Engine:
    return engine.execution_options(isolation_level="AUTOCOMMIT")


db = SQLAlchemy(model_class=Model, session_options={"class_": RequestSession}, disable_autonaming=True)
migrate = Migrate()
login_manager = LoginManager()
csrf = CSRFProtect()
