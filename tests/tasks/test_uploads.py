"""Files of tasks: whole or not there, in the place of their task, removed only when nobody can want them."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from auditpanel.errors import InvalidInput, TooLarge
from auditpanel.tasks.uploads import INCOMING, Upload, give_to_task, keep, keep_rows, path_of, remove_orphans, share_with_task

LIMIT = 1024 * 1024


def kept(folder: Path, content: bytes = b"code\nA\n", name: str = "codes.csv") -> Upload:
    return keep(io.BytesIO(content), name, folder=folder, limit_bytes=LIMIT)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_file_is_kept_byte_for_byte(tmp_path: Path) -> None:
    content = os.urandom(LIMIT)
    upload = kept(tmp_path, content)
    assert (upload.path.read_bytes(), upload.size_bytes, upload.name) == (content, LIMIT, "codes.csv")


@pytest.mark.parametrize(
    ("content", "error", "words"), [(b"x" * (LIMIT + 1), TooLarge, "larger than 1 MiB"), (b"", InvalidInput, "is empty")]
)
def test_a_file_that_is_not_taken_leaves_nothing_behind(tmp_path: Path, content: bytes, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        kept(tmp_path, content)
    assert files_in(tmp_path) == []


class BrokenOff(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        raise ConnectionResetError("the sender is gone")


def test_a_sender_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="the sender is gone"):
        keep(BrokenOff(), "codes.csv", folder=tmp_path, limit_bytes=LIMIT)
    assert files_in(tmp_path) == []


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Nina\\codes.csv", "codes.csv"),
        ("a\x00b\n.csv", "a_b_.csv"),
        ("", "file"),
        ("ü" * 300 + ".csv", "ü" * 196 + ".csv"),
    ],
)
def test_a_name_is_for_people_and_never_a_path(tmp_path: Path, sent: str, shown: str) -> None:
    upload = kept(tmp_path, name=sent)
    assert upload.name == shown
    assert upload.path.parent == tmp_path / INCOMING


def test_rows_of_a_json_body_are_kept_one_in_a_line(tmp_path: Path) -> None:
    upload = keep_rows([{"code": "A\nB"}, {"code": "Ż", "active": True}], folder=tmp_path)
    assert upload.path.read_text() == '{"code":"A\\nB"}\n{"code":"Ż","active":true}\n'
    assert upload.size_bytes == upload.path.stat().st_size


def test_a_file_given_to_a_task_lies_where_the_task_looks_and_can_be_shared_with_another(tmp_path: Path) -> None:
    project_id, first, second, third = uuid4(), uuid4(), uuid4(), uuid4()
    give_to_task(kept(tmp_path), project_id, first)
    assert share_with_task(tmp_path, project_id, of_task=first, with_task=second)
    assert path_of(tmp_path, project_id, second).read_bytes() == path_of(tmp_path, project_id, first).read_bytes() == b"code\nA\n"
    assert not share_with_task(tmp_path, project_id, of_task=third, with_task=uuid4())
    assert files_in(tmp_path / INCOMING) == []


def test_only_old_files_that_no_task_has_are_removed(tmp_path: Path) -> None:
    project_id, wanted, unwanted = uuid4(), uuid4(), uuid4()
    waiting = kept(tmp_path)
    for task_id in (wanted, unwanted):
        give_to_task(kept(tmp_path), project_id, task_id)
    foreign = tmp_path / "notes" / "README"
    foreign.parent.mkdir()
    foreign.write_text("somebody's")

    def has_task(project: UUID, task: UUID) -> bool:
        return (project, task) == (project_id, wanted)

    now = datetime.now(UTC)
    assert remove_orphans(tmp_path, now + timedelta(hours=23), has_task=has_task) == 0
    assert remove_orphans(tmp_path, now + timedelta(hours=25), has_task=has_task) == 2
    assert not waiting.path.exists() and not path_of(tmp_path, project_id, unwanted).exists()
    assert path_of(tmp_path, project_id, wanted).exists() and foreign.exists()
