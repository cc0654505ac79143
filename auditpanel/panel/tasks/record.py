"""A background task's page as its template shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec
from flask import url_for
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.refused_json import came_as_json
from auditpanel.filters import FilterSet, Span
from auditpanel.logs.filters import LOG_FIELDS
from auditpanel.logs.queries import list_logs
from auditpanel.logs.redaction import Redactor
from auditpanel.logs.task_secrets import redacted_parameters
from auditpanel.logs.values import LogLine, Origin
from auditpanel.panel.catalogue_links import catalogue_url
from auditpanel.panel.formatters import StatusView, count_text, date_words, format_duration, status_view
from auditpanel.panel.list_controls import ListUrls
from auditpanel.panel.sendouts.caused import CausedSendouts, caused_sendouts
from auditpanel.panel.tasks.counts import BarPart, CountView, bar_of, counts_of
from auditpanel.panel.tasks.listing import task_url
from auditpanel.panel.tasks.refusals import RefusedAsked, RefusedCard, refused_card
from auditpanel.panel.tasks.showing import TaskPill, counted, left_words, task_pill
from auditpanel.tasks.queries import count_tasks, list_tasks
from auditpanel.tasks.records import REFUSED_STORED_LIMIT, Direction, Place, TaskKey, TaskRecord
from auditpanel.tasks.uploads import ROWS_NAME
from auditpanel.tasks.values import Json, TaskStatus

CALL_BUDGET_S = 0.4
PARAMETER_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Note:
    kind: str
    bold: str
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """`kind` is text, mono or who."""

    label: str
    text: str
    kind: str = "text"
    url: str | None = None
    copy: bool = False
    wide: bool = False


@dataclass(frozen=True, slots=True)
class StartedBy:
    """The call that asked for the task."""

    status: StatusView
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class FileView:
    label: str
    words: str
    url: str
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class TaskPage:
    id: str
    back_url: str
    back_words: str
    position_text: str
    newer_url: str | None
    older_url: str | None
    pill: TaskPill
    label: str
    about: str
    trace_url: str
    refused_url: str | None
    cancel_url: str | None
    again_url: str | None
    counts: list[CountView]
    bar: list[BarPart]
    progress: int
    left: str
    notes: list[Note]
    refused: RefusedCard | None
    files: list[FileView]
    import_url: str | None
    stored_words: str
    facts: list[Fact]
    started_by: StartedBy | None
    sendouts: list[CausedSendouts]
    is_running: bool


def build_record(
    session: Session, scope: ProjectScope, record: TaskRecord, urls: ListUrls, span: Span, asked: RefusedAsked, *, file_is_kept: bool
) -> TaskPage:
    """`urls` are those of the list that the reader came from: its filters decide what is next."""
    line, may_change = record.line, scope.role.includes(Role.OPERATOR)
    refused = refused_card(session, scope, record, urls, asked) if record.counts.refused else None
    # The files have all that was sent, secrets too.
    refused_url = url_for("tasks.refused", task_id=line.id) if record.refused_stored and may_change else None
    json_url = url_for("tasks.refused", task_id=line.id, format="json") if refused_url and came_as_json(line.type) else None
    again = may_change and line.status is TaskStatus.FAILED and (record.file_name is None or file_is_kept)
    return TaskPage(
        id=line.id,
        back_url=urls.to(),
        back_words=urls.filters.words,
        position_text=_position(session, scope, urls.filters, span, line.key),
        newer_url=_neighbour(session, scope, urls, span, line.key, Direction.NEWER),
        older_url=_neighbour(session, scope, urls, span, line.key, Direction.OLDER),
        pill=task_pill(line),
        label=line.type.label,
        about=line.about or "",
        trace_url=url_for("traces.show", request_id=line.request_id),
        refused_url=refused_url,
        cancel_url=url_for("tasks.cancel", task_id=line.id) if may_change and not line.is_ended and not line.is_cancel_asked else None,
        again_url=url_for("tasks.again", task_id=line.id) if again else None,
        counts=counts_of(record),
        bar=bar_of(record),
        progress=line.progress,
        left=left_words(line) if line.status is TaskStatus.IN_PROGRESS else "",
        notes=list(_notes(record)),
        refused=refused,
        files=list(_files(record, refused_url, json_url, file_is_kept=file_is_kept and may_change)),
        import_url=url_for("tasks.start", type=line.type) if may_change and refused_url and line.type.endswith("_CSV") else None,
        stored_words=_stored_words(line.rows_done - line.refused),
        facts=list(_facts(record, scope)),
        started_by=started_by(session, scope, line.request_id),
        sendouts=list(caused_sendouts(session, scope, line.request_id)),
        is_running=not line.is_ended,
    )


def _stored_words(stored: int) -> str:
    """For who imports the refused rows again."""
    if stored == 0:
        return "no other was stored"
    return "the other one stays as it is" if stored == 1 else f"the other {count_text(stored)} stay as they are"


def calls_of_request(session: Session, scope: ProjectScope, request_id: str, *, size: int) -> list[LogLine]:
    """Newest first, whenever they were made."""
    filters = FilterSet.parse([("range", "all"), ("request_id", request_id)], LOG_FIELDS)
    return list_logs(session, scope, filters, Span(None, None), size=size, budget_s=CALL_BUDGET_S).lines


def started_by(session: Session, scope: ProjectScope, request_id: str) -> StartedBy | None:
    lines = calls_of_request(session, scope, request_id, size=1)
    return StartedBy(status_view(lines[0].status_code), call_words(lines[0]), url_for("logs.show", log_id=lines[0].id)) if lines else None


def call_words(line: LogLine) -> str:
    return f"{line.method} {line.path}"


def _neighbour(session: Session, scope: ProjectScope, urls: ListUrls, span: Span, key: TaskKey, direction: Direction) -> str | None:
    page = list_tasks(session, scope, urls.filters, span, place=Place(key, direction), size=1)
    return task_url(page.lines[0], urls) if page.lines else None


def _position(session: Session, scope: ProjectScope, filters: FilterSet, span: Span, key: TaskKey) -> str:
    newer, older = (count_tasks(session, scope, filters, span, place=Place(key, way)) for way in (Direction.NEWER, Direction.OLDER))
    if not newer.is_exact:
        return ""
    return f"{count_text(newer.value + 1)} of {count_text(newer.value + 1 + older.value)}{'' if older.is_exact else '+'}"


def _notes(record: TaskRecord) -> Iterator[Note]:
    line = record.line
    if line.was_cancelled:
        yield Note("info", "Cancelled.", (line.error or "").removeprefix("Cancelled ").capitalize())
    elif line.status is TaskStatus.FAILED:
        yield Note("bad", "It failed.", Redactor().text(line.error or ""))
    elif line.is_cancel_asked and not line.is_ended:
        yield Note(
            "info",
            f"{record.cancel_asked_by} has cancelled it.",
            "It ends after the rows that are being worked on; what was done stays done.",
        )
    if line.status is TaskStatus.DONE and line.refused:
        were = "was" if line.refused == 1 else "were"
        rest = line.rows_done - line.refused
        others = f"The other {count_text(rest)} {'is' if rest == 1 else 'are'} done." if rest else "Nothing was changed."
        yield Note("warn", f"{count_text(line.refused)} of {counted(line.rows_done, 'row')} {were} refused.", others)
    if line.refused > REFUSED_STORED_LIMIT:
        kept = count_text(REFUSED_STORED_LIMIT)
        yield Note(
            "warn",
            f"The first {kept} refused rows are kept.",
            "The others are counted only: a file with so many has one mistake in common.",
        )


def _files(record: TaskRecord, refused_url: str | None, json_url: str | None, *, file_is_kept: bool) -> Iterator[FileView]:
    if file_is_kept and record.file_name:
        name = "the rows of the call" if record.file_name == ROWS_NAME else record.file_name
        yield FileView("Original file", f"{name}, {bytes_text(record.file_bytes or 0)}", url_for("tasks.original", task_id=record.line.id))
    if refused_url:
        yield FileView("Refused rows", f"{counted(record.refused_stored, 'row')} with the reason, CSV", refused_url, is_bad=True)
    if json_url:
        words = f"{counted(record.refused_stored, 'row')}, to correct and send again"
        yield FileView("Refused rows as JSON", words, json_url, is_bad=True)


def bytes_text(size: int) -> str:
    if size < 1024:
        return f"{size} bytes"
    if size < 1024**2:
        return f"{size / 1024:,.0f} KiB"
    return f"{size / 1024**2:,.1f} MiB"


def _facts(record: TaskRecord, scope: ProjectScope) -> Iterator[Fact]:
    line, zone = record.line, scope.time_zone
    created = line.created_at.astimezone(zone)
    yield Fact("Created", _moment(created))
    yield Fact("Ended" if line.is_ended else "Last update", _moment_after(record.finished_at or line.updated_at, created))
    duration = format_duration(line.processing_ms)
    yield Fact(
        "Processing time", f"{count_text(line.processing_ms)} ms" if duration and line.is_ended else duration.text if duration else ""
    )
    yield Fact("Who", line.who, "who")
    yield Fact("Origin", Origin(line.origin).label if line.origin in list(Origin) else line.origin)
    if line.channel:
        yield Fact("Channel", line.channel)
    yield Fact("Task id", line.id, "mono", copy=True, wide=True)
    yield Fact("Request id", line.request_id, "mono", url_for("traces.show", request_id=line.request_id), copy=True, wide=True)
    yield Fact("Status in the API", f"{line.status}, operation_status {line.operation_status}", "mono", wide=True)
    if record.again_of:
        yield Fact("Run again of", record.again_of, "mono", url_for("tasks.show", task_id=record.again_of), wide=True)
    yield from _parameters(redacted_parameters(Redactor.of(scope.redact_paths), record.parameters))


def _parameters(told: Json) -> Iterator[Fact]:
    """Each in words; the campaign's name and id are one."""
    parameters = dict(told)
    campaign, campaign_id = parameters.pop("campaign", None), parameters.pop("campaign_id", None)
    if campaign or campaign_id:
        url = catalogue_url("campaign", str(campaign_id)) if campaign_id else None
        yield Fact("Campaign", str(campaign or campaign_id), url=url, wide=True)
    for name, value in parameters.items():
        if value not in ({}, [], None):
            yield Fact(
                name.replace("_", " ").capitalize(), _value_text(value), "text" if isinstance(value, str | int) else "mono", wide=True
            )


def _value_text(value: object) -> str:
    text = value if isinstance(value, str) else f"{value:,}" if isinstance(value, int) else msgspec.json.encode(value).decode()
    return text if len(text) <= PARAMETER_CHARACTERS else f"{text[:PARAMETER_CHARACTERS]}…"


def _moment(moment: datetime) -> str:
    return f"{date_words(moment.date())}, {moment:%H:%M:%S}"


def _moment_after(moment: datetime, created: datetime) -> str:
    """With its day only where that is another one."""
    local = moment.astimezone(created.tzinfo)
    return f"{local:%H:%M:%S}" if local.date() == created.date() else _moment(local)
