"""What every benchmark runs on: the servers as `make up` starts them (with full durability), the panel, its web processes."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
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
RECEIVED_BYTES = 256 * 1024
_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)", re.I)
_SET_COOKIE = re.compile(rb"\r\nSet-Cookie: ([^;\r]+)", re.I)


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
    """Reads pages to their last byte, over a connection and with a cookie that are kept as a browser does.

    By hand: the library takes 0.1 ms to read an answer's headers, and it is not the reader who is measured.
    """

    def __init__(self, web: Web, cookie: str = "") -> None:
        self._port = web.port
        self._cookie = cookie
        self._socket: socket.socket | None = None
        self._read_at = 0.0

    def open(self, url: str) -> None:
        if time.monotonic() - self._read_at > KEPT_S:
            self.close()
        self._socket = self._socket or socket.create_connection(("127.0.0.1", self._port), timeout=60)
        self._socket.sendall(f"GET {url} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nCookie: {self._cookie}\r\n\r\n".encode())
        head, _, body = self._receive_until(lambda answer: b"\r\n\r\n" in answer).partition(b"\r\n\r\n")
        status, length, set_cookie = head[9:12], _LENGTH.search(head), _SET_COOKIE.search(head)
        assert status == b"200" and length, f"{url}: {head.decode()}"
        missing = int(length[1]) - len(body)
        self._receive_until(lambda rest: len(rest) >= missing)
        if set_cookie:
            self._cookie = set_cookie[1].decode()
        self._read_at = time.monotonic()

    def close(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None

    def _receive_until(self, is_whole: Callable[[bytearray], bool]) -> bytes:
        assert self._socket is not None
        received = bytearray()
        while not is_whole(received):
            part = self._socket.recv(RECEIVED_BYTES)
            assert part, "the server has closed the connection"
            received += part
        return bytes(received)


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
