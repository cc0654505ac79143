"""The door to exports for those who ask for them: the API, the panel and the clock. The caller commits, and enqueues after that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project
from auditpanel.accounts.projects import LONGEST_EXPORT_DAYS
from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import AuditpanelError, Conflict, InvalidInput
from auditpanel.exports.models import DueExport, Export
from auditpanel.exports.queries import layout_of, no_such_export
from auditpanel.exports.records import Json, StoredFile
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.values import XLSX_ROWS, Exported, ExportStatus, Format, Layout
from auditpanel.exports.wording import deleted_words, too_many_for_xlsx
from auditpanel.filters import FilterSet, Range, Span
from auditpanel.ids import new_uuid
from auditpanel.keyset import Count
from auditpanel.tasks.storable import storable
from auditpanel.tasks.values import Asker


@dataclass(frozen=True, slots=True)
class NewExport:
    """What is asked for. `span` is what the filters' range means now; `parameters` what an API client gave, to be shown as it was.

    `keep_days` None: as long as the project keeps exports. Raises InvalidInput, field `keep_days`.
    """

    exported: Exported
    filters: FilterSet
    span: Span
    layout: Layout
    parameters: Json
    keep_days: int | None = None
    schedule_id: UUID | None = None

    def __post_init__(self) -> None:
        check_keep_days(self.keep_days)


def check_keep_days(days: int | None) -> None:
    """Raises InvalidInput, field `keep_days`."""
    if days is not None and not 1 <= days <= LONGEST_EXPORT_DAYS:
        raise InvalidInput(f"{days} is not a number of days from 1 to {LONGEST_EXPORT_DAYS:,}; write one, like 30", field="keep_days")


def check_rows_fit(format: Format, expected: Count) -> None:
    """Raises InvalidInput, field `format`, where it cannot hold them."""
    # One row is the header's.
    if format is Format.XLSX and expected.value >= XLSX_ROWS:
        raise InvalidInput(too_many_for_xlsx(expected), field="format")


def request_export(session: Session, scope: ProjectScope, new: NewExport, *, asker: Asker, now: datetime) -> UUID:
    """Write the export that is to be made. Raises InvalidInput, field `format`, where its format cannot hold the rows there are."""
    expected = SUBJECTS[new.exported].count(session, scope, new.filters, new.span)
    check_rows_fit(new.layout.format, expected)
    export = _new_export(session, scope, new, asker, now)
    _write_expected(export, expected)
    _add_due(session, export)
    return export.id


def record_refused_export(
    session: Session, scope: ProjectScope, new: NewExport, *, filters: str, words: str, asker: Asker, error: AuditpanelError, now: datetime
) -> UUID:
    """What the clock asked for and was refused is a failed export that says why: nobody else was told.

    `filters` and `words` as the schedule has them, since it may be those that cannot be read any more.
    """
    export = _new_export(session, scope, new, asker, now)
    export.filters, export.words = filters, words
    export.status, export.error, export.finished_at = ExportStatus.ERROR, storable(str(error)), now
    session.add(export)
    session.flush()
    return export.id


def run_again(session: Session, scope: ProjectScope, export_id: UUID, *, asker: Asker, now: datetime) -> UUID:
    """A new export of the same: the rows that the same filters mean by then, within the same moments.

    Raises NotFound, Conflict where it has not ended, and InvalidInput as `request_export`.
    """
    before = _locked_export(session, scope, export_id)
    if before.finished_at is None:
        raise Conflict(f"The export is {before.status}: wait until it has ended, or delete it.")
    new = NewExport(
        Exported(before.exported),
        filters_of(before),
        Span(before.since, before.until),
        layout_of(before),
        before.parameters,
        before.keep_days,
    )
    again_id = request_export(session, scope, new, asker=asker, now=now)
    again = session.get_one(Export, (scope.project_id, again_id))
    # The words of the range are those of the day on which it was chosen.
    again.again_of, again.words = before.id, before.words
    session.flush()
    return again_id


def delete_export(session: Session, scope: ProjectScope, export_id: UUID, by: str, now: datetime) -> StoredFile | None:
    """The record stays, and who did it; what is given back is to be removed from the store of files after the commit.

    One that is under way ends as failed. Deleting twice is no different from deleting once. Raises NotFound.
    """
    # First what a worker locks first: else each could wait for the other.
    session.execute(delete(DueExport).where(DueExport.project_id == scope.project_id, DueExport.export_id == export_id))
    export = _locked_export(session, scope, export_id)
    if export.finished_at is None:
        export.status, export.error, export.finished_at = ExportStatus.ERROR, deleted_words(by), now
    file = StoredFile(scope.project_id, export.file_name) if export.file_name is not None else None
    if export.deleted_at is None:
        export.deleted_at, export.deleted_by, export.updated_at = now, by, max(now, export.updated_at)
    export.file_name = None
    session.flush()
    return file


def filters_of(export: Export) -> FilterSet:
    """As they were asked for. Raises InvalidInput where a filter has gone since."""
    return SUBJECTS[Exported(export.exported)].read_filters(parse_qsl(export.filters))


def written_filters(filters: FilterSet) -> str:
    """As a query string, which `Subject.read_filters` reads back: with its range in any case, as lists differ in which is so by itself."""
    kind, pairs = filters.range.kind, [pair for pair in filters.params if pair[0] != "range"]
    return urlencode(pairs if kind is Range.CUSTOM else [("range", str(kind)), *pairs])


def _new_export(session: Session, scope: ProjectScope, new: NewExport, asker: Asker, now: datetime) -> Export:
    layout = new.layout
    return Export(
        project_id=scope.project_id,
        id=new_uuid(),
        exported=new.exported,
        status=ExportStatus.SCHEDULED,
        created_at=now,
        updated_at=now,
        request_id=asker.request_id,
        origin=asker.origin,
        channel=asker.channel,
        user=asker.user,
        api_key=asker.api_key,
        parameters=storable(new.parameters),
        filters=written_filters(new.filters),
        words=new.filters.words,
        since=new.span.start,
        until=new.span.end,
        fields=list(layout.fields),
        order=layout.order,
        format=layout.format,
        packing=layout.packing,
        has_bom=layout.has_bom,
        time_zone=layout.time_zone,
        rows_done=0,
        keep_days=new.keep_days if new.keep_days is not None else _project_days(session, scope),
        schedule_id=new.schedule_id,
    )


def _write_expected(export: Export, expected: Count) -> None:
    is_counted = expected.is_exact or expected.value > 0
    export.rows_expected, export.is_expected_exact = expected.value if is_counted else None, expected.is_exact


def _project_days(session: Session, scope: ProjectScope) -> int:
    return session.scalars(select(Project.export_days).where(Project.id == scope.project_id)).one()


def _add_due(session: Session, export: Export) -> None:
    session.add_all([export, DueExport(project_id=export.project_id, export_id=export.id)])
    session.flush()


def _locked_export(session: Session, scope: ProjectScope, export_id: UUID) -> Export:
    statement = select(Export).where(Export.project_id == scope.project_id, Export.id == export_id).with_for_update()
    export = session.scalar(statement, execution_options={"populate_existing": True})
    if export is None:
        raise no_such_export()
    return export
