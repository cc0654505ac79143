"""JSON as lines, read without trust: what was sent is never changed, only broken into lines.

`json.loads` would lose duplicate keys, the spelling of numbers (1.0, 1e400) and everything of a body that was cut; it recurses, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from auditpanel.panel.marks import SegmentKind

DEPTH_LIMIT = 64
LINE_LIMIT = 5_000

# Every character is white space or begins a token. A string or word may end where the text ends: the body may have been cut there.
_TOKEN = re.compile(
    r"""[ \t\r\n]*+(?:
        (?P<punctuation>[{}\[\]:,])
      | (?P<string>"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z))
      | (?P<word>[^ \t\r\n{}\[\]:,"]++)
    )""",
    re.VERBOSE | re.DOTALL,
)
_LITERAL = re.compile(r"true|false|null|-?(?:0|[1-9]\d*+)(?:\.\d++)?(?:[eE][+-]?\d++)?", re.ASCII)
_CUT_NUMBER = re.compile(r"-?(?:(?:0|[1-9]\d*+)(?:\.\d*+)?(?:[eE][+-]?\d*+)?)?", re.ASCII)
_BYTE_ORDER_MARK = "\ufeff"


class NotJson(ValueError):
    """`position` is that of the first character which JSON does not allow there."""

    def __init__(self, position: int) -> None:
        super().__init__(f"not JSON from character {position + 1} on")
        self.position = position


class Stop(StrEnum):
    """Why the lines end: with the text, or because the rest is better shown as text."""

    END = "end"
    TOO_DEEP = "too deep"
    TOO_LONG = "too long"


class _Expect(StrEnum):
    VALUE = "value"
    FIRST_VALUE = "value or ]"
    KEY = "key"
    FIRST_KEY = "key or }"
    COLON = ":"
    SEPARATOR = ", or end"


@dataclass(frozen=True, slots=True)
class Token:
    kind: SegmentKind
    start: int
    end: int


@dataclass(slots=True)
class Line:
    """One line. `parent` and `children` are indexes of lines; `place` counts the members of the parent from 0.

    A line that opens an object or array has its `bracket`; the line that closes it has the index of that line in `closes`.
    """

    depth: int
    parent: int | None
    place: int
    key: str | None = None
    tokens: list[Token] = field(default_factory=list)
    bracket: str | None = None
    closes: int | None = None
    children: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class JsonLines:
    """`unfinished` are the opening lines that nothing closes, outermost first. `stopped_at` is where the rest of the text begins."""

    text: str
    lines: list[Line]
    roots: list[int]
    unfinished: list[int]
    stop: Stop
    stopped_at: int

    def value_token(self, line: Line) -> Token | None:
        """The string, number or word of a line; None where it opens or closes something."""
        kinds = (SegmentKind.STRING, SegmentKind.LITERAL)
        return next((token for token in line.tokens if token.kind in kinds), None)


def read_json(text: str) -> JsonLines:
    """Raises NotJson. A text that ends too early is read up to its end; several values after another (NDJSON) are allowed."""
    return _Reader(text).read()


class _Stopped(Exception):
    def __init__(self, why: Stop) -> None:
        self.why = why


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: list[Line] = []
        self.roots: list[int] = []
        self.opened: list[int] = []
        self.expect = _Expect.VALUE

    def read(self) -> JsonLines:
        stop, position = Stop.END, len(self.text)
        for token in self._scan():
            try:
                self._take(token)
            except _Stopped as stopped:
                stop, position = stopped.why, token.start
                break
        if not self.lines:
            raise NotJson(0)
        self._show_byte_order_mark()
        return JsonLines(self.text, self.lines, self.roots, self.opened, stop, position)

    def _scan(self) -> Iterator[Token]:
        position = 1 if self.text.startswith(_BYTE_ORDER_MARK) else 0
        while match := _TOKEN.match(self.text, position):
            position = match.end()
            start, end = match.span(match.lastgroup or 0)
            yield Token(_KINDS[match.lastgroup or ""], start, end)

    def _show_byte_order_mark(self) -> None:
        # Many parsers choke on it, so whoever looks for the reason of a 400 wants to see it.
        if self.text.startswith(_BYTE_ORDER_MARK):
            self.lines[0].tokens.insert(0, Token(SegmentKind.PLAIN, 0, 1))

    def _take(self, token: Token) -> None:
        match self.text[token.start] if token.kind is SegmentKind.PUNCTUATION else "":
            case "{" | "[" as bracket:
                self._open(token, bracket)
            case "}" | "]" as bracket:
                self._close(token, bracket)
            case ":":
                self._take_colon(token)
            case ",":
                self._take_comma(token)
            case _:
                self._take_scalar(token)

    def _open(self, token: Token, bracket: str) -> None:
        self._need(token, _Expect.VALUE, _Expect.FIRST_VALUE)
        if len(self.opened) >= DEPTH_LIMIT:
            raise _Stopped(Stop.TOO_DEEP)
        index = self._value_line()
        self.lines[index].tokens.append(token)
        self.lines[index].bracket = bracket
        self.opened.append(index)
        self.expect = _Expect.FIRST_KEY if bracket == "{" else _Expect.FIRST_VALUE

    def _close(self, token: Token, bracket: str) -> None:
        first = _Expect.FIRST_KEY if bracket == "}" else _Expect.FIRST_VALUE
        self._need(token, _Expect.SEPARATOR, first)
        if not self.opened or self.lines[self.opened[-1]].bracket != _OPENING[bracket]:
            raise NotJson(token.start)
        index = self.opened[-1]
        opening = self.lines[index]
        if self.expect is first:
            opening.bracket = None
            opening.tokens.append(token)
        else:
            self._check_room()
            self.lines.append(Line(opening.depth, opening.parent, opening.place, tokens=[token], closes=index))
        self.opened.pop()
        self._end_value()

    def _take_colon(self, token: Token) -> None:
        self._need(token, _Expect.COLON)
        self.lines[-1].tokens.append(token)
        self.expect = _Expect.VALUE

    def _take_comma(self, token: Token) -> None:
        self._need(token, _Expect.SEPARATOR)
        self.lines[-1].tokens.append(token)
        in_object = self.lines[self.opened[-1]].bracket == "{"
        self.expect = _Expect.KEY if in_object else _Expect.VALUE

    def _take_scalar(self, token: Token) -> None:
        if token.kind is SegmentKind.LITERAL:
            self._check_literal(token)
        if token.kind is SegmentKind.STRING and self.expect in (_Expect.KEY, _Expect.FIRST_KEY):
            self._take_key(token)
            return
        self._need(token, _Expect.VALUE, _Expect.FIRST_VALUE)
        self.lines[self._value_line()].tokens.append(token)
        self._end_value()

    def _take_key(self, token: Token) -> None:
        line = self.lines[self._new_line()]
        line.tokens.append(Token(SegmentKind.KEY, token.start, token.end))
        line.key = self.text[token.start + 1 : token.end - 1]
        self.expect = _Expect.COLON

    def _check_literal(self, token: Token) -> None:
        word = self.text[token.start : token.end]
        if _LITERAL.fullmatch(word):
            return
        cut_word = any(name.startswith(word) for name in ("true", "false", "null"))
        if token.end < len(self.text) or not (cut_word or _CUT_NUMBER.fullmatch(word)):
            raise NotJson(token.start)

    def _need(self, token: Token, *allowed: _Expect) -> None:
        if self.expect not in allowed:
            raise NotJson(token.start)

    def _end_value(self) -> None:
        self.expect = _Expect.SEPARATOR if self.opened else _Expect.VALUE

    def _value_line(self) -> int:
        """The line of a value: that of its key, where it has one."""
        in_object = bool(self.opened) and self.lines[self.opened[-1]].bracket == "{"
        return len(self.lines) - 1 if in_object else self._new_line()

    def _new_line(self) -> int:
        self._check_room()
        index = len(self.lines)
        parent = self.opened[-1] if self.opened else None
        siblings = self.roots if parent is None else self.lines[parent].children
        self.lines.append(Line(len(self.opened), parent, len(siblings)))
        siblings.append(index)
        return index

    def _check_room(self) -> None:
        if len(self.lines) >= LINE_LIMIT:
            raise _Stopped(Stop.TOO_LONG)


_OPENING = {"}": "{", "]": "["}
_KINDS = {"punctuation": SegmentKind.PUNCTUATION, "string": SegmentKind.STRING, "word": SegmentKind.LITERAL}
