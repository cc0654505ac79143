"""What the runner writes on a task's row. All of it in the transaction that the lease was renewed in; the caller commits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auditpanel.tasks.leases import Lease
from auditpanel.tasks.models import AsyncAction, RefusedRow
from auditpanel.tasks.records import REFUSED_STORED_LIMIT
from auditpanel.tasks.storable import storable
from auditpanel.tasks.values import Asker, Batch, Json, Outcome, Refused, TaskStatus, TaskType
from auditpanel.tasks.wording import reason_pattern

REASONS_LIMIT = 50


@dataclass(frozen=True, slots=True)
class State:
    """A task's row, as far as the work on it depends on that."""

    type: TaskType
    parameters: Json
    file_name: str | None
    created_at: datetime
    position: Json
    rows_total: int | None
    rows_done: int
    cancel_asked_by: str | None


_STATE_COLUMNS = (
    AsyncAction.type,
    AsyncAction.parameters,
    AsyncAction.file_name,
    AsyncAction.created_at,
    AsyncAction.position,
    AsyncAction.rows_total,
    AsyncAction.rows_done,
    AsyncAction.cancel_asked_by,
)


def read_state(session: Session, lease: Lease) -> State:
    row = session.execute(select(*_STATE_COLUMNS).where(*_row(lease))).one()
    return State(TaskType(row.type), *row[1:])


def read_asker(session: Session, lease: Lease) -> Asker:
    columns = (AsyncAction.request_id, AsyncAction.origin, AsyncAction.channel, AsyncAction.user, AsyncAction.api_key)
    return Asker(*session.execute(select(*columns).where(*_row(lease))).one())


def write_start(session: Session, lease: Lease, now: datetime) -> None:
    """`started_at` is that of the first start."""
    started_at = func.coalesce(AsyncAction.started_at, now)
    _write(session, lease, now, status=TaskStatus.IN_PROGRESS, started_at=started_at)


def write_total(session: Session, lease: Lease, rows_total: int | None, *, worked_ms: int, now: datetime) -> None:
    _write(session, lease, now, rows_total=rows_total, processing_ms=AsyncAction.processing_ms + worked_ms)


def write_batch(session: Session, lease: Lease, batch: Batch, outcome: Outcome, *, worked_ms: int, now: datetime) -> None:
    told = {"refused_reasons": _store_refused(session, lease, outcome.refused)} if outcome.refused else {}
    _write(
        session,
        lease,
        now,
        position=batch.position,
        rows_done=AsyncAction.rows_done + batch.rows,
        processing_ms=AsyncAction.processing_ms + worked_ms,
        created=AsyncAction.created + outcome.created,
        updated=AsyncAction.updated + outcome.updated,
        deleted=AsyncAction.deleted + outcome.deleted,
        skipped=AsyncAction.skipped + outcome.skipped,
        refused=AsyncAction.refused + len(outcome.refused),
        **told,
    )


def write_done(session: Session, lease: Lease, *, worked_ms: int, now: datetime) -> None:
    """What was counted before may have changed since; in the end, all rows are those that were done."""
    processing_ms = AsyncAction.processing_ms + worked_ms
    _write(session, lease, now, status=TaskStatus.DONE, rows_total=AsyncAction.rows_done, finished_at=now, processing_ms=processing_ms)


def write_failure(session: Session, lease: Lease, error: str, *, worked_ms: int, now: datetime) -> None:
    processing_ms = AsyncAction.processing_ms + worked_ms
    _write(session, lease, now, status=TaskStatus.FAILED, error=storable(error), finished_at=now, processing_ms=processing_ms)


def _write(session: Session, lease: Lease, now: datetime, **values: Any) -> None:
    # The clock of the machine that takes over may be behind.
    updated_at = func.greatest(AsyncAction.updated_at, now)
    session.execute(update(AsyncAction).where(*_row(lease)).values(updated_at=updated_at, **values), execution_options=_NO_OBJECTS)


# The sessions hold no objects of this table, so none have to be found and brought up to date.
_NO_OBJECTS = {"synchronize_session": False}


def _store_refused(session: Session, lease: Lease, refused: Sequence[Refused]) -> dict[str, int]:
    """Answers how many of the rows that are stored now have each pattern of reasons."""
    before, reasons = session.execute(select(AsyncAction.refused, AsyncAction.refused_reasons).where(*_row(lease))).one()
    # Of a line with two mistakes the first one stands.
    rows = {row.line: row for row in reversed(refused[: max(0, REFUSED_STORED_LIMIT - before)])}
    if rows:
        values = [_refused_row(lease, row) for row in rows.values()]
        session.execute(insert(RefusedRow.__table__).on_conflict_do_nothing(), values)  # type: ignore[arg-type]
    return _counted(reasons, rows.values())


def _counted(reasons: Mapping[str, int], rows: Iterable[Refused]) -> dict[str, int]:
    """Reasons that differ in every row are no patterns: what comes late is not told apart, so that the task's row stays small."""
    counts = Counter(reasons)
    for pattern, number in Counter(storable(reason_pattern(row)) for row in rows).items():
        if pattern in counts or len(counts) < REASONS_LIMIT:
            counts[pattern] += number
    return dict(counts)


def _refused_row(lease: Lease, row: Refused) -> dict[str, object]:
    return {
        "project_id": lease.project_id,
        "task_id": lease.id,
        "line": row.line,
        "content": storable(row.content),
        "column_name": storable(row.column) if row.column else None,
        "value": storable(row.value) if row.value is not None else None,
        "reason": storable(row.reason),
    }


def _row(lease: Lease) -> tuple[ColumnElement[bool], ...]:
    return AsyncAction.project_id == lease.project_id, AsyncAction.id == lease.id
