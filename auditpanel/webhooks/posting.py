"""A POST over aiohttp's connections: its pool, its TLS and its reader of answers, without its session.

What a session does for each request beside that, for redirects, cookies, proxies, tracing and headers that come from anywhere, is not
wanted here, and took longer than all the rest of an attempt.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import BaseConnector, ClientConnectionResetError, ClientRequest, ClientTimeout, InvalidURL, StreamReader, hdrs
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.helpers import TimerNoop, parse_content_type
from aiohttp.http import RawResponseMessage
from yarl import URL

from auditpanel.webhooks.values import Headers

# What the system takes at once on a connection that has nothing else to send.
SURELY_LEFT_BYTES = 16_384
# Whoever posts has a limit of its own for all of it.
_NO_TIMEOUT, _NO_TIMER = ClientTimeout(total=None, sock_connect=None), TimerNoop()


@dataclass(frozen=True, slots=True)
class Route:
    """Where requests go: what connections are chosen by, and what each request begins with."""

    request: ClientRequest
    head: bytes

    @classmethod
    def to(cls, url: str, headers: Headers) -> Route:
        """`headers` are all that each request has, but for Host and its own. Needs a running loop.

        Raises ValueError, and InvalidURL of it for what is no URL of the web.
        """
        target = _parsed(url)
        request = ClientRequest(hdrs.METH_POST, target, loop=asyncio.get_running_loop())
        first = f"{request.method} {target.raw_path_qs} HTTP/1.1\r\n"
        return cls(request, first.encode("ascii") + _lines([(hdrs.HOST, host_of(url)), *headers]))


def host_of(url: str) -> str:
    """As the header says it. Raises InvalidURL."""
    host = _parsed(url).host_port_subcomponent
    assert host is not None
    return host


def _parsed(url: str) -> URL:
    try:
        parsed = URL(url)
    except ValueError as error:
        raise InvalidURL(url) from error
    if parsed.scheme not in ("http", "https") or not parsed.raw_host:
        raise InvalidURL(url)
    return parsed


@dataclass(frozen=True, slots=True)
class Response:
    """`charset` is the one that it names. Where it `is_cut`, there was more of the body."""

    status_code: int
    headers: tuple[tuple[bytes, bytes], ...]
    charset: str | None
    body: bytes
    is_cut: bool


async def post(connector: BaseConnector, route: Route, headers: Headers, body: bytes, *, most_bytes: int) -> Response:
    """`headers` are those of this request alone. Of the answer's body, so much is kept. Raises what aiohttp and sockets raise."""
    connection, protocol = await _connect(connector, route)
    try:
        protocol.set_response_params(timer=_NO_TIMER, read_until_eof=True, auto_decompress=False)
        _write(protocol, b"".join((route.head, _lines([*headers, (hdrs.CONTENT_LENGTH, str(len(body)))]), b"\r\n", body)))
        message, content = await _read_head(protocol)
        # Most answers are there as a whole when their head is.
        came = content.read_nowait() if content.is_eof() else await _read_up_to(content, most_bytes + 1)
        if not content.is_eof() or _may_be_still_writing(protocol, route, body):
            # The rest of the answer may have no end; and behind the rest of this request the next one would go out.
            protocol.force_close()
    except BaseException:
        connection.close()
        raise
    connection.release()
    charset = _charset(message.headers.get(hdrs.CONTENT_TYPE))
    return Response(message.code, message.raw_headers, charset, came[:most_bytes], len(came) > most_bytes)


async def _connect(connector: BaseConnector, route: Route) -> tuple[Connection, ResponseHandler]:
    """One on which nothing has come that nobody asked for: it would be taken for the answer."""
    while True:
        connection = await connector.connect(route.request, [], _NO_TIMEOUT)
        protocol = connection.protocol
        assert protocol is not None
        if not protocol.should_close:
            return connection, protocol
        connection.close()


def _write(protocol: ResponseHandler, request: bytes) -> None:
    # No need to wait until it has left: it is in memory, and the answer is waited for.
    if protocol.transport is None or protocol.transport.is_closing():
        raise ClientConnectionResetError("the connection was closed meanwhile")
    protocol.transport.write(request)


def _may_be_still_writing(protocol: ResponseHandler, route: Route, body: bytes) -> bool:
    if route.request.is_ssl():
        # What waits below the encryption is not told.
        return len(body) > SURELY_LEFT_BYTES
    return protocol.transport is not None and protocol.transport.get_write_buffer_size() > 0


async def _read_head(protocol: ResponseHandler) -> tuple[RawResponseMessage, StreamReader]:
    """Past what a server says before its answer, but for a change of the protocol."""
    while True:
        message, content = await protocol.read()
        if not 100 <= message.code < 200 or message.code == 101:
            return message, content


async def _read_up_to(content: StreamReader, most_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in content.iter_chunked(most_bytes):
        body += chunk
        if len(body) >= most_bytes:
            break
    return bytes(body)


def _charset(content_type: str | None) -> str | None:
    if not content_type:
        return None
    try:
        return parse_content_type(content_type)[1].get("charset")
    except Exception:
        # Python's parser of headers breaks in many ways where one is not written as it should be.
        return None


def _lines(headers: Headers) -> bytes:
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
        raise ValueError("a header has a line break in it")
    return lines.encode()
