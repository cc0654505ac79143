"""The entries of a HAR file, one by one, as plain Python values."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import ijson

from auditpanel.logs.decoding import KEEP_BYTES_READABLE

# Of lists and objects in one another. Browsers nest some dozens, in the stack of calls that led to a request.
NESTING_LIMIT = 200

# How many lists and objects are open around `log.entries`, and around an entry.
_AROUND_ENTRIES = 2
_AROUND_ENTRY = 3

_OPENING = ("start_map", "start_array")
_CLOSING = ("end_map", "end_array")


@dataclass(frozen=True, slots=True)
class Entry:
    """`value` is what json.loads would give; what lies deeper than NESTING_LIMIT is left out of it."""

    value: object
    is_too_deep: bool


def read_entries(stream: IO[bytes]) -> Iterator[Entry]:
    """What stands in the list at `log.entries`. Reading on raises ijson.JSONError where the JSON breaks off.

    `ijson.items` does the same, but writes out the path to every value: nesting of 200,000 levels takes all the memory there is.
    """
    depth = 0
    keys = ("", "")
    is_in_entries = False
    builder = _Builder()
    for event, value in ijson.basic_parse(_ReadableJson(stream)):
        depth -= event in _CLOSING
        if is_in_entries and depth > _AROUND_ENTRIES:
            builder.add(depth - _AROUND_ENTRY, event, value)
            if depth == _AROUND_ENTRY and event not in _OPENING:
                yield builder.entry
                builder = _Builder()
        elif depth <= _AROUND_ENTRIES:
            is_in_entries = event == "start_array" and depth == _AROUND_ENTRIES and keys == ("log", "entries")
            if event == "map_key":
                keys = (value, "") if depth == 1 else (keys[0], value)
        depth += event in _OPENING


class _Builder:
    """Puts one entry together from what the parser reports; depths count from the entry."""

    def __init__(self) -> None:
        self._builder = ijson.ObjectBuilder()
        self._is_too_deep = False

    def add(self, depth: int, event: str, value: object) -> None:
        if depth < NESTING_LIMIT:
            self._builder.event(event, value)
        else:
            self._is_too_deep = True

    @property
    def entry(self) -> Entry:
        return Entry(self._builder.value, self._is_too_deep)


class _ReadableJson:
    """The stream with bytes that are not UTF-8 spelled out; the parser would give up at the first."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")(KEEP_BYTES_READABLE)

    def read(self, size: int) -> bytes:
        # How the parser asks whether it gets bytes or text.
        if size == 0:
            return b""
        # Nothing means the end, but a piece may hold no more than a part of a character.
        while piece := self._stream.read(size):
            if text := self._decoder.decode(piece):
                return text.encode()
        return self._decoder.decode(b"", final=True).encode()
