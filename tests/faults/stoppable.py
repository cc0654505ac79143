"""A PostgreSQL or Valkey of the test's own, to be gone for a while and then back under the same address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from auditpanel.embedded import EmbeddedServer
from auditpanel.running import started_servers


class StoppableServer:
    def __init__(self, folder: Path, server: EmbeddedServer) -> None:
        self._folder = folder
        self._server = server
        self._running = ExitStack()

    def start(self) -> None:
        self._running.enter_context(started_servers(self._folder, [self._server]))

    def stop(self) -> None:
        self._running.close()

    @contextmanager
    def away(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()
