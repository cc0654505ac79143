"""The exports that a request asked for, as its trace tells of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from flask import url_for

from auditpanel.exports.records import ExportLine, ExportRecord
from auditpanel.exports.values import ExportStatus
from auditpanel.logs.redaction import Redactor
from auditpanel.panel.bodies import format_size
from auditpanel.panel.exports.showing import export_pill, format_words, ready_words, rows_bar, rows_words
from auditpanel.panel.formatters import format_duration
from auditpanel.panel.tasks.showing import asker_view
from auditpanel.panel.traces.chart import Stretch
from auditpanel.panel.traces.parts import Part
from auditpanel.panel.traces.steps import Head, Link, Origin, Step

KINDS = {ExportStatus.SCHEDULED: "wait", ExportStatus.IN_PROGRESS: "run", ExportStatus.DONE: "ok", ExportStatus.ERROR: "bad"}


def export_heads(exports: Part[ExportRecord]) -> Iterator[Head]:
    if not exports.lines:
        return
    failed = sum(_has_failed(record.line) for record in exports.lines)
    running = sum(not record.line.is_ended for record in exports.lines)
    hints = (f"{failed} failed" if failed else "", f"{running} not ended" if running else "")
    # Of those that are not shown, nobody knows how they stand.
    hint = ", ".join(filter(None, hints)) if exports.is_whole else ""
    yield Head("Exports", exports.total_text(), hint, "bad" if failed else "")


def export_stretches(exports: Sequence[ExportRecord], now: datetime) -> Iterator[Stretch]:
    for record in exports:
        line, started, ended = record.line, record.started_at, record.line.finished_at or now
        yield Stretch("Export", "wait", line.created_at, started or ended, f"Export of {line.exported.label} waited")
        if started:
            kind = "wait" if line.is_stopped else KINDS[line.status]
            yield Stretch("Export", kind, started, ended, f"Export of {line.exported.label}: {export_pill(line).text}")


def export_steps(exports: Sequence[ExportRecord], origin: Origin) -> Iterator[Step]:
    for record in exports:
        line, pill = record.line, export_pill(record.line)
        yield Step(
            "export",
            1,
            origin.when(line.created_at),
            mark={"broken": "bad", "ok": "ok", "off": "off"}.get(pill.kind, "run"),
            label="Export",
            pills=(pill,),
            name=Link(_name(line), url_for("exports.show", export_id=line.id)),
            id=Link(line.id, url_for("exports.show", export_id=line.id)),
            who=asker_view(line.asker),
            words=_words(record),
            bad_words=Redactor().text(line.error or "") if _has_failed(line) else "",
            links=tuple(_files(line)),
            bar=rows_bar(line),
            took=_took(record),
        )


def _name(line: ExportLine) -> str:
    return ready_words(line) if line.status is ExportStatus.DONE else f"{line.exported.label} as {format_words(line)}"


def _words(record: ExportRecord) -> str:
    line = record.line
    if not line.is_ended:
        return f"{rows_words(line)}; {line.words}"
    return f"Deleted by {record.deleted_by}; {line.words}" if line.deleted_at is not None else line.words


def _files(line: ExportLine) -> Iterator[Link]:
    if line.is_ready:
        yield Link(f"Download {format_size(line.file_bytes or 0)}", url_for("exports.download", export_id=line.id))
        yield Link("Browse", url_for("exports.browse", export_id=line.id))


def _took(record: ExportRecord) -> str:
    """Nothing before it has ended."""
    asked_at, started_at, finished_at = record.line.created_at, record.started_at, record.line.finished_at
    if not started_at or not finished_at:
        return ""
    waited, ran = (format_duration(took / timedelta(milliseconds=1)) for took in (started_at - asked_at, finished_at - started_at))
    return f"waited {waited.text}, ran {ran.text}" if waited and ran else ""


def _has_failed(line: ExportLine) -> bool:
    """Somebody who deleted it before it was ready wanted it so."""
    return line.status is ExportStatus.ERROR and not line.is_stopped
