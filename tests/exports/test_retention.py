"""Files whose time is over go; the records of their exports stay."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.exports.files import LocalFiles
from auditpanel.exports.retention import ORPHAN_AGE, remove_expired, remove_orphans
from auditpanel.exports.store import delete_export
from auditpanel.exports.values import ExportStatus
from tests.exports.asking import ask, assert_whole, files_in, make_customers, make_done, new_export, read, run
from tests.tasks.making import make_scope

DAY = timedelta(days=1)


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    scope = make_scope(session)
    make_customers(session, scope, 3)
    return scope


@pytest.fixture
def files(tmp_path: Path) -> LocalFiles:
    return LocalFiles(tmp_path)


def test_a_file_goes_when_its_days_are_over_and_its_record_stays(
    engine: Engine, session: Session, scope: ProjectScope, files: LocalFiles, tmp_path: Path
) -> None:
    short, long = (make_done(session, engine, files, scope, new_export(keep_days=days)) for days in (1, 30))
    assert short.line.expires_at
    remove_expired(lambda: Session(engine), files, short.line.expires_at - timedelta(seconds=1))
    assert read(engine, scope, short.line.key.id) == short
    remove_expired(lambda: Session(engine), files, short.line.expires_at)
    expired = read(engine, scope, short.line.key.id)
    assert (expired.file, expired.line.status, expired.line.is_expired) == (None, ExportStatus.DONE, True)
    assert (expired.sha256, expired.line.rows_done, expired.line.file_bytes) == (short.sha256, 3, short.line.file_bytes)
    assert_whole(files, long, 3)
    assert len(files_in(tmp_path)) == 1


def test_two_at_once_do_no_harm(engine: Engine, session: Session, scope: ProjectScope, files: LocalFiles) -> None:
    done = make_done(session, engine, files, scope, new_export(keep_days=1))
    assert done.line.expires_at
    for _ in range(2):
        remove_expired(lambda: Session(engine), files, done.line.expires_at)
    assert read(engine, scope, done.line.key.id).file is None


def test_files_and_drafts_that_no_export_has_go_after_a_day(
    engine: Engine, session: Session, scope: ProjectScope, files: LocalFiles, tmp_path: Path
) -> None:
    kept, deleted = make_done(session, engine, files, scope), make_done(session, engine, files, scope)
    delete_export(session, scope, deleted.line.key.id, "nina@example.com", datetime.now(UTC))
    session.commit()
    (files.drafts / f"{kept.line.key.id.hex}-1234").write_bytes(b"half")
    (files.drafts / f"{kept.line.key.id.hex}-5678.sheet").mkdir()
    (tmp_path / scope.project_id.hex / "put here by somebody").write_bytes(b"not ours")
    remove_orphans(lambda: Session(engine), files, datetime.now(UTC) + ORPHAN_AGE - timedelta(minutes=5))
    assert len(files_in(tmp_path)) == 5, "they may be under way"
    remove_orphans(lambda: Session(engine), files, datetime.now(UTC) + ORPHAN_AGE + timedelta(minutes=5))
    assert kept.file and {path.name for path in files_in(tmp_path)} == {kept.file.name, "put here by somebody"}


def test_an_export_that_is_made_meanwhile_keeps_its_file(
    engine: Engine, session: Session, scope: ProjectScope, files: LocalFiles, tmp_path: Path
) -> None:
    export_id = ask(session, scope)
    remove_orphans(lambda: Session(engine), files, datetime.now(UTC) + timedelta(hours=1))
    assert_whole(files, run(engine, files, scope, export_id), 3)
    assert os.listdir(tmp_path / scope.project_id.hex) == [read(engine, scope, export_id).file.name]  # type: ignore[union-attr]
