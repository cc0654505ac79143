"""Where the files of exports are kept: in a folder, or in a bucket of any storage that speaks S3.

A file is written as a draft, on a local disk in either case, and appears under its name when it is whole. The name has a part of its own
for each run, so that a worker that was overtaken cannot put its file in place of another's. Which of them counts, the export's row says;
the others are removed.
"""

from __future__ import annotations

import errno
import io
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import UUID

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from auditpanel.errors import NotFound, Unavailable
from auditpanel.exports.records import StoredFile
from auditpanel.exports.wording import no_answer_words, not_kept_words
from auditpanel.ids import new_request_id

DRAFTS = "drafts"

_BLOCK_BYTES = 256 * 1024
# Of a file in a bucket: each read is a request.
_AHEAD_BYTES = 1024 * 1024
_PART_BYTES = 8 * 1024 * 1024
_PARTS_AT_ONCE = 2
# A storage that does not answer is asked again for so long. Somebody may wait for a download.
RETRIES = timedelta(seconds=20)
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class NoRoom(Exception):
    """The disk takes no more."""


class Files(Protocol):
    """Names are those of `new_name`; all of them are of one project each."""

    drafts: Path

    def keep(self, draft: Path, file: StoredFile) -> None:
        """The draft becomes the file. Raises NoRoom, and Unavailable where the storage does not take it."""

    def open(self, file: StoredFile) -> BinaryIO:
        """For reading, from any place. Raises NotFound, and Unavailable where the storage does not answer."""

    def remove(self, file: StoredFile) -> None:
        """Does nothing where there is none. Raises Unavailable where the storage does not answer."""

    def of_export(self, project_id: UUID, export_id: UUID) -> list[StoredFile]:
        """The files of all of its runs."""

    def older_than(self, moment: datetime) -> Iterator[StoredFile]:
        """Those that were kept before it."""


def files_of(url: str | None, folder: Path) -> Files:
    """In the bucket that the URL names (`s3://bucket/prefix`), else in the folder, which also has the drafts.

    Region, endpoint and credentials of a bucket are those of the usual `AWS_…` variables.
    """
    return BucketFiles(url, folder / DRAFTS) if url else LocalFiles(folder)


def new_name(export_id: UUID) -> str:
    return f"{export_id.hex}-{secrets.token_hex(8)}"


def new_draft(files: Files, export_id: UUID) -> Path:
    """The path of a file that is not there yet. Raises NoRoom."""
    try:
        files.drafts.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise NoRoom if is_no_room(error) else error from error
    return files.drafts / new_name(export_id)


def drafts_of(files: Files, export_id: UUID) -> list[Path]:
    return list(files.drafts.glob(f"{export_id.hex}-*"))


def remove_drafts(drafts: Iterable[Path]) -> None:
    for draft in drafts:
        _remove_draft(draft)


def remove_drafts_before(files: Files, moment: datetime) -> int:
    """Drafts that were begun before, and not written to since. Answers how many."""
    left = [draft for draft in files.drafts.glob("*") if _changed_at(draft) < moment]
    remove_drafts(left)
    return len(left)


def blocks(file: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    """The bytes from `start` up to, without, `stop`; the file is closed behind them."""
    with file:
        file.seek(start)
        left = stop - start
        while left > 0 and (block := file.read(min(left, _BLOCK_BYTES))):
            left -= len(block)
            yield block


def is_no_room(error: BaseException | None) -> bool:
    """Whether a full disk, a quota or a limit on files is behind it. Writers of some formats put an error of their own around it."""
    seen = 0
    while error is not None and seen < 10:
        inner = next((given for given in error.args if isinstance(given, BaseException)), None)
        if isinstance(error, NoRoom) or (isinstance(error, OSError) and error.errno in _NO_ROOM):
            return True
        error, seen = inner or error.__cause__ or error.__context__, seen + 1
    return False


class LocalFiles:
    """`<folder>/<project>/<name>`, and drafts beside them, on the same file system."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.drafts = folder / DRAFTS

    def keep(self, draft: Path, file: StoredFile) -> None:
        place = self._place(file)
        try:
            _sync(draft)
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.rename(place)
            # A rename is on disk when its folder is.
            _sync(place.parent)
            _sync(self._folder)
        except OSError as error:
            raise NoRoom if is_no_room(error) else _unavailable(error, not_kept_words) from error

    def open(self, file: StoredFile) -> BinaryIO:
        try:
            return self._place(file).open("rb")
        except FileNotFoundError:
            raise _no_such_file() from None
        except OSError as error:
            raise _unavailable(error, no_answer_words) from error

    def remove(self, file: StoredFile) -> None:
        self._place(file).unlink(missing_ok=True)

    def of_export(self, project_id: UUID, export_id: UUID) -> list[StoredFile]:
        return [StoredFile(project_id, path.name) for path in (self._folder / project_id.hex).glob(f"{export_id.hex}-*")]

    def older_than(self, moment: datetime) -> Iterator[StoredFile]:
        for path in self._folder.glob("*/*"):
            if path.parent.name != DRAFTS and _changed_at(path) < moment:
                with suppress(ValueError):
                    yield StoredFile(UUID(path.parent.name), path.name)

    def _place(self, file: StoredFile) -> Path:
        return self._folder / file.project_id.hex / file.name


class BucketFiles:
    """`<prefix>/<project>/<name>`. An upload appears whole or not at all; what a killed one leaves, the bucket's own rules remove."""

    def __init__(self, url: str, drafts: Path, *, retry_timeout: timedelta = RETRIES) -> None:
        # Plain HTTP is for an endpoint in one's own house, and has to be written out there.
        allow_http = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
        self._store = S3Store.from_url(
            url, client_options={"allow_http": allow_http}, retry_config={"max_retries": 10, "retry_timeout": retry_timeout}
        )
        self.drafts = drafts

    def keep(self, draft: Path, file: StoredFile) -> None:
        try:
            obstore.put(self._store, _key(file), draft, chunk_size=_PART_BYTES, max_concurrency=_PARTS_AT_ONCE)
        except (BaseError, OSError) as error:
            raise _unavailable(error, not_kept_words) from error
        draft.unlink(missing_ok=True)

    def open(self, file: StoredFile) -> BinaryIO:
        with _storage_errors():
            size = obstore.head(self._store, _key(file))["size"]
        return io.BufferedReader(_BucketReader(self._store, _key(file), size), _AHEAD_BYTES)

    def remove(self, file: StoredFile) -> None:
        with _storage_errors(), suppress(NotFoundError, FileNotFoundError):
            obstore.delete(self._store, _key(file))

    def of_export(self, project_id: UUID, export_id: UUID) -> list[StoredFile]:
        return [file for file, _ in self._listed(f"{project_id.hex}/") if file.name.startswith(f"{export_id.hex}-")]

    def older_than(self, moment: datetime) -> Iterator[StoredFile]:
        return (file for file, kept_at in self._listed(None) if kept_at < moment)

    def _listed(self, prefix: str | None) -> Iterator[tuple[StoredFile, datetime]]:
        with _storage_errors():
            found = [each for chunk in obstore.list(self._store, prefix) for each in chunk]
        for each in found:
            project, _, name = each["path"].partition("/")
            with suppress(ValueError):
                yield StoredFile(UUID(project), name), each["last_modified"]


class _BucketReader(io.RawIOBase):
    """A file in a bucket, read range by range."""

    def __init__(self, store: S3Store, key: str, size: int) -> None:
        self._store = store
        self._key = key
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        stop = min(self._at + len(buffer), self._size)
        if stop <= self._at:
            return 0
        with _storage_errors():
            part = obstore.get_range(self._store, self._key, start=self._at, end=stop)
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)


def _remove_draft(draft: Path) -> None:
    # Some formats are written in a folder first.
    if draft.is_dir():
        shutil.rmtree(draft, ignore_errors=True)
    else:
        draft.unlink(missing_ok=True)


def _key(file: StoredFile) -> str:
    return f"{file.project_id.hex}/{file.name}"


def _changed_at(path: Path) -> datetime:
    with suppress(FileNotFoundError):
        status = path.stat()
        # Not the time of the content alone: a rename makes a file young again, and its row may not be committed yet.
        return datetime.fromtimestamp(max(status.st_mtime, status.st_ctime), UTC)
    return datetime.max.replace(tzinfo=UTC)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except (NotFoundError, FileNotFoundError):
        raise _no_such_file() from None
    except (BaseError, OSError) as error:
        raise _unavailable(error, no_answer_words) from error


def _unavailable(error: Exception, words: Callable[[str], str]) -> Unavailable:
    """What the storage itself says is for who runs the panel: it may name folders, hosts and accounts."""
    reference = new_request_id()
    logging.getLogger(__name__).error("storage of exports: reference %s", reference, exc_info=error)
    return Unavailable(words(reference))


def _no_such_file() -> NotFound:
    return NotFound("The file of this export is not there any more. Run the export again.")
