"""Clients that send logs without a pause, and each batch again until the panel has acknowledged it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from threading import Event, Lock, Thread
from urllib.parse import urlsplit
from uuid import uuid4

from tests.faults.started_panel import wait_for
from tests.faults.whole_panel import RECOVERY_S, Target

CLIENTS = 3
BATCH = 10
# Between two tries, and between two batches: what is tested is not how much a panel takes.
PAUSE_S = 0.03


class Load:
    """`paths` are those of the acknowledged logs, one for each; `statuses` count the answers."""

    def __init__(self, url: str, target: Target) -> None:
        self.paths: list[str] = []
        self.statuses: Counter[int] = Counter()
        self.broken_calls = 0
        self._address = urlsplit(url).netloc
        self._target = target
        self._stopping = Event()
        self._lock = Lock()

    @contextmanager
    def running(self) -> Iterator[None]:
        threads = [Thread(target=self._send_batches, daemon=True) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        yield
        self._stopping.set()
        for thread in threads:
            thread.join(RECOVERY_S)
            assert not thread.is_alive(), f"a batch is still not acknowledged; answers so far: {self.statuses}"

    def wait_for_batches(self, count: int) -> None:
        """As many more, begun by now or later."""
        wanted = len(self.paths) + count * BATCH
        wait_for(lambda: len(self.paths) >= wanted, timeout_s=RECOVERY_S)

    def _send_batches(self) -> None:
        while not self._stopping.is_set():
            paths = [f"/killed/{uuid4()}" for _ in range(BATCH)]
            logs = [{"id": str(uuid4()), "occurred_at": datetime.now(UTC).isoformat(), "path": path, "status_code": 200} for path in paths]
            self._send_until_acknowledged(json.dumps(logs).encode())
            with self._lock:
                self.paths += paths
            self._stopping.wait(PAUSE_S)

    def _send_until_acknowledged(self, body: bytes) -> None:
        while (answer := self._send(body)) is None:
            Event().wait(PAUSE_S)
        assert answer["stored"] + answer["duplicates"] == BATCH, answer

    def _send(self, body: bytes) -> dict[str, int] | None:
        """The answer where the batch was acknowledged."""
        connection = HTTPConnection(self._address, timeout=20)
        try:
            connection.request("POST", "/v1/logs", body, self._target.headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, HTTPException):
            self.broken_calls += 1
            return None
        finally:
            connection.close()
        self.statuses[response.status] += 1
        return json.loads(content) if response.status == 202 else None
