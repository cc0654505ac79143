"""What only a real web server shows: requests that no browser would send, byte by byte."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from auditpanel.config import Settings
from tests.factories import make_key, make_project
from tests.servers import served_panel

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    head: str
    body: str
    # How much of the request the server had taken when it had answered.
    sent_bytes: int

    def header(self, name: str) -> str | None:
        found = re.search(rf"^{name}: (.*)\r$", self.head, re.IGNORECASE | re.MULTILINE)
        return found[1] if found else None


class Server:
    def __init__(self, port: int) -> None:
        self.port = port

    def send(self, head: str, body: Iterable[bytes] = ()) -> Answer:
        """The body chunk by chunk, until the server answers or hangs up."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n")
            sent_bytes = _send_while_taken(connection, body)
            return _read(connection, sent_bytes)


def _send_while_taken(connection: socket.socket, body: Iterable[bytes]) -> int:
    sent_bytes = 0
    try:
        for chunk in body:
            connection.sendall(chunk)
            sent_bytes += len(chunk)
    except OSError:
        pass
    return sent_bytes


def _read(connection: socket.socket, sent_bytes: int) -> Answer:
    content = b""
    try:
        while not _is_whole(content) and (part := connection.recv(65536)):
            content += part
    except ConnectionResetError:
        pass
    head, _, body = content.decode("latin-1").partition("\r\n\r\n")
    status = re.match(r"HTTP/1\.1 (\d{3})", head)
    return Answer(int(status[1]) if status else 0, f"{head}\r\n", body, sent_bytes)


def _is_whole(content: bytes) -> bool:
    head, found, body = content.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return bool(found) and length is not None and len(body) >= int(length[1])


@pytest.fixture(scope="module")
def server(app: Flask, settings: Settings) -> Iterator[Server]:
    with served_panel(settings) as port:
        yield Server(port)


@pytest.fixture
def api_head(session: Session) -> str:
    key = make_key(session, make_project(session))
    session.commit()
    return f"POST /v1/logs HTTP/1.1\nHost: panel\nX-App-Id: {key.app_id}\nX-App-Token: {key.app_token}\n"


FORM_HEAD = "POST /login HTTP/1.1\nHost: panel\nContent-Type: application/x-www-form-urlencoded\n"


def chunks(count: int, wrap: Callable[[bytes], bytes] = lambda part: part) -> Iterator[bytes]:
    """Of 64 KiB each."""
    for _ in range(count):
        yield wrap(b"x" * 65_536)


def as_chunk(part: bytes) -> bytes:
    return f"{len(part):x}\r\n".encode() + part + b"\r\n"


def test_a_body_that_is_declared_too_large_is_refused_before_it_is_sent(server: Server, api_head: str) -> None:
    for head, limit in ((FORM_HEAD, MIB), (api_head, 32 * MIB)):
        assert server.send(f"{head}Content-Length: {limit + 1}\n").status == 413
        assert server.send(f"{head}Content-Length: 100000000000\n").status == 413


def test_a_chunked_body_is_refused_and_not_read_to_its_end(server: Server, api_head: str) -> None:
    answer = server.send(f"{api_head}Transfer-Encoding: chunked\n", chunks(4 * 32 * MIB // 65_536, as_chunk))
    # Hung up on in the middle of a body, a client may lose the answer.
    assert answer.status in (413, 0), answer.head
    assert answer.sent_bytes < 2 * 32 * MIB
    assert server.send(f"{FORM_HEAD}Transfer-Encoding: chunked\n", iter([as_chunk(b"a=b"), b"0\r\n\r\n"])).status == 411


def test_a_chunked_batch_over_the_limit_is_not_taken_in_part(server: Server, api_head: str) -> None:
    """Cut at the limit, its first lines would be a batch, and the others lost behind a 202."""
    line = as_chunk(b'{"occurred_at":"2026-11-24T12:00:00Z","path":"/x","status_code":200,"request_body":"%s"}\n' % (b"x" * 65_000))
    body = [*([line] * 520), b"0\r\n\r\n"]
    assert server.send(f"{api_head}Transfer-Encoding: chunked\n", iter(body)).status in (413, 0)


def test_a_stranger_is_refused_without_reading_the_body(server: Server) -> None:
    assert server.send("POST /v1/logs HTTP/1.1\nHost: panel\nContent-Length: 30000000\n").status == 401


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:99999",
        "panel\tx",
        "a/b",
        "<script>",
        "panel@evil.example",
        "",
        "[::1",
    ],
)
def test_a_hostile_host_is_refused_or_leads_nowhere(server: Server, host: str) -> None:
    for path in ("/", "/login", "/projects/proj_1/logs", "//evil.example/..", "/login?next=//evil.example"):
        answer = server.send(f"GET {path} HTTP/1.1\nHost: {host}\n")
        assert answer.status in (200, 302, 308, 400, 404), answer.head
        assert "<script>" not in re.sub(r"<script (type|src)[^>]*></script>", "", answer.body)
        location = answer.header("Location") or "/"
        assert location.startswith("/") and not location.startswith("//"), location


@pytest.mark.parametrize("host", ["a" * 64, f"panel.{'a' * 64}.example:8000", "panel..example"])
def test_a_host_with_a_part_of_no_length_that_names_have_is_refused_in_words(server: Server, host: str) -> None:
    for path in ("/", "/login", "/v1/vouchers", "/nowhere", "/static/panel.css"):
        answer = server.send(f"GET {path} HTTP/1.1\nHost: {host}\n")
        assert answer.status == 400, answer.head
        assert "is not the name of a host; between its dots are 1 to 63 characters" in answer.body
        assert answer.header("X-Frame-Options") == "DENY" and answer.header("Content-Security-Policy"), answer.head


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "DELETE", "PROPFIND", "DEBUG"])
def test_other_methods_are_refused_and_echo_nothing(server: Server, method: str) -> None:
    answer = server.send(f"{method} /login HTTP/1.1\nHost: panel\nCookie: auditpanel=secret-of-mine\nContent-Length: 0\n")
    assert answer.status in (400, 405, 501)
    assert "secret-of-mine" not in answer.head + answer.body


@pytest.mark.parametrize("name", ["Cookie", "X-Request-Id", "User-Agent", "X-App-Id", "Accept-Language", "Referer"])
def test_a_very_long_header_is_refused_or_ignored(server: Server, name: str) -> None:
    for size in (8_000, 100_000):
        answer = server.send(f"GET /v1/logs HTTP/1.1\nHost: panel\n{name}: {'x' * size}\n")
        assert answer.status in (400, 401, 431, 0), answer.head
        assert len(answer.head) < 4_000
        assert "Traceback" not in answer.body


def test_forwarded_headers_change_nothing_without_a_proxy(server: Server) -> None:
    forwarded = (
        "X-Forwarded-Proto: https\nX-Forwarded-Ssl: on\nX-Forwarded-For: 203.0.113.9\nX-Forwarded-Host: evil.example\nSCRIPT_NAME: /evil\n"
    )
    answer = server.send(f"GET /login HTTP/1.1\nHost: panel\n{forwarded}")
    assert answer.status in (200, 400)
    assert answer.header("Strict-Transport-Security") is None
    assert "Secure" not in (answer.header("Set-Cookie") or "")
    assert "evil" not in answer.body


def test_a_smuggled_request_is_not_answered(server: Server) -> None:
    inner = "GET /healthz HTTP/1.1\r\nHost: panel\r\n\r\n"
    answer = server.send(
        "POST /login HTTP/1.1\nHost: panel\nContent-Length: 4\nTransfer-Encoding: chunked\n", iter([b"0\r\n\r\n", inner.encode()])
    )
    assert answer.status == 400
    assert "ok" not in answer.body
