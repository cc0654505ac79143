"""Makes an export: claims it, writes its rows into a draft, and gives it the file when that is whole.

All rows are those of one snapshot, taken when the writing begins. Whatever is killed, the next worker begins again with a snapshot of its
own; the row says DONE, with the file's checksum, only in the transaction that ends the lease.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, Role
from auditpanel.accounts.scope import ProjectScope, scope_of_project
from auditpanel.errors import AuditpanelError
from auditpanel.exports import leases, progress
from auditpanel.exports.ending import raise_ready
from auditpanel.exports.files import Files, drafts_of, is_no_room, new_draft, remove_drafts
from auditpanel.exports.progress import Order
from auditpanel.exports.records import StoredFile
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.wording import NO_ROOM, broken_words
from auditpanel.exports.writing import Written, write
from auditpanel.ids import Prefix, format_id, new_request_id
from auditpanel.leases import RENEW_EVERY_S, Lease, LeaseLost
from auditpanel.patience import PASSING, PAUSES_S, Patience

# So often may an error of the program end a start.
FAILED_STARTS = 3
# So often may a worker die without a word: the export may be what kills it, or somebody restarts a lot.
SILENT_STARTS = 10
PROGRESS_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Workshop:
    """What exports are made with. `connect` is for the rows; `is_closing` tells that the worker is asked to stop."""

    open_session: Callable[[], Session]
    connect: Callable[[], Connection]
    files: Files
    now: Callable[[], datetime]
    is_closing: Callable[[], bool] = lambda: False
    pauses_s: tuple[float, ...] = PAUSES_S
    renew_every_s: float = RENEW_EVERY_S
    progress_every_s: float = PROGRESS_EVERY_S


def run_export(workshop: Workshop, project_id: UUID, export_id: UUID) -> None:
    """Until it has ended, the worker is asked to stop, or another worker has taken over. Does nothing with one that is not free."""
    with workshop.open_session() as session:
        lease = leases.claim(session, project_id, export_id)
        session.commit()
    if lease is not None:
        with leases.kept_alive(lease, workshop.open_session, every_s=workshop.renew_every_s) as lost:
            _Run(workshop, lease, lost).until_over()


class _GivenUp(Exception):
    """Its workers were killed, each time before they could say why."""


class _Closing(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Left:
    """What lies about of an export that is not done."""

    drafts: list[Path]
    files: list[StoredFile]


class _Run:
    """One worker's work on one export."""

    def __init__(self, workshop: Workshop, lease: Lease, lost: Event) -> None:
        self._workshop = workshop
        self._files = workshop.files
        self._lease = lease
        self._lost = lost
        self._patience = Patience(f"export {self._name}", workshop.pauses_s, workshop.is_closing)
        self._told_at = time.monotonic()
        self._log = logging.getLogger(__name__)

    def until_over(self) -> None:
        while True:
            try:
                self._go_on()
                return
            except LeaseLost:
                self._log.warning("export %s: another worker has taken over, or it was deleted", self._name)
                return
            except PASSING as error:
                if not self._patience.waits(error):
                    return

    def _go_on(self) -> None:
        try:
            self._make()
        except (LeaseLost, *PASSING):
            raise
        except _Closing:
            self._change(leases.give_back)
        except AuditpanelError as error:
            self._fail(str(error))
        except Exception as error:
            if is_no_room(error):
                self._fail(NO_ROOM)
            else:
                self._fail_or_release(error)

    def _make(self) -> None:
        if self._lease.fruitless_starts > SILENT_STARTS:
            raise _GivenUp
        left = self._left_behind()
        self._begin()
        self._remove(left)
        scope, order = self._read()
        draft = new_draft(self._files, self._lease.id)
        try:
            written = self._write(scope, order, draft)
            file = StoredFile(self._lease.project_id, draft.name)
            self._files.keep(draft, file)
        finally:
            draft.unlink(missing_ok=True)
        self._finish(scope, order, written, file)

    def _begin(self) -> None:
        with self._workshop.open_session() as session:
            leases.renew(session, self._lease)
            progress.write_start(session, self._lease, self._workshop.now())
            session.commit()

    def _left_behind(self) -> _Left:
        """By the runs before, if the lease is still ours after this look: then none of them has ended the export with one of these.

        A later look could find the file of another worker, who has taken over and ended it since.
        """
        return _Left(drafts_of(self._files, self._lease.id), self._files.of_export(self._lease.project_id, self._lease.id))

    def _remove(self, left: _Left) -> None:
        remove_drafts(left.drafts)
        for file in left.files:
            self._files.remove(file)

    def _read(self) -> tuple[ProjectScope, Order]:
        with self._workshop.open_session() as session:
            project = session.get_one(Project, self._lease.project_id)
            order = progress.read_order(session, self._lease)
            return scope_of_project(project, Role.OPERATOR).entered_by(order.asker.caller), order

    def _write(self, scope: ProjectScope, order: Order, draft: Path) -> Written:
        selection = SUBJECTS[order.exported].select(scope, order.filters, order.span, order.layout)
        with self._workshop.connect() as connection, draft.open("xb") as target:
            try:
                return write(connection, selection, order.layout, target, self._note)
            except BaseException:
                # There may be rows on their way that nobody reads any more.
                connection.invalidate()
                raise

    def _note(self, rows: int) -> None:
        """Called often, while rows are written."""
        if self._lost.is_set():
            raise LeaseLost
        if self._workshop.is_closing():
            raise _Closing
        if time.monotonic() - self._told_at >= self._workshop.progress_every_s:
            self._change(lambda session, lease: progress.write_rows(session, lease, rows, self._workshop.now()))
            self._told_at = time.monotonic()
            self._patience.renew()

    def _finish(self, scope: ProjectScope, order: Order, written: Written, file: StoredFile) -> None:
        try:
            with self._workshop.open_session() as session:
                leases.renew(session, self._lease)
                progress.write_done(session, self._lease, order, written, file, self._workshop.now())
                leases.end(session, self._lease)
                raise_ready(session, scope, self._lease.id)
                session.commit()
        except LeaseLost:
            self._files.remove(file)
            raise

    def _fail_or_release(self, error: Exception) -> None:
        reference = new_request_id()
        self._log.error("export %s: reference %s", self._name, reference, exc_info=error)
        if self._lease.fruitless_starts < FAILED_STARTS:
            self._change(leases.release)
        else:
            self._fail(broken_words(reference))

    def _fail(self, error: str) -> None:
        with self._workshop.open_session() as session:
            leases.renew(session, self._lease)
            progress.write_failure(session, self._lease, error, self._workshop.now())
            leases.end(session, self._lease)
            session.commit()
        try:
            # It has ended without a file, so that nobody takes over any more.
            self._remove(self._left_behind())
        except AuditpanelError:
            self._log.warning("export %s: its files are left for later", self._name, exc_info=True)

    def _change(self, change: Callable[[Session, Lease], None]) -> None:
        with self._workshop.open_session() as session:
            leases.renew(session, self._lease)
            change(session, self._lease)
            session.commit()

    @property
    def _name(self) -> str:
        return format_id(Prefix.EXPORT, self._lease.id)
