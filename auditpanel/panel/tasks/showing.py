"""A background task as a row of the list, the head of its page and a step of a trace have it in common."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from flask import url_for

from auditpanel.logs.redaction import Redactor
from auditpanel.panel.formatters import ClockParts, Who, WhoKind, clock_parts, count_text, format_duration, shorten_id
from auditpanel.tasks.records import Caused, TaskLine
from auditpanel.tasks.values import Asker, TaskStatus


@dataclass(frozen=True, slots=True)
class TaskPill:
    """`kind` is one of macros/badges."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class TaskRow:
    """`bar` is the share of rows done and of rows refused, in hundredths; None where a plain number says it all."""

    url: str
    id: str
    short_id: str
    line: TaskLine
    clock: str
    milliseconds: str
    iso: str
    pill: TaskPill
    label: str
    detail: str
    rows: str
    bar: tuple[int, int] | None
    who: Who
    took: str


@dataclass(frozen=True, slots=True)
class CausedView:
    """`text` is a number of refused rows, or nothing; `words` says it whole."""

    kind: str
    text: str
    words: str


def caused_view(caused: Caused) -> CausedView:
    """What needs a look first: a failed task, refused rows, what still runs."""
    tasks = "Its task" if caused.tasks == 1 else f"Its {caused.tasks} tasks"
    if caused.failed:
        return CausedView("broken", "", f"{tasks} failed" if caused.tasks == 1 else f"{caused.failed} of its {caused.tasks} tasks failed")
    if caused.refused:
        return CausedView("warn", count_text(caused.refused), f"{tasks} refused {counted(caused.refused, 'row')}")
    if caused.running:
        return CausedView("run", "", f"{tasks} {'has' if caused.tasks == 1 else 'have'} not ended yet")
    if caused.cancelled:
        many = f"{caused.cancelled} of its {caused.tasks} tasks {'was' if caused.cancelled == 1 else 'were'}"
        return CausedView("off", "", f"{f'{tasks} was' if caused.tasks == 1 else many} cancelled")
    return CausedView("ok", "", f"{tasks} {'is' if caused.tasks == 1 else 'are'} done")


def counted(number: int, word: str) -> str:
    """`1 row`, `2,000 rows`."""
    return f"{count_text(number)} {word}{'' if number == 1 else 's'}"


def task_row(line: TaskLine, zone: tzinfo, *, url: str | None = None) -> TaskRow:
    clock: ClockParts = clock_parts(line.created_at.astimezone(zone))
    return TaskRow(
        url=url or url_for("tasks.show", task_id=line.id),
        id=line.id,
        short_id=shorten_id(line.id),
        line=replace(line, error=Redactor().text(line.error)) if line.error else line,
        clock=clock.clock,
        milliseconds=clock.milliseconds,
        iso=clock.iso,
        pill=task_pill(line),
        label=line.type.label,
        detail=line.about or "",
        rows=rows_words(line),
        bar=task_bar(line),
        who=asker_view(line.asker),
        took=took_words(line),
    )


def refused_share(line: TaskLine) -> str:
    """`3.2%` of the rows that were done; never `0.0%` where some were refused."""
    if not line.refused:
        return ""
    share = line.refused * 100 / max(line.rows_done, line.refused)
    return "< 0.1%" if share < 0.1 else f"{share:.1f}%"


def task_pill(line: TaskLine) -> TaskPill:
    if line.status is TaskStatus.ENQUEUED:
        return TaskPill("wait", "Enqueued")
    if line.status is TaskStatus.IN_PROGRESS:
        return TaskPill("run", f"In progress, {line.progress}%")
    if line.was_cancelled:
        return _cancelled_pill(line)
    if line.status is TaskStatus.FAILED:
        return TaskPill("broken", "Failed")
    return TaskPill("warn", f"Done, {count_text(line.refused)} refused") if line.refused else TaskPill("ok", "Done")


def _cancelled_pill(line: TaskLine) -> TaskPill:
    """Somebody wanted it so: only refused rows need a look."""
    text = f"Cancelled at {line.progress}%" if line.rows_done and line.rows_total else "Cancelled"
    return TaskPill("warn", f"{text}, {count_text(line.refused)} refused") if line.refused else TaskPill("off", text)


def rows_words(line: TaskLine) -> str:
    """What went well, of all where that differs."""
    if line.status is TaskStatus.FAILED and not line.rows_done:
        return ""
    well = line.rows_done - line.refused
    total = line.rows_total if line.rows_total is not None else line.rows_done
    if line.status is TaskStatus.IN_PROGRESS:
        return f"{count_text(line.rows_done)} of {count_text(line.rows_total)}" if line.rows_total else count_text(line.rows_done)
    return count_text(total) if well == total or line.status is TaskStatus.ENQUEUED else f"{count_text(well)} of {count_text(total)}"


def task_bar(line: TaskLine) -> tuple[int, int] | None:
    """Only while it runs, or where rows were refused: then the red end is at least 3 wide."""
    total = max(line.rows_total or 0, line.rows_done)
    if not total or (line.is_ended and not line.refused):
        return None
    refused = max(3, round(line.refused * 100 / total)) if line.refused else 0
    return max(0, min(100 - refused, round((line.rows_done - line.refused) * 100 / total))), refused


def took_words(line: TaskLine) -> str:
    if line.status is TaskStatus.ENQUEUED:
        return "waits"
    if line.status is TaskStatus.IN_PROGRESS:
        return left_words(line)
    # A file that was refused whole was never worked on.
    duration = format_duration(line.processing_ms or None)
    return duration.text if duration else ""


def left_words(line: TaskLine) -> str:
    """`~40 s left`, by the rows done so far."""
    if not line.rows_total or not line.rows_done or line.rows_done >= line.rows_total:
        return ""
    left = format_duration(max(1_000, line.processing_ms / line.rows_done * (line.rows_total - line.rows_done)))
    return f"~{left.text} left" if left else ""


def asker_view(asker: Asker) -> Who:
    if asker.user:
        return Who(WhoKind.USER, asker.user.partition("@")[0] or asker.user, asker.user)
    return Who(WhoKind.KEY, asker.name, asker.name)


def moment_of(moment: datetime | None, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%H:%M:%S}" if moment else ""
