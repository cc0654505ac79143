"""One program that the supervisor runs: started, read line by line, ended."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from auditpanel.errors import Unavailable
from auditpanel.processes import die_with_parent


class Kind(StrEnum):
    # Ends by itself, and prints for the person at the terminal: without the time and name in front of each line.
    STEP = "step"
    PROGRAM = "program"
    # Stopped last, when nothing writes to it any more.
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Program:
    name: str
    command: str
    kind: Kind = Kind.PROGRAM
    stop_signal: signal.Signals = signal.SIGTERM


class Child:
    """A start of a program. Raises Unavailable where there is no such program on this machine."""

    def __init__(self, program: Program, environ: Mapping[str, str]) -> None:
        self._begun_line = b""
        self.started_at = time.monotonic()
        try:
            self._process = _spawn(program, environ)
        except OSError as error:
            raise Unavailable(f"{program.name} cannot be started: {program.command}: {error.strerror}") from error
        assert self._process.stdout is not None
        self._output = self._process.stdout
        os.set_blocking(self.fileno(), False)

    def fileno(self) -> int:
        return self._output.fileno()

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def read_lines(self) -> Iterator[bytes]:
        """The lines that are there by now. Raises EOFError after the last one."""
        try:
            chunk = os.read(self.fileno(), 65536)
        except BlockingIOError:
            return
        if not chunk:
            raise EOFError
        *lines, self._begun_line = (self._begun_line + chunk).split(b"\n")
        yield from lines

    def close(self) -> Iterator[bytes]:
        """The last lines of one that has ended."""
        try:
            while lines := list(self.read_lines()):
                yield from lines
        except EOFError:
            pass
        if self._begun_line:
            yield self._begun_line
        self._output.close()
        # What it had started itself must not stay: it would hold the port.
        self.kill()

    def send(self, signum: signal.Signals) -> None:
        """To the leader alone: it tells its own children, in its own order."""
        self._process.send_signal(signum)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


def describe_end(exit_code: int) -> str:
    return f"was ended by {signal.Signals(-exit_code).name}" if exit_code < 0 else f"ended with code {exit_code}"


def _spawn(program: Program, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        shlex.split(program.command),
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # Ctrl-C reaches the supervisor alone, which then stops the others in order.
        start_new_session=True,
        preexec_fn=partial(die_with_parent, program.stop_signal),
    )
