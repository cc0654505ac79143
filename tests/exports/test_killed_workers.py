"""A worker killed at any moment, or out of room: the file is whole in the end, or there is none and the row says why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random
from threading import Event
from uuid import UUID

import pytest
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.exports.files import LocalFiles
from auditpanel.exports.values import ExportStatus, Format
from auditpanel.exports.wording import NO_ROOM
from tests.exports.asking import ask, assert_whole, files_in, let_lease_run_out, make_many_customers, new_export, read, run
from tests.tasks.making import make_scope

RANDOM = Random()
KILLS = 2
ROWS = 60_000


@pytest.fixture(scope="module")
def scope(engine: Engine) -> ProjectScope:
    with Session(engine, expire_on_commit=False) as session:
        scope = make_scope(session)
        make_many_customers(session, scope, ROWS)
    return scope


def start(engine: Engine, folder: Path, scope: ProjectScope, export_id: UUID, *limits: str) -> subprocess.Popen[bytes]:
    url = engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.exports.worker", url, str(folder), str(scope.project_id), str(export_id), *limits]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert worker.stdout is not None and worker.stdout.readline() == b"begins\n"
    return worker


def test_an_export_whose_workers_are_killed_again_and_again_ends_with_a_whole_file(
    engine: Engine, session: Session, scope: ProjectScope, tmp_path: Path
) -> None:
    export_id = ask(session, scope)
    for _ in range(KILLS):
        with start(engine, tmp_path, scope, export_id) as worker:
            Event().wait(RANDOM.uniform(0, 0.4))
            worker.kill()
        record = read(engine, scope, export_id)
        # Either nothing is said to be there, or all of it is.
        if record.line.status is ExportStatus.DONE:
            break
        assert record.line.status in (ExportStatus.SCHEDULED, ExportStatus.IN_PROGRESS) and record.file is None
        let_lease_run_out(engine, export_id)
    files = LocalFiles(tmp_path)
    done = run(engine, files, scope, export_id)
    assert_whole(files, done, ROWS)
    assert done.file and [path.name for path in files_in(tmp_path)] == [done.file.name]


@pytest.mark.parametrize("format", Format)
def test_a_worker_without_room_ends_the_export_with_the_reason_and_leaves_nothing(
    engine: Engine, session: Session, scope: ProjectScope, tmp_path: Path, format: Format
) -> None:
    export_id = ask(session, scope, new_export(format=format))
    with start(engine, tmp_path, scope, export_id, "50000") as worker:
        assert worker.wait(120) == 0
    failed = read(engine, scope, export_id)
    assert (failed.line.status, failed.line.error, failed.file) == (ExportStatus.ERROR, NO_ROOM, None)
    assert files_in(tmp_path) == []
