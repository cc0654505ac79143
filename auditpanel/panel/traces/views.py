"""`/projects/<project id>/traces/<request id>`: everything that one call set off, on one time line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import NotFound, Unavailable
from auditpanel.exports.records import ExportRecord
from auditpanel.extensions import db
from auditpanel.logs.caused import caused_by_calls
from auditpanel.logs.queries import get_log
from auditpanel.logs.redaction import Redactor
from auditpanel.logs.values import LogLine, Reference
from auditpanel.panel.formatters import count_text, date_words, format_duration, status_view, who_of
from auditpanel.panel.logs.record import reference_url
from auditpanel.panel.scope import current_scope
from auditpanel.panel.sendouts.caused import sendouts_url
from auditpanel.panel.sendouts.record import SOON
from auditpanel.panel.tasks.record import call_words
from auditpanel.panel.tasks.refusals import reason_label
from auditpanel.panel.tasks.showing import TaskPill, asker_view, counted, task_bar, task_pill
from auditpanel.panel.tasks.views import leave_refresh_unrecorded
from auditpanel.panel.traces.chart import Chart, Stretch, chart_of
from auditpanel.panel.traces.exports import export_heads, export_steps, export_stretches
from auditpanel.panel.traces.parts import Part, Rest, calls_of, exports_of, tasks_of
from auditpanel.panel.traces.sendout_chart import sendout_moments, sendout_stretches
from auditpanel.panel.traces.sendout_steps import rest_of_sendouts, sendout_heads, sendout_steps
from auditpanel.panel.traces.sendouts import SendoutsPart, sendouts_of
from auditpanel.panel.traces.steps import Head, Link, Origin, Step
from auditpanel.panel.views import PanelView
from auditpanel.tasks.queries import get_task, refused_reasons
from auditpanel.tasks.records import Caused, TaskLine, TaskRecord
from auditpanel.tasks.uploads import ROWS_NAME
from auditpanel.times import utc_now

OBJECTS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class TracePage:
    """`rests` tell of what a request id that was used again and again has more than is shown."""

    request_id: str
    permalink: str
    back_url: str
    back_words: str
    heads: list[Head]
    chart: Chart
    steps: list[Step]
    rests: list[Rest]
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
    call_part, task_part = calls_of(session, scope, request_id), tasks_of(session, scope, request_id)
    export_part, sendouts = exports_of(session, scope, request_id), sendouts_of(session, scope, request_id)
    calls, exports, tasks = call_part.lines, export_part.lines, [get_task(session, scope, line.key.id) for line in task_part.lines]
    if not calls and not tasks and not exports and not sendouts.groups:
        raise no_such_request() if sendouts.traced.is_whole else too_many_sendouts()
    of_call = caused_by_calls(session, scope, [request_id]).get(request_id) if tasks else None
    caused = of_call.tasks if of_call else None
    rests = (
        call_part.rest("calls", "logs.index", request_id),
        task_part.rest("tasks", "tasks.index", request_id),
        export_part.rest("exports", "exports.index", request_id),
        rest_of_sendouts(sendouts, request_id),
    )
    origin = Origin(_began(calls, tasks, exports, sendouts), scope.time_zone)
    depth = 2 if tasks or exports else 1 if calls else 0
    stretches = [
        *map(_stretch_of_call, calls),
        *(part for task in tasks for part in _stretches_of_task(task, now)),
        *export_stretches(exports, now),
        *sendout_stretches(sendouts, now),
    ]
    back_url, back_words = _back(calls, tasks, exports, request_id)
    return TracePage(
        request_id=request_id,
        permalink=url_for("traces.show", request_id=request_id, _external=True),
        back_url=back_url,
        back_words=back_words,
        heads=[
            *_heads(calls, task_part, caused, origin.began.astimezone(scope.time_zone)),
            *export_heads(export_part),
            *sendout_heads(sendouts.traced),
        ],
        chart=chart_of(stretches, sendout_moments(sendouts, origin), origin.began, now),
        steps=[
            *(step for line in calls for step in _steps_of_call(session, scope, line, origin, {record.line.id for record in exports})),
            *(step for task in tasks for step in _steps_of_task(session, scope, task, origin)),
            *export_steps(exports, origin),
            *sendout_steps(scope, request_id, sendouts, origin, now, depth=depth),
        ],
        rests=[rest for rest in rests if rest],
        is_running=(caused is not None and caused.running > 0)
        or any(not record.line.is_ended for record in exports)
        or _goes_out_soon(sendouts, now),
        zone=scope.time_zone.key,
    )


def no_such_request() -> NotFound:
    return NotFound("This project knows of no such request: no log, background task, export or webhook sendout has this request id.")


def too_many_sendouts() -> Unavailable:
    return Unavailable("The sendouts of this request could not be counted in time. Their list can be narrowed to this request id.")


def _began(calls: Sequence[LogLine], tasks: Sequence[TaskRecord], exports: Sequence[ExportRecord], sendouts: SendoutsPart) -> datetime:
    asked = (*(task.line.created_at for task in tasks), *(export.line.created_at for export in exports))
    happened = (share.first_at for share in sendouts.traced.events)
    return min([*(line.key.occurred_at for line in calls), *asked, *happened])


def _goes_out_soon(sendouts: SendoutsPart, now: datetime) -> bool:
    dues = (shown.group.next_at for shown in sendouts.groups)
    return any(due is not None and due <= now + SOON for due in dues) or any(one.line.is_under_way for one in sendouts.opened)


def _back(calls: Sequence[LogLine], tasks: Sequence[TaskRecord], exports: Sequence[ExportRecord], request_id: str) -> tuple[str, str]:
    if calls:
        return url_for("logs.show", log_id=calls[0].id), call_words(calls[0])
    if tasks:
        return url_for("tasks.show", task_id=tasks[0].line.id), f"Task {tasks[0].line.type.label}"
    if exports:
        return url_for("exports.show", export_id=exports[0].line.id), f"Export of {exports[0].line.exported.label}"
    return sendouts_url(request_id), "Webhook sendouts"


def _heads(calls: Sequence[LogLine], tasks: Part[TaskLine], caused: Caused | None, began: datetime) -> Iterator[Head]:
    yield Head("Began", f"{began:%H:%M:%S}", date_words(began.date()))
    if calls:
        duration = format_duration(calls[0].duration_ms)
        kind = "bad" if calls[0].failed else ""
        yield Head("Call", str(calls[0].status_code), f"in {duration.text}" if duration else "", kind)
    if caused:
        hint = ", ".join(
            filter(None, (f"{caused.failed} failed" if caused.failed else "", f"{caused.running} not ended" if caused.running else ""))
        )
        yield Head("Tasks", count_text(caused.tasks), hint, "bad" if caused.failed else "")
        rows = f"of {count_text(sum(line.rows_done for line in tasks.lines))}" if tasks.is_whole else ""
        yield Head("Rows refused", count_text(caused.refused), rows, "bad" if caused.refused else "")


def _stretch_of_call(line: LogLine) -> Stretch:
    end = line.key.occurred_at + timedelta(milliseconds=line.duration_ms or 0)
    return Stretch("Log", "bad" if line.failed else "ok", line.key.occurred_at, end, f"{line.status_code}")


def _stretches_of_task(task: TaskRecord, now: datetime) -> Iterator[Stretch]:
    line = task.line
    started, finished = task.started_at, task.finished_at or now
    yield Stretch("Task", "wait", line.created_at, started or finished, f"{line.type.label} waited")
    if started:
        kinds = {"ok": "ok", "warn": "warn", "broken": "bad", "run": "run", "off": "wait"}
        yield Stretch("Task", kinds.get(task_pill(line).kind, "run"), started, finished, f"{line.type.label}: {task_pill(line).text}")


def _steps_of_call(session: Session, scope: ProjectScope, line: LogLine, origin: Origin, exports: Set[str]) -> Iterator[Step]:
    """`exports` are the ids of those that have steps of their own."""
    duration = format_duration(line.duration_ms)
    status = status_view(line.status_code)
    yield Step(
        "log",
        0,
        origin.when(line.key.occurred_at),
        mark="bad" if line.failed else "ok",
        label="Log",
        pills=(TaskPill(status.kind, status.text),),
        name=Link(call_words(line), url_for("logs.show", log_id=line.id)),
        words=line.origin.label,
        bad_words=line.error or "",
        who=who_of(line),
        took=duration.text if duration else "",
    )
    references = get_log(session, scope, line.key.id).references
    objects = [reference for reference in references if reference.type != "async_action" and reference.id not in exports]
    if objects:
        yield Step(
            "objects",
            1,
            origin.when(line.key.occurred_at),
            mark="ok",
            label="About",
            words="" if len(objects) <= OBJECTS_SHOWN else f"The first {OBJECTS_SHOWN} of {len(objects)} that the log names:",
            links=tuple(Link(_object_words(reference), reference_url(reference)) for reference in objects[:OBJECTS_SHOWN]),
        )


def _object_words(reference: Reference) -> str:
    return f"{reference.type.replace('_', ' ').capitalize()} {reference.id}"


def _steps_of_task(session: Session, scope: ProjectScope, task: TaskRecord, origin: Origin) -> Iterator[Step]:
    line, counts = task.line, task.counts
    url = url_for("tasks.show", task_id=line.id)
    pill = task_pill(line)
    numbers = (("created", counts.created), ("updated", counts.updated), ("deleted", counts.deleted), ("skipped", counts.skipped))
    told = ", ".join(f"{count_text(number)} {name}" for name, number in numbers if number)
    yield Step(
        "task",
        1,
        origin.when(line.created_at),
        mark={"broken": "bad", "ok": "ok", "warn": "warn", "off": "off"}.get(pill.kind, "run"),
        label="Task",
        pills=(pill,),
        name=Link(line.type.label, url),
        id=Link(line.id, url),
        who=asker_view(line.asker),
        words=f"{_cancelled_words(line)}{told or (counted(line.rows_done, 'row') + ' done' if line.is_ended else '')}",
        bad_words=_bad_words(task),
        bar=task_bar(line),
        took=_took(task),
    )
    if task.file_name and task.file_name != ROWS_NAME:
        file_url = url_for("tasks.original", task_id=line.id) if scope.role.includes(Role.OPERATOR) else None
        yield Step("file", 2, origin.when(line.created_at), mark="ok", label="File", name=Link(task.file_name, file_url))
    if counts.refused:
        yield _refusals(session, scope, task, origin, url)


def _refusals(session: Session, scope: ProjectScope, task: TaskRecord, origin: Origin, url: str) -> Step:
    reasons = refused_reasons(session, scope, task.line.key.id)
    words = "; ".join(f"{count_text(count)}: {reason_label(reason)}" for reason, count in reasons[:5])
    # The file has all that was sent, secrets too.
    may_load = scope.role.includes(Role.OPERATOR)
    files = (Link("As CSV", url_for("tasks.refused", task_id=task.line.id)),) if may_load else ()
    return Step(
        "refused",
        2,
        origin.when(task.finished_at or task.line.updated_at),
        mark="warn",
        label="Refused rows",
        pills=(TaskPill("warn", f"{count_text(task.counts.refused)} refused"),),
        words=f"{words}{'; …' if len(reasons) > 5 else ''}",
        links=(Link("Show them", f"{url}#refused"), *files),
    )


def _took(task: TaskRecord) -> str:
    waited = format_duration((task.started_at - task.line.created_at).total_seconds() * 1_000) if task.started_at else None
    ran = format_duration(task.line.processing_ms) if task.started_at else None
    return f"waited {waited.text}, ran {ran.text}" if waited and ran else ""


def _bad_words(task: TaskRecord) -> str:
    """Why it failed; a cancelled one did not."""
    if task.line.error and not task.line.was_cancelled:
        return Redactor().text(task.line.error)
    return f"{count_text(task.counts.refused)} refused" if task.counts.refused else ""


def _cancelled_words(line: TaskLine) -> str:
    return f"{Redactor().text(line.error)}. " if line.was_cancelled and line.error else ""
