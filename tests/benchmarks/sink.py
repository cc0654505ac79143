"""`python -m tests.benchmarks.sink`: a receiver of webhooks that takes next to no time of its own, and prints its port.

`/hang` answers after a long while. `/timed` keeps when each message came, by its id; `GET /times` tells. `GET /counts` tells how many came.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from typing import cast

import uvloop

HANGS_S = 30
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Sink:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.times: dict[str, float] = {}

    def answer(self, path: str) -> object:
        return dict(self.counts) if path == "/counts" else self.times


class Connection(asyncio.Protocol):
    """As much of HTTP as aiohttp's client needs."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's own are no subclass.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            length = end + 4 + int(_header(head, b"Content-Length") or 0)
            if len(self._received) < length:
                return
            self._received = self._received[length:]
            self._take(head)

    def _take(self, head: bytes) -> None:
        method, path, _ = head.split(b" ", 2)
        if method == b"GET":
            body = json.dumps(self._sink.answer(path.decode())).encode()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            return
        self._sink.counts[path.decode()] += 1
        if path == b"/hang":
            asyncio.get_running_loop().call_later(HANGS_S, self._answer_late)
            return
        if path == b"/timed":
            self._sink.times[_header(head, b"webhook-id").decode()] = time.time()
        self._transport.write(_OK)

    def _answer_late(self) -> None:
        # Whoever sent it has hung up, as a rule.
        if not self._transport.is_closing():
            self._transport.write(_OK)


def _header(head: bytes, name: bytes) -> bytes:
    _, _, rest = head.partition(b"\r\n" + name + b": ")
    return rest.partition(b"\r\n")[0]


async def main() -> None:
    sink = Sink()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(sink), "127.0.0.1", 0, backlog=1_024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
