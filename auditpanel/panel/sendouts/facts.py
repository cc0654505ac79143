"""The facts of a sendout and what it came from: its event, its object, the call or the task that caused it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import url_for
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.ids import Prefix, format_id
from auditpanel.panel.catalogue_links import catalogue_url
from auditpanel.panel.marks import write_unseen
from auditpanel.panel.sendouts.webhook import webhook_url
from auditpanel.panel.tasks.record import started_by
from auditpanel.panel.tasks.showing import TaskPill, task_pill
from auditpanel.tasks.queries import tasks_of_request
from auditpanel.webhooks.records import EventRecord, SendoutRecord

TASKS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Fact:
    """`kind` is text or mono."""

    label: str
    text: str
    kind: str = "text"
    url: str | None = None
    copy: bool = False


@dataclass(frozen=True, slots=True)
class Related:
    """What caused it, with what became of that."""

    pill: TaskPill
    text: str
    url: str


def facts_of(record: SendoutRecord) -> Iterator[Fact]:
    line, event = record.line, record.event
    yield Fact("Sendout id, the message id", line.id, "mono", copy=True)
    yield Fact("Source, its webhook", line.source_id, "mono", webhook_url(line.webhook_id), copy=True)
    yield Fact("Event id", format_id(Prefix.EVENT, event.id), "mono", copy=True)
    if event.entity_id:
        yield Fact("About", write_unseen(event.entity_id), "mono", _entity_url(event), copy=True)
    if line.request_id:
        yield Fact("Request id", write_unseen(line.request_id), "mono", url_for("traces.show", request_id=line.request_id), copy=True)
    yield Fact("Set off by", write_unseen(event.user or event.api_key or "Not told"))
    if event.channel:
        yield Fact("Channel", write_unseen(event.channel))
    yield Fact("Target when it happened", write_unseen(line.target_url), "mono", copy=True)


def related_of(session: Session, scope: ProjectScope, request_id: str | None) -> Iterator[Related]:
    """The tasks of its request, else the call alone."""
    if request_id is None:
        return
    for task in tasks_of_request(session, scope, request_id)[:TASKS_SHOWN]:
        yield Related(task_pill(task), task.type.label, url_for("tasks.show", task_id=task.id))
    call = started_by(session, scope, request_id)
    if call:
        yield Related(TaskPill(call.status.kind, call.status.text), write_unseen(call.text), call.url)


def _entity_url(event: EventRecord) -> str | None:
    """An event's type begins with what it is about."""
    if event.entity_id is None:
        return None
    kind = event.type.partition(".")[0]
    if kind == "async_action" and event.entity_id.startswith(Prefix.ASYNC_ACTION):
        return url_for("tasks.show", task_id=event.entity_id)
    return catalogue_url(kind, event.entity_id)
