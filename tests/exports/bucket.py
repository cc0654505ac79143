"""A server that speaks S3, over a folder, with one bucket."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.faults.started_panel import free_port, wait_for

BUCKET = "exports"
KEY, SECRET = "of the tests", "a secret of the tests"


@contextmanager
def served_bucket(folder: Path) -> Iterator[dict[str, str]]:
    """The variables by which clients find it."""
    (folder / BUCKET).mkdir(parents=True)
    port = free_port()
    environ = {**os.environ, "NANIO_ACCESS_KEY": KEY, "NANIO_SECRET_KEY": SECRET}
    command = [str(Path(sys.executable).parent / "nanio"), "serve", "--data-dir", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen([*command, "--log-level", "error", "--no-access-log"], env=environ)
    try:
        wait_for(lambda: _answers(port), timeout_s=30)
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }
    finally:
        server.terminate()
        server.wait(20)


def _answers(port: int) -> bool:
    try:
        # Whoever is not known is refused: it is there.
        return httpx.get(f"http://127.0.0.1:{port}/").status_code < 500
    except httpx.TransportError:
        return False
