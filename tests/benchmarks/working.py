"""Background tasks done by a worker as the Procfile starts it, watched from outside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psutil
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.ids import new_request_id
from auditpanel.queues import enqueue_task
from auditpanel.tasks.queries import get_task
from auditpanel.tasks.records import TaskRecord
from auditpanel.tasks.store import request_task
from auditpanel.tasks.uploads import Upload, keep
from auditpanel.tasks.values import Asker, Json, TaskStatus, TaskType
from auditpanel.times import utc_now
from tests.benchmarks.stage import Stage
from tests.benchmarks.workers import peak_mb, worker

LOOK_EVERY_S = 0.05
FILE_LIMIT_BYTES = 1 << 32


@dataclass(frozen=True, slots=True)
class Worked:
    """`seconds` are those from the task's start to its end, `peak_mb` is the most memory that its process ever had."""

    seconds: float
    peak_mb: float
    record: TaskRecord


Meanwhile = Callable[[TaskRecord], object]


def wait_a_moment(record: TaskRecord) -> None:
    time.sleep(LOOK_EVERY_S)


class Worker:
    def __init__(self, stage: Stage, process: psutil.Process) -> None:
        self._stage = stage
        self._process = process

    def do(
        self,
        scope: ProjectScope,
        type_: TaskType,
        *,
        parameters: Json | None = None,
        file: Path | None = None,
        meanwhile: Meanwhile = wait_a_moment,
    ) -> Worked:
        """To the task's end; until then `meanwhile` is called again and again."""
        task_id, peak = self._ask(scope, type_, parameters or {}, file), 0.0
        while True:
            peak = max(peak, peak_mb(self._process))
            record = self._read(scope, task_id)
            if record.line.is_ended:
                return _worked(record, peak)
            meanwhile(record)

    def _ask(self, scope: ProjectScope, type_: TaskType, parameters: Json, file: Path | None) -> UUID:
        asker = Asker(new_request_id(), "API", api_key="bench")
        with Session(self._stage.engine) as session:
            upload = self._upload(file) if file else None
            task_id = request_task(session, scope, type_, asker=asker, parameters=parameters, upload=upload, now=utc_now())
            session.commit()
        enqueue_task(self._stage.environ["REDIS_URL"], scope.project_id, task_id)
        return task_id

    def _upload(self, file: Path) -> Upload:
        folder = Path(self._stage.environ["AUDITPANEL_DATA"]) / "uploads"
        with file.open("rb") as stream:
            return keep(stream, file.name, folder=folder, limit_bytes=FILE_LIMIT_BYTES)

    def _read(self, scope: ProjectScope, task_id: UUID) -> TaskRecord:
        with Session(self._stage.engine) as session:
            return get_task(session, scope, task_id)


def _worked(record: TaskRecord, peak_mb: float) -> Worked:
    assert record.line.status is TaskStatus.DONE, record.line.error
    assert record.started_at and record.finished_at
    return Worked((record.finished_at - record.started_at).total_seconds(), peak_mb, record)


@contextmanager
def working(stage: Stage) -> Iterator[Worker]:
    with worker(stage, "tasks") as process:
        yield Worker(stage, process)
