"""Recorded text, cut into the pieces that a page shows differently: what was redacted, what is unseen, what was searched for."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

# What a page would not show, or would let change the text around it: control characters, marks that turn the direction of
# writing, characters without width, line separators, and code points that HTML does not allow.
_UNSEEN = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff"
    + "".join(chr(plane << 16 | last) for plane in range(1, 17) for last in (0xFFFE, 0xFFFF))
)
_REDACTED = r"\[(?P<redacted>redacted, \d{1,12} characters?)\]"
# In text, tabs and line ends are what they are; within one line of JSON they are as unseen as the rest.
TEXT_MARKS = re.compile(rf"{_REDACTED}|(?P<unseen>[{_UNSEEN}]|\r(?!\n))(?P=unseen)*+")
LINE_MARKS = re.compile(rf"{_REDACTED}|(?P<unseen>[{_UNSEEN}\t\n\r])(?P=unseen)*+")

REDACTED = re.compile(r"\[redacted, \d{1,12} characters?\]")

# A text of nothing but marks would make a page fifty times its size; the rest of it is written without boxes.
MARK_LIMIT = 5_000
FOUND_LIMIT = 10_000


class SegmentKind(StrEnum):
    PLAIN = "plain"
    KEY = "key"
    STRING = "string"
    LITERAL = "literal"
    PUNCTUATION = "punctuation"
    CONTROL = "control"
    REDACTED = "redacted"


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text of one look. `found`: a filter of the list looked for it. Of a mark, `text` is its label: `U+202E`."""

    kind: SegmentKind
    text: str
    found: bool = False


@dataclass(frozen=True, slots=True)
class FoundSpans:
    """Where the texts that a list was narrowed to stand in a text, in order, without overlap. Ends are exclusive."""

    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()

    def within(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The parts of the spans that lie between the two positions."""
        for place in range(bisect_right(self.ends, start), len(self.starts)):
            if self.starts[place] >= end:
                return
            yield max(start, self.starts[place]), min(end, self.ends[place])


NOTHING_FOUND = FoundSpans()


def find_texts(text: str, wanted: Sequence[str]) -> FoundSpans:
    alternatives = "|".join(re.escape(one) for one in wanted if one)
    if not alternatives:
        return NOTHING_FOUND
    matches = islice(re.finditer(alternatives, text, re.IGNORECASE), FOUND_LIMIT)
    spans = [match.span() for match in matches]
    return FoundSpans(tuple(start for start, _ in spans), tuple(end for _, end in spans))


def split_marks(text: str, found: Sequence[str] = ()) -> tuple[Segment, ...]:
    """The pieces of a text of any number of lines."""
    return tuple(split_span(text, 0, len(text), found=find_texts(text, found), marks=TEXT_MARKS))


def split_span(
    text: str,
    start: int,
    end: int,
    *,
    kind: SegmentKind = SegmentKind.PLAIN,
    found: FoundSpans = NOTHING_FOUND,
    marks: re.Pattern[str] = LINE_MARKS,
) -> Iterator[Segment]:
    """The pieces of a part of a text; what is no mark gets the given kind."""
    position = start
    for match in islice(marks.finditer(text, start, end), MARK_LIMIT):
        yield from _split_found(text, position, match.start(), kind, found)
        yield _mark(match, found)
        position = match.end()
    if marks.search(text, position, end):
        yield Segment(kind, marks.sub(_written_out, text[position:end]))
    else:
        yield from _split_found(text, position, end, kind, found)


def _split_found(text: str, start: int, end: int, kind: SegmentKind, found: FoundSpans) -> Iterator[Segment]:
    position = start
    for found_start, found_end in found.within(start, end):
        if position < found_start:
            yield Segment(kind, text[position:found_start])
        yield Segment(kind, text[found_start:found_end], found=True)
        position = found_end
    if position < end:
        yield Segment(kind, text[position:end])


def _mark(match: re.Match[str], found: FoundSpans) -> Segment:
    is_found = next(found.within(*match.span()), None) is not None
    if match["redacted"]:
        return Segment(SegmentKind.REDACTED, match["redacted"], is_found)
    return Segment(SegmentKind.CONTROL, _name_unseen(match), is_found)


def _name_unseen(match: re.Match[str]) -> str:
    name = f"U+{ord(match['unseen']):04X}"
    times = len(match[0])
    return f"{name} ×{times}" if times > 1 else name


def write_unseen(text: str) -> str:
    """The text with its unseen characters written out: `a[U+202E]b`. For names, titles, paths and attributes."""
    # Nearly all are, and a look at each letter takes ten times as long.
    if text.isascii() and text.isprintable():
        return text
    return TEXT_MARKS.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    return match[0] if match["redacted"] else f"[{_name_unseen(match)}]"
