"""What every benchmark runs on: the servers as `make up` starts them (with full durability), the panel, its web processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import flask_migrate
from flask import Flask
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel import create_app
from auditpanel.accounts.keys import NewKey
from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope, scope_of_project
from auditpanel.config import Settings
from auditpanel.embedded import Durability, wait_until
from auditpanel.extensions import db
from tests.accounts.visitor import Visitor, log_in
from tests.factories import make_key, make_project, make_superuser
from tests.servers import start_servers

ROOT = Path(__file__).parents[2]
# gunicorn closes a connection that is idle for longer than two seconds.
KEPT_S = 1.0


@dataclass(frozen=True, slots=True)
class Stage:
    environ: dict[str, str]
    app: Flask
    engine: Engine

    def make_project(self, name: str) -> tuple[ProjectScope, NewKey]:
        with Session(self.engine) as session:
            project = make_project(session, name=name)
            key = make_key(session, project)
            session.commit()
            return scope_of_project(project, Role.ADMIN), key

    def log_in(self) -> Visitor:
        with Session(self.engine) as session:
            return log_in(self.app, session, make_superuser(session))

    def make_cookie(self) -> str:
        """Of somebody who has logged in, as a browser sends it."""
        return f"auditpanel={self.log_in().session_cookie()}"

    @property
    def conninfo(self) -> str:
        return self.environ["DATABASE_URL"].replace("postgresql+psycopg:", "postgresql:")


@contextmanager
def open_stage() -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="auditpanel-bench-") as folder:
        database_url, redis_url, stop = start_servers(Path(folder), durability=Durability.FULL)
        try:
            environ = {"AUDITPANEL_DATA": folder, "DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEY": "of the benchmarks"}
            yield prepare(environ)
        finally:
            stop()


def prepare(environ: dict[str, str]) -> Stage:
    app = create_app(Settings.from_environment(environ))
    with app.app_context():
        flask_migrate.upgrade()
        return Stage(environ, app, db.engine)


@dataclass(frozen=True, slots=True)
class Web:
    """gunicorn, as the Procfile starts it."""

    port: int
    pid: int

    def connect(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=60)


class Reader:
    """Reads pages to their last byte, over a connection and with a cookie that are kept as a browser does."""

    def __init__(self, web: Web, cookie: str = "") -> None:
        self._connection = web.connect()
        self._cookie = cookie
        self._read_at = 0.0

    def open(self, url: str) -> None:
        if time.monotonic() - self._read_at > KEPT_S:
            self._connection.close()
        self._connection.request("GET", url, headers={"Cookie": self._cookie})
        answer = self._connection.getresponse()
        answer.read()
        if set_cookie := answer.headers["Set-Cookie"]:
            self._cookie = set_cookie.partition(";")[0]
        self._read_at = time.monotonic()
        assert answer.status == 200, f"{url}: {answer.status}"

    def close(self) -> None:
        self._connection.close()


@contextmanager
def serving(stage: Stage, app: str = "wsgi:app", *, ready_at: str = "/readyz") -> Iterator[Web]:
    """`ready_at` answers 200 once the application is there."""
    port = _free_port()
    environ = os.environ | stage.environ | {"HOST": "127.0.0.1", "PORT": str(port)}
    command = [sys.executable, "-m", "gunicorn", "--config", "python:auditpanel.serving.gunicorn", app]
    process = subprocess.Popen(command, cwd=ROOT, env=environ)
    web = Web(port, process.pid)
    try:
        if not wait_until(lambda: process.poll() is not None or _is_ready(web, ready_at), timeout_s=60) or process.poll() is not None:
            raise RuntimeError(f"gunicorn does not answer on port {port}; its words are above")
        yield web
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_ready(web: Web, url: str) -> bool:
    try:
        with closing(web.connect()) as connection:
            connection.request("GET", url)
            return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
