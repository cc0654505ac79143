"""The folder that holds everything: made, checked, and held by one start at a time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from auditpanel.errors import Conflict, Unavailable
from auditpanel.processes import FileLock

_OTHER = "choose another folder with AUDITPANEL_DATA"


@contextmanager
def held_folder(data: Path) -> Iterator[None]:
    """Raises Unavailable where the folder cannot be made or written, Conflict where another start holds it."""
    make_folder(data)
    with FileLock(_lock_of(data)) as lock:
        if not lock.acquire():
            raise Conflict(f"the data folder {data} is in use by {_describe_holder(data)}: stop that, or {_OTHER}")
        lock.write_holder(str(os.getpid()))
        yield


def make_folder(data: Path) -> None:
    try:
        # Started by root, PostgreSQL runs as somebody else and passes through to its own folder; what lies in here is closed by itself.
        data.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=data).close()
        _check_ours(data)
    except OSError as error:
        raise Unavailable(f"the data folder {data} cannot be written ({error.strerror}): make it writable, or {_OTHER}") from error


def _check_ours(data: Path) -> None:
    for path in data.iterdir():
        if not os.access(path, os.W_OK):
            raise PermissionError(0, f"{path.name} belongs to another user")


def _lock_of(data: Path) -> Path:
    return data / "start.lock"


def _describe_holder(data: Path) -> str:
    pid = FileLock(_lock_of(data)).read_holder()
    return f"process {pid}" if pid else "another process"
