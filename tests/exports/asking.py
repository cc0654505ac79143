"""Exports for tests that do not care what is in them: customers of a project, who are quickly made."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.models import Customer
from auditpanel.exports.files import Files, LocalFiles
from auditpanel.exports.layouts import checked_layout
from auditpanel.exports.queries import get_export
from auditpanel.exports.records import ExportRecord
from auditpanel.exports.runner import Workshop, run_export
from auditpanel.exports.store import NewExport, request_export
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.values import Exported
from auditpanel.filters import Span
from auditpanel.leases import RENEW_EVERY_S
from auditpanel.tasks.values import Asker
from auditpanel.times import utc_now
from tests.tasks.making import make_asker

NOW = datetime(2026, 11, 24, 15, 42, 8, tzinfo=UTC)


def make_customers(session: Session, scope: ProjectScope, count: int, *, first: int = 0) -> None:
    rows = [{"project_id": scope.project_id, "source_id": f"customer-{number}"} for number in range(first, first + count)]
    session.execute(insert(Customer), rows)
    session.commit()


def make_many_customers(session: Session, scope: ProjectScope, count: int) -> None:
    """By the database itself: many thousands a second."""
    customer = Customer(project_id=scope.project_id, source_id="customer-0")
    session.add(customer)
    session.flush()
    columns = [column.name for column in Customer.__table__.columns if column.name not in ("id", "source_id")]
    others = ", ".join(columns)
    session.execute(
        text(
            f"INSERT INTO customers (id, source_id, {others}) SELECT gen_random_uuid(), 'customer-' || number, {others}"  # noqa: S608
            " FROM customers, generate_series(1, :last) AS number WHERE project_id = :project_id"
        ),
        {"last": count - 1, "project_id": scope.project_id},
    )
    session.commit()


def new_export(
    exported: Exported = Exported.CUSTOMER, *, format: str = "csv", keep_days: int | None = None, params: tuple[tuple[str, str], ...] = ()
) -> NewExport:
    subject = SUBJECTS[exported]
    layout = checked_layout(subject, format=format)
    return NewExport(exported, subject.read_filters(params), Span(None, None), layout, {}, keep_days)


def ask(session: Session, scope: ProjectScope, new: NewExport | None = None, *, asker: Asker | None = None, now: datetime = NOW) -> UUID:
    export_id = request_export(session, scope, new or new_export(), asker=asker or make_asker(), now=now)
    session.commit()
    return export_id


def make_workshop(
    engine: Engine,
    files: Files,
    *,
    now: Callable[[], datetime] = utc_now,
    is_closing: Callable[[], bool] = lambda: False,
    renew_every_s: float = RENEW_EVERY_S,
    progress_every_s: float = 0.0,
) -> Workshop:
    pauses_s = (0.01, 0.02, 0.05)
    return Workshop(lambda: Session(engine), engine.connect, files, now, is_closing, pauses_s, renew_every_s, progress_every_s)


def run(engine: Engine, files: Files, scope: ProjectScope, export_id: UUID, *, now: Callable[[], datetime] = utc_now) -> ExportRecord:
    run_export(make_workshop(engine, files, now=now), scope.project_id, export_id)
    return read(engine, scope, export_id)


def make_done(session: Session, engine: Engine, files: Files, scope: ProjectScope, new: NewExport | None = None) -> ExportRecord:
    return run(engine, files, scope, ask(session, scope, new))


def read(engine: Engine, scope: ProjectScope, export_id: UUID) -> ExportRecord:
    with Session(engine) as session:
        return get_export(session, scope, export_id)


def content(files: Files, record: ExportRecord) -> bytes:
    assert record.file is not None
    with files.open(record.file) as file:
        return file.read()


def assert_whole(files: Files, record: ExportRecord, rows: int) -> None:
    """The file has so many rows, each once, and is the one that the record tells of."""
    data = content(files, record)
    assert (len(data), hashlib.sha256(data).hexdigest()) == (record.line.file_bytes, record.sha256)
    lines = list(csv.DictReader(data.decode().splitlines()))
    assert len(lines) == len({line["source_id"] for line in lines}) == record.line.rows_done == rows


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() or path.suffix)


def local_files(folder: Path) -> LocalFiles:
    return LocalFiles(folder / "exports")


def let_lease_run_out(engine: Engine, export_id: UUID) -> None:
    """As if its time had gone by."""
    with Session(engine) as session:
        session.execute(text("UPDATE due_exports SET lease_until = now() - interval '1 second' WHERE export_id = :id"), {"id": export_id})
        session.commit()
