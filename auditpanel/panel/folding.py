"""What of a JSON text stands open on the page and what is folded away, as a flat list that a template renders with one loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from auditpanel.panel.json_lines import JsonLines, Line
from auditpanel.panel.marks import FoundSpans, Segment, SegmentKind, split_span

OPEN_DEPTH = 3
# Items of an array are mostly alike: two show what they look like.
OPEN_ITEMS = 2
# Of a list longer than this, the members after the first few fold into one line that counts them.
LONG_LIST = 100
SHOWN_OF_LONG_LIST = 10


class StepKind(StrEnum):
    """LINE is a line; OPEN the line of a fold, whose content follows; MORE the line of a fold of further members; CLOSE ends a fold."""

    LINE = "line"
    OPEN = "open"
    MORE = "more"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Step:
    """`number` is the line's, from 1. `holds` says how much a fold hides: `5 keys }`, `594 more items`."""

    kind: StepKind
    number: int = 0
    depth: int = 0
    segments: tuple[Segment, ...] = ()
    holds: str = ""
    is_open: bool = False
    at_fault: bool = False


@dataclass(slots=True)
class _More:
    """The members after the first few of a long list: lines from `start` to `end`, exclusive."""

    start: int
    end: int
    depth: int
    holds: str
    is_open: bool = False


def fold(json: JsonLines, *, found: FoundSpans, fault_line: int | None = None) -> tuple[Step, ...]:
    """Everything is in it. What leads to found text, to the line at fault and to the place where a body was cut stands open."""
    return tuple(_Folder(json, found, fault_line).steps())


class _Folder:
    def __init__(self, json: JsonLines, found: FoundSpans, fault_line: int | None) -> None:
        self.json = json
        self.fault_line = fault_line
        self.segments = [tuple(_segments(json.text, line, found)) for line in json.lines]
        self.must_open = set(json.unfinished)
        self.more = {more.start: more for more in self._long_lists()}
        for index, segments in enumerate(self.segments):
            if index == fault_line or any(segment.found for segment in segments):
                self._open_up_to(index)

    def steps(self) -> Iterator[Step]:
        ends = {more.end for more in self.more.values()}
        unclosed = 0
        for index, line in enumerate(self.json.lines):
            if index in ends:
                unclosed -= 1
                yield Step(StepKind.CLOSE)
            if more := self.more.get(index):
                unclosed += 1
                yield Step(StepKind.MORE, index + 1, more.depth, holds=more.holds, is_open=more.is_open)
            yield self._line_step(index, line)
            unclosed += line.bracket is not None
            if line.closes is not None:
                unclosed -= 1
                yield Step(StepKind.CLOSE)
        yield from [Step(StepKind.CLOSE)] * unclosed

    def _line_step(self, index: int, line: Line) -> Step:
        kind = StepKind.LINE if line.bracket is None else StepKind.OPEN
        return Step(
            kind,
            index + 1,
            line.depth,
            self.segments[index],
            holds="" if line.bracket is None else self._holds(index, line),
            is_open=line.bracket is not None and self._is_open(index, line),
            at_fault=index == self.fault_line,
        )

    def _is_open(self, index: int, line: Line) -> bool:
        if index in self.must_open:
            return True
        in_array = line.parent is None or self.json.lines[line.parent].bracket == "["
        return line.depth < OPEN_DEPTH and not (in_array and line.place >= OPEN_ITEMS)

    def _holds(self, index: int, line: Line) -> str:
        content = _count(len(line.children), _member_name(line))
        if index in self.json.unfinished:
            return content
        return f"{content} {'}' if line.bracket == '{' else ']'}"

    def _long_lists(self) -> Iterator[_More]:
        lines = self.json.lines
        # Several values after another (NDJSON) are a list without brackets.
        yield from _more_of(self.json.roots, "value", 0, end=None if self.json.unfinished else len(lines))
        closings = {line.closes: index for index, line in enumerate(lines) if line.closes is not None}
        for index, line in enumerate(lines):
            yield from _more_of(line.children, _member_name(line), line.depth + 1, end=closings.get(index))

    def _open_up_to(self, index: int) -> None:
        here: int | None = index
        while here is not None:
            line = self.json.lines[here]
            siblings = self.json.roots if line.parent is None else self.json.lines[line.parent].children
            if len(siblings) > LONG_LIST and line.place >= SHOWN_OF_LONG_LIST:
                more = self.more[siblings[SHOWN_OF_LONG_LIST]]
                more.is_open = more.is_open or here < more.end
            here = line.parent
            if here is not None:
                self.must_open.add(here)


def _more_of(members: list[int], name: str, depth: int, *, end: int | None) -> Iterator[_More]:
    """`end` is the line after the last member; None where the text ends in it: then it stays in sight."""
    if len(members) <= LONG_LIST:
        return
    folded = len(members) - SHOWN_OF_LONG_LIST - (end is None)
    yield _More(members[SHOWN_OF_LONG_LIST], members[-1] if end is None else end, depth, _count(folded, f"more {name}"))


def _member_name(line: Line) -> str:
    return "key" if line.bracket == "{" else "item"


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}" if number == 1 else f"{number:,} {name}s"


def _segments(text: str, line: Line, found: FoundSpans) -> Iterator[Segment]:
    """The pieces of a line, alike neighbours as one: a body of many short lines is a third smaller so."""
    last: Segment | None = None
    for segment in _token_segments(text, line, found):
        if last and (last.kind, last.found) == (segment.kind, segment.found) and segment.kind is SegmentKind.PUNCTUATION:
            last = Segment(last.kind, last.text + segment.text, last.found)
            continue
        if last:
            yield last
        last = segment
    if last:
        yield last


def _token_segments(text: str, line: Line, found: FoundSpans) -> Iterator[Segment]:
    for token in line.tokens:
        segments = list(split_span(text, token.start, token.end, kind=token.kind, found=found))
        # The box of a redacted value stands for the whole of it, so it needs no quotes.
        yield from _without_quotes(segments) if token.kind is SegmentKind.STRING else segments
        if token.kind is SegmentKind.PUNCTUATION and text[token.start] == ":":
            yield Segment(SegmentKind.PUNCTUATION, " ")


def _without_quotes(segments: list[Segment]) -> list[Segment]:
    if len(segments) != 3 or segments[1].kind is not SegmentKind.REDACTED:
        return segments
    return segments[1:2] if segments[0].text == segments[2].text == '"' else segments
