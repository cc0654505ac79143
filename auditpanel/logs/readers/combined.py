"""Access logs of Apache and nginx: the combined format, the common one (no referer, no user agent), and what is often added at the end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import IO
from uuid import UUID

from auditpanel.errors import InvalidInput
from auditpanel.logs.checking import NO_METHOD, USER_AGENT_LIMIT, check, cut
from auditpanel.logs.readers.identity import RecordIds
from auditpanel.logs.readers.records import RefusedLine, refuse_other_formats
from auditpanel.logs.readers.unpacking import read_lines
from auditpanel.logs.values import Headers, NewLog

# What servers take as one header line by default.
REFERER_LIMIT = 8_192

_QUOTED = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
_CALLER = r"(\S+) \S+ ([^\[]+?) \[([^\[\]]+)\] "
_LINE = re.compile(
    # A request line as it should be, else whatever is in its quotes.
    _CALLER + rf'(?:"([A-Z-]{{1,16}}) ([^"\\ ]+) HTTP/[\d.]+"|{_QUOTED}) (\S+) (\S+)'
    # Referer and user agent; then fields of the server's own, quoted or not.
    rf'(?: {_QUOTED} {_QUOTED})?((?: "[^"]*+"| [^" ]++)*+)',
    re.DOTALL,
)
# For servers that do not escape quotes inside of quotes. Groups as above: no method and no target, but the request whole.
_LOOSE_LINE = re.compile(_CALLER + r'"()()(.*?)" (\d{3}) (\d+|-)(?: "(.*?)" "(.*)")?(.*)', re.DOTALL)

# HTTP/0.9 has no protocol; some callers send a target with spaces.
_REQUEST = re.compile(r"([A-Z][A-Z-]{0,15}) (.+?)(?: HTTP/[\d.]+)?", re.DOTALL)
# nginx's $request_time: seconds, always with milliseconds. Apache's %D and %T are whole numbers and cannot be told from other fields.
_REQUEST_TIME_S = re.compile(r'(?<= )"?(\d+\.\d{3})"?(?= |$)', re.ASCII)

_MOMENT = re.compile(r"(\d\d)/([A-Za-z]{3})/(\d{4}):(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6})\d*)? ([+-])(\d\d)(\d\d)", re.ASCII)
# English in every log, whatever the locale here is; strptime's %b is not.
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_ESCAPES = re.compile(r'(?:\\x[0-9a-fA-F]{2})+|\\["\\tnrbfv]')
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}


def read(stream: IO[bytes]) -> Iterator[NewLog | RefusedLine]:
    """A log for each line that has a date and a status, with an id from its bytes (see RecordIds): a second reading gives the same.

    An access log is history that nobody can send again, so too long a referer or user agent is cut and ends in a …, and a request line
    that no server understood (TLS sent to a plain port, a `-`) becomes the path as it stands, its method a `-`. What names the call
    is not cut: a line whose path, query or user is too long is refused.

    Raises InvalidInput where nothing is such a line.
    """
    return refuse_other_formats(_read(stream), "an access log in the combined format")


def _read(stream: IO[bytes]) -> Iterator[NewLog | RefusedLine]:
    ids = RecordIds()
    for item in read_lines(stream):
        if isinstance(item, RefusedLine):
            yield item
            continue
        number, line = item
        try:
            yield parse_line(line.decode("utf-8", "backslashreplace"), ids.id_of(line))
        except InvalidInput as error:
            yield RefusedLine(number, error.details)


def parse_line(line: str, log_id: UUID | None = None) -> NewLog:
    """Raises InvalidInput."""
    match = _LINE.fullmatch(line) or _LOOSE_LINE.fullmatch(line)
    if match is None:
        raise InvalidInput(
            'not in the combined format; expected a line like 192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 512'
        )
    client, user, moment, method, target, request, status, size, referer, agent, rest = match.groups()
    method, path, query = _read_call(method, target, request)
    user_agent = _recorded(agent, USER_AGENT_LIMIT)
    return check(
        NewLog(
            id=log_id,
            occurred_at=_parse_moment(moment),
            method=method,
            path=path,
            query=query,
            status_code=_parse_status(status),
            duration_ms=_read_duration_ms(rest) if rest else None,
            user=None if user == "-" else _unescaped(user),
            client_ip=None if client == "-" else client,
            user_agent=user_agent,
            request_headers=_headers(_recorded(referer, REFERER_LIMIT), user_agent),
            response_size_bytes=_parse_size(size),
        )
    )


def _read_call(method: str, target: str, request: str) -> tuple[str, str, str | None]:
    """Method, path and query; of a request line that says neither, the line itself as the path."""
    if not target:
        text = _unescaped(request)
        call = _REQUEST.fullmatch(text)
        if call is None:
            return NO_METHOD, text or "-", None
        method, target = call.groups()
    path, _, query = target.partition("?")
    return (method, path, query or None) if path else (method, target, None)


@lru_cache(maxsize=4096)
def _parse_moment(text: str) -> datetime:
    """In UTC. Cached, for a busy second has hundreds of lines."""
    match = _MOMENT.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        day, month, year, hour, minute, second, fraction, sign, hours, minutes = match.groups()
        ahead = timedelta(hours=int(hours), minutes=int(minutes))
        zone = timezone(-ahead if sign == "-" else ahead)
        microsecond = int((fraction or "0").ljust(6, "0"))
        return datetime(
            int(year), _MONTHS.index(month.lower()) + 1, int(day), int(hour), int(minute), int(second), microsecond, zone
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(f'"{text[:40]}" is not a date; expected one like 17/May/2015:10:05:03 +0000') from None


def _parse_status(text: str) -> int:
    if len(text) != 3 or not text.isascii() or not text.isdigit():
        raise InvalidInput(f'"{text[:40]}" is not an HTTP status; expected 100 to 599')
    return int(text)


def _parse_size(text: str) -> int:
    """Bytes; a dash is how Apache writes none."""
    if text == "-":
        return 0
    if len(text) > 18 or not text.isascii() or not text.isdigit():
        raise InvalidInput(f'"{text[:40]}" is not a size; expected a number of bytes or a dash')
    return int(text)


def _read_duration_ms(rest: str) -> float | None:
    match = _REQUEST_TIME_S.search(rest)
    # Rounded, for 0.057 s times 1000 is not quite 57.
    return round(float(match[1]) * 1000, 3) if match else None


def _recorded(text: str | None, limit: int) -> str | None:
    return cut(_unescaped(text), limit) if text and text != "-" else None


def _headers(referer: str | None, user_agent: str | None) -> Headers | None:
    headers: Headers = []
    if referer:
        headers.append(("referer", referer))
    if user_agent:
        headers.append(("user-agent", user_agent))
    return headers or None


def _unescaped(text: str) -> str:
    return _ESCAPES.sub(_unescape, text) if "\\" in text else text


def _unescape(escape: re.Match[str]) -> str:
    """Control characters stay escaped: a person should see that they are there."""
    written = escape[0]
    if not written.startswith("\\x"):
        return _CONTROLS.get(written[1], written[1])
    meant = bytes.fromhex(written.replace("\\x", "")).decode("utf-8", "backslashreplace")
    return meant if meant.isprintable() else written
