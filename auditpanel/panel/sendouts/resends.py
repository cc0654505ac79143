"""Sending again in bulk as it is shown above the list: how far it is, who asked for it, how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from flask import url_for
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.panel.formatters import count_text
from auditpanel.panel.marks import write_unseen
from auditpanel.panel.tasks.counts import BAR_WIDTH, LEAST_WIDTH, BarPart
from auditpanel.panel.tasks.showing import counted
from auditpanel.webhooks.progress import list_resends
from auditpanel.webhooks.records import ResendLine, ResendStatus

# One that has ended stays above the list for so long: who asked for it comes back to see how it went.
SHOWN_AFTER_END = timedelta(minutes=30)
# Of those that have ended. All that run are shown: each has to be within reach to be stopped.
ENDED_SHOWN = 3


@dataclass(frozen=True, slots=True)
class ResendView:
    """`kind` is run, ok, warn or info. There is a bar only while it picks, and waits for what it picked.

    `stop_url` is None where there is nothing to stop, or for who may not.
    """

    id: str
    kind: str
    is_running: bool
    title: str
    filters: str
    numbers: str
    asked: str
    progress: int
    bar: list[BarPart]
    stop_url: str | None


def shown_resends(session: Session, scope: ProjectScope, now: datetime, zone: tzinfo, query: str) -> list[ResendView]:
    """`query` is the list's state, to come back to."""
    lines = list_resends(session, scope, size=ENDED_SHOWN)
    return [_view(line, scope, zone, query) for line in lines if line.is_running or line.updated_at > now - SHOWN_AFTER_END]


def _view(line: ResendLine, scope: ProjectScope, zone: tzinfo, query: str) -> ResendView:
    may_stop = line.status is ResendStatus.RUNNING and scope.role.includes(Role.OPERATOR)
    at, kind = line.key.at.astimezone(zone), _kind(line)
    return ResendView(
        id=line.id,
        kind=kind,
        is_running=line.is_running,
        title=_title(line),
        filters=write_unseen(line.words),
        numbers=_numbers(line),
        asked=f"Asked for by {line.asked_by} at {at:%H:%M:%S}, at most {count_text(line.rate_per_s)} each second",
        progress=line.progress,
        bar=_bar(line) if kind == "run" else [],
        stop_url=f"{url_for('sendouts.stop', resend_id=line.id)}{query}" if may_stop else None,
    )


def _kind(line: ResendLine) -> str:
    if line.status is ResendStatus.STOPPED:
        return "info"
    if line.is_running:
        return "run"
    return "warn" if line.failed or line.not_sent else "ok"


def _title(line: ResendLine) -> str:
    if line.status is ResendStatus.STOPPED:
        return f"Stopped by {line.stopped_by}."
    return (
        f"Sending again {count_text(line.total)}" if line.is_running else f"Sent again: {counted(line.picked - line.not_sent, 'sendout')}."
    )


def _numbers(line: ResendLine) -> str:
    told = f"{'' if line.is_exact else 'at least '}{count_text(line.delivered)} delivered, {count_text(line.failed)} failed"
    if line.not_sent:
        told += f", {count_text(line.not_sent)} not sent, as the webhook was removed"
    if line.is_running or line.status is ResendStatus.STOPPED:
        return f"{count_text(line.picked)} of {count_text(line.total)} picked, {told}"
    return told


def _bar(line: ResendLine) -> list[BarPart]:
    total = max(line.total, line.picked, 1)
    parts: list[BarPart] = []
    x = 0
    for kind, number in (("created", line.delivered), ("refused", line.failed), ("skipped", line.waiting)):
        if number:
            width = max(LEAST_WIDTH, round(number * BAR_WIDTH / total))
            parts.append(BarPart(kind, min(x, BAR_WIDTH - LEAST_WIDTH), width))
            x += width
    return parts
