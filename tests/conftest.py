"""Real servers for every test. Tests do not clean up after each other: each makes a project of its own, and nothing crosses projects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel import create_app
from auditpanel.config import Settings
from auditpanel.extensions import db
from tests.pages import PageCheckingClient
from tests.servers import start_servers


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    folder = Path(tmp_path_factory.mktemp("data"))
    database_url, redis_url, stop = start_servers(folder)
    yield Settings.from_environment(
        {"AUDITPANEL_DATA": str(folder), "DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEY": "of the tests"}
    )
    stop()


@pytest.fixture(scope="session")
def app(settings: Settings) -> Flask:
    app = create_app(settings)
    app.config["TESTING"] = True
    app.test_client_class = PageCheckingClient
    with app.app_context():
        flask_migrate.upgrade()
    return app


@pytest.fixture(scope="session")
def engine(app: Flask) -> Engine:
    with app.app_context():
        return db.engine


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """Not the application's own: a test commits what the application is to see."""
    with Session(engine, expire_on_commit=False) as session:
        yield session


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
