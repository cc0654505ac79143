from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import inspect

import auditpanel.catalogue.models
import auditpanel.exports.models
import auditpanel.tasks.models
import auditpanel.webhooks.models  # noqa: F401
from auditpanel import create_app
from auditpanel.config import Settings
from auditpanel.extensions import db
from tests.servers import start_servers


@pytest.fixture
def empty_app(tmp_path: Path) -> Iterator[Flask]:
    database_url, redis_url, stop = start_servers(tmp_path)
    try:
        yield create_app(
            Settings.from_environment({"AUDITPANEL_DATA": str(tmp_path), "DATABASE_URL": database_url, "REDIS_URL": redis_url})
        )
    finally:
        stop()


def is_month(name: str) -> bool:
    return name[-6:].isdigit()


def differences(app: Flask) -> list[object]:
    def include(thing: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
        return not (kind == "table" and name is not None and is_month(name))

    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": include, "compare_type": True})
        return [found for found in compare_metadata(context, db.metadata) if "alembic_version" not in str(found)]


def test_the_migrations_make_what_the_models_say(app: Flask) -> None:
    assert differences(app) == []


def test_migrations_go_down_to_nothing_and_up_again(empty_app: Flask) -> None:
    with empty_app.app_context():
        flask_migrate.upgrade()
        flask_migrate.downgrade(revision="base")
        assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
        flask_migrate.upgrade()
    assert differences(empty_app) == []
