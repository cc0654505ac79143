"""What the runner reads and writes of an export's row. It writes in the transaction that the lease was renewed in; the caller commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from auditpanel.exports.layouts import still_valid
from auditpanel.exports.models import Export
from auditpanel.exports.queries import layout_of
from auditpanel.exports.records import StoredFile
from auditpanel.exports.store import filters_of
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.values import Exported, ExportStatus, Layout
from auditpanel.exports.writing import Written
from auditpanel.filters import FilterSet, Span
from auditpanel.leases import Lease
from auditpanel.tasks.storable import storable
from auditpanel.tasks.values import Asker

# The sessions hold no objects of this table that have to be found and brought up to date.
_NO_OBJECTS = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made, as it was asked for."""

    exported: Exported
    filters: FilterSet
    span: Span
    layout: Layout
    keep_days: int
    asker: Asker


def read_order(session: Session, lease: Lease) -> Order:
    """Raises InvalidInput where a filter or a field has gone since it was asked for."""
    export = session.scalars(select(Export).where(*_row(lease))).one()
    asker = Asker(export.request_id, export.origin, export.channel, export.user, export.api_key)
    exported, span = Exported(export.exported), Span(export.since, export.until)
    layout = still_valid(SUBJECTS[exported], layout_of(export))
    return Order(exported, filters_of(export), span, layout, export.keep_days, asker)


def write_start(session: Session, lease: Lease, now: datetime) -> None:
    """`started_at` is that of the first start; the rows of a run that was killed are gone with it."""
    started_at = func.coalesce(Export.started_at, now)
    _write(session, lease, now, status=ExportStatus.IN_PROGRESS, started_at=started_at, rows_done=0)


def write_rows(session: Session, lease: Lease, rows: int, now: datetime) -> None:
    _write(session, lease, now, rows_done=rows)


def write_done(session: Session, lease: Lease, order: Order, written: Written, file: StoredFile, now: datetime) -> None:
    """What was counted before may have changed since; in the end, the rows are those that were written."""
    _write(
        session,
        lease,
        now,
        status=ExportStatus.DONE,
        rows_done=written.rows,
        rows_expected=written.rows,
        is_expected_exact=True,
        file_name=file.name,
        file_bytes=written.bytes,
        sha256=written.sha256,
        finished_at=now,
        expires_at=now + timedelta(days=order.keep_days),
    )


def write_failure(session: Session, lease: Lease, error: str, now: datetime) -> None:
    _write(session, lease, now, status=ExportStatus.ERROR, error=storable(error), finished_at=now)


def _write(session: Session, lease: Lease, now: datetime, **values: Any) -> None:
    # The clock of the machine that takes over may be behind.
    updated_at = func.greatest(Export.updated_at, now)
    session.execute(update(Export).where(*_row(lease)).values(updated_at=updated_at, **values), execution_options=_NO_OBJECTS)


def _row(lease: Lease) -> tuple[ColumnElement[bool], ...]:
    return Export.project_id == lease.project_id, Export.id == lease.id
