"""Logs from JSON: one, or a batch in which a bad one never costs the others. The API and the readers of files say the same words."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

import msgspec

from auditpanel.errors import InvalidInput
from auditpanel.logs.checking import check
from auditpanel.logs.explaining import explain, explained
from auditpanel.logs.values import NewLog

__all__ = ["BATCH_LIMIT", "KEEP_BYTES_READABLE", "NotJson", "check", "decode_batch", "decode_log", "explain"]

Item = TypeVar("Item")

BATCH_LIMIT = 1_000

# An error handler for decoding JSON: a byte that is not UTF-8 becomes \\xff, which in JSON is a text of four characters.
KEEP_BYTES_READABLE = "auditpanel.json_backslash"

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ONE = msgspec.json.Decoder(NewLog)
_MANY = msgspec.json.Decoder(list[NewLog])
_RAW = msgspec.json.Decoder(list[msgspec.Raw])
# msgspec lets Python's own errors pass for text that is not UTF-8 and for nesting past the interpreter's limit.
_NOT_DECODED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

# Whole strings (an unfinished one to the end, else each quote in it would be tried again), and what parts the items of a list.
_STRUCTURE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)|[][{},]', re.DOTALL)
# Group 1 is half of a surrogate pair that stands alone; whole pairs and other escapes are only passed over.
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|(u[dD][89a-fA-F][\da-fA-F]{2})|.)", re.DOTALL)


class NotJson(InvalidInput):
    """Text that is not JSON, or breaks off."""


def decode_log(raw: bytes | memoryview) -> NewLog:
    """Raises InvalidInput in plain words; NotJson where it is no JSON.

    Bytes that are not UTF-8 and halves of surrogate pairs stay readable, spelled out (`\\xff`, `\\ud800`), rather than cost the log.
    """
    try:
        return check(_decode(raw))
    except (NotJson, UnicodeDecodeError):
        return check(_decode(_spelled_out(bytes(raw))))


def decode_batch(raw: bytes | memoryview) -> list[NewLog | InvalidInput]:
    """The logs of a JSON array or of NDJSON, in order, each bad one as the error that says why. Blank lines do not count.

    Raises InvalidInput where the body as a whole can't be read or holds more than BATCH_LIMIT logs.
    """
    body = bytes(raw).removeprefix(_BYTE_ORDER_MARK).strip()
    if body.startswith(b"["):
        return _decode_array(body)
    if body.startswith(b"{"):
        return _decode_lines(body)
    found = f"begins with {body[:20].decode('latin-1')!a}" if body else "is empty"
    raise NotJson(f"the body {found}; send a JSON array of logs, or one log on each line")


def _decode_array(body: bytes) -> list[NewLog | InvalidInput]:
    try:
        logs = _MANY.decode(body)
    except _NOT_DECODED:
        return [_decode_or_refuse(item) for item in _limited(_split_array(body))]
    return [_check_or_refuse(log) for log in _limited(logs)]


def _decode_lines(body: bytes) -> list[NewLog | InvalidInput]:
    try:
        logs = _ONE.decode_lines(body)
    except _NOT_DECODED:
        judged = [_decode_or_refuse(line) for line in _limited(filter(bytes.strip, body.split(b"\n")))]
    else:
        return [_check_or_refuse(log) for log in _limited(logs)]
    if isinstance(judged[0], NotJson) and not any(isinstance(item, NewLog) for item in judged):
        raise NotJson(f"no line is a log, the first is {judged[0]}; send a JSON array of logs, or one whole log on each line")
    return judged


def _check_or_refuse(log: NewLog) -> NewLog | InvalidInput:
    try:
        return check(log)
    except InvalidInput as error:
        return error


def _decode_or_refuse(raw: bytes) -> NewLog | InvalidInput:
    try:
        return decode_log(raw)
    except InvalidInput as error:
        return error


def _decode(raw: bytes | memoryview) -> NewLog:
    try:
        return _ONE.decode(raw)
    except msgspec.ValidationError as error:
        raise explained(error) from None
    except msgspec.DecodeError as error:
        raise NotJson(_where_json_ends(error)) from None
    except RecursionError:
        raise InvalidInput("is nested too deeply") from None


def _where_json_ends(error: msgspec.DecodeError) -> str:
    return "not JSON: " + str(error).removeprefix("JSON is malformed: ").replace("Input data was truncated", "it breaks off")


def _limited(items: Iterable[Item]) -> list[Item]:
    taken = list(islice(items, BATCH_LIMIT + 1))
    if len(taken) > BATCH_LIMIT:
        raise InvalidInput(f"more than {BATCH_LIMIT:,} logs in one call; send them in several")
    return taken


def _split_array(body: bytes) -> Iterable[bytes]:
    try:
        return _RAW.decode(body)
    except _NOT_DECODED:
        return _array_items(body)


def _array_items(body: bytes) -> Iterator[bytes]:
    """The texts of an array's items, found by brackets and strings alone, so that one that is not JSON leaves the others whole.

    msgspec is faster at it, but gives nothing of an array with a lone surrogate, a NaN or deep nesting anywhere.
    """
    depth = start = 0
    for mark in _STRUCTURE.finditer(body):
        match mark[0]:
            case b"[" | b"{":
                depth += 1
                start = mark.end() if depth == 1 else start
            case b"," if depth == 1:
                yield body[start : mark.start()]
                start = mark.end()
            case b"]" | b"}":
                depth -= 1
        if depth == 0:
            yield from _last_item(body, start, mark.start())
            return
    raise NotJson(f"the body breaks off after {len(body):,} bytes: its JSON array is not closed")


def _last_item(body: bytes, start: int, end: int) -> Iterator[bytes]:
    if len(body) > end + 1:
        raise NotJson(f"the body goes on after the end of its JSON array (byte {end + 1:,})")
    if body[start:end].strip():
        yield body[start:end]


def _spelled_out(raw: bytes) -> bytes:
    return _ESCAPE.sub(_spell_lone_surrogate, raw.decode("utf-8", KEEP_BYTES_READABLE)).encode()


def _spell_lone_surrogate(escape: re.Match[str]) -> str:
    return rf"\\{escape[1]}" if escape[1] else escape[0]


def _spell_bytes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(rf"\\x{byte:02x}" for byte in error.object[error.start : error.end]), error.end


codecs.register_error(KEEP_BYTES_READABLE, _spell_bytes)
