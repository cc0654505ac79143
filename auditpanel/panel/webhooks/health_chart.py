"""The health of a webhook as its charts and numbers show it: bars of attempts, what failed from the ground up."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from auditpanel.panel.formatters import WEEKDAYS, count_text, date_words, format_duration
from auditpanel.webhooks.health import Bucket, Period

# The drawing in its own units; it is scaled to its card.
WIDTH, HEIGHT, GAP = 300, 48, 2
CAP = 2
LEAST, LEAST_BAD = 3, 4


@dataclass(frozen=True, slots=True)
class HealthBar:
    """Of the height `height`, `bad` are failures. `words` tell it."""

    x: float
    width: float
    height: float
    bad: float
    words: str


@dataclass(frozen=True, slots=True)
class HealthRow:
    """A bar in numbers."""

    when: str
    attempts: str
    failed: str


@dataclass(frozen=True, slots=True)
class HealthView:
    """`words` tell the chart to who cannot see it; `begin` stands at its left end. `rate` and durations are empty without attempts.

    `note` says where not all attempts were looked at.
    """

    title: str
    words: str
    bars: list[HealthBar]
    rows: list[HealthRow]
    begin: str
    rate: str
    rate_is_bad: bool
    attempts: str
    median: str
    p95: str
    note: str = ""


def health_view(title: str, period: Period, zone: tzinfo) -> HealthView:
    buckets = period.buckets
    length = buckets[1].start - buckets[0].start
    highest = max(bucket.attempts for bucket in buckets)
    step = WIDTH / len(buckets)
    bars = [_bar(bucket, round(place * step, 1), step, highest, length, zone) for place, bucket in enumerate(buckets) if bucket.attempts]
    return HealthView(
        title=title,
        words=f"{title}: {_words(period, length, zone)}",
        bars=bars,
        rows=[
            HealthRow(_when(each, length, zone), count_text(each.attempts), count_text(each.failed)) for each in buckets if each.attempts
        ],
        begin=_moment(buckets[0].start, length, zone),
        rate=rate_text(period.delivered, period.attempts),
        rate_is_bad=period.delivered < period.attempts,
        attempts=count_text(period.attempts),
        median=_duration(period.median_ms),
        p95=_duration(period.p95_ms),
        note=""
        if period.is_whole
        else f"Of the newest {count_text(period.attempts)} attempts, since {_moment(period.since, length, zone)}.",
    )


def rate_text(delivered: int, attempts: int) -> str:
    """Rounded towards failure: 100% is only said of what has failed never. Empty without attempts."""
    if not attempts:
        return ""
    percent = delivered * 100 / attempts
    if 0 < percent < 1:
        return "< 1%"
    return f"{math.floor(percent * 10) / 10:.1f}%" if 99 <= percent < 100 else f"{math.floor(percent)}%"


def _bar(bucket: Bucket, x: float, step: float, highest: int, length: timedelta, zone: tzinfo) -> HealthBar:
    height = max(LEAST, HEIGHT * bucket.attempts / highest)
    bad = max(LEAST_BAD, height * bucket.failed / bucket.attempts) if bucket.failed else 0
    words = f"{_when(bucket, length, zone)}: {_counted(bucket.attempts)}, {count_text(bucket.failed)} failed"
    return HealthBar(x, round(step - GAP, 1), round(max(height, bad), 1), round(bad, 1), words)


def _words(period: Period, length: timedelta, zone: tzinfo) -> str:
    if not period.attempts:
        return "no attempt."
    failed = period.attempts - period.delivered
    text = f"{_counted(period.attempts)}, {count_text(failed) if failed else 'none'} failed."
    if not failed:
        return text
    worst = max(period.buckets, key=lambda bucket: bucket.failed)
    return f"{text} Most failures {_when(worst, length, zone)}: {count_text(worst.failed)} of {count_text(worst.attempts)}."


def _counted(attempts: int) -> str:
    return f"{count_text(attempts)} {'attempt' if attempts == 1 else 'attempts'}"


def _when(bucket: Bucket, length: timedelta, zone: tzinfo) -> str:
    return f"{_moment(bucket.start, length, zone)} to {(bucket.start + length).astimezone(zone):%H:%M}"


def _moment(moment: datetime, length: timedelta, zone: tzinfo) -> str:
    """A day's bars need no more than the weekday."""
    local = moment.astimezone(zone)
    day = WEEKDAYS[local.weekday()] if length < timedelta(hours=2) else date_words(local.date())
    return f"{day} {local:%H:%M}"


def _duration(milliseconds: float | None) -> str:
    found = format_duration(milliseconds)
    return found.text if found else ""
