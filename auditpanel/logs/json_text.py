"""Where values end in JSON text: also where the text was cut, and in JSON inside the strings of other JSON.

A quote's *level* says in how many strings it is wrapped: `"` is level 0, `\\"` level 1, `\\\\\\"` level 2. A run of n backslashes before a
quote makes it one of level k, where k is the number of ones at the end of n in binary: 1 and 5 backslashes are level 1, 2 are level 0.

Nothing here calls itself and every search goes forward only: bodies may nest a million deep.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

# The look-behind lets a match start once for a run of backslashes; one at each of them would take quadratic time.
_JSON_QUOTE = r'(?<!\\)(?P<run>\\*+)(?P<quote>")'
_ANY_QUOTE = r"(?<!\\)(?P<run>\\*+)(?P<quote>[\"'])"
_BRACKETS = r"(?P<open>[\[{]++)|(?P<close>[\]}]++)"
_QUOTES = {
    '"': re.compile(_JSON_QUOTE),
    "'": re.compile(_ANY_QUOTE),
    "%22": re.compile(r'(?<!\\)(?P<run>\\*+)(?P<quote>"|%22)'),
    "&quot;": re.compile(r'(?<!\\)(?P<run>\\*+)(?P<quote>"|&quot;)'),
}
_STRUCTURE = {'"': re.compile(f"{_JSON_QUOTE}|{_BRACKETS}"), "'": re.compile(f"{_ANY_QUOTE}|{_BRACKETS}")}
_PLAIN_STRUCTURE = re.compile(rf'"(?:[^"\\]++|\\.)*+\\?"?|{_BRACKETS}', re.DOTALL)
# An opening bracket and then an apostrophe or a bare word is some other language's notation.
_JSON_START = re.compile(r"\ufeff?\s*+(?:\"|[\[{][\[{\s]*+(?:[\]}\"\-0-9tfn]|\Z))")


def looks_like_json(text: str) -> bool:
    """Whether `text` starts as JSON does. In such text each quote of level 0 begins or ends a string."""
    return _JSON_START.match(text) is not None


def container_end(text: str, at: int) -> int:
    """Behind the bracket that closes the object or array which begins at `at`, or the end of text that was cut."""
    depth = 0
    for found in _PLAIN_STRUCTURE.finditer(text, at):
        if found["open"]:
            depth += len(found["open"])
        elif found["close"]:
            if len(found["close"]) >= depth:
                return found.start() + depth
            depth -= len(found["close"])
    return len(text)


class _Quote(Enum):
    INNER = auto()
    OWN = auto()
    # It ends a string around the whole value: nothing behind it belongs to the value.
    OUTER = auto()


@dataclass(frozen=True, slots=True)
class Quoting:
    """How strings are quoted where a value stands. `mark` is `"`, `'`, `%22` or `&quot;`; `in_json`: the whole text is JSON."""

    mark: str
    level: int
    in_json: bool

    def string_end(self, text: str, at: int) -> int:
        """Where the string ends whose first character is at `at`: before a closing quote, or at the end of text that was cut."""
        for found in _QUOTES[self.mark].finditer(text, at):
            if self._kind_of(found) is not _Quote.INNER:
                return _start_of(found)
        return len(text)

    def container_end(self, text: str, at: int) -> int:
        """As the function of that name; the end of a string around the value ends it too."""
        if self.mark == '"' and self.level == 0:
            return container_end(text, at)
        depth = 0
        in_string = False
        for found in _STRUCTURE[self.mark].finditer(text, at):
            if found["quote"]:
                kind = self._kind_of(found)
                if kind is _Quote.OUTER:
                    return _start_of(found)
                in_string ^= kind is _Quote.OWN
            elif not in_string and found["open"]:
                depth += len(found["open"])
            elif not in_string:
                if len(found["close"]) >= depth:
                    return found.start() + depth
                depth -= len(found["close"])
        return len(text)

    def _kind_of(self, found: re.Match[str]) -> _Quote:
        level = _level_of(found)
        if self.mark != '"' and found["quote"] == '"':
            return _Quote.OUTER if self.in_json and level <= self.level else _Quote.INNER
        if level > self.level:
            return _Quote.INNER
        return _Quote.OUTER if level < self.level and self.mark == '"' else _Quote.OWN


def level_of_run(backslashes: int) -> int:
    return (backslashes ^ (backslashes + 1)).bit_length() - 1


def _level_of(quote: re.Match[str]) -> int:
    return level_of_run(len(quote["run"]))


def _start_of(quote: re.Match[str]) -> int:
    """Where the quote begins with the backslashes that are its own; those before them are content."""
    return quote.start("quote") - ((1 << _level_of(quote)) - 1)
