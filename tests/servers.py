"""PostgreSQL, Valkey and the web server for the tests, as the panel itself runs them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from auditpanel.config import Settings
from auditpanel.embedded import Durability, database_url, redis_url
from auditpanel.running import started_servers
from tests.faults.started_panel import REPOSITORY, free_port, wait_for


def start_servers(folder: Path, *, durability: Durability = Durability.NONE) -> tuple[str, str, Callable[[], None]]:
    """Starts both over `folder`, made if missing. Answers the database's URL, Redis's URL and what stops them."""
    folder.mkdir(parents=True, exist_ok=True)
    stack = ExitStack()
    stack.enter_context(started_servers(folder, durability=durability))
    return database_url(folder), redis_url(folder), stack.close


@contextmanager
def served_panel(settings: Settings) -> Iterator[int]:
    """The panel in gunicorn, set up as in the Procfile, at this port."""
    port = free_port()
    environ = {
        **os.environ,
        "PORT": str(port),
        "DATABASE_URL": settings.database_url or "",
        "REDIS_URL": settings.redis_url or "",
        "AUDITPANEL_DATA": str(settings.data),
        "AUDITPANEL_WEB_WORKERS": "1",
        "SECRET_KEY": settings.secret_key or "",
    }
    command = [sys.executable, "-m", "gunicorn", "--config", "python:auditpanel.serving.gunicorn", "wsgi:app"]
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environ, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: _listens(port), timeout_s=60)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=20):
            return True
    except OSError:
        return False
