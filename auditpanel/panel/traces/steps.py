"""What the time line of a trace is made of, whatever it tells of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from auditpanel.panel.formatters import Who, clock_parts
from auditpanel.panel.marks import Segment
from auditpanel.panel.tasks.showing import TaskPill
from auditpanel.panel.traces.chart import offset_text


@dataclass(frozen=True, slots=True)
class Head:
    """One number on top. `kind` is bad, warn or nothing."""

    label: str
    text: str
    hint: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class When:
    """`offset` is the time since the trace began, and so is `until`, where it lasted: `to +25 s`."""

    offset: str
    clock: str
    iso: str
    until: str = ""


@dataclass(frozen=True, slots=True)
class FoldedAttempt:
    number: int
    offset: str
    clock: str
    iso: str
    pill: TaskPill
    took: str
    asked_by: str


@dataclass(frozen=True, slots=True)
class Fold:
    """Attempts like those around them. `rest` links to the record for those that there was no room for."""

    words: str
    attempts: Sequence[FoldedAttempt]
    rest: Link | None


@dataclass(frozen=True, slots=True)
class Step:
    """`depth` is how far it is from the call by cause; `bar` that of the rows, as in the list of tasks.

    `name` leads to the record, `about` tells more of it in the type of code, `id` is its id; `answer` is the beginning of what a target
    answered. `again_url` sends a sendout again.
    """

    kind: str
    depth: int
    when: When
    mark: str
    label: str
    pills: tuple[TaskPill, ...] = ()
    name: Link | None = None
    about: str = ""
    id: Link | None = None
    who: Who | None = None
    words: str = ""
    bad_words: str = ""
    links: tuple[Link, ...] = ()
    bar: tuple[int, int] | None = None
    took: str = ""
    answer: tuple[Segment, ...] = ()
    fold: Fold | None = None
    again_url: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the times of a trace are counted from, on whose clock."""

    began: datetime
    zone: tzinfo

    def when(self, at: datetime, until: datetime | None = None) -> When:
        clock = clock_parts(at.astimezone(self.zone))
        offset = self.offset(at)
        end = self.offset(until) if until else offset
        return When(offset, clock.clock + clock.milliseconds, clock.iso, f"to {end}" if end != offset else "")

    def offset(self, at: datetime) -> str:
        return offset_text((at - self.began).total_seconds())
