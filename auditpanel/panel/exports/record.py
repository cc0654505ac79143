"""An export's page as its template shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from flask import url_for
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import NotFound
from auditpanel.exports.queries import count_exports, list_exports
from auditpanel.exports.records import ExportKey, ExportLine, ExportRecord
from auditpanel.exports.schedules import get_schedule
from auditpanel.exports.values import ExportStatus, Format
from auditpanel.filters import FilterSet, Span
from auditpanel.keyset import Direction, Place
from auditpanel.logs.redaction import Redactor
from auditpanel.logs.task_secrets import redacted_parameters
from auditpanel.logs.values import Message, Origin
from auditpanel.panel.bodies import BodyView, format_size, view_body
from auditpanel.panel.exports.asking import new_url
from auditpanel.panel.exports.choices import order_words
from auditpanel.panel.exports.showing import expected_words, export_pill, format_words, is_too_long_for_xlsx, shown_error
from auditpanel.panel.formatters import count_text, date_words, format_duration
from auditpanel.panel.list_controls import ListUrls
from auditpanel.panel.sendouts.caused import CausedSendouts, caused_sendouts
from auditpanel.panel.tasks.counts import BarPart
from auditpanel.panel.tasks.record import Fact, Note, StartedBy, started_by
from auditpanel.panel.tasks.showing import TaskPill, counted

BAR_WIDTH = 1_000
# So near its end, a file's expiry is worth a note.
SOON = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Head:
    label: str
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ExportPage:
    """`change_url` asks for the same again, to be changed before, `csv_url` as CSV, where XLSX could not hold it.

    `delete_url` is None for those who may not, and where nothing is left.
    """

    id: str
    back_url: str
    back_words: str
    position_text: str
    newer_url: str | None
    older_url: str | None
    pill: TaskPill
    label: str
    words: str
    trace_url: str
    browse_url: str | None
    download_url: str | None
    download_words: str
    again_url: str | None
    change_url: str
    csv_url: str | None
    delete_url: str | None
    heads: list[Head]
    bar: list[BarPart]
    progress: str
    notes: list[Note]
    facts: list[Fact]
    fields: tuple[str, ...]
    started_by: StartedBy | None
    sendouts: list[CausedSendouts]
    parameters: BodyView | None
    is_running: bool


def build_record(
    session: Session, scope: ProjectScope, record: ExportRecord, urls: ListUrls, span: Span, email: str, now: datetime
) -> ExportPage:
    """`urls` are those of the list that the reader came from: its filters decide what is next."""
    line = record.line
    return ExportPage(
        id=line.id,
        back_url=urls.to(),
        back_words=urls.filters.words,
        position_text=_position(session, scope, urls.filters, span, line.key),
        newer_url=_neighbour(session, scope, urls, span, line.key, Direction.NEWER),
        older_url=_neighbour(session, scope, urls, span, line.key, Direction.OLDER),
        pill=export_pill(line),
        label=line.exported.label,
        words=line.words,
        trace_url=url_for("traces.show", request_id=line.request_id),
        browse_url=url_for("exports.browse", export_id=line.id) if line.is_ready else None,
        download_url=url_for("exports.download", export_id=line.id) if line.is_ready else None,
        download_words=f"Download {format_size(line.file_bytes or 0)}",
        again_url=url_for("exports.again", export_id=line.id) if line.is_ended else None,
        change_url=new_url(line.exported, record.filters),
        csv_url=url_for("exports.as_csv", export_id=line.id) if is_too_long_for_xlsx(line) else None,
        delete_url=url_for("exports.remove", export_id=line.id) if line.deleted_at is None and may_delete(scope, line, email) else None,
        heads=list(_heads(record, scope.time_zone)),
        bar=_bar(line),
        progress=_progress(line),
        notes=list(_notes(record, scope.time_zone, now)),
        facts=list(_facts(session, scope, record)),
        fields=record.layout.fields,
        started_by=started_by(session, scope, line.request_id),
        sendouts=list(caused_sendouts(session, scope, line.request_id)),
        parameters=_parameters(scope, record),
        is_running=not line.is_ended,
    )


def may_delete(scope: ProjectScope, line: ExportLine, email: str) -> bool:
    """Whoever asked for it, operators and admins."""
    return scope.role.includes(Role.OPERATOR) or line.asker.user == email


def _neighbour(session: Session, scope: ProjectScope, urls: ListUrls, span: Span, key: ExportKey, direction: Direction) -> str | None:
    page = list_exports(session, scope, urls.filters, span, place=Place(key, direction), size=1)
    state = urls.to().removeprefix(urls.base)
    return f"{url_for('exports.show', export_id=page.lines[0].id)}{state}" if page.lines else None


def _position(session: Session, scope: ProjectScope, filters: FilterSet, span: Span, key: ExportKey) -> str:
    newer, older = (count_exports(session, scope, filters, span, place=Place(key, way)) for way in (Direction.NEWER, Direction.OLDER))
    if not newer.is_exact:
        return ""
    return f"{count_text(newer.value + 1)} of {count_text(newer.value + 1 + older.value)}{'' if older.is_exact else '+'}"


def _heads(record: ExportRecord, zone: ZoneInfo) -> Iterator[Head]:
    line, expected = record.line, expected_words(record.line)
    yield Head("Rows", count_text(line.rows_done), f"of {expected} expected" if expected and not line.is_ended else "")
    yield Head("Size", format_size(line.file_bytes) if line.file_bytes is not None else "–")
    took = line.finished_at - record.started_at if line.finished_at and record.started_at else None
    duration = format_duration(took / timedelta(milliseconds=1)) if took else None
    yield Head("Took", duration.text if duration else "–")
    if line.expires_at:
        expires = line.expires_at.astimezone(zone)
        yield Head("Expired" if line.is_expired else "Expires", date_words(expires.date()), f"{expires:%H:%M}")


def _bar(line: ExportLine) -> list[BarPart]:
    if line.status is not ExportStatus.IN_PROGRESS or line.progress is None:
        return []
    return [BarPart("created", 0, line.progress * BAR_WIDTH // 100)]


def _progress(line: ExportLine) -> str:
    return f"{line.progress}% of {counted(line.expected.value, 'row')} expected" if line.expected and line.progress is not None else ""


def _notes(record: ExportRecord, zone: ZoneInfo, now: datetime) -> Iterator[Note]:
    line = record.line
    if line.deleted_at is not None:
        yield Note("info", *_deleted_words(line, f"{record.deleted_by} did so on {_moment(line.deleted_at.astimezone(zone))}"))
    if line.is_stopped:
        return
    if line.status is ExportStatus.ERROR:
        yield Note("bad", "It failed.", shown_error(line))
    elif line.is_expired and line.expires_at:
        yield Note("info", "The file has expired.", f"It was kept for {counted(record.keep_days, 'day')}. Run it again for a new one.")
    elif line.is_ready and line.expires_at and line.expires_at - now < SOON:
        at = _moment(line.expires_at.astimezone(zone))
        yield Note("clock", "The file goes soon.", f"It expires on {at}; the record stays.")


def _deleted_words(line: ExportLine, who: str) -> tuple[str, str]:
    """A title, and what was deleted: there is not always a file."""
    if line.has_lost_file:
        return "The file is deleted.", f"{who}. The record stays, and can be run again."
    if line.is_stopped:
        when = "before it was ready"
    else:
        when = "when its file had expired" if line.status is ExportStatus.DONE else "when it had failed"
    return "The export is deleted.", f"{who}, {when}. The record stays, and can be run again."


def _facts(session: Session, scope: ProjectScope, record: ExportRecord) -> Iterator[Fact]:
    line, layout, zone = record.line, record.layout, scope.time_zone
    yield Fact("Asked for", _moment(line.created_at.astimezone(zone)))
    if line.finished_at:
        yield Fact("Ended", _moment(line.finished_at.astimezone(zone)))
    yield Fact("Who", line.who, "who")
    yield Fact("Origin", Origin(line.origin).label if line.origin in list(Origin) else line.origin)
    if line.channel:
        yield Fact("Channel", line.channel)
    yield Fact("Rows of", _span_words(record.span, zone), wide=True)
    yield Fact("Order", order_words(layout.order))
    yield Fact("Format", f"{format_words(line)}{', with a byte order mark' if layout.has_bom else ''}")
    yield Fact("Times written in", "UTC" if layout.format is Format.PARQUET else layout.time_zone)
    yield Fact("Kept for", counted(record.keep_days, "day"))
    yield Fact("Export id", line.id, "mono", copy=True, wide=True)
    yield Fact("Request id", line.request_id, "mono", url_for("traces.show", request_id=line.request_id), copy=True, wide=True)
    if record.sha256:
        yield Fact("SHA-256 of the file", record.sha256, "mono", copy=True, wide=True)
    yield Fact("File name", record.download_name, "mono", wide=True)
    if record.again_of:
        yield Fact("Run again of", record.again_of, "mono", url_for("exports.show", export_id=record.again_of), wide=True)
    yield from _schedule(session, scope, line)


def _schedule(session: Session, scope: ProjectScope, line: ExportLine) -> Iterator[Fact]:
    if line.schedule_id is None:
        return
    try:
        name = get_schedule(session, scope, line.schedule_id).name
    except NotFound:
        yield Fact("Scheduled by", "a schedule that was removed since")
        return
    yield Fact("Scheduled by", name, url=url_for("exports.schedules"))


def _span_words(span: Span, zone: ZoneInfo) -> str:
    """What the range meant when it was asked for."""
    start, end = (_moment(at.astimezone(zone)) if at else None for at in (span.start, span.end))
    if start and end:
        return f"{start} to {end}"
    return f"{start} and later" if start else f"before {end}" if end else "all time"


def _parameters(scope: ProjectScope, record: ExportRecord) -> BodyView | None:
    """As an API client gave them."""
    if not record.parameters:
        return None
    text = msgspec.json.encode(redacted_parameters(Redactor.of(scope.redact_paths), record.parameters)).decode()
    return view_body(Message([], text, len(text.encode()), False), content_type="application/json")


def _moment(moment: datetime) -> str:
    return f"{date_words(moment.date())}, {moment:%H:%M:%S}"
