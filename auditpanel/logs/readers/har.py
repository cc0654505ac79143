"""HAR 1.2, as browsers and proxies save it: JSON of any size, of which one entry at a time is held."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import IO
from urllib.parse import SplitResult, urlencode, urlsplit
from uuid import UUID

import ijson
import msgspec

from auditpanel.errors import InvalidInput
from auditpanel.logs.checking import USER_AGENT_LIMIT, check, cut
from auditpanel.logs.explaining import explained
from auditpanel.logs.readers.har_entries import NESTING_LIMIT, Entry, read_entries
from auditpanel.logs.readers.identity import RecordIds
from auditpanel.logs.readers.records import RefusedLine, refuse_other_formats
from auditpanel.logs.readers.unpacking import DAMAGED, damage, unpacked
from auditpanel.logs.values import Headers, NewLog

_WEB_SCHEMES = ("http", "https", "ws", "wss")


class HarPair(msgspec.Struct, frozen=True):
    name: str
    value: str | None = None


class HarPostData(msgspec.Struct, frozen=True):
    text: str | None = None
    params: list[HarPair] | None = None


class HarRequest(msgspec.Struct, frozen=True, rename="camel"):
    """Sizes are in bytes, -1 where they are not known."""

    method: str
    url: str
    headers: list[HarPair] = []
    post_data: HarPostData | None = None
    body_size: float | None = None


class HarContent(msgspec.Struct, frozen=True):
    text: str | None = None
    encoding: str | None = None
    size: float | None = None


class HarResponse(msgspec.Struct, frozen=True):
    status: int
    headers: list[HarPair] = []
    content: HarContent = HarContent()


class HarEntry(msgspec.Struct, frozen=True, rename="camel"):
    """`time` is in milliseconds, below 0 where it is not known."""

    started_date_time: datetime
    request: HarRequest
    response: HarResponse
    time: float | None = None


def read(stream: IO[bytes]) -> Iterator[NewLog | RefusedLine]:
    """A log for each entry that got an answer, with an id from its canonical JSON (see RecordIds).

    Raises InvalidInput where the file is not JSON or has no entries. Where it breaks off later, what came before is given, then a refusal.
    """
    return refuse_other_formats(_read(stream), "a HAR file")


def _read(stream: IO[bytes]) -> Iterator[NewLog | RefusedLine]:
    ids = RecordIds()
    number = 0
    try:
        with unpacked(stream) as reader:
            for number, entry in enumerate(read_entries(reader), start=1):
                yield _log_or_refusal(entry, number, ids)
        if not number:
            raise InvalidInput("this is not a HAR file, or an empty one: there are no entries at log.entries")
    except DAMAGED as error:
        yield RefusedLine(number + 1, damage(error), "entry")
    # Python's own error is for a number of more than 4,300 digits.
    except (ijson.JSONError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        yield RefusedLine(number + 1, f"from here on the file is not JSON, or it is cut off ({reason}); what came before was read", "entry")


def _log_or_refusal(entry: Entry, number: int, ids: RecordIds) -> NewLog | RefusedLine:
    try:
        if entry.is_too_deep:
            raise InvalidInput(f"is nested more than {NESTING_LIMIT} levels deep")
        return _log_of(_convert(entry.value), ids.id_of(_canonical(entry.value)))
    except InvalidInput as error:
        return RefusedLine(number, error.details, "entry")


def _canonical(entry: object) -> bytes:
    """The same bytes for the same content, however the file is laid out. Numbers with a point come as Decimal."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), default=str).encode()


def _convert(entry: object) -> HarEntry:
    try:
        return msgspec.convert(entry, HarEntry)
    except msgspec.ValidationError as error:
        raise explained(error) from None


def _log_of(entry: HarEntry, log_id: UUID) -> NewLog:
    request, response = entry.request, entry.response
    if response.status == 0:
        raise InvalidInput("the call was aborted or blocked: it has no status")
    url = _split_url(request.url)
    headers = _pairs(request.headers)
    return check(
        NewLog(
            id=log_id,
            occurred_at=entry.started_date_time,
            method=request.method,
            path=url.path or "/",
            query=url.query or None,
            status_code=response.status,
            duration_ms=_known(entry.time),
            user_agent=_user_agent(headers),
            request_headers=_with_host(headers, url),
            request_body=_request_body(request.post_data),
            request_size_bytes=_known_size(request.body_size),
            response_headers=_pairs(response.headers),
            response_body=_response_body(response.content),
            response_size_bytes=_known_size(response.content.size),
        )
    )


def _split_url(text: str) -> SplitResult:
    try:
        url = urlsplit(text)
    except ValueError as error:
        raise InvalidInput(f'"{text[:80]}" is not a URL: {error}', field="request.url") from None
    if url.scheme not in _WEB_SCHEMES:
        raise InvalidInput(f'"{text[:80]}" is not a call over HTTP', field="request.url")
    return url


def _pairs(headers: Sequence[HarPair]) -> Headers:
    return [(header.name, header.value or "") for header in headers]


def _with_host(headers: Headers, url: SplitResult) -> Headers:
    """In HTTP/2 the host is called `:authority`. A user and password in the URL are left out of it."""
    if any(name.lower() in ("host", ":authority") for name, _ in headers):
        return headers
    return [("host", url.netloc.rpartition("@")[2]), *headers]


def _user_agent(headers: Headers) -> str | None:
    found = next((value for name, value in headers if name.lower() == "user-agent"), "")
    return cut(found, USER_AGENT_LIMIT) or None


def _request_body(data: HarPostData | None) -> str | None:
    if data is None:
        return None
    if data.text:
        return data.text
    fields = [(param.name, param.value or "") for param in data.params or []]
    return urlencode(fields, errors="backslashreplace") or None


def _response_body(content: HarContent) -> str | None:
    if content.text is None or content.encoding != "base64":
        return content.text
    try:
        return b64decode(content.text).decode("utf-8", "backslashreplace")
    # Said to be base64 and is not: what is there is still the best there is.
    except ValueError:
        return content.text


def _known(number: float | None) -> float | None:
    return None if number is None or number < 0 else number


def _known_size(size: float | None) -> int | None:
    return int(size) if size is not None and 0 <= size < 2**53 else None
