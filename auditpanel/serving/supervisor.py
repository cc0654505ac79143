"""Runs the programs of the Procfile in the foreground: shows what they print, starts again what ends, stops all of them in order.

honcho reads the Procfile and prints the lines; its own manager ends everything as soon as one program ends, and PostgreSQL with the signal
that makes it wait for its clients.
"""

from __future__ import annotations

import math
import selectors
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import FrameType
from typing import NoReturn

from honcho.colour import get_colours
from honcho.printer import Message, Printer

from auditpanel.errors import Unavailable
from auditpanel.serving.child import Child, Kind, Program, describe_end

# What ended is started again after this long, doubled each time up to the longest; one that ran for a while begins anew.
FIRST_PAUSE_S, LONGEST_PAUSE_S, STEADY_AFTER_S = 1.0, 30.0, 60.0
# From the signal to stop until it is killed. A server gets longer: killed, it has to recover at the next start.
GRACE_S = {Kind.STEP: 8.0, Kind.PROGRAM: 8.0, Kind.SERVER: 60.0}


class AskedToStop(Exception):
    """By Ctrl-C, by a signal, or because nobody can read what is printed."""


@dataclass(slots=True)
class _Slot:
    """A program's place: what runs there now, how it ended, when it is due to be started again."""

    program: Program
    colour: str
    child: Child | None = None
    exit_code: int = 0
    pause_s: float = FIRST_PAUSE_S
    due_at: float = math.inf


class Supervisor:
    """One thread, so that a child may be prepared between fork and exec. Every wait passes through `_turn`."""

    def __init__(self, programs: Sequence[Program], environ: Mapping[str, str]) -> None:
        self._slots = {program.name: _Slot(program, colour) for program, colour in zip(programs, get_colours(), strict=False)}
        self._environ = dict(environ)
        self._selector = selectors.DefaultSelector()
        self._printer = Printer(sys.stdout, width=max(len(name) for name in [*self._slots, "system"]))
        self._times_asked_to_stop = 0
        self._restarts = False

    def stop_on_signals(self) -> None:
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup ignores the hang-up; so do we, then.
            if signum is not signal.SIGHUP or signal.getsignal(signum) is not signal.SIG_IGN:
                signal.signal(signum, self._ask_to_stop)

    def start(self, name: str) -> None:
        slot = self._slots[name]
        slot.child, slot.due_at = Child(slot.program, self._environ), math.inf
        self._selector.register(slot.child, selectors.EVENT_READ, slot)

    def run_step(self, name: str, *, needing: Sequence[str]) -> None:
        """Raises Unavailable where it fails, and as `wait_for` does."""
        self.start(name)
        slot = self._slots[name]
        self.wait_for(lambda: slot.child is None, needing=needing)
        if slot.exit_code != 0:
            raise _ended(slot)

    def wait_for(self, condition: Callable[[], bool], *, needing: Sequence[str], timeout_s: float = math.inf) -> None:
        """Raises Unavailable when a needed program ends or the time is over, AskedToStop."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            self._turn(wait_s=0.05)
            if self._times_asked_to_stop:
                raise AskedToStop
            for slot in map(self._slots.__getitem__, needing):
                if slot.child is None:
                    raise _ended(slot)
            if time.monotonic() > deadline:
                raise Unavailable(f"no answer from {', '.join(needing)} within {timeout_s:.0f} s")

    def run(self) -> NoReturn:
        """Starts again what ends, until AskedToStop is raised."""
        self._restarts = True
        while not self._times_asked_to_stop:
            self._turn(wait_s=0.2)
        raise AskedToStop

    def stop(self) -> None:
        self._restarts = False
        for kinds in ({Kind.STEP, Kind.PROGRAM}, {Kind.SERVER}):
            self._stop([slot for slot in self._slots.values() if slot.program.kind in kinds])

    def say(self, text: str) -> None:
        self._print("system", None, text)

    def _ask_to_stop(self, signum: int, frame: FrameType | None) -> None:
        self._times_asked_to_stop += 1

    def _stop(self, slots: Sequence[_Slot]) -> None:
        asked_at, times_asked = time.monotonic(), max(self._times_asked_to_stop, 1)
        for slot in slots:
            if slot.child is not None:
                slot.child.send(slot.program.stop_signal)
        while any(slot.child for slot in slots):
            self._turn(wait_s=0.05)
            for slot in slots:
                # Who asks again does not want to wait; a server still must end cleanly.
                is_hurried = self._times_asked_to_stop > times_asked and slot.program.kind is not Kind.SERVER
                if slot.child is not None and (is_hurried or time.monotonic() - asked_at > GRACE_S[slot.program.kind]):
                    self.say(f"{slot.program.name} does not stop: killed")
                    slot.child.kill()

    def _turn(self, *, wait_s: float) -> None:
        for key, _ in self._selector.select(wait_s):
            self._read(key.data)
        for slot in self._slots.values():
            if slot.child is not None and slot.child.exit_code is not None:
                self._bury(slot, slot.child, slot.child.exit_code)
            if self._restarts and time.monotonic() >= slot.due_at:
                self.start(slot.program.name)

    def _read(self, slot: _Slot) -> None:
        assert slot.child is not None
        try:
            self._show(slot, slot.child.read_lines())
        except EOFError:
            # It has closed its output and may still run.
            self._selector.unregister(slot.child)

    def _bury(self, slot: _Slot, child: Child, exit_code: int) -> None:
        if child in self._selector.get_map():
            self._selector.unregister(child)
        self._show(slot, child.close())
        slot.child, slot.exit_code = None, exit_code
        if self._restarts:
            self._plan_restart(slot, ran_s=time.monotonic() - child.started_at)

    def _plan_restart(self, slot: _Slot, *, ran_s: float) -> None:
        pause_s = FIRST_PAUSE_S if ran_s > STEADY_AFTER_S else slot.pause_s
        self.say(f"{slot.program.name} {describe_end(slot.exit_code)}: starting it again in {pause_s:.0f} s")
        slot.due_at = time.monotonic() + pause_s
        slot.pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _show(self, slot: _Slot, lines: Iterable[bytes]) -> None:
        for line in lines:
            if slot.program.kind is Kind.STEP:
                self.print_plain(line.decode(errors="replace"))
            else:
                self._print(slot.program.name, slot.colour, line)

    def print_plain(self, text: str) -> None:
        self._write(lambda: print(text, flush=True))

    def _print(self, name: str, colour: str | None, text: str | bytes) -> None:
        # The wall clock of the person at the terminal.
        message = Message(type="line", data=text, time=datetime.now().astimezone(), name=name, colour=colour)
        self._write(lambda: self._printer.write(message))

    def _write(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError:
            # The terminal is gone, or the reader of the pipe: nobody could stop us with Ctrl-C any more.
            self._times_asked_to_stop += 1


def _ended(slot: _Slot) -> Unavailable:
    return Unavailable(f"{slot.program.name} {describe_end(slot.exit_code)}; the reason stands above")
