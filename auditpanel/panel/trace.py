"""`/projects/<project id>/traces/<request id>`: everything that one call set off, on one time line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import NotFound
from auditpanel.extensions import db
from auditpanel.logs.queries import get_log
from auditpanel.logs.values import LogLine, Reference
from auditpanel.panel.catalogue_links import catalogue_url
from auditpanel.panel.formatters import Who, clock_parts, count_text, date_words, format_duration, status_view, who_of
from auditpanel.panel.scope import current_scope
from auditpanel.panel.task_record import call_words, calls_of_request
from auditpanel.panel.task_refusals import reason_label
from auditpanel.panel.task_views import TaskPill, asker_view, counted, task_bar, task_pill
from auditpanel.panel.tasks import leave_refresh_unrecorded
from auditpanel.panel.trace_chart import Chart, Stretch, chart_of, offset_text
from auditpanel.panel.views import PanelView
from auditpanel.tasks.queries import get_task, refused_reasons, tasks_of_request
from auditpanel.tasks.records import TaskRecord
from auditpanel.tasks.uploads import ROWS_NAME
from auditpanel.tasks.values import TaskStatus
from auditpanel.times import utc_now

CALLS_SHOWN = 20
TASKS_SHOWN = 20
OBJECTS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Head:
    """One number on top. `kind` is bad, warn or nothing."""

    label: str
    text: str
    hint: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class When:
    """`offset` is the time since the trace began."""

    offset: str
    clock: str
    iso: str


@dataclass(frozen=True, slots=True)
class Step:
    """`depth` is how far it is from the call by cause; `bar` that of the rows, as in the list of tasks."""

    kind: str
    depth: int
    when: When
    mark: str
    label: str
    pill: TaskPill | None = None
    title: Link | None = None
    id: str = ""
    who: Who | None = None
    words: str = ""
    bad_words: str = ""
    links: tuple[Link, ...] = ()
    bar: tuple[int, int] | None = None
    took: str = ""


@dataclass(frozen=True, slots=True)
class TracePage:
    request_id: str
    permalink: str
    back_url: str
    back_words: str
    heads: list[Head]
    chart: Chart
    steps: list[Step]
    is_running: bool
    zone: str


class TracesView(PanelView):
    def require_access(self) -> None:
        current_scope()

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """A trace is reached from its records: there is no list of them."""
        return redirect(url_for("logs.index"))

    @expose("/<request_id>")
    def show(self, request_id: str) -> ResponseReturnValue:
        page = build_trace(db.session(), current_scope(), request_id, utc_now())
        leave_refresh_unrecorded()
        return render_template("traces/trace.html", page=page)


def build_trace(session: Session, scope: ProjectScope, request_id: str, now: datetime) -> TracePage:
    """Raises NotFound where the project knows nothing of such a request."""
    if "\x00" in request_id:
        raise no_such_request()
    calls = calls_of_request(session, scope, request_id, size=CALLS_SHOWN)[::-1]
    tasks = [get_task(session, scope, line.key.id) for line in tasks_of_request(session, scope, request_id)[:TASKS_SHOWN]]
    if not calls and not tasks:
        raise no_such_request()
    began = min([*(line.key.occurred_at for line in calls), *(task.line.created_at for task in tasks)])
    steps = [
        *(step for line in calls for step in _steps_of_call(session, scope, line, began, tasks)),
        *(step for task in tasks for step in _steps_of_task(session, scope, task, began)),
    ]
    back = (url_for("logs.show", log_id=calls[0].id), call_words(calls[0])) if calls else _task_link(tasks[0])
    return TracePage(
        request_id=request_id,
        permalink=url_for("traces.show", request_id=request_id, _external=True),
        back_url=back[0],
        back_words=back[1],
        heads=list(_heads(calls, tasks, began.astimezone(scope.time_zone))),
        chart=chart_of([*map(_stretch_of_call, calls), *(part for task in tasks for part in _stretches_of_task(task, now))], began, now),
        steps=steps,
        is_running=any(not task.line.is_ended for task in tasks),
        zone=scope.time_zone.key,
    )


def no_such_request() -> NotFound:
    return NotFound("This project knows of no such request: no log and no background task has this request id.")


def _task_link(task: TaskRecord) -> tuple[str, str]:
    return url_for("tasks.show", task_id=task.line.id), f"Task {task.line.type.label}"


def _heads(calls: Sequence[LogLine], tasks: Sequence[TaskRecord], began: datetime) -> Iterator[Head]:
    yield Head("Began", f"{began:%H:%M:%S}", date_words(began.date()))
    if calls:
        duration = format_duration(calls[0].duration_ms)
        kind = "bad" if calls[0].failed else ""
        yield Head("Call", str(calls[0].status_code), f"in {duration.text}" if duration else "", kind)
    if tasks:
        failed = sum(task.line.status is TaskStatus.FAILED for task in tasks)
        running = sum(not task.line.is_ended for task in tasks)
        hint = ", ".join(filter(None, (f"{failed} failed" if failed else "", f"{running} not ended" if running else "")))
        yield Head("Tasks", count_text(len(tasks)), hint, "bad" if failed else "")
        rows, refused = sum(task.line.rows_done for task in tasks), sum(task.line.refused for task in tasks)
        yield Head("Rows refused", count_text(refused), f"of {count_text(rows)}", "bad" if refused else "")


def _stretch_of_call(line: LogLine) -> Stretch:
    end = line.key.occurred_at + timedelta(milliseconds=line.duration_ms or 0)
    return Stretch("Log", "bad" if line.failed else "ok", line.key.occurred_at, end, f"{line.status_code}")


def _stretches_of_task(task: TaskRecord, now: datetime) -> Iterator[Stretch]:
    line = task.line
    started, finished = task.started_at, task.finished_at or now
    yield Stretch("Task", "wait", line.created_at, started or finished, f"{line.type.label} waited")
    if started:
        kinds = {"ok": "ok", "warn": "warn", "broken": "bad", "run": "run"}
        yield Stretch("Task", kinds.get(task_pill(line).kind, "run"), started, finished, f"{line.type.label}: {task_pill(line).text}")


def _steps_of_call(session: Session, scope: ProjectScope, line: LogLine, began: datetime, tasks: Sequence[TaskRecord]) -> Iterator[Step]:
    duration = format_duration(line.duration_ms)
    status = status_view(line.status_code)
    yield Step(
        "log",
        0,
        _when(line.key.occurred_at, began, scope),
        mark="bad" if line.failed else "ok",
        label="Log",
        pill=TaskPill(status.kind, status.text),
        title=Link(call_words(line), url_for("logs.show", log_id=line.id)),
        words=line.origin.label,
        bad_words=line.error or "",
        who=who_of(line),
        took=duration.text if duration else "",
    )
    objects = [reference for reference in get_log(session, scope, line.key.id).references if reference.type != "async_action"]
    if objects:
        yield Step(
            "objects",
            1,
            _when(line.key.occurred_at, began, scope),
            mark="ok",
            label="About",
            words="" if len(objects) <= OBJECTS_SHOWN else f"The first {OBJECTS_SHOWN} of {len(objects)} that the log names:",
            links=tuple(
                Link(_object_words(reference), catalogue_url(reference.type, reference.id)) for reference in objects[:OBJECTS_SHOWN]
            ),
        )


def _object_words(reference: Reference) -> str:
    return f"{reference.type.replace('_', ' ').capitalize()} {reference.id}"


def _steps_of_task(session: Session, scope: ProjectScope, task: TaskRecord, began: datetime) -> Iterator[Step]:
    line, counts = task.line, task.counts
    url = url_for("tasks.show", task_id=line.id)
    pill = task_pill(line)
    numbers = (("created", counts.created), ("updated", counts.updated), ("deleted", counts.deleted), ("skipped", counts.skipped))
    told = ", ".join(f"{count_text(number)} {name}" for name, number in numbers if number)
    yield Step(
        "task",
        1,
        _when(line.created_at, began, scope),
        mark={"broken": "bad", "ok": "ok", "warn": "warn"}.get(pill.kind, "run"),
        label="Task",
        pill=pill,
        title=Link(line.type.label, url),
        id=line.id,
        who=asker_view(line.asker),
        words=told or (f"{counted(line.rows_done, 'row')} done" if line.is_ended else ""),
        bad_words=line.error or (f"{count_text(counts.refused)} refused" if counts.refused else ""),
        bar=task_bar(line),
        took=_took(task),
    )
    if task.file_name and task.file_name != ROWS_NAME:
        file_url = url_for("tasks.original", task_id=line.id)
        yield Step("file", 2, _when(line.created_at, began, scope), mark="ok", label="File", title=Link(task.file_name, file_url))
    if counts.refused:
        yield _refusals(session, scope, task, began, url)


def _refusals(session: Session, scope: ProjectScope, task: TaskRecord, began: datetime, url: str) -> Step:
    reasons = refused_reasons(session, scope, task.line.key.id)
    words = "; ".join(f"{count_text(count)}: {reason_label(reason)}" for reason, count in reasons[:5])
    csv_url = url_for("tasks.refused", task_id=task.line.id)
    return Step(
        "refused",
        2,
        _when(task.finished_at or task.line.updated_at, began, scope),
        mark="warn",
        label="Refused rows",
        pill=TaskPill("warn", f"{count_text(task.counts.refused)} refused"),
        words=f"{words}{'; …' if len(reasons) > 5 else ''}",
        links=(Link("Show them", f"{url}#refused"), Link("As CSV", csv_url)),
    )


def _took(task: TaskRecord) -> str:
    waited = format_duration((task.started_at - task.line.created_at).total_seconds() * 1_000) if task.started_at else None
    ran = format_duration(task.line.processing_ms) if task.started_at else None
    return f"waited {waited.text}, ran {ran.text}" if waited and ran else ""


def _when(at: datetime, began: datetime, scope: ProjectScope) -> When:
    clock = clock_parts(at.astimezone(scope.time_zone))
    return When(offset_text((at - began).total_seconds()), clock.clock + clock.milliseconds, clock.iso)
