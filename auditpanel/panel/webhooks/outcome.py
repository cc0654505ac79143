"""What became of a test event, on the page of its webhook."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import url_for

from auditpanel.panel.formatters import format_duration, status_view
from auditpanel.webhooks.records import SendoutLine

# A worker takes it up at once; where none does for so long, there may be none.
LATE = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class TestOutcome:
    """`url` is that of its sendout."""

    pill_kind: str
    pill_text: str
    words: str
    url: str
    is_running: bool


def outcome_of(line: SendoutLine, now: datetime) -> TestOutcome:
    url = url_for("sendouts.show", sendout_id=line.id)
    if line.is_under_way:
        late = now - line.created_at > LATE
        words = (
            "Nobody has taken it up yet. Does a worker of the queue webhooks run?"
            if late
            else "The answer is shown here as soon as it is there."
        )
        return TestOutcome("warn" if late else "run", "Still waiting" if late else "Being sent", words, url, is_running=True)
    duration = format_duration(line.duration_ms)
    took = f" in {duration.text}" if duration else ""
    if line.status_code is None:
        return TestOutcome(
            "broken", "Not delivered", f"{(line.error or 'no answer')}{took if line.attempts else ''}", url, is_running=False
        )
    answer = status_view(line.status_code)
    delivered = 200 <= line.status_code < 300
    return TestOutcome(
        "ok" if delivered else "broken", "Delivered" if delivered else "Not delivered", f"{answer.label}{took}", url, is_running=False
    )
