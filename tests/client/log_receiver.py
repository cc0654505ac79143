"""A panel's POST /v1/logs as a real HTTP server, which answers as a test tells it to."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from time import monotonic, sleep


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    headers: Mapping[str, str]
    logs: list[dict[str, object]]
    size_bytes: int
    client_port: int

    @property
    def ids(self) -> list[object]:
        return [log["id"] for log in self.logs]


def accept(batch: Batch) -> Reply:
    return Reply(202, {"stored": len(batch.logs), "duplicates": 0, "refused": []})


def unavailable(batch: Batch) -> Reply:
    return Reply(500, {"message": "the database does not answer"})


class Receiver:
    """`replies` are used up one by one; after them `reply` stands. `gate` holds every answer back while it is closed."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.replies: list[Callable[[Batch], Reply]] = []
        self.reply: Callable[[Batch], Reply] = accept
        self.gate = Event()
        self.gate.set()
        self.url = ""
        self.idle_timeout_s: float | None = None
        self.open_connections = 0
        self._lock = Lock()

    @property
    def logs(self) -> list[dict[str, object]]:
        return [log for batch in list(self.batches) for log in batch.logs]

    @property
    def paths(self) -> list[object]:
        return [log["path"] for log in self.logs]

    def answer(self, batch: Batch) -> Reply:
        with self._lock:
            self.batches.append(batch)
            reply = self.replies.pop(0) if self.replies else self.reply
        self.gate.wait(30)
        return reply(batch)

    @contextmanager
    def running(self, port: int = 0) -> Iterator[Receiver]:
        server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.gate.set()
            server.shutdown()
            server.server_close()
            thread.join()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            receiver.open_connections += 1
            super().setup()
            self.connection.settimeout(receiver.idle_timeout_s)

        def finish(self) -> None:
            super().finish()
            self.request.close()
            receiver.open_connections -= 1

        def do_POST(self) -> None:
            content = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
            headers = dict(self.headers.items()) | {"path": self.path}
            reply = receiver.answer(Batch(headers, json.loads(content), len(content), self.client_address[1]))
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return None

    return Handler


def wait_until(holds: Callable[[], object], *, timeout_s: float = 10.0) -> None:
    deadline_s = monotonic() + timeout_s
    while not holds():
        assert monotonic() < deadline_s, "waited for what did not come"
        sleep(0.005)
