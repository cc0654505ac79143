"""The files that tasks work on: kept as they came, one for each task, in `uploads/<project>/<task>` of the data folder.

A file lies in `uploads/incoming` until there is a task for it. What no task claims is removed after a day (`remove_orphans`).
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO
from uuid import UUID

import msgspec

from auditpanel.errors import Conflict, InvalidInput, TooLarge, Unavailable
from auditpanel.tasks.values import Json

INCOMING = "incoming"
# What the list of a JSON body is kept under.
ROWS_NAME = "rows.ndjson"
ORPHAN_AGE = timedelta(days=1)
# Of one file.
LIMIT_BYTES = 256 * 1024 * 1024
# What a form has around its file.
FORM_ROOM_BYTES = 1024 * 1024

_CHUNK_BYTES = 256 * 1024
_LONGEST_NAME = 200
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that has come whole and is on disk. `name` is what its sender calls it: for people, never a path."""

    name: str
    path: Path
    size_bytes: int


def keep(stream: IO[bytes], name: str, *, folder: Path, limit_bytes: int) -> Upload:
    """Write what the stream has to a file. Nothing is left where it cannot be taken.

    Raises TooLarge over the limit, InvalidInput where there is nothing in it, Unavailable where the disk takes no more.
    """
    with _new_file(folder) as (path, file):
        size = 0
        while chunk := stream.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > limit_bytes:
                raise TooLarge(too_large(limit_bytes))
            file.write(chunk)
        if size == 0:
            raise InvalidInput("the file is empty; send one with a header line and at least one row", field="file")
    return Upload(shown_name(name), path, size)


def too_large(limit_bytes: int = LIMIT_BYTES) -> str:
    """What is said of a file over the limit."""
    return f"the file is larger than {limit_bytes / _MIB:,.0f} MiB; split it, and send the parts one by one"


def keep_rows(rows: Iterable[Json], *, folder: Path) -> Upload:
    """The list of a JSON body, one row in a line. Raises Unavailable where the disk takes no more."""
    encoder = msgspec.json.Encoder()
    with _new_file(folder) as (path, file):
        for row in rows:
            file.write(encoder.encode(row))
            file.write(b"\n")
        size = file.tell()
    return Upload(ROWS_NAME, path, size)


def path_of(folder: Path, project_id: UUID, task_id: UUID) -> Path:
    return folder / project_id.hex / task_id.hex


def give_to_task(upload: Upload, project_id: UUID, task_id: UUID) -> None:
    """Before the commit of the task: a task without its file could never run, while a file without its task is removed some day."""
    place = path_of(upload.path.parent.parent, project_id, task_id)
    _make_place(place)
    try:
        upload.path.rename(place)
    except FileNotFoundError:
        raise Conflict("This file has been taken already: a task was started with it a moment ago.") from None
    _sync_folder(place.parent)


def share_with_task(folder: Path, project_id: UUID, *, of_task: UUID, with_task: UUID) -> bool:
    """The same file for another task, without taking room. False where the first has none any more."""
    place = path_of(folder, project_id, with_task)
    _make_place(place)
    try:
        _link_or_copy(path_of(folder, project_id, of_task), place)
    except FileNotFoundError:
        return False
    _sync_folder(place.parent)
    return True


def remove_orphans(folder: Path, now: datetime, *, has_task: Callable[[UUID, UUID], bool]) -> int:
    """Remove the files older than a day that no task (project id, task id) has. Answers how many."""
    latest = (now - ORPHAN_AGE).timestamp()
    orphans = [path for path in folder.glob("*/*") if _changed_before(path, latest) and not _is_claimed(path, has_task)]
    for path in orphans:
        path.unlink(missing_ok=True)
    return len(orphans)


@contextmanager
def _new_file(folder: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    incoming = folder / INCOMING
    path = incoming / secrets.token_hex(16)
    try:
        incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("xb") as file:
            yield path, file
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(path), str(incoming)):
            raise Unavailable(f"The file could not be kept: {error.strerror or error}. Try again later.") from error
        raise


def shown_name(name: str) -> str:
    """Browsers on some systems send a whole path, and other clients anything."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(character if character.isprintable() else "_" for character in last).strip()
    return shown[-_LONGEST_NAME:] or "file"


def _make_place(place: Path) -> None:
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def _link_or_copy(source: Path, place: Path) -> None:
    try:
        os.link(source, place)
    except FileNotFoundError:
        raise
    except OSError:
        # Some file systems have no hard links.
        shutil.copyfile(source, place)


def _sync_folder(folder: Path) -> None:
    """A rename is on disk when its folder is."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _changed_before(path: Path, moment: float) -> bool:
    with suppress(FileNotFoundError):
        # Not the time of the content: a rename or another link makes a file young again, and its task may not be committed yet.
        return path.stat().st_ctime < moment
    return False


def _is_claimed(path: Path, has_task: Callable[[UUID, UUID], bool]) -> bool:
    if path.parent.name == INCOMING:
        return False
    try:
        return has_task(UUID(path.parent.name), UUID(path.name))
    except ValueError:
        # Not one of ours: somebody put it there.
        return True
