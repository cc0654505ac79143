"""Exports made by a worker as the Procfile starts it, watched from outside."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psutil
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.exports.files import LocalFiles
from auditpanel.exports.layouts import checked_layout
from auditpanel.exports.queries import get_export
from auditpanel.exports.records import ExportRecord
from auditpanel.exports.store import NewExport, request_export
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.values import Exported, ExportStatus, Format
from auditpanel.filters import Span
from auditpanel.ids import new_request_id
from auditpanel.queues import enqueue_export
from auditpanel.tasks.values import Asker
from auditpanel.times import utc_now
from tests.benchmarks.stage import Stage
from tests.benchmarks.workers import peak_mb, worker

LOOK_EVERY_S = 0.05
PATIENCE_S = 1_800.0


@dataclass(frozen=True, slots=True)
class Exporting:
    """`rate` is in rows a second, from the export's start to its end; `peak_mb` is the most memory that its process ever had."""

    rows: int
    bytes: int
    rate: float
    peak_mb: float


class Exporter:
    def __init__(self, stage: Stage, process: psutil.Process) -> None:
        self._stage = stage
        self._process = process
        self._files = LocalFiles(Path(stage.environ["AUDITPANEL_DATA"]) / "exports")

    def export(self, scope: ProjectScope, format: Format, *, gzip: bool = False) -> Exporting:
        """All logs of a project, with all of their fields. The file is removed."""
        export_id, peak, deadline = self._ask(scope, format, gzip), 0.0, time.monotonic() + PATIENCE_S
        # The process lives on for a moment after the export's end.
        while not (record := self._read(scope, export_id)).line.is_ended or self._process.children():
            peak = max(peak, peak_mb(self._process))
            assert time.monotonic() < deadline, "the export does not end"
            time.sleep(LOOK_EVERY_S)
        assert record.line.status is ExportStatus.DONE, record.line.error
        assert record.file and record.line.file_bytes and record.started_at and record.line.finished_at
        self._files.remove(record.file)
        rate = record.line.rows_done / (record.line.finished_at - record.started_at).total_seconds()
        return Exporting(record.line.rows_done, record.line.file_bytes, rate, peak)

    def _ask(self, scope: ProjectScope, format: Format, gzip: bool) -> UUID:
        subject = SUBJECTS[Exported.LOG]
        layout = checked_layout(subject, format=format, gzip=gzip)
        new = NewExport(Exported.LOG, subject.read_filters([("range", "all")]), Span(None, None), layout, {})
        asker = Asker(new_request_id(), "API", api_key="bench")
        with Session(self._stage.engine) as session:
            export_id = request_export(session, scope, new, asker=asker, now=utc_now())
            session.commit()
        enqueue_export(self._stage.environ["REDIS_URL"], scope.project_id, export_id)
        return export_id

    def _read(self, scope: ProjectScope, export_id: UUID) -> ExportRecord:
        with Session(self._stage.engine) as session:
            return get_export(session, scope, export_id)


@contextmanager
def exporting(stage: Stage) -> Iterator[Exporter]:
    with worker(stage, "exports") as process:
        yield Exporter(stage, process)
