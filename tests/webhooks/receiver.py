"""What a webhook points to, as a real HTTP server: it answers as the path tells it, and keeps what came.

`/200`, `/500` and any other status answer with that; `/429?retry_after=120` says when to come again. `/hang` answers nothing,
`/slow?s=0.3` takes its time, `/cut` ends the connection within its answer, `/redirect` points to `/200`, `/large` answers 200 kB,
`/garbage` is no HTTP, `/binary` no text, `/charset?of=punycode` 64 kB of it; `/echo` answers with what it was sent and `Receiver.said`;
`/hints` says something before its answer, `/stray` something after it, and `/early` answers before it reads the message.
`Receiver.switch` lets one path answer differently from then on.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from urllib.parse import parse_qs, urlsplit

from standardwebhooks import Webhook as StandardWebhook
from svix.webhooks import Webhook as SvixWebhook

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    # The other end of its connection.
    port: int

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Json:
        read: Json = json.loads(self.body)
        return read

    def verify(self, secret: str) -> None:
        """By two receivers' own libraries. Each raises where the signature is not right."""
        StandardWebhook(secret).verify(self.body, dict(self.headers))
        SvixWebhook(secret).verify(self.body, dict(self.headers))


class Receiver:
    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.url = ""
        self.said = ""
        self._instead: dict[str, str] = {}
        self._lock = Lock()
        # Ends what hangs.
        self.over = Event()

    def to(self, path: str) -> str:
        return self.url + path

    def at(self, path: str) -> list[Arrival]:
        return [arrival for arrival in list(self.arrivals) if arrival.path.partition("?")[0] == path]

    def ids_at(self, path: str) -> list[str]:
        return [arrival.id for arrival in self.at(path)]

    def switch(self, path: str, behaviour: str) -> None:
        """`switch("/shop", "/500")`: the shop is down."""
        self._instead[path] = behaviour

    def behaviour_of(self, path: str) -> str:
        return self._instead.get(path, path)

    def keep(self, arrival: Arrival) -> None:
        with self._lock:
            self.arrivals.append(arrival)


@contextmanager
def receiving(*, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver()
    server = _Server(receiver)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.02,), name="receiver", daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Those of connections that are kept alive would be waited for.
    block_on_close = False
    request_queue_size = 128

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that hangs up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    # Without it, the body of an answer waits for the acknowledgement of its head.
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        receiver = self.server.receiver
        body = b"" if self.path == "/early" else self.rfile.read(int(self.headers["Content-Length"]))
        receiver.keep(Arrival(self.path, {name.lower(): value for name, value in self.headers.items()}, body, self.client_address[1]))
        behaviour = urlsplit(receiver.behaviour_of(self.path.partition("?")[0]))
        query = parse_qs(behaviour.query or urlsplit(self.path).query)
        self._answer(behaviour.path.strip("/"), {name: values[0] for name, values in query.items()})

    def _answer(self, behaviour: str, query: Mapping[str, str]) -> None:
        match behaviour:
            case "hang":
                self.server.receiver.over.wait(60)
                self.close_connection = True
            case "slow":
                self.server.receiver.over.wait(float(query["s"]))
                self._send(200, b"slow")
            case "cut":
                self._send_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun")
            case "hints":
                self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")
                self._send(200, b"after hints")
            case "stray":
                self._send(200, b"ok")
                self.server.receiver.over.wait(0.05)
                self._send(200, b"nobody asked for this")
            case "malformed":
                self._send(200, b"ok", {"Content-Type": "text/html; charset*"})
            case "garbage":
                self._send_raw(b"SSH-2.0-OpenSSH_9.2\r\n")
            case "redirect":
                self._send(302, b"", {"Location": self.server.receiver.to("/200")})
            case "large":
                self._send(200, b"x" * 200_000)
            case "binary":
                self._send(200, b"\x00\xff\xfe<ok>")
            case "charset":
                self._send(200, b"caf\xe9-" + b"9" * 65_530, {"Content-Type": f"text/plain; charset={query['of']}"})
            case "echo":
                came = "\n".join(f"{name}: {value}" for name, value in self.headers.items())
                self._send(500, f"{came}\n{self.server.receiver.said}".encode(), {"X-Echo": self.headers["Authorization"] or "-"})
            case status if status.isdigit():
                after = {"Retry-After": query["retry_after"]} if "retry_after" in query else {}
                self._send(int(status), f"answer {status}".encode(), after)
            case _:
                self._send(200, b"ok")

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        told = headers or {}
        for name, value in told.items():
            self.send_header(name, value)
        # What follows the head of these would be taken for the beginning of the next answer.
        if status not in (204, 304):
            if "Content-Type" not in told:
                self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status not in (204, 304):
            self.wfile.write(body)

    def _send_raw(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Nothing of it belongs on the terminal."""
