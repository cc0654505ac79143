"""How single values read on a page: pure functions from a value to its words, for the views."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from http import HTTPStatus

from auditpanel.ids import Prefix
from auditpanel.logs.values import LogLine, Origin
from auditpanel.times import day_words

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

BAR_PX = 28
# The bar's scale: 1 ms is empty, 10 s is full.
BAR_DECADES = 4
BAR_LEAST_PX = 2
SLOW_FROM_MS = 1_000

# A last segment longer than this is shortened too, or it would push the error out of the cell.
PATH_TAIL_CHARACTERS = 22


class StatusKind(StrEnum):
    OK = "ok"
    REDIRECT = "redirect"
    BAD = "bad"
    BROKEN = "broken"


class WhoKind(StrEnum):
    KEY = "key"
    USER = "user"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Duration:
    """`bar` is the length in px, of 28, on a log scale from 1 ms to 10 s."""

    text: str
    slow: bool
    bar: int


@dataclass(frozen=True, slots=True)
class StatusView:
    """`text` is "400", `label` is "400 Bad Request"."""

    text: str
    kind: StatusKind
    label: str


@dataclass(frozen=True, slots=True)
class PathParts:
    """`head` may be shortened where there is no room, `tail` is always whole; together they are the path."""

    head: str
    tail: str


@dataclass(frozen=True, slots=True)
class Who:
    """`text` is for a list; `full` is the name as the log has it."""

    kind: WhoKind
    text: str
    full: str


@dataclass(frozen=True, slots=True)
class ClockParts:
    """`16:41:59`, `.239`, and the whole moment with its offset, for `<time datetime>`."""

    clock: str
    milliseconds: str
    iso: str


def format_duration(duration_ms: float | None) -> Duration | None:
    if duration_ms is None:
        return None
    slow = round(duration_ms) >= SLOW_FROM_MS
    return Duration(_duration_text(duration_ms), slow, _bar_px(duration_ms))


def _duration_text(milliseconds: float) -> str:
    """Three figures at most where they are a decimal number; whole minutes and hours after that."""
    if milliseconds < 0.05:
        return "< 0.1 ms" if milliseconds > 0 else "0 ms"
    if milliseconds < 0.95:
        return f"{milliseconds:.1f} ms"
    seconds = milliseconds / 1_000
    # Each limit is where rounding would reach the next form: 999.6 ms is 1.00 s, never 1000 ms.
    if round(milliseconds) < SLOW_FROM_MS:
        return f"{milliseconds:.0f} ms"
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    if seconds < 3_599.5:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{count_text(hours)} h {minutes} min"


def _bar_px(milliseconds: float) -> int:
    decades = math.log10(max(milliseconds, 1))
    return max(BAR_LEAST_PX, min(BAR_PX, round(decades / BAR_DECADES * BAR_PX)))


@cache
def status_view(code: int) -> StatusView:
    return StatusView(str(code), _status_kind(code), f"{code} {_phrase(code)}".strip())


def _status_kind(code: int) -> StatusKind:
    if code < 300:
        return StatusKind.OK
    if code < 400:
        return StatusKind.REDIRECT
    return StatusKind.BAD if code < 500 else StatusKind.BROKEN


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return ""


def split_path(path: str) -> PathParts:
    """Before the last segment, which a reader needs to see whole: `/v1/campaigns/camp_01…` and `/vouchers`."""
    cut = path.rstrip("/").rfind("/")
    if cut <= 0 or len(path) - cut > PATH_TAIL_CHARACTERS:
        cut = max(0, len(path) - PATH_TAIL_CHARACTERS // 2) if len(path) > PATH_TAIL_CHARACTERS else 0
    return PathParts(path[:cut], path[cut:])


def who_of(line: LogLine) -> Who | None:
    """Who made the call. A cockpit's key belongs to the shop, so there the customer is the one who acted."""
    customer = Who(WhoKind.CUSTOMER, line.customer, line.customer) if line.customer else None
    if line.user:
        return Who(WhoKind.USER, _local_part(line.user), line.user)
    if customer and line.origin is Origin.CUSTOMER_COCKPIT:
        return customer
    return Who(WhoKind.KEY, line.api_key, line.api_key) if line.api_key else customer


def _local_part(user: str) -> str:
    return user.partition("@")[0] or user


def date_words(day: date) -> str:
    """`Tue 24 Nov 2026`, the same in every locale of the server."""
    return f"{WEEKDAYS[day.weekday()]} {day_words(day)}"


def day_heading(day: date, today: date) -> str:
    """`Today, Tue 24 Nov 2026`. Both are days of the zone in force."""
    near = {today: "Today, ", today - timedelta(days=1): "Yesterday, "}
    return near.get(day, "") + date_words(day)


def clock_parts(moment: datetime) -> ClockParts:
    """Of an aware time in the zone in force."""
    iso = moment.isoformat(timespec="microseconds")
    return ClockParts(iso[11:19], iso[19:23], iso)


def moment_words(moment: datetime) -> str:
    """`Tue 24 Nov 2026, 16:41:59.239`, of an aware time in the zone in force."""
    parts = clock_parts(moment)
    return f"{date_words(moment.date())}, {parts.clock}{parts.milliseconds}"


def covers_text(newest: datetime, oldest: datetime) -> str:
    """The times that a page of a list covers, with the day only where it is not the same; both in the zone in force."""
    if newest.date() == oldest.date():
        return f"{newest:%H:%M:%S} to {oldest:%H:%M:%S}"
    return f"{date_words(newest.date())}, {newest:%H:%M:%S} to {date_words(oldest.date())}, {oldest:%H:%M:%S}"


def count_text(count: int) -> str:
    return f"{count:,}"


def capped_count_text(count: int, cap: int) -> str:
    """`10,000+` from the cap on, where counting stopped."""
    return f"{count:,}" if count < cap else f"{cap:,}+"


def shorten_id(text: str) -> str:
    """The prefix and the last 6: the start of a UUIDv7 is time, and alike in neighbours. Short and foreign ids stay whole."""
    prefix = next((str(prefix) for prefix in sorted(Prefix, key=len, reverse=True) if text.startswith(prefix)), "")
    return f"{prefix}…{text[-6:]}" if len(text) - len(prefix) > 12 else text


def initials_of(name: str) -> str:
    """Two letters at most: of `Nina Kowalska` or `nina.kowalska@example.com`, NK."""
    words = [word for word in name.partition("@")[0].replace(".", " ").replace("_", " ").split() if word]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"
