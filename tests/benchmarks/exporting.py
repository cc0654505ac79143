"""One export in a process of its own, with no more in it than writing one takes: `python -m tests.benchmarks.exporting`.

It is asked by standard input, and answers with its rows, seconds, and the most memory that the process ever had.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import msgspec
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, Role
from auditpanel.accounts.scope import scope_of_project
from auditpanel.exports.layouts import checked_layout
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.values import Exported, Format
from auditpanel.exports.writing import write
from auditpanel.filters import Span


@dataclass(frozen=True, slots=True)
class Asked:
    """An export of all logs of a project, with all of their fields."""

    database_url: str
    project_id: UUID
    format: Format
    gzip: bool


@dataclass(frozen=True, slots=True)
class Exporting:
    rows: int
    bytes: int
    seconds: float
    peak_mb: float

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds


def main() -> None:
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    engine = create_engine(asked.database_url)
    subject = SUBJECTS[Exported.LOG]
    layout = checked_layout(subject, format=asked.format, gzip=asked.gzip)
    with Session(engine) as session:
        scope = scope_of_project(session.get_one(Project, asked.project_id), Role.ADMIN)
    selection = subject.select(scope, subject.read_filters([("range", "all")]), Span(None, None), layout)
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "export").open("wb") as file, engine.connect() as connection:
        started = time.perf_counter()
        written = write(connection, selection, layout, file, lambda rows: None)
        taken_s = time.perf_counter() - started
    sys.stdout.buffer.write(msgspec.json.encode(Exporting(written.rows, written.bytes, taken_s, _peak_mb())))


def _peak_mb() -> float:
    # Not of getrusage: that goes on counting from the process which this one was forked from.
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


if __name__ == "__main__":
    main()
