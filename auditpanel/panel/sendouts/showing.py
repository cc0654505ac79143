"""A webhook sendout as a row of the list and the head of its page have it in common: pill, last answer, attempts as blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from auditpanel.panel.formatters import PathParts, clock_parts, count_text, format_duration, split_path, status_view
from auditpanel.panel.marks import write_unseen
from auditpanel.panel.tasks.showing import TaskPill
from auditpanel.webhooks.records import AttemptLine, SendoutLine
from auditpanel.webhooks.values import SCHEDULE, SendoutStatus

# More than these are shortened to the newest few: the count stands beside.
BLOCKS_SHOWN = 7
BLOCKS_OF_MANY = 4


@dataclass(frozen=True, slots=True)
class AnswerView:
    """`kind` is ok, warn, bad or none: no attempt was made."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class BlocksView:
    """`kinds` are ok, bad and due, oldest first; where `is_cut`, older ones are left out. `rest` is what `count` is of."""

    kinds: tuple[str, ...]
    is_cut: bool
    count: str
    rest: str
    words: str


@dataclass(frozen=True, slots=True)
class SendoutRow:
    """All that a cell shows, ready. `url` has the list's state, `path` has not."""

    url: str
    path: str
    line: SendoutLine
    clock: str
    milliseconds: str
    iso: str
    pill: TaskPill
    type: str
    target: PathParts
    answer: AnswerView
    blocks: BlocksView
    is_bad: bool
    is_sent: bool


def sendout_row(line: SendoutLine, attempts: Sequence[AttemptLine], zone: tzinfo, now: datetime, *, url: str) -> SendoutRow:
    clock = clock_parts(line.created_at.astimezone(zone))
    return SendoutRow(
        url=url,
        path=url.partition("?")[0],
        line=line,
        clock=clock.clock,
        milliseconds=clock.milliseconds,
        iso=clock.iso,
        pill=sendout_pill(line, now),
        type=write_unseen(line.type),
        target=target_parts(line.target_url),
        answer=answer_view(line),
        blocks=blocks_view(line, attempts),
        is_bad=line.status is SendoutStatus.ERROR,
        is_sent=line.status is SendoutStatus.SENT,
    )


def sendout_pill(line: SendoutLine, now: datetime) -> TaskPill:
    if line.status is SendoutStatus.SENT:
        return TaskPill("ok", "Sent")
    if not line.attempts and (line.is_under_way or line.status is SendoutStatus.RETRY):
        return TaskPill("wait", "First attempt due")
    if line.status is SendoutStatus.ERROR:
        return TaskPill("broken", "Error")
    wait = line.next_attempt_at - now if line.next_attempt_at else timedelta()
    return TaskPill("retry", "Retry due" if wait <= timedelta() else f"Retry in {wait_words(wait)}")


def wait_words(wait: timedelta) -> str:
    """`40 s`, `3 min`, `1 h 4 min`."""
    seconds = max(0, round(wait.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if not hours:
        return f"{minutes} min"
    return f"{count_text(hours)} h {minutes} min" if minutes else f"{count_text(hours)} h"


def short_count(count: int) -> str:
    """`38`, `1.3k`, `12k`: for what stands beside a name."""
    if count < 1_000:
        return str(count)
    return f"{count / 1_000:.1f}k" if count < 9_950 else f"{round(count / 1_000)}k"


def target_parts(url: str) -> PathParts:
    """Without `https://`, which nearly all have; `http://` stays, as it says something."""
    return split_path(write_unseen(url.removeprefix("https://")))


def answer_view(line: SendoutLine) -> AnswerView:
    """Of the last attempt, or why it was given up without one."""
    code, kind = line.status_code, "warn" if line.status is SendoutStatus.RETRY else "bad"
    if code is not None and (line.error is None or line.error == f"answered {code}"):
        return AnswerView(_delivered_text(code, line.duration_ms), "ok") if 200 <= code < 300 else AnswerView(status_view(code).label, kind)
    if line.error is not None and (line.attempts or not line.is_under_way):
        return AnswerView(write_unseen(line.error), kind)
    return AnswerView("No attempt yet", "none")


def _delivered_text(code: int, duration_ms: float | None) -> str:
    duration = format_duration(duration_ms)
    return f"{code} · {duration.text}" if duration else str(code)


def blocks_view(line: SendoutLine, attempts: Sequence[AttemptLine]) -> BlocksView:
    """`attempts` are oldest first; where there were more than them, they are the newest."""
    made = ["ok" if attempt.delivered else "bad" for attempt in attempts]
    due = ["due"] if line.status is SendoutStatus.RETRY or line.is_under_way else []
    is_cut = len(made) + len(due) > BLOCKS_SHOWN
    kinds = tuple((made + due)[-BLOCKS_OF_MANY if is_cut else 0 :])
    waits = line.status is SendoutStatus.RETRY
    count, rest = count_text(line.tries if waits else line.attempts), f"of {SCHEDULE.attempts}" if waits else ""
    failed = made.count("bad")
    older = line.attempts > len(made)
    of_newest = f"of the newest {count_text(len(made))}, " if older else ""
    words = f"{count_text(max(line.attempts, len(made)))} made, {of_newest}{count_text(failed)} failed" if made else "none made"
    return BlocksView(kinds, is_cut, count, rest, words)
