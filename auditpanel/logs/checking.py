"""What a log must hold to before the store takes it, however it came: the rules that types alone do not express."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

from msgspec.structs import replace

from auditpanel.errors import InvalidInput
from auditpanel.logs.values import NewLog, Reference

PATH_LIMIT = 4_096
QUERY_LIMIT = 8_192
SHORT_TEXT_LIMIT = 512
USER_AGENT_LIMIT = 1_024
REQUEST_ID_LIMIT = 128
REFERENCES_LIMIT = 100
HEADERS_LIMIT = 200
DURATION_LIMIT_MS = 1e9
# What a PostgreSQL bigint holds.
SIZE_LIMIT_BYTES = 2**63
STATUS_CODES = range(100, 600)

# The method of a call whose request line could not be read, as access logs write it.
NO_METHOD = "-"

_TEXT_LIMITS = {
    "route": SHORT_TEXT_LIMIT,
    "channel": SHORT_TEXT_LIMIT,
    "user": SHORT_TEXT_LIMIT,
    "api_key": SHORT_TEXT_LIMIT,
    "customer": SHORT_TEXT_LIMIT,
    "client_ip": SHORT_TEXT_LIMIT,
    "user_agent": USER_AGENT_LIMIT,
    "request_id": REQUEST_ID_LIMIT,
}
# The dash is for NO_METHOD, and for methods such as M-SEARCH and VERSION-CONTROL.
_METHOD = re.compile(r"[A-Z-]{1,16}")
_REFERENCE_TYPE = re.compile(r"[a-z][a-z_]{0,39}")


def check(log: NewLog) -> NewLog:
    """The log with its method in capitals, its time in UTC and its query as one text. Raises InvalidInput, naming the field.

    Bodies are not limited here: the store cuts them. Whether the time is one that the store takes is the store's to say too.
    """
    _check_numbers(log)
    _check_texts(log)
    _check_lists(log)
    return _normalised(log)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, the last a … where something was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _check_numbers(log: NewLog) -> None:
    if log.status_code not in STATUS_CODES:
        raise InvalidInput(f"{_shown(log.status_code)} is not an HTTP status; expected 100 to 599", field="status_code")
    duration = log.duration_ms
    # Written so that NaN, which compares false with everything, is refused too.
    if duration is not None and not 0 <= duration < DURATION_LIMIT_MS:
        raise InvalidInput(f"{_shown(duration)} is out of range; expected 0 or more milliseconds, below 1,000,000,000", field="duration_ms")
    _check_size(log.request_size_bytes, "request_size_bytes")
    _check_size(log.response_size_bytes, "response_size_bytes")


def _check_size(size: int | None, field: str) -> None:
    if size is not None and not 0 <= size < SIZE_LIMIT_BYTES:
        raise InvalidInput(f"{_shown(size)} is out of range; expected 0 or more bytes, below 2^63", field=field)


def _check_texts(log: NewLog) -> None:
    if not log.path:
        raise InvalidInput("is empty; write the path of the call, like /v1/vouchers", field="path")
    _check_length(log.path, PATH_LIMIT, "path")
    for field, limit in _TEXT_LIMITS.items():
        text = getattr(log, field)
        if text is not None and len(text) > limit:
            _check_length(text, limit, field)


def _check_length(text: str, limit: int, field: str) -> None:
    if len(text) > limit:
        raise InvalidInput(f"has {len(text):,} characters; at most {limit:,} are taken", field=field)


def _check_lists(log: NewLog) -> None:
    _check_count(log.request_headers, HEADERS_LIMIT, "request_headers")
    _check_count(log.response_headers, HEADERS_LIMIT, "response_headers")
    if log.references:
        _check_count(log.references, REFERENCES_LIMIT, "references")
        for index, reference in enumerate(log.references):
            _check_reference(reference, f"references[{index}]")


def _check_count(items: Sequence[object] | Mapping[str, object] | None, limit: int, field: str) -> None:
    if items is not None and len(items) > limit:
        raise InvalidInput(f"has {len(items):,} entries; at most {limit:,} are taken", field=field)


def _check_reference(reference: Reference, place: str) -> None:
    if not _REFERENCE_TYPE.fullmatch(reference.type):
        raise InvalidInput(
            f'"{reference.type[:80]}" is not a type; write one lower-case word, like customer or async_action', field=f"{place}.type"
        )
    if not reference.id:
        raise InvalidInput("is empty; write the id of what the call is about", field=f"{place}.id")
    _check_length(reference.id, SHORT_TEXT_LIMIT, f"{place}.id")


def _normalised(log: NewLog) -> NewLog:
    method = _method(log.method)
    occurred_at = _utc(log.occurred_at)
    query = _query_text(log.query)
    if method == log.method and occurred_at is log.occurred_at and query is log.query:
        return log
    return replace(log, method=method, occurred_at=occurred_at, query=query)


def _method(text: str) -> str:
    method = text.upper()
    if not _METHOD.fullmatch(method):
        raise InvalidInput(f'"{text[:80]}" is not an HTTP method; write 1 to 16 letters, like GET', field="method")
    return method


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is UTC:
        return moment
    if moment.utcoffset() is None:
        raise InvalidInput(f"{moment.isoformat()} has no offset; end it with Z for UTC or with one like +02:00", field="occurred_at")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(f"{moment.isoformat()} is out of range in UTC", field="occurred_at") from None


def _query_text(query: str | Mapping[str, str | list[str]] | None) -> str | None:
    if not query:
        return None
    text = query if isinstance(query, str) else urlencode(query, doseq=True, errors="backslashreplace")
    _check_length(text, QUERY_LIMIT, "query")
    return text


def _shown(number: float) -> str:
    """Python refuses to write whole numbers of more than 4,300 digits, and nobody wants to read them."""
    return f"{number}" if abs(number) < 1e15 or number != number else "a number of more than 15 digits"
