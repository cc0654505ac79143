"""Headers that a project has sent with each message to a webhook, such as `Authorization`: checked, and sealed like the secret."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import msgspec
from msgspec import structs

from auditpanel.errors import InvalidInput
from auditpanel.webhooks.sealing import Seal
from auditpanel.webhooks.values import Answer, Headers

MOST_HEADERS = 20
NAME_CHARACTERS = 100
VALUE_CHARACTERS = 4_096

# In what is stored: the values are secrets.
LEFT_OUT = "(left out)"
# A shorter value keeps nobody out, and stands in many an answer by chance.
SECRET_CHARACTERS = 6

EXAMPLE = "write one like Authorization: Bearer 8f3a"
# RFC 9110, 5.6.2 and 5.5; characters past ASCII arrive differently from server to server.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\x20-\x7e]+")
# Of the connection and the body: a second one of them would make the receiver read another message than was signed.
_OF_THE_CONNECTION = {
    *("host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "keep-alive"),
    *("upgrade", "te", "trailer", "expect", "accept-encoding"),
}
_OF_THE_SIGNATURE = ("webhook-", "x-voucherify-", "proxy-")
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Headers)


def checked_headers(headers: Headers) -> Headers:
    """Without spaces around them. Raises InvalidInput, field `headers`, that names the header but never its value."""
    if len(headers) > MOST_HEADERS:
        raise _refused(f"{len(headers)} are too many; {MOST_HEADERS} at most")
    checked = [(_checked_name(name.strip()), value.strip()) for name, value in headers]
    for name, value in checked:
        if len(value) > VALUE_CHARACTERS or not _VALUE.fullmatch(value):
            raise _refused(f'the value of "{name}" has to be 1 to {VALUE_CHARACTERS:,} letters, digits and signs of ASCII in one line')
    names = [name.lower() for name, _ in checked]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise _refused(f'"{twice}" is there twice; put all of it into one')
    return checked


def seal_headers(seal: Seal, headers: Headers) -> bytes | None:
    """None where there are none."""
    return seal.close(_ENCODER.encode(headers).decode()) if headers else None


def open_headers(seal: Seal, sealed: bytes | None) -> Headers:
    """Raises Unavailable where SECRET_KEY has changed."""
    return _DECODER.decode(seal.open(sealed)) if sealed else []


def without_values(answer: Answer, headers: Headers) -> Answer:
    """As it may be stored and shown to every member: a target may answer with the headers that it was sent.

    Each value is replaced, in whatever spelling an echo may have it; of `Bearer 8f3a…` also what follows the scheme. What is shorter than
    SECRET_CHARACTERS stays. `size_bytes` is that of what came.
    """
    spellings = sorted({spelling for _, value in headers for spelling in _spellings(value)}, key=len, reverse=True)
    if not spellings:
        return answer
    shown = [(name, _without(value, spellings)) for name, value in answer.headers]
    body = _without(answer.body, spellings)
    return structs.replace(answer, headers=shown, body=_without_beginning(body, spellings) if answer.is_cut else body)


def _spellings(value: str) -> Iterator[str]:
    _, _, credentials = value.partition(" ")
    for text in (value, credentials.strip()):
        if len(text) >= SECRET_CHARACTERS:
            in_json = _ENCODER.encode(text).decode()[1:-1]
            yield from (text, in_json, in_json.replace("/", "\\/"), html.escape(text), quote(text), quote(text, safe=""), quote_plus(text))


def _without(text: str, spellings: list[str]) -> str:
    for spelling in spellings:
        if spelling in text:
            text = text.replace(spelling, LEFT_OUT)
    return text


def _without_beginning(text: str, spellings: list[str]) -> str:
    """Of a body that was cut in the middle of a value."""
    for spelling in spellings:
        for length in range(len(spelling) - 1, SECRET_CHARACTERS - 1, -1):
            if text.endswith(spelling[:length]):
                return text[:-length] + LEFT_OUT
    return text


def _checked_name(name: str) -> str:
    if len(name) > NAME_CHARACTERS or not _NAME.fullmatch(name):
        raise _refused(f'"{name[:80]}" is not the name of a header; {EXAMPLE}')
    if name.lower() in _OF_THE_CONNECTION or name.lower().startswith(_OF_THE_SIGNATURE):
        raise _refused(f'"{name}" is set by the panel itself; leave it out')
    return name


def _refused(details: str) -> InvalidInput:
    return InvalidInput(details, field="headers")
