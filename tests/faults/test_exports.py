"""Whatever is killed while exports are made in a whole panel: they begin again by themselves, and their files are whole."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Event
from uuid import UUID

import pytest
from sqlalchemy.exc import OperationalError

from auditpanel.accounts.scope import ProjectScope
from auditpanel.embedded import redis_url
from auditpanel.exports.files import LocalFiles
from auditpanel.exports.queries import get_export
from auditpanel.exports.records import ExportRecord
from auditpanel.exports.values import ExportStatus
from auditpanel.exports.wording import NO_ROOM
from auditpanel.leases import LEASE
from auditpanel.queues import EXPORTS, enqueue_export
from tests.exports.asking import ask, assert_whole, content, files_in, make_many_customers, new_export
from tests.faults.kills import Kill, kills_around
from tests.faults.started_panel import wait_for
from tests.faults.whole_panel import RECOVERY_S, WholePanel
from tests.tasks.making import make_scope

pytestmark = pytest.mark.timeout(600)

RANDOM = Random()
# A few seconds of work in the slowest of the formats.
ROWS = 60_000
SLOW = "xlsx"


@dataclass(frozen=True, slots=True)
class Asked:
    """An export that was asked for."""

    panel: WholePanel
    scope: ProjectScope
    export_id: UUID

    def read(self) -> ExportRecord | None:
        """None while the database is away."""
        try:
            with self.panel.session() as session:
                return get_export(session, self.scope, self.export_id)
        except OperationalError:
            return None

    def record(self) -> ExportRecord:
        record = self.read()
        assert record is not None
        return record

    def has_ended(self) -> bool:
        record = self.read()
        # Whatever a reader sees meanwhile: there is no file unless all of it is there.
        assert record is None or (record.file is not None) == (record.line.status is ExportStatus.DONE)
        return record is not None and record.line.is_ended

    def is_under_way(self) -> bool:
        record = self.read()
        return record is not None and record.line.rows_done > 0


@pytest.fixture(scope="module")
def scope(panel: WholePanel) -> ProjectScope:
    with panel.session() as session:
        scope = make_scope(session)
        make_many_customers(session, scope, ROWS)
    return scope


def ask_for(panel: WholePanel, scope: ProjectScope, format: str) -> Asked:
    with panel.session() as session:
        export_id = ask(session, scope, new_export(format=format))
    enqueue_export(redis_url(panel.data), scope.project_id, export_id)
    return Asked(panel, scope, export_id)


def assert_its_file_is_the_one_it_tells_of(asked: Asked) -> None:
    record, files = asked.record(), LocalFiles(asked.panel.data / "exports")
    assert (record.line.status, record.line.rows_done) == (ExportStatus.DONE, ROWS), record.line.error
    assert hashlib.sha256(content(files, record)).hexdigest() == record.sha256
    assert len(files.of_export(asked.scope.project_id, asked.export_id)) == 1
    assert not list(files.drafts.glob(f"{asked.export_id.hex}*"))


@pytest.mark.parametrize("kill", kills_around(EXPORTS), ids=lambda kill: kill.__name__)
def test_an_export_begins_again_by_itself_and_its_file_is_whole(
    panel: WholePanel, scope: ProjectScope, kill: Kill, fault_round: int
) -> None:
    under_way, waiting = ask_for(panel, scope, SLOW), ask_for(panel, scope, "csv")
    wait_for(under_way.is_under_way, timeout_s=RECOVERY_S)
    Event().wait(RANDOM.uniform(0, 0.4))
    kill(panel)
    wait_for(lambda: under_way.has_ended() and waiting.has_ended(), timeout_s=2 * RECOVERY_S)
    for asked in (under_way, waiting):
        assert_its_file_is_the_one_it_tells_of(asked)
    assert_whole(LocalFiles(panel.data / "exports"), waiting.record(), ROWS)


def test_a_panel_that_is_stopped_gives_its_export_back(panel: WholePanel, scope: ProjectScope) -> None:
    asked = ask_for(panel, scope, SLOW)
    wait_for(asked.is_under_way, timeout_s=RECOVERY_S)
    panel.end()
    assert "does not stop" not in panel.terminal and "Traceback" not in panel.terminal
    assert not list((panel.data / "exports" / "drafts").iterdir())
    panel.start()
    # Sooner than a lease runs out: it was given back.
    wait_for(lambda: asked.is_under_way() or asked.has_ended(), timeout_s=LEASE.total_seconds() * 0.7)
    wait_for(asked.has_ended, timeout_s=RECOVERY_S)
    assert_its_file_is_the_one_it_tells_of(asked)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    mounting = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False)
    if mounting.returncode:
        pytest.skip("only root may mount a small disk; tests/exports/test_killed_workers.py has the same with a limit on the size of files")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_a_full_disk_ends_the_export_with_the_reason_and_leaves_nothing(panel: WholePanel, scope: ProjectScope, format: str) -> None:
    folder = panel.data / "exports"
    with small_disk(folder, "256k"):
        asked = ask_for(panel, scope, format)
        wait_for(asked.has_ended, timeout_s=RECOVERY_S)
        record = asked.record()
        assert (record.line.status, record.line.error, record.file) == (ExportStatus.ERROR, NO_ROOM, None)
        assert files_in(folder) == []
