"""A project's own list of JSON paths whose values are secret: their syntax, and where in a body such values stand."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from auditpanel.errors import InvalidInput
from auditpanel.logs.json_text import container_end
from auditpanel.logs.marks import REDACTED

# The steps from the root: a key, `*` (any key or item), `[*]` (any item), `[3]` (that item).
JsonPath = tuple[str, ...]
Span = tuple[int, int]

LONGEST_PATH = 200
_STEP = re.compile(r"\.(?P<key>\*|[^\s.\[\]*\"'$\\]++)|(?P<item>\[(?:\*|0|[1-9]\d{0,6})\])")
# A mark is no array, even where it stands outside a string.
_TOKEN = re.compile(
    rf"""\s*+(?:
        (?P<string>"(?:[^"\\]++|\\.)*+\\?"?)
      | (?P<scalar>{REDACTED.pattern.replace(" ", "[ ]")}|[^\s"\[\]{{}},:]++)
      | (?P<open>[\[{{])
      | (?P<close>[\]}}])
      | (?P<comma>,)
      | (?P<colon>:)
    )""",
    re.VERBOSE | re.DOTALL,
)


def check_path(text: str) -> JsonPath:
    """The steps of a path such as `customer.phone` or `$.order.items[*].serial`. Raises InvalidInput."""
    path = text.strip()
    path = path[1:] if path.startswith("$") else path if path.startswith("[") else f".{path}"
    steps: list[str] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            raise _bad_path(text)
        steps.append(found["key"] or found["item"])
        at = found.end()
    if not steps or len(text) > LONGEST_PATH:
        raise _bad_path(text)
    return tuple(steps)


def _bad_path(text: str) -> InvalidInput:
    return InvalidInput(
        f'"{text[:80]}" is not a JSON path; write keys with dots between them, like customer.phone or order.items[*].serial '
        f"(* is any key, [*] any item, [0] the first), {LONGEST_PATH} characters at most"
    )


def find_values(text: str, paths: tuple[JsonPath, ...]) -> list[Span]:
    """Where the values at `paths` stand (strings with their quotes), in order; of text that was cut, as far as it goes.

    None where `text` is no JSON object or array. Several documents one after the other (NDJSON) are each looked at.
    """
    possible = tuple(path for path in paths if _may_hold(text, path))
    return list(_Scan(text, possible).spans()) if possible else []


def _may_hold(text: str, path: JsonPath) -> bool:
    """Whether the keys of `path` are in `text` at all, which is seen much faster than where; an escape may hide one."""
    return "\\u" in text or "\\/" in text or all(f'"{step}"' in text for step in path if step != "*" and step[0] != "[")


class _Scan:
    """One pass over a text. Only containers that a path leads into are opened, so no more levels are kept than a path has steps."""

    def __init__(self, text: str, paths: tuple[JsonPath, ...]) -> None:
        self._text = text
        self._roots = paths
        self._levels: list[_Level] = []

    def spans(self) -> Iterator[Span]:
        at = 1 if self._text.startswith("\ufeff") else 0
        while (token := _TOKEN.match(self._text, at)) is not None:
            kind = token.lastgroup
            at = token.end()
            if kind == "close":
                del self._levels[-1:]
            elif kind == "comma":
                self._next_item()
            elif kind == "string" and self._levels and self._levels[-1].awaits_key:
                self._levels[-1].enter(_decoded(token["string"]))
            elif kind != "colon":
                start = token.start(kind or 0)
                if not self._levels and kind != "open":
                    return
                paths = self._levels[-1].inside if self._levels else self._roots
                if () in paths:
                    at = container_end(self._text, start) if kind == "open" else at
                    yield start, at
                elif kind == "open":
                    at = self._open(start, paths)

    def _open(self, start: int, paths: tuple[JsonPath, ...]) -> int:
        if not paths:
            return container_end(self._text, start)
        self._levels.append(_Level(paths, is_array=self._text[start] == "["))
        return start + 1

    def _next_item(self) -> None:
        if self._levels:
            self._levels[-1].next()


class _Level:
    """An open object or array: the paths that lead into it, and what is left of them (`inside`) for its current value."""

    def __init__(self, paths: tuple[JsonPath, ...], *, is_array: bool) -> None:
        self._paths = paths
        self._is_array = is_array
        self._index = -1
        self.awaits_key = False
        self.inside: tuple[JsonPath, ...] = ()
        self.next()

    def next(self) -> None:
        if self._is_array:
            self._index += 1
            self.inside = self._left_of(f"[{self._index}]", any_step="[*]")
        else:
            self.awaits_key = True
            self.inside = ()

    def enter(self, key: str) -> None:
        self.awaits_key = False
        self.inside = self._left_of(key, any_step="*")

    def _left_of(self, step: str, *, any_step: str) -> tuple[JsonPath, ...]:
        return tuple(path[1:] for path in self._paths if path[0] in (step, any_step, "*"))


def _decoded(string: str) -> str:
    """What a key says. One that is broken or cut is taken as it stands."""
    if "\\" in string:
        try:
            return msgspec.json.decode(string, type=str)
        except ValueError:
            pass
    return string[1:].removesuffix('"')
