"""An export as a row of the list, the head of its page and a notice have it in common."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from auditpanel.exports.records import ExportLine
from auditpanel.exports.values import ExportStatus, Format, Packing
from auditpanel.exports.wording import tells_of_too_many_for_xlsx
from auditpanel.logs.redaction import Redactor
from auditpanel.panel.bodies import format_size
from auditpanel.panel.formatters import Who, clock_parts, count_text
from auditpanel.panel.list_page import count_words
from auditpanel.panel.tasks.showing import TaskPill, asker_view, counted

FORMAT_LABELS = {Format.CSV: "CSV", Format.NDJSON: "NDJSON", Format.XLSX: "XLSX", Format.PARQUET: "Parquet"}


@dataclass(frozen=True, slots=True)
class ExportRow:
    """`rows_bar` is the share of rows done, in hundredths, while it runs and that is known. `why` is the reason of a failure."""

    url: str
    path: str
    line: ExportLine
    clock: str
    milliseconds: str
    iso: str
    pill: TaskPill
    label: str
    words: str
    format: str
    rows: str
    rows_bar: tuple[int, int] | None
    why: str
    who: Who
    size: str

    @property
    def can_run_again(self) -> bool:
        return self.line.is_ended and not self.line.is_ready

    @property
    def can_be_csv(self) -> bool:
        return is_too_long_for_xlsx(self.line)


def export_row(line: ExportLine, zone: tzinfo, *, url: str) -> ExportRow:
    clock = clock_parts(line.created_at.astimezone(zone))
    return ExportRow(
        url=url,
        path=url.partition("?")[0],
        line=line,
        clock=clock.clock,
        milliseconds=clock.milliseconds,
        iso=clock.iso,
        pill=export_pill(line),
        label=line.exported.label,
        words=line.words[:1].lower() + line.words[1:],
        format=format_words(line),
        rows=rows_words(line),
        rows_bar=rows_bar(line),
        why=shown_error(line),
        who=asker_view(line.asker),
        size=format_size(line.file_bytes or 0),
    )


def shown_error(line: ExportLine) -> str:
    """Why it has failed, with secrets hidden; empty where it has not."""
    return Redactor().text(line.error or "")


def export_pill(line: ExportLine) -> TaskPill:
    if line.status is ExportStatus.SCHEDULED:
        return TaskPill("wait", "Scheduled")
    if line.status is ExportStatus.IN_PROGRESS:
        return TaskPill("run", f"In progress, {line.progress}%" if line.progress is not None else "In progress")
    if line.deleted_at is not None:
        return TaskPill("off", "Deleted")
    if line.status is ExportStatus.ERROR:
        return TaskPill("broken", "Error")
    return TaskPill("off", "Done, expired") if line.is_expired else TaskPill("ok", "Done")


def is_too_long_for_xlsx(line: ExportLine) -> bool:
    """Whether it has failed for that alone, so that asking for CSV helps and asking again does not."""
    return line.status is ExportStatus.ERROR and line.format is Format.XLSX and tells_of_too_many_for_xlsx(line.error or "")


def format_words(line: ExportLine) -> str:
    """`NDJSON, gzip`"""
    label = FORMAT_LABELS[line.format]
    return f"{label}, gzip" if line.packing is Packing.GZIP else label


def rows_words(line: ExportLine) -> str:
    """So far of those expected while it runs, then all there are."""
    if line.status is ExportStatus.DONE:
        return count_text(line.rows_done)
    expected = expected_words(line)
    if line.status is ExportStatus.SCHEDULED:
        return f"{expected} expected" if expected else "waits"
    return f"{count_text(line.rows_done)} of {expected}" if expected else count_text(line.rows_done)


def expected_words(line: ExportLine) -> str:
    return count_words(line.expected) or "" if line.expected else ""


def rows_bar(line: ExportLine) -> tuple[int, int] | None:
    return (line.progress, 0) if line.status is ExportStatus.IN_PROGRESS and line.progress is not None else None


def ready_words(line: ExportLine) -> str:
    """`Logs, 612 rows as CSV`"""
    return f"{line.exported.label}, {counted(line.rows_done, 'row')} as {format_words(line)}"
