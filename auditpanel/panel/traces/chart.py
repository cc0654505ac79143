"""The overview of a trace: what took place when, on a log scale of the time since it began."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

# Of the drawing, in its own units; it is scaled to the page.
WIDTH, LABEL_WIDTH, RIGHT = 970, 140, 40
# What is to come says beside it when.
RIGHT_OF_DUE = 80
LABEL_CHARACTERS = 23
ROW_HEIGHT, TOP, AXIS_HEIGHT = 17, 8, 22
LEAST_S = 0.01
LEAST_BAR = 3.0
# Of the sentence that says the same.
WORDS_SHOWN = 16
TICKS = (
    (0.01, "10 ms"),
    (0.1, "0.1 s"),
    (1, "1 s"),
    (10, "10 s"),
    (60, "1 min"),
    (600, "10 min"),
    (3_600, "1 h"),
    (14_400, "4 h"),
    (86_400, "24 h"),
    (604_800, "7 d"),
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """`kind` is ok, warn, bad, run or wait."""

    row: str
    kind: str
    start: datetime
    end: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Moment:
    """`kind` is bad, a failed attempt, or due, one to come."""

    row: str
    kind: str
    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Bar:
    kind: str
    x: float
    width: float
    words: str


@dataclass(frozen=True, slots=True)
class Point:
    """`label` stands beside it."""

    kind: str
    x: float
    words: str
    label: str


@dataclass(frozen=True, slots=True)
class ChartRow:
    label: str
    y: int
    bars: list[Bar]
    points: list[Point]


@dataclass(frozen=True, slots=True)
class Tick:
    label: str
    x: float


@dataclass(frozen=True, slots=True)
class Chart:
    """`now_x` is where the present lies, while something still runs."""

    height: int
    rows: list[ChartRow]
    ticks: list[Tick]
    now_x: float | None
    words: str


def chart_of(stretches: Sequence[Stretch], moments: Sequence[Moment], began: datetime, now: datetime) -> Chart:
    """Each kind of thing has a row of its own; where there are several tasks, they share theirs."""
    ends = [*(stretch.end for stretch in stretches), *(moment.at for moment in moments)]
    end_s = max([1.0, *((end - began).total_seconds() for end in ends)])
    waits = any(moment.kind == "due" for moment in moments)
    scale = _scale(end_s, RIGHT_OF_DUE if waits else RIGHT)
    names = dict.fromkeys([*(stretch.row for stretch in stretches), *(moment.row for moment in moments)])
    rows = [
        ChartRow(
            name if len(name) <= LABEL_CHARACTERS else f"{name[: LABEL_CHARACTERS - 1]}…",
            TOP + index * ROW_HEIGHT,
            [_bar(stretch, began, scale) for stretch in stretches if stretch.row == name],
            _points([moment for moment in moments if moment.row == name], began, scale),
        )
        for index, name in enumerate(names)
    ]
    runs = waits or any(stretch.kind == "run" for stretch in stretches)
    ticks = [Tick(label, round(_x(seconds, scale), 1)) for seconds, label in TICKS if seconds <= end_s * 1.05]
    now_x = round(_x((now - began).total_seconds(), scale), 1) if runs else None
    return Chart(TOP + len(rows) * ROW_HEIGHT + AXIS_HEIGHT, rows, ticks, now_x, _words(stretches, moments, began))


def _words(stretches: Sequence[Stretch], moments: Sequence[Moment], began: datetime) -> str:
    told = [(stretch.start, stretch.words) for stretch in stretches] + [(moment.at, moment.words) for moment in moments]
    return "; ".join(
        f"{words}, {'from ' if place < len(stretches) else ''}{offset_text((at - began).total_seconds())}"
        for place, (at, words) in enumerate(told[:WORDS_SHOWN])
    )


def _points(moments: Sequence[Moment], began: datetime, scale: float) -> list[Point]:
    """Of those to come, only the first says when: they stand close together."""
    first_due = min((moment for moment in moments if moment.kind == "due"), key=lambda moment: moment.at, default=None)
    return [
        Point(
            moment.kind,
            round(_x((moment.at - began).total_seconds(), scale), 1),
            f"{moment.words}, {offset_text((moment.at - began).total_seconds())}",
            moment.words if moment is first_due else "",
        )
        for moment in moments
    ]


def _scale(end_s: float, right: int) -> float:
    return (WIDTH - LABEL_WIDTH - right) / math.log10(max(end_s, LEAST_S * 10) / LEAST_S)


def _x(seconds: float, scale: float) -> float:
    return LABEL_WIDTH + scale * math.log10(max(seconds, LEAST_S) / LEAST_S)


def _bar(stretch: Stretch, began: datetime, scale: float) -> Bar:
    start, end = (_x((moment - began).total_seconds(), scale) for moment in (stretch.start, stretch.end))
    return Bar(stretch.kind, round(start, 1), round(max(LEAST_BAR, end - start), 1), stretch.words)


def offset_text(seconds: float) -> str:
    """Since the trace began: `0`, `+0.3 s`, `+4 min 12 s`, `+4 h 16 min`."""
    if seconds < 0.0005:
        return "0"
    if seconds < 0.95:
        return f"+{seconds * 1_000:.0f} ms" if seconds < 0.0995 else f"+{seconds:.1f} s"
    if seconds < 59.95:
        return f"+{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"+{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"+{hours} h {minutes} min" if hours < 48 else f"+{hours // 24} d {hours % 24} h"
