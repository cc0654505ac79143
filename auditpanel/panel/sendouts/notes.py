"""What happened to a sendout and what comes next, in words, on top of its page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from auditpanel.panel.formatters import date_words, status_view
from auditpanel.panel.marks import write_unseen
from auditpanel.panel.sendouts.showing import answer_view, wait_words
from auditpanel.panel.tasks.showing import counted
from auditpanel.webhooks.records import SendoutLine
from auditpanel.webhooks.target_records import WebhookRecord
from auditpanel.webhooks.values import SCHEDULE, EventType, SendoutStatus


@dataclass(frozen=True, slots=True)
class Note:
    kind: str
    bold: str
    text: str


def notes_of(line: SendoutLine, webhook: WebhookRecord, zone: ZoneInfo, now: datetime) -> Iterator[Note]:
    if line.is_under_way:
        yield Note("info", f"{line.asked_by} has sent it again.", "An attempt is under way; what becomes of it appears here by itself.")
    elif line.status is SendoutStatus.SENT:
        yield _sent(line)
    elif line.status is SendoutStatus.RETRY:
        yield _waiting(line, zone, now)
    else:
        yield _given_up(line)
    if webhook.removed_at is not None:
        yield Note("warn", "Its webhook was removed.", "There is no address any more that it could be sent to.")
    elif not webhook.line.is_active:
        reason = write_unseen(webhook.line.switched_off_reason or "")
        yield Note("warn", "Its webhook is switched off.", f"{reason} What is sent again by hand still goes out.".strip())


def _sent(line: SendoutLine) -> Note:
    if answer_view(line).kind == "ok":
        at = "at the first attempt" if line.attempts == 1 else f"at attempt {line.attempts}"
        return Note(
            "ok", "Delivered.", f"The target answered {answer_view(line).text.replace(' · ', ' in ')}, {at}. Nothing more is to come."
        )
    return Note("warn", "It was delivered, but not the last time.", f"Sent again by hand, it failed. {_last_words(line)}")


def _waiting(line: SendoutLine, zone: ZoneInfo, now: datetime) -> Note:
    if not line.attempts:
        return Note("clock", "Its first attempt is due.", "It goes out as soon as a worker is free.")
    failed = f"{line.tries} of {SCHEDULE.attempts} attempts failed."
    return Note("warn", failed, f"{_last_words(line)} {_next_words(line, zone, now)}")


def _next_words(line: SendoutLine, zone: ZoneInfo, now: datetime) -> str:
    if line.next_attempt_at is None:
        return ""
    wait = line.next_attempt_at - now
    at = line.next_attempt_at.astimezone(zone)
    due = f"The next attempt is due in {wait_words(wait)}, at {at:%H:%M:%S}" if wait > timedelta() else "The next attempt is due now"
    if line.first_attempt_at is None:
        return f"{due}."
    if line.tries + 1 >= SCHEDULE.attempts:
        return f"{due}. It is the last one; then it is given up."
    end = (line.first_attempt_at + timedelta(seconds=SCHEDULE.after_s[-1])).astimezone(zone)
    if end <= line.next_attempt_at:
        # It is late: what comes after keeps its distance, and ends later than the schedule says.
        return f"{due}. After {counted(SCHEDULE.attempts - line.tries - 1, 'more attempt')}, it is given up."
    return f"{due}. After the last one, {date_words(end.date())}, {end:%H:%M}, it is given up."


def _given_up(line: SendoutLine) -> Note:
    if line.type == EventType.TEST:
        return Note("bad", "The test failed.", _last_words(line))
    next_words = "Nothing more comes by itself: send it again once the target takes it."
    if not line.attempts:
        return Note("bad", "Given up without an attempt.", f"{_last_words(line)} {next_words}")
    return Note("bad", f"Given up after {counted(line.attempts, 'attempt')}.", f"{_last_words(line)} {next_words}")


def _last_words(line: SendoutLine) -> str:
    """`The last answer was 503 Service Unavailable.`, or why there was none."""
    if line.status_code is not None and (line.error is None or line.error == f"answered {line.status_code}"):
        return f"The last answer was {status_view(line.status_code).label}."
    text = write_unseen(line.error or "no answer")
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
