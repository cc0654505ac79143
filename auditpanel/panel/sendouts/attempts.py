"""The attempts of a sendout as the time line of its page: what is to come, then what was made, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from auditpanel.logs.values import Message
from auditpanel.panel.bodies import BodyKind, BodyView, FieldsView, find_content_type, format_size, view_body, view_headers
from auditpanel.panel.formatters import count_text, date_words, format_duration, status_view
from auditpanel.panel.marks import Segment, split_marks, write_unseen
from auditpanel.panel.sendouts.showing import wait_words
from auditpanel.panel.tasks.showing import TaskPill, counted
from auditpanel.panel.traces.chart import offset_text
from auditpanel.webhooks.records import AttemptLine, AttemptRecord, SendoutLine, SendoutRecord
from auditpanel.webhooks.values import SCHEDULE, SendoutStatus

# With more, those between the newest ones and the first are folded.
SHOWN_WHOLE = 7
NEWEST_SHOWN = 3
# An answer as short as this stands in the line itself.
SHORT_CHARACTERS = 240
# A hundred answers of 64 KiB would be no page any more.
BODIES_LIMIT_CHARACTERS = 1_000_000


@dataclass(frozen=True, slots=True)
class DueView:
    """An attempt to come. `asked_by` is who sent it again by hand; it is under way then."""

    number: int
    when: str
    clock: str
    iso: str
    asked_by: str


@dataclass(frozen=True, slots=True)
class AnswerView:
    """What was answered. `short` is the whole body where it stands in the line; `body` is None there, and where there is no more room."""

    name: str
    summary: str
    headers: FieldsView
    short: tuple[Segment, ...]
    body: BodyView | None
    note: str


@dataclass(frozen=True, slots=True)
class AttemptView:
    """`offset` is the time since the first attempt; `url` stands where it went elsewhere than the message says."""

    number: int
    offset: str
    clock: str
    day: str
    iso: str
    delivered: bool
    pill: TaskPill
    took: str
    asked_by: str
    url: str
    answer: AnswerView | None


@dataclass(frozen=True, slots=True)
class AttemptsView:
    """`newest`, `folded`, `oldest` are one list, newest first; nothing is folded where there are few."""

    words: str
    due: list[DueView]
    newest: list[AttemptView]
    folded: list[AttemptView]
    fold_words: str
    oldest: list[AttemptView]
    rest_words: str


def attempts_view(record: SendoutRecord, zone: tzinfo, now: datetime) -> AttemptsView:
    line, made = record.line, list(_made(record, zone))
    cut = NEWEST_SHOWN if len(made) > SHOWN_WHOLE else len(made)
    folded = made[cut:-1]
    rest = max(0, line.attempts - len(made))
    return AttemptsView(
        words=_words(line),
        due=list(_due(line, zone, now)),
        newest=made[:cut],
        folded=folded,
        fold_words=_fold_words(folded, record.attempts[cut:-1]) if folded else "",
        oldest=made[cut:][-1:],
        rest_words=f"{counted(rest, 'older attempt')} {'is' if rest == 1 else 'are'} not shown." if rest else "",
    )


def attempt_words(line: AttemptLine) -> str:
    """`503 Service Unavailable`, `No answer in 10 s`."""
    if line.error:
        return write_unseen(line.error[:1].upper() + line.error[1:])
    return status_view(line.status_code).label if line.status_code else "No answer"


def _words(line: SendoutLine) -> str:
    made = f"{count_text(line.attempts)} made" if line.attempts else "None made"
    left = SCHEDULE.attempts - line.tries if line.status is SendoutStatus.RETRY else 0
    return f"{made}, up to {left} to come" if left else made


def _due(line: SendoutLine, zone: tzinfo, now: datetime) -> Iterator[DueView]:
    """The later one first, as all of them."""
    number = line.attempts + 1
    if line.status is SendoutStatus.RETRY and line.next_attempt_at:
        at = line.next_attempt_at.astimezone(zone)
        wait = line.next_attempt_at - now
        when = f"in {wait_words(wait)}" if wait.total_seconds() > 0 else "now"
        yield DueView(number + line.is_under_way, when, _clock(at, now.astimezone(zone)), at.isoformat(), "")
    if line.asked_by:
        yield DueView(number, "now", "", "", line.asked_by)


def _made(record: SendoutRecord, zone: tzinfo) -> Iterator[AttemptView]:
    line, attempts = record.line, record.attempts
    began = line.first_attempt_at or (attempts[-1].line.started_at if attempts else None)
    newest = max(line.attempts, len(attempts))
    left = BODIES_LIMIT_CHARACTERS
    for place, attempt in enumerate(attempts):
        left -= len(attempt.response_body or "")
        at = attempt.line.started_at.astimezone(zone)
        duration = format_duration(attempt.line.duration_ms)
        yield AttemptView(
            number=newest - place,
            offset=offset_text((attempt.line.started_at - began).total_seconds()) if began else "",
            clock=f"{at:%H:%M:%S}",
            day=date_words(at.date()),
            iso=at.isoformat(),
            delivered=attempt.line.delivered,
            pill=TaskPill("ok" if attempt.line.delivered else "bad", attempt_words(attempt.line)),
            took=duration.text if duration else "",
            asked_by=attempt.line.asked_by or "",
            url=write_unseen(attempt.line.url) if attempt.line.url != line.target_url else "",
            answer=_answer(attempt, newest - place, has_room=left >= 0),
        )


def _answer(attempt: AttemptRecord, number: int, *, has_room: bool) -> AnswerView | None:
    if attempt.line.status_code is None:
        return None
    text, content_type = attempt.response_body or "", find_content_type(attempt.response_headers)
    message = Message(attempt.response_headers, text, attempt.response_size_bytes, attempt.response_is_cut)
    is_short = bool(text.strip()) and len(text) <= SHORT_CHARACTERS and not attempt.response_is_cut
    body = view_body(message, content_type=content_type) if has_room and not is_short else None
    size = format_size(attempt.response_size_bytes or 0)
    return AnswerView(
        name=f"attempt-{number}",
        summary=", ".join(filter(None, (content_type and write_unseen(content_type.partition(";")[0]), size if text else "no body"))),
        headers=view_headers(attempt.response_headers),
        short=split_marks(text) if is_short else (),
        body=None if body is None or body.kind is BodyKind.NONE else body,
        note="" if has_room else f"Its body of {size} is left out of this page, which is long already. The API has it.",
    )


def _fold_words(folded: Sequence[AttemptView], attempts: Sequence[AttemptRecord]) -> str:
    """`Attempts 2 to 8, all 503`."""
    alike = {attempt_words(attempt.line) for attempt in attempts}
    codes = {attempt.line.status_code for attempt in attempts}
    all_text = f", all {codes.pop()}" if len(codes) == 1 and None not in codes else f", all: {alike.pop()}" if len(alike) == 1 else ""
    return f"Attempts {folded[-1].number} to {folded[0].number}{all_text}"


def _clock(at: datetime, today: datetime) -> str:
    return f"{at:%H:%M:%S}" if at.date() == today.date() else f"{date_words(at.date())}, {at:%H:%M:%S}"
