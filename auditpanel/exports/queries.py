"""Reading exports: lists, counts, one export. Every statement is narrowed to the project of a scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import InvalidInput, NotFound
from auditpanel.exports.clauses import EXPORTS, ONLY, has_file, matching
from auditpanel.exports.models import DueExport, Export
from auditpanel.exports.records import ExportKey, ExportLine, ExportPage, ExportRecord, Shares, StoredFile
from auditpanel.exports.values import Exported, ExportStatus, Format, Layout, Packing
from auditpanel.filters import FilterSet, Span
from auditpanel.ids import Prefix, format_id
from auditpanel.keyset import COUNT_CAP, Count, Direction, Page, Place, count_rows
from auditpanel.tasks.values import Asker

LINE_COLUMNS = (
    Export.created_at,
    Export.id,
    Export.exported,
    Export.status,
    Export.updated_at,
    Export.request_id,
    Export.origin,
    Export.channel,
    Export.user,
    Export.api_key,
    Export.words,
    Export.format,
    Export.packing,
    Export.rows_expected,
    Export.is_expected_exact,
    Export.rows_done,
    has_file().label("has_file"),
    Export.file_bytes,
    Export.finished_at,
    Export.expires_at,
    Export.deleted_at,
    Export.error,
    Export.schedule_id,
)

# How many of a project have not ended yet.
RUNNING = select(func.count()).select_from(DueExport).where(DueExport.project_id == bindparam("project_id"))

NEWEST_FIRST = "-created_at"
ORDERS: Mapping[str, Sequence[ColumnElement[Any]]] = {
    "created_at": (Export.created_at.asc(), Export.id.asc()),
    NEWEST_FIRST: (Export.created_at.desc(), Export.id.desc()),
    "status": (Export.status.asc(), Export.created_at.desc(), Export.id.desc()),
    "-status": (Export.status.desc(), Export.created_at.desc(), Export.id.desc()),
}


def list_exports(
    session: Session, scope: ProjectScope, filters: FilterSet, span: Span, *, place: Place | None = None, size: int = 50
) -> ExportPage:
    """A page of the project's exports that match, beyond `place`, or the newest ones."""
    return EXPORTS.page(session, select(*LINE_COLUMNS).where(*matching(scope, filters, span)), place, size, _line)


def list_records(
    session: Session, scope: ProjectScope, filters: FilterSet, span: Span, *, place: Place | None = None, size: int = 50
) -> Page[ExportRecord]:
    """As `list_exports`, with everything."""
    return EXPORTS.page(session, _records(scope, filters, span), place, size, _record)


def list_numbered(
    session: Session, scope: ProjectScope, filters: FilterSet, span: Span, *, order: str, page: int, size: int
) -> Page[ExportRecord]:
    """Page by number, from 1, as the public API has them: a project has thousands of exports at most, and not millions.

    Raises InvalidInput, field `order`, where it is none of `ORDERS`.
    """
    if order not in ORDERS:
        raise InvalidInput(f'"{order[:60]}" is no order of this list; write one of {", ".join(ORDERS)}', field="order")
    statement = _records(scope, filters, span).order_by(*ORDERS[order]).offset((page - 1) * size).limit(size + 1)
    return Page.of([_record(row) for row in session.execute(statement)], Direction.OLDER, size)


def count_exports(
    session: Session, scope: ProjectScope, filters: FilterSet, span: Span, *, place: Place | None = None, cap: int = COUNT_CAP
) -> Count:
    """How many exports match (beyond `place`), up to the cap."""
    return count_rows(session, select(Export.id).where(*matching(scope, filters, span), *EXPORTS.beyond(place)), cap)


def count_shares(session: Session, scope: ProjectScope, filters: FilterSet, span: Span, *, cap: int = COUNT_CAP) -> Shares:
    """Of the newest exports that match, up to the cap, whatever the filter `only` says."""
    columns = [clause().label(name) for name, clause in ONLY.items()]
    rows = select(*columns).where(*matching(scope, filters.without("only"), span)).order_by(Export.created_at.desc())
    newest = rows.limit(cap + 1).subquery()
    counted = [func.count().filter(newest.c[name]) for name in ONLY]
    total, *shares = session.execute(select(func.count(), *counted).select_from(newest)).one()
    running, ready, failed = shares
    return Shares(min(total, cap), running, ready, failed, is_exact=total <= cap)


def get_export(session: Session, scope: ProjectScope, export_id: UUID) -> ExportRecord:
    """Raises NotFound where the project has no such export."""
    found = session.execute(
        select(Export, *LINE_COLUMNS).where(Export.project_id == scope.project_id, Export.id == export_id),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if found is None:
        raise no_such_export()
    return _record(found)


def layout_of(export: Export) -> Layout:
    return Layout(tuple(export.fields), export.order, Format(export.format), Packing(export.packing), export.has_bom, export.time_zone)


def no_such_export() -> NotFound:
    return NotFound("There is no such export in this project. It may belong to a project that you are not a member of.")


def _records(scope: ProjectScope, filters: FilterSet, span: Span) -> Select[*tuple[Any, ...]]:
    return select(Export, *LINE_COLUMNS).where(*matching(scope, filters, span))


def _line(row: Sequence[Any]) -> ExportLine:
    created_at, export_id, exported, status, updated_at, request_id, origin, channel, user, api_key, words, *rest = row
    format_, packing, expected, is_exact, *counted = rest
    return ExportLine(
        ExportKey(created_at, export_id),
        Exported(exported),
        ExportStatus(status),
        updated_at,
        Asker(request_id, origin, channel, user, api_key),
        words,
        Format(format_),
        Packing(packing),
        Count(expected, is_exact) if expected is not None else None,
        *counted,
    )


def _record(row: Sequence[Any]) -> ExportRecord:
    export, *rest = row
    line = _line(rest)
    return ExportRecord(
        line,
        export.parameters,
        export.filters,
        Span(export.since, export.until),
        layout_of(export),
        StoredFile(export.project_id, export.file_name) if line.has_file else None,
        export.sha256,
        export.keep_days,
        export.started_at,
        export.deleted_by,
        format_id(Prefix.EXPORT, export.again_of) if export.again_of else None,
    )
