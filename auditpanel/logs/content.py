"""Any recorded text made fit to be stored: only characters that PostgreSQL takes, no longer than its limit. And the error of a failure."""

from __future__ import annotations

import re

import msgspec

from auditpanel.logs.marks import LONGEST_REDACTED, REDACTED

LONGEST_ERROR = 120

# Where a body is cut or broken its error is looked for this far.
_SEARCHED_CHARACTERS = 8 * 1024
# What an answer calls its error, the most telling first: ours and the public API's, RFC 9457's, and some of other services.
_ERROR_FIELDS = ("key", "message", "error", "errors", "detail", "title")
_ERROR_FIELD = re.compile(rf'(?<!\\)"(?P<name>{"|".join(_ERROR_FIELDS)})"\s*+:\s*+"(?P<value>(?:[^"\\]++|\\.)*+)', re.DOTALL)
# An error may lie in an error: {"error": {"message": …}}, {"errors": [{"detail": …}]}.
_DEEPEST_ERROR = 3


def clean(text: str) -> str:
    """Shows what cannot be stored: NUL as `\\x00`, a lone surrogate as `\\ud800`.

    All else is kept; what it may do to a page is the page's job.
    """
    if "\x00" in text:
        text = text.replace("\x00", "\\x00")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def readable(data: bytes) -> str:
    """UTF-8 as text; each byte that is none as `\\xff`, NUL as `\\x00`."""
    return data.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")


def cut(text: str, limit_bytes: int) -> str:
    """The beginning of `text` that takes at most `limit_bytes` in UTF-8.

    It ends before a character or a redaction mark that would be split.
    """
    if len(text) * 4 <= limit_bytes:
        return text
    kept = text[:limit_bytes] if text.isascii() else _cut_characters(text, limit_bytes)
    return kept if len(kept) == len(text) else kept[: _before_mark(text, len(kept))]


def _cut_characters(text: str, limit_bytes: int) -> str:
    # Each character takes a byte or more, so the rest need not be encoded. "surrogatepass" as text may not have been cleaned.
    encoded = text[: limit_bytes + 1].encode("utf-8", "surrogatepass")
    end = min(limit_bytes, len(encoded))
    # Bytes 10xxxxxx go on with a character that began before.
    while end < len(encoded) and encoded[end] & 0b1100_0000 == 0b1000_0000:
        end -= 1
    return encoded[:end].decode("utf-8", "surrogatepass")


def _before_mark(text: str, end: int) -> int:
    for mark in REDACTED.finditer(text, max(0, end - LONGEST_REDACTED), end + LONGEST_REDACTED):
        if mark.start() < end < mark.end():
            return mark.start()
    return end


def error_of(status_code: int, response_body: str | None) -> str | None:
    """What a failure's answer says of it: its `key`, else its `message`, else what comes next to them.

    None where it is no JSON or says nothing.
    """
    if status_code < 400 or not response_body:
        return None
    try:
        error = _told(msgspec.json.decode(response_body, type=dict[str, object]))
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        error = _found(response_body[:_SEARCHED_CHARACTERS])
    return _one_line(error) if error else None


def _told(answer: object, depth: int = 0) -> str | None:
    if isinstance(answer, str):
        return answer.strip()
    if depth > _DEEPEST_ERROR:
        return None
    if isinstance(answer, list):
        return _told(answer[0], depth + 1) if answer else None
    if isinstance(answer, dict):
        told = (_told(answer.get(name), depth + 1) for name in _ERROR_FIELDS)
        return next((error for error in told if error), None)
    return None


def _found(text: str) -> str | None:
    """The same of text that JSON cannot read to its end."""
    if not text.lstrip("\ufeff \t\r\n").startswith("{"):
        return None
    fields: dict[str, str] = {}
    for field in _ERROR_FIELD.finditer(text):
        fields.setdefault(field["name"], _unescaped(field["value"]).strip())
    return next((fields[name] for name in _ERROR_FIELDS if fields.get(name)), None)


def _unescaped(value: str) -> str:
    try:
        return msgspec.json.decode(f'"{value}"', type=str)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return value


def _one_line(error: str) -> str:
    # Decoding may have made characters that were escaped before and cannot be stored.
    line = clean(" ".join(error.split()))
    if len(line) <= LONGEST_ERROR:
        return line
    return f"{line[: _before_mark(line, LONGEST_ERROR - 1)]}…"
