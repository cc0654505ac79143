"""What a process asks of the kernel: to die with its parent, to be another user, to hold a lock."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
_CAPABILITY_VERSION_3 = 0x20080522


class FileLock:
    """A lock that the kernel drops with its last holder, however that dies. Nothing is left behind to be cleaned up.

    The file itself stays: to remove it would let two processes lock two files of one name.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def acquire(self) -> bool:
        return self._flock(fcntl.LOCK_EX | fcntl.LOCK_NB)

    def acquire_shared(self) -> None:
        self._flock(fcntl.LOCK_SH)

    def acquire_waiting(self) -> None:
        self._flock(fcntl.LOCK_EX)

    def write_holder(self, text: str) -> None:
        assert self._fd is not None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, text.encode(), 0)

    def read_holder(self) -> str:
        return self._path.read_text(errors="replace").strip()

    def pass_on(self) -> None:
        """Lets the program that this process becomes, and its children, hold the lock too."""
        assert self._fd is not None
        os.set_inheritable(self._fd, True)

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()

    def _flock(self, operation: int) -> bool:
        if self._fd is None:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._fd, operation)
        except BlockingIOError:
            self.release()
            return False
        return True


def is_locked(path: Path) -> bool:
    if not path.exists():
        return False
    with FileLock(path) as lock:
        return not lock.acquire()


def die_with_parent(signum: signal.Signals) -> None:
    """Asks the kernel for `signum` when the parent is gone, so that a killed parent leaves nothing running. Linux only.

    To be called after any change of user: that forgets it.
    """
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, signum)


def become_user(uid: int, gid: int, *, reaching: Iterable[Path]) -> None:
    """Gives up root. Where a folder above one of `reaching` is closed to others (/root is), one right of root's stays: to pass through.

    To open such folders to everybody instead would change what does not belong to us.
    """
    needs_passage = any(not _is_open_to_others(path) for path in reaching)
    if needs_passage:
        _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if needs_passage:
        _keep_passage()


def _is_open_to_others(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)


def _keep_passage() -> None:
    # Containers commonly withhold the first, which only reads, and grant the second.
    for capability in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE):
        try:
            _keep_capability(capability)
        except OSError:
            continue
        return
    raise PermissionError("this root user has no capability to pass through folders that are closed to others")


def _keep_capability(capability: int) -> None:
    """Raises OSError where the process never had it."""
    bit = 1 << capability
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    if ctypes.CDLL(None, use_errno=True).capset(header, sets) != 0:
        raise OSError(ctypes.get_errno(), "capset")
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)


def _prctl(option: int, *arguments: int) -> None:
    values = [ctypes.c_ulong(value) for value in (*arguments, 0, 0, 0, 0)[:4]]
    if ctypes.CDLL(None, use_errno=True).prctl(option, *values) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")
