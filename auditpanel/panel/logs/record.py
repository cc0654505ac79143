"""A log's page as its template shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from flask import url_for
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.filters import FilterSet, Span
from auditpanel.logs.clauses import Direction, Place
from auditpanel.logs.filters import LOG_FIELDS
from auditpanel.logs.queries import count_logs, list_logs
from auditpanel.logs.redaction import Redactor
from auditpanel.logs.values import LogKey, LogLine, LogRecord, Reference
from auditpanel.panel.bodies import MessageView, view_request, view_response
from auditpanel.panel.catalogue_links import catalogue_url
from auditpanel.panel.curl import as_curl
from auditpanel.panel.formatters import StatusView, count_text, format_duration, moment_words, status_view
from auditpanel.panel.list_controls import ListUrls, Times, zone_name
from auditpanel.panel.sendouts.caused import CausedSendouts, caused_sendouts
from auditpanel.panel.tasks.showing import TaskPill, counted, task_pill
from auditpanel.tasks.queries import tasks_of_request
from auditpanel.tasks.records import TaskLine
from auditpanel.tasks.values import TaskStatus
from auditpanel.times import iso_utc, offset_words

NEIGHBOUR_BUDGET_S = 0.4
TASKS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    kind: str
    text: str
    url: str | None = None
    copy: bool = False


@dataclass(frozen=True, slots=True)
class ZonedTime:
    zone: str
    words: str
    offset: str


@dataclass(frozen=True, slots=True)
class UtcTime:
    text: str
    iso: str


@dataclass(frozen=True, slots=True)
class RecordTimes:
    project: ZonedTime
    utc: UtcTime


@dataclass(frozen=True, slots=True)
class Note:
    kind: str
    bold: str
    text: str
    link_url: str | None = None
    link_text: str | None = None


@dataclass(frozen=True, slots=True)
class Related:
    label: str
    text: str
    url: str | None = None
    pill: TaskPill | None = None


@dataclass(frozen=True, slots=True)
class RecordPage:
    back_url: str
    back_words: str
    position_text: str | None
    newer_url: str | None
    older_url: str | None
    line: LogLine
    status: StatusView
    path: str
    times: RecordTimes
    note: Note | None
    facts: list[Fact]
    references: list[Related]
    caused: list[Related]
    related: list[Related]
    request: MessageView
    response: MessageView
    curl: str
    permalink: str
    trace_url: str | None = None


def build_record(session: Session, scope: ProjectScope, record: LogRecord, urls: ListUrls, span: Span) -> RecordPage:
    """`urls` are those of the list that the reader came from: its filters decide what is next and what is marked."""
    line, filters = record.line, urls.filters
    found = filters.values("body_text")
    tasks = tasks_of_request(session, scope, line.request_id)[:TASKS_SHOWN] if line.request_id else []
    sendouts = list(caused_sendouts(session, scope, line.request_id)) if line.request_id else []
    moment = line.key.occurred_at.astimezone(scope.time_zone)
    newer, older = (_neighbour(session, scope, urls, span, line.key, direction) for direction in (Direction.NEWER, Direction.OLDER))
    return RecordPage(
        back_url=urls.to(),
        back_words=filters.words,
        position_text=_position(session, scope, filters, span, line.key),
        newer_url=newer,
        older_url=older,
        line=line,
        status=status_view(line.status_code),
        path=line.path,
        times=RecordTimes(
            ZonedTime(zone_name(scope.time_zone), moment_words(moment), offset_words(moment)),
            UtcTime(iso_utc(line.key.occurred_at), iso_utc(line.key.occurred_at)),
        ),
        note=_note(record) or _note_of_caused(tasks, sendouts),
        facts=list(_facts(line)),
        references=[
            Related(reference.type.replace("_", " ").capitalize(), reference.id, reference_url(reference))
            for reference in record.references
            if reference.id not in {task.id for task in tasks}
        ],
        caused=[
            *(Related("Task", task.type.label, url_for("tasks.show", task_id=task.id), task_pill(task)) for task in tasks),
            *(Related("Sendouts", sendout.text, sendout.url, sendout.pill) for sendout in sendouts),
        ],
        related=_related(line),
        request=view_request(record, found=(*found, *filters.values("request_text"))),
        response=view_response(record, found=(*found, *filters.values("response_text"))),
        curl=as_curl(record, _base_url(record)),
        permalink=url_for("logs.show", log_id=line.id, _external=True),
        trace_url=url_for("traces.show", request_id=line.request_id) if line.request_id else None,
    )


def _neighbour(session: Session, scope: ProjectScope, urls: ListUrls, span: Span, key: LogKey, direction: Direction) -> str | None:
    page = list_logs(session, scope, urls.filters, span, place=Place(key, direction), size=1, budget_s=NEIGHBOUR_BUDGET_S)
    return replace(urls, base=url_for("logs.show", log_id=page.lines[0].id)).to() if page.lines else None


def _position(session: Session, scope: ProjectScope, filters: FilterSet, span: Span, key: LogKey) -> str | None:
    newer = count_logs(session, scope, filters, span, place=Place(key, Direction.NEWER), budget_s=NEIGHBOUR_BUDGET_S / 4)
    older = count_logs(session, scope, filters, span, place=Place(key, Direction.OLDER), budget_s=NEIGHBOUR_BUDGET_S / 4)
    if not newer.is_exact or not (older.is_exact or older.value):
        return None
    total = count_text(newer.value + 1 + older.value) + ("" if older.is_exact else "+")
    return f"{count_text(newer.value + 1)} of {total}"


def reference_url(reference: Reference) -> str | None:
    if reference.type == "async_action":
        return url_for("tasks.show", task_id=reference.id)
    if reference.type == "export":
        return url_for("exports.show", export_id=reference.id)
    return catalogue_url(reference.type, reference.id)


def filtered(**values: str) -> str:
    """The URL of all logs with these values, whenever they occurred."""
    return ListUrls(url_for("logs.index"), FilterSet.parse([("range", "all"), *values.items()], LOG_FIELDS), Times.PROJECT).to()


def _facts(line: LogLine) -> Iterator[Fact]:
    yield Fact("Origin", "text", line.origin.label)
    yield Fact("Channel", "text", line.channel or "Not told")
    yield from _who(line)
    duration = format_duration(line.duration_ms)
    yield Fact("Duration", "text", duration.text if duration else "Not told")
    if line.request_id:
        yield Fact("Request id", "mono", line.request_id, url_for("traces.show", request_id=line.request_id), copy=True)
    yield Fact("Log id", "mono", line.id, copy=True)
    if line.route:
        yield Fact("Route", "mono", line.route, filtered(route=line.route))
    yield Fact("Client address", "mono", line.client_ip or "Not told")
    yield Fact("User agent", "mono", line.user_agent or "Not told")


def _who(line: LogLine) -> Iterator[Fact]:
    if line.user:
        yield Fact("User", "user", line.user, filtered(user=line.user))
    if line.api_key:
        yield Fact("API key", "key", line.api_key, filtered(api_key=line.api_key))
    if line.customer:
        yield Fact("Customer", "customer", line.customer, filtered(customer=line.customer))
    if not (line.user or line.api_key or line.customer):
        yield Fact("Who", "text", "Not told")


def _related(line: LogLine) -> list[Related]:
    links = []
    if line.request_id:
        links.append(Related("Same request", "All calls with this request id", filtered(request_id=line.request_id)))
    if line.route:
        links.append(Related("Same route", "All failures of this route", filtered(route=line.route, only="errors")))
    if line.customer:
        links.append(Related("Same customer", f"All calls of {line.customer}", filtered(customer=line.customer)))
    return links


def _note(record: LogRecord) -> Note | None:
    """What a failed call was answered, in words."""
    if not record.line.failed or not record.line.error:
        return None
    text = _told_details(record.response.body, record.line.error)
    return Note("bad", record.line.error, text)


def _note_of_caused(tasks: Sequence[TaskLine], sendouts: Sequence[CausedSendouts]) -> Note | None:
    """Where the call passed, but what it caused did not."""
    failed = next((task for task in tasks if task.status is TaskStatus.FAILED and not task.was_cancelled), None)
    if failed is not None:
        text = Redactor().text(failed.error or "")
        return Note("warn", "The task it started failed.", text, url_for("tasks.show", task_id=failed.id), "Show the task")
    lossy = next((task for task in tasks if task.refused), None)
    if lossy is not None:
        bold = f"The task it started refused {count_text(lossy.refused)} of {counted(lossy.rows_done, 'row')}."
        url = f"{url_for('tasks.show', task_id=lossy.id)}#refused"
        return Note("warn", bold, "The call itself was accepted.", url, "Show the refused rows")
    given_up = next((sendout for sendout in sendouts if sendout.is_error), None)
    if given_up is not None:
        text = "What it caused did not reach its target, and nothing more comes by itself."
        return Note("warn", f"{given_up.text} {'was' if given_up.is_one else 'were'} given up.", text, given_up.url, "Show them")
    cancelled = next((task for task in tasks if task.was_cancelled), None)
    return _cancelled_note(cancelled) if cancelled else None


def _cancelled_note(task: TaskLine) -> Note:
    """Somebody wanted it so."""
    by_whom = Redactor().text(task.error or "").removeprefix("Cancelled ")
    url = url_for("tasks.show", task_id=task.id)
    return Note("info", "The task it started was cancelled.", by_whom[:1].upper() + by_whom[1:], url, "Show the task")


def _told_details(body: str | None, error: str) -> str:
    """The longer of the texts that error answers have beside their key."""
    try:
        answer = json.loads(body or "")
    except (ValueError, RecursionError):
        return ""
    if not isinstance(answer, dict):
        return ""
    texts = (answer.get(name) for name in ("details", "detail", "message"))
    return next((text[:400] for text in texts if isinstance(text, str) and text != error), "")


def _base_url(record: LogRecord) -> str:
    """Where the call was made to. A log does not tell the scheme; what is not on this machine is taken to speak TLS."""
    host = next((value for name, value in record.request.headers if name.lower() == "host"), "")
    if not host:
        return "https://HOST"
    return f"http://{host}" if host.partition(":")[0] in ("localhost", "127.0.0.1") else f"https://{host}"
