"""The overview of a trace: what took place when, on a log scale of the time since it began."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

# Of the drawing, in its own units; it is scaled to the page.
WIDTH, LABEL_WIDTH, RIGHT = 970, 110, 40
ROW_HEIGHT, TOP, AXIS_HEIGHT = 17, 8, 22
LEAST_S = 0.01
LEAST_BAR = 3.0
TICKS = (
    (0.01, "10 ms"),
    (0.1, "0.1 s"),
    (1, "1 s"),
    (10, "10 s"),
    (60, "1 min"),
    (600, "10 min"),
    (3_600, "1 h"),
    (43_200, "12 h"),
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
class Bar:
    kind: str
    x: float
    width: float
    words: str


@dataclass(frozen=True, slots=True)
class ChartRow:
    label: str
    y: int
    bars: list[Bar]


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


def chart_of(stretches: Sequence[Stretch], began: datetime, now: datetime) -> Chart:
    """Each kind of thing has a row of its own; where there are several tasks, they share theirs."""
    end_s = max([1.0, *((stretch.end - began).total_seconds() for stretch in stretches)])
    scale = _scale(end_s)
    rows = [
        ChartRow(name, TOP + index * ROW_HEIGHT, [_bar(stretch, began, scale) for stretch in stretches if stretch.row == name])
        for index, name in enumerate(dict.fromkeys(stretch.row for stretch in stretches))
    ]
    runs = any(stretch.kind == "run" for stretch in stretches)
    ticks = [Tick(label, round(_x(seconds, scale), 1)) for seconds, label in TICKS if seconds <= end_s * 1.05]
    words = "; ".join(f"{stretch.words}, from {offset_text((stretch.start - began).total_seconds())}" for stretch in stretches[:12])
    now_x = round(_x((now - began).total_seconds(), scale), 1) if runs else None
    return Chart(TOP + len(rows) * ROW_HEIGHT + AXIS_HEIGHT, rows, ticks, now_x, words)


def _scale(end_s: float) -> float:
    return (WIDTH - LABEL_WIDTH - RIGHT) / math.log10(max(end_s, LEAST_S * 10) / LEAST_S)


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
