"""A panel started as `make up` starts it, over a data folder of the test's, to be stopped and killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil

import auditpanel

REPOSITORY = Path(auditpanel.__file__).parents[1]
STAND_IN = Path(__file__).with_name("stand_in.py")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(condition: Callable[[], bool], *, timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s} s"
        time.sleep(0.05)


class StartedPanel:
    def __init__(self, folder: Path, **environ: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / "Procfile", folder)
        shutil.copy(STAND_IN, folder / "wsgi.py")
        self.port = int(environ.get("PORT") or free_port())
        self._log = folder / f"terminal-{self.port}.log"
        kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "AUDITPANEL_DATA", "HOST")}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "auditpanel", "up"],
                cwd=folder,
                env={**kept, "PYTHONPATH": str(REPOSITORY), "PORT": str(self.port), **environ},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def terminal(self) -> str:
        return self._log.read_text()

    def wait_until_it_runs(self) -> StartedPanel:
        wait_for(lambda: "Auditpanel runs on" in self.terminal or self.process.poll() is not None)
        assert self.process.poll() is None, self.terminal
        return self

    def wait_until_it_ends(self) -> int:
        return self.process.wait(30)

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            text: str = answer.read().decode()
            return text

    def answers(self, path: str) -> bool:
        try:
            self.get(path)
        except OSError:
            return False
        return True

    def press_ctrl_c(self) -> int:
        """As the terminal does it: the whole foreground group gets the signal."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.wait_until_it_ends()

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def find(self, program: str) -> psutil.Process:
        """The process that the supervisor itself started."""
        for child in psutil.Process(self.process.pid).children():
            if any(program in word for word in child.cmdline()[:2]):
                return child
        raise AssertionError(f"no {program} among {[child.cmdline() for child in self.descendants()]}")

    def cut_the_power(self) -> None:
        # The supervisor sleeps while its children are killed: it must neither start them again nor stop them cleanly.
        self.process.send_signal(signal.SIGSTOP)
        children = self.descendants()
        for child in children:
            child.kill()
        self.process.kill()
        self.wait_until_it_ends()
        psutil.wait_procs(children, timeout=10)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.wait_until_it_ends()
