"""The whole panel, started as `make up` starts it, that can be killed in any part and started again over the same data."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import NullPool, create_engine
from sqlalchemy.orm import Session

from auditpanel.embedded import database_url
from auditpanel.ids import Prefix, format_id
from tests.factories import make_key, make_project
from tests.faults.started_panel import REPOSITORY, StartedPanel, free_port, wait_for

ADMIN_PASSWORD = "correct horse battery"
# After whatever was killed.
RECOVERY_S = 60


@dataclass(frozen=True, slots=True)
class Target:
    """A project, and the key that logs are sent to it with."""

    project_id: UUID
    app_id: str
    app_token: str

    @property
    def id(self) -> str:
        return format_id(Prefix.PROJECT, self.project_id)

    @property
    def headers(self) -> dict[str, str]:
        return {"X-App-Id": self.app_id, "X-App-Token": self.app_token, "Content-Type": "application/json"}


class WholePanel(StartedPanel):
    def __init__(self, folder: Path, **environ: str) -> None:
        """`environ` may name a database and a Redis of the test's own."""
        self.port = free_port()
        self.data = folder / "data"
        self.database_url = environ.get("DATABASE_URL") or database_url(self.data)
        self._log = folder / "terminal.log"
        kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "HOST")}
        own = {
            "PORT": str(self.port),
            "AUDITPANEL_DATA": str(self.data),
            "AUDITPANEL_DEMO": "0",
            "AUDITPANEL_ADMIN_PASSWORD": ADMIN_PASSWORD,
        }
        self.environ = kept | own | environ

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "auditpanel", "up"], cwd=REPOSITORY, env=self.environ, stdout=log, stderr=log, start_new_session=True
            )
        wait_for(lambda: "Auditpanel runs on" in self.terminal or self.process.poll() is not None, timeout_s=RECOVERY_S)
        assert self.process.poll() is None, self.terminal

    def make_target(self) -> Target:
        with self.session() as session:
            project = make_project(session)
            key = make_key(session, project)
            session.commit()
            return Target(project.id, key.app_id, key.app_token)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Of a connection of its own, as the last one may have been killed."""
        engine = create_engine(self.database_url, poolclass=NullPool)
        with Session(engine, expire_on_commit=False) as session:
            yield session
        engine.dispose()
