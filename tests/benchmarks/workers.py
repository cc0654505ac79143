"""A worker as the Procfile starts it, watched from outside."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.benchmarks.stage import ROOT, Stage


@contextmanager
def worker(stage: Stage, queue: str) -> Iterator[psutil.Process]:
    process = subprocess.Popen([sys.executable, "-m", "jobs.worker", queue], cwd=ROOT, env=os.environ | stage.environ)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def peak_mb(worker: psutil.Process) -> float:
    """Of the child that does the job; the kernel keeps the peak, so a look now and then is enough."""
    return max((_peak_mb(child.pid) for child in worker.children()), default=0.0)


def _peak_mb(pid: int) -> float:
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0
