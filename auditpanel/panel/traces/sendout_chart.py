"""Sendouts and attempts in the overview of a trace: a row for each webhook."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from auditpanel.panel.formatters import count_text
from auditpanel.panel.sendouts.attempts import attempt_words
from auditpanel.panel.tasks.showing import counted
from auditpanel.panel.traces.chart import Moment, Stretch
from auditpanel.panel.traces.sendouts import Opened, SendoutsPart, ShownGroup
from auditpanel.panel.traces.steps import Origin
from auditpanel.webhooks.values import SendoutStatus

ROWS_SHOWN = 6
MARKS_SHOWN = 100


def sendout_stretches(part: SendoutsPart, now: datetime) -> Iterator[Stretch]:
    """When those of each webhook were delivered, or how long they have waited for their first attempt."""
    for row, groups in _rows(part).items():
        for group in (shown.group for shown in groups):
            words = f"{counted(group.total, 'sendout')} {group.type}"
            if group.began_at is None:
                yield Stretch(row, "wait", group.first_at, max(now, group.first_at), f"{words} wait")
            elif group.sent_until:
                yield Stretch(row, "ok", group.began_at, group.sent_until, f"{words}, {count_text(group.sent)} sent")


def sendout_moments(part: SendoutsPart, origin: Origin) -> list[Moment]:
    """The failed attempts of the sendouts that are looked at, and the next ones."""
    moments = [
        moment for row, groups in _rows(part).items() for shown in groups for one in shown.opened for moment in _moments(row, one, origin)
    ]
    return moments[:MARKS_SHOWN]


def _moments(row: str, opened: Opened, origin: Origin) -> Iterator[Moment]:
    for number, attempt in enumerate(opened.attempts, 1):
        if not attempt.delivered:
            yield Moment(row, "bad", attempt.started_at, f"Attempt {number}: {attempt_words(attempt)}")
    due = opened.line.next_attempt_at
    if opened.line.status is SendoutStatus.RETRY and due:
        yield Moment(row, "due", due, f"next {due.astimezone(origin.zone):%H:%M}")


def _rows(part: SendoutsPart) -> dict[str, list[ShownGroup]]:
    """By the label of a row: a webhook has one, whatever it is sent."""
    rows: dict[str, list[ShownGroup]] = {}
    for shown in part.groups:
        rows.setdefault(f"Sendouts, {shown.name}", []).append(shown)
    return dict(list(rows.items())[:ROWS_SHOWN])
