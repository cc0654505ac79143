"""One export from its claim to its end, whatever comes between."""

from __future__ import annotations

import errno
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from uuid import UUID

import pytest
from sqlalchemy import text, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import Unavailable
from auditpanel.exports import leases, progress
from auditpanel.exports.files import LocalFiles
from auditpanel.exports.models import DueExport, Export
from auditpanel.exports.records import StoredFile
from auditpanel.exports.runner import FAILED_STARTS, SILENT_STARTS, run_export
from auditpanel.exports.store import delete_export
from auditpanel.exports.values import ExportStatus, Format
from auditpanel.exports.wording import NO_ROOM
from auditpanel.times import utc_now
from tests.exports.asking import (
    NOW,
    ask,
    assert_whole,
    files_in,
    let_lease_run_out,
    make_customers,
    make_workshop,
    new_export,
    read,
    run,
)
from tests.faults.started_panel import wait_for
from tests.tasks.making import make_scope
from tests.webhooks.raising import happened, make_webhook


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    scope = make_scope(session)
    make_customers(session, scope, 50)
    return scope


@pytest.fixture
def files(tmp_path: Path) -> LocalFiles:
    return LocalFiles(tmp_path)


def is_due(session: Session, scope: ProjectScope, export_id: UUID) -> bool:
    return session.get(DueExport, (scope.project_id, export_id), populate_existing=True) is not None


def test_an_export_is_done_with_its_file_and_its_checksum(engine: Engine, session: Session, scope: ProjectScope, files: LocalFiles) -> None:
    export_id = ask(session, scope, new_export(keep_days=7))
    # Whether its time is over, the database says.
    now = utc_now()
    done = run(engine, files, scope, export_id, now=lambda: now)
    line = done.line
    assert (line.status, line.progress, line.rows_done, line.is_ready) == (ExportStatus.DONE, 100, 50, True)
    assert (line.finished_at, line.expires_at, done.started_at) == (now, now + timedelta(days=7), now)
    assert_whole(files, done, 50)
    assert not is_due(session, scope, export_id)


def test_nothing_lies_beside_the_file(engine: Engine, session: Session, scope: ProjectScope, files: LocalFiles, tmp_path: Path) -> None:
    for format in Format:
        run(engine, files, scope, ask(session, scope, new_export(format=format)))
    assert len(files_in(tmp_path)) == len(Format)
    assert list(files.drafts.iterdir()) == []


def test_a_second_run_of_a_finished_export_does_nothing(engine: Engine, session: Session, scope: ProjectScope, files: LocalFiles) -> None:
    export_id = ask(session, scope)
    assert run(engine, files, scope, export_id) == run(engine, files, scope, export_id)


def test_an_export_that_another_works_on_is_left_alone(engine: Engine, session: Session, scope: ProjectScope, files: LocalFiles) -> None:
    export_id = ask(session, scope)
    assert leases.claim(session, scope.project_id, export_id) is not None
    session.commit()
    assert run(engine, files, scope, export_id).line.status is ExportStatus.SCHEDULED


def test_what_a_killed_run_has_left_is_removed_by_the_next(
    engine: Engine, session: Session, scope: ProjectScope, files: LocalFiles, tmp_path: Path
) -> None:
    export_id, other_id = ask(session, scope), ask(session, scope)
    kept = StoredFile(scope.project_id, f"{other_id.hex}-1234")
    for path in (files.drafts / f"{export_id.hex}-1234", tmp_path / scope.project_id.hex / f"{export_id.hex}-1234"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")
    (tmp_path / scope.project_id.hex / kept.name).write_bytes(b"another's")
    (files.drafts / f"{export_id.hex}-5678.sheet").mkdir()
    done = run(engine, files, scope, export_id)
    assert done.file and list(files.drafts.iterdir()) == []
    assert {path.name for path in files_in(tmp_path)} == {done.file.name, kept.name}


class Interrupting(LocalFiles):
    """Something happens when the file is whole and the row does not say so yet."""

    def __init__(self, folder: Path, happening: Callable[[], None]) -> None:
        super().__init__(folder)
        self._happening = happening

    def keep(self, draft: Path, file: StoredFile) -> None:
        super().keep(draft, file)
        self._happening()


def test_a_worker_that_was_overtaken_leaves_neither_a_file_nor_a_word(
    engine: Engine, session: Session, scope: ProjectScope, files: LocalFiles, tmp_path: Path
) -> None:
    export_id = ask(session, scope)

    def overtake() -> None:
        let_lease_run_out(engine, export_id)
        assert run(engine, files, scope, export_id).line.status is ExportStatus.DONE

    # The other one takes what it finds for what a killed run has left; so does this one's file go when it finds out.
    done = run(engine, Interrupting(tmp_path, overtake), scope, export_id)
    assert done.file and [path.name for path in files_in(tmp_path)] == [done.file.name]
    assert_whole(files, done, 50)


class Stalled(LocalFiles):
    """Something happens when it is asked what lies there of an export."""

    def __init__(self, folder: Path, happening: Callable[[], None]) -> None:
        super().__init__(folder)
        self._happening = happening

    def of_export(self, project_id: UUID, export_id: UUID) -> list[StoredFile]:
        self._happening()
        return super().of_export(project_id, export_id)


def test_a_worker_that_was_overtaken_before_it_began_leaves_the_finished_file_alone(
    engine: Engine, session: Session, scope: ProjectScope, files: LocalFiles, tmp_path: Path
) -> None:
    export_id = ask(session, scope)

    def overtake() -> None:
        let_lease_run_out(engine, export_id)
        assert run(engine, files, scope, export_id).line.status is ExportStatus.DONE

    done = run(engine, Stalled(tmp_path, overtake), scope, export_id)
    assert done.file and [path.name for path in files_in(tmp_path)] == [done.file.name]
    assert_whole(files, done, 50)


def test_an_export_that_is_deleted_while_it_is_made_ends_without_a_file(
    engine: Engine, session: Session, scope: ProjectScope, tmp_path: Path
) -> None:
    export_id = ask(session, scope)

    def delete() -> None:
        delete_export(session, scope, export_id, "nina@example.com", NOW)
        session.commit()

    ended = run(engine, Interrupting(tmp_path, delete), scope, export_id)
    assert (ended.line.status, ended.line.error) == (ExportStatus.ERROR, "Deleted by nina@example.com before it was ready.")
    assert ended.file is None and files_in(tmp_path) == []


def is_waiting_for_a_lock(engine: Engine, table: str) -> bool:
    # In a transaction of its own each time: within one, the answer stays the same.
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE :query")
    with engine.connect() as connection:
        return bool(connection.scalar(waiting, {"query": f"DELETE FROM%{table}%"}))


def test_who_deletes_waits_for_what_is_just_being_written_and_not_the_other_way_round(
    engine: Engine, session: Session, scope: ProjectScope
) -> None:
    export_id = ask(session, scope)
    lease = leases.claim(session, scope.project_id, export_id)
    session.commit()
    assert lease is not None
    leases.renew(session, lease)
    with ThreadPoolExecutor(1) as pool, Session(engine) as other:
        deleting = pool.submit(delete_export, other, scope, export_id, "nina@example.com", NOW)
        try:
            wait_for(lambda: is_waiting_for_a_lock(engine, "due_exports"))
            progress.write_rows(session, lease, 5, NOW)
        finally:
            session.commit()
        deleting.result(30)
        other.commit()
    assert read(engine, scope, export_id).line.status is ExportStatus.ERROR


class WithoutRoom(LocalFiles):
    def keep(self, draft: Path, file: StoredFile) -> None:
        raise RuntimeError("the sheet could not be closed") from OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_an_error_with_its_reason_and_leaves_nothing(
    engine: Engine, session: Session, scope: ProjectScope, tmp_path: Path
) -> None:
    export_id = ask(session, scope)
    failed = run(engine, WithoutRoom(tmp_path), scope, export_id)
    assert (failed.line.status, failed.line.error, failed.file) == (ExportStatus.ERROR, NO_ROOM, None)
    assert files_in(tmp_path) == [] and not is_due(session, scope, export_id)


def test_a_field_that_has_gone_since_is_an_error_that_names_it(
    engine: Engine, session: Session, scope: ProjectScope, tmp_path: Path
) -> None:
    export_id = ask(session, scope)
    session.execute(update(Export).where(Export.id == export_id).values(fields=["id", "shoe_size"]))
    session.commit()
    failed = run(engine, LocalFiles(tmp_path), scope, export_id)
    assert failed.line.status is ExportStatus.ERROR and '"shoe_size" is no field of customer' in (failed.line.error or "")


class Away(LocalFiles):
    def keep(self, draft: Path, file: StoredFile) -> None:
        raise Unavailable("The file could not be kept: no answer")


def test_a_storage_that_does_not_take_the_file_is_an_error_that_says_so(
    engine: Engine, session: Session, scope: ProjectScope, tmp_path: Path
) -> None:
    failed = run(engine, Away(tmp_path), scope, ask(session, scope))
    assert (failed.line.status, failed.line.error) == (ExportStatus.ERROR, "The file could not be kept: no answer")
    assert files_in(tmp_path) == []


class Broken(LocalFiles):
    def keep(self, draft: Path, file: StoredFile) -> None:
        raise ZeroDivisionError


def test_an_error_of_the_program_is_tried_again_and_then_given_up_with_a_reference(
    engine: Engine, session: Session, scope: ProjectScope, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    export_id = ask(session, scope)
    for _ in range(FAILED_STARTS - 1):
        assert run(engine, Broken(tmp_path), scope, export_id).line.status is ExportStatus.IN_PROGRESS
    failed = run(engine, Broken(tmp_path), scope, export_id)
    assert failed.line.status is ExportStatus.ERROR and failed.line.error
    last = caplog.records[-1]
    assert last.exc_info and last.getMessage().split()[-1] in failed.line.error, "the reference finds the traceback"
    assert files_in(tmp_path) == []


def test_an_export_that_kills_its_workers_is_given_up(engine: Engine, session: Session, scope: ProjectScope, files: LocalFiles) -> None:
    export_id = ask(session, scope)
    for _ in range(SILENT_STARTS):
        assert leases.claim(session, scope.project_id, export_id) is not None
        session.commit()
        let_lease_run_out(engine, export_id)
    failed = run(engine, files, scope, export_id)
    assert failed.line.status is ExportStatus.ERROR and failed.line.error and failed.line.error.startswith("An error of the panel")


def test_a_lost_connection_is_gone_on_from_within_the_same_run(
    engine: Engine, session: Session, scope: ProjectScope, tmp_path: Path, files: LocalFiles
) -> None:
    export_id = ask(session, scope)
    lost: list[bool] = []

    def lose() -> None:
        if not lost:
            lost.append(True)
            with engine.connect() as connection:
                connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    done = run(engine, Interrupting(tmp_path, lose), scope, export_id)
    assert lost and done.file and [path.name for path in files_in(tmp_path)] == [done.file.name]
    assert_whole(files, done, 50)


def test_a_worker_that_is_asked_to_stop_gives_the_export_back_at_once(
    engine: Engine, session: Session, scope: ProjectScope, files: LocalFiles, tmp_path: Path
) -> None:
    export_id = ask(session, scope, new_export(format="parquet"))
    run_export(make_workshop(engine, files, is_closing=lambda: True), scope.project_id, export_id)
    assert read(engine, scope, export_id).line.status is ExportStatus.IN_PROGRESS and files_in(tmp_path) == []
    assert leases.due_exports(session, scope.project_id, size=10) == [export_id]
    session.rollback()
    lease = leases.claim(session, scope.project_id, export_id)
    assert lease and lease.fruitless_starts == 1, "to be stopped is not its fault"


def test_the_lease_is_renewed_while_the_file_is_kept(engine: Engine, session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    export_id = ask(session, scope)
    began, may_end = Event(), Event()

    def wait() -> None:
        began.set()
        assert may_end.wait(30)

    workshop = make_workshop(engine, Interrupting(tmp_path, wait), renew_every_s=0.02)
    worker = Thread(target=run_export, args=(workshop, scope.project_id, export_id))
    worker.start()
    try:
        assert began.wait(30)
        let_lease_run_out(engine, export_id)
        free = text("SELECT count(*) FROM due_exports WHERE export_id = :id AND lease_until < now()")
        for _ in range(500):
            if session.scalar(free, {"id": export_id}) == 0:
                break
            session.rollback()
            Event().wait(0.02)
        assert leases.claim(session, scope.project_id, export_id) is None
        session.rollback()
    finally:
        may_end.set()
        worker.join()
    assert read(engine, scope, export_id).line.status is ExportStatus.DONE


def test_an_export_that_is_ready_is_an_event_without_a_token(
    engine: Engine, session: Session, scope: ProjectScope, files: LocalFiles
) -> None:
    make_webhook(session, scope)
    session.commit()
    done = run(engine, files, scope, ask(session, scope))
    ((type_, data),) = happened(session, scope)
    assert (type_, data["id"], data["request_id"]) == ("export.ready", done.line.id, done.line.request_id)
    assert data["result"] == {"url": f"/v1/exports/{done.line.id}"}
    assert (data["rows"], data["sha256"], data["status"]) == (50, done.sha256, "DONE")
