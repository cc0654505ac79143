"""Files of exports in a folder and in a bucket: whole or not there, read from any place, removed."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID, uuid4

import pyarrow as pa
import pytest
from pyarrow import parquet
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.errors import NotFound, Unavailable
from auditpanel.exports.files import BucketFiles, Files, LocalFiles, NoRoom, blocks, files_of, is_no_room, new_draft, new_name
from auditpanel.exports.records import StoredFile
from auditpanel.exports.retention import remove_expired
from auditpanel.exports.runner import run_export
from auditpanel.exports.values import ExportStatus
from tests.exports.asking import ask, assert_whole, make_customers, make_done, make_workshop, new_export, read
from tests.exports.bucket import BUCKET, served_bucket
from tests.faults.started_panel import free_port
from tests.tasks.making import make_scope

PROJECT = UUID("0199c2f4-7b1e-7d21-a1f6-e8407cd4c44b")
# Larger than a part of an upload.
LARGE = Random(1).randbytes(20 * 1024 * 1024 + 1)


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with served_bucket(tmp_path_factory.mktemp("bucket")) as variables:
        yield variables


@pytest.fixture(params=["folder", "bucket"])
def files(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    if request.param == "folder":
        return files_of(None, tmp_path)
    for name, value in request.getfixturevalue("bucket").items():
        monkeypatch.setenv(name, value)
    return files_of(f"s3://{BUCKET}/kept/{uuid4().hex}", tmp_path)


def keep(files: Files, content: bytes, export_id: UUID | None = None) -> StoredFile:
    draft = new_draft(files, export_id or uuid4())
    draft.write_bytes(content)
    file = StoredFile(PROJECT, draft.name)
    files.keep(draft, file)
    return file


def test_what_was_kept_is_read_back_and_its_draft_is_gone(files: Files) -> None:
    file = keep(files, LARGE)
    with files.open(file) as opened:
        assert opened.read() == LARGE
    assert list(files.drafts.iterdir()) == []


def test_any_range_of_it_can_be_read(files: Files) -> None:
    file = keep(files, LARGE)
    for start, stop in ((0, 1), (5, 5), (1_000_000, 3_000_000), (len(LARGE) - 3, len(LARGE)), (len(LARGE) - 3, len(LARGE) + 9)):
        assert b"".join(blocks(files.open(file), start, stop)) == LARGE[start:stop]


def test_a_reader_may_go_back_and_to_the_end(files: Files) -> None:
    table = pa.table({"number": list(range(50_000))})
    sink = io.BytesIO()
    parquet.write_table(table, sink, row_group_size=1_000)
    with files.open(keep(files, sink.getvalue())) as opened:
        assert parquet.ParquetFile(opened).read_row_group(49)["number"].to_pylist() == list(range(49_000, 50_000))


def test_a_file_that_is_not_there_is_said_to_be_gone(files: Files) -> None:
    file = keep(files, b"a")
    for _ in range(2):
        files.remove(file)
    with pytest.raises(NotFound, match="not there any more"):
        files.open(file)


def test_the_files_of_one_export_are_told_from_those_of_others(files: Files) -> None:
    export_id = uuid4()
    mine, other = [keep(files, b"a", export_id) for _ in range(2)], keep(files, b"b")
    assert sorted(files.of_export(PROJECT, export_id), key=str) == sorted(mine, key=str)
    assert files.of_export(uuid4(), export_id) == []
    later = datetime.now(UTC) + timedelta(minutes=1)
    assert set(files.older_than(later)) == {*mine, other} and list(files.older_than(later - timedelta(hours=1))) == []


def test_an_export_is_made_and_removed_in_either(engine: Engine, session: Session, files: Files) -> None:
    scope = make_scope(session)
    make_customers(session, scope, 20)
    done = make_done(session, engine, files, scope, new_export(keep_days=1))
    assert_whole(files, done, 20)
    assert done.line.expires_at and done.file
    remove_expired(lambda: Session(engine), files, done.line.expires_at)
    with pytest.raises(NotFound):
        files.open(done.file)


def test_a_bucket_that_is_not_there_ends_the_export_and_who_runs_the_panel_finds_the_reason(
    engine: Engine,
    session: Session,
    tmp_path: Path,
    bucket: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name, value in bucket.items():
        monkeypatch.setenv(name, value)
    scope = make_scope(session)
    export_id = ask(session, scope)
    files = BucketFiles("s3://no-such-bucket", tmp_path)
    run_export(make_workshop(engine, files), scope.project_id, export_id)
    failed = read(engine, scope, export_id)
    assert failed.line.status is ExportStatus.ERROR and failed.line.error
    assert failed.line.error.startswith("The storage of exports does not answer, reference ") and "NoSuchBucket" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_a_storage_that_does_not_answer_is_unavailable(tmp_path: Path, bucket: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**bucket, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}.items():
        monkeypatch.setenv(name, value)
    files = BucketFiles(f"s3://{BUCKET}", tmp_path, retry_timeout=timedelta(0))
    with pytest.raises(Unavailable, match="does not answer, reference ") as told:
        files.open(StoredFile(PROJECT, new_name(uuid4())))
    assert "127.0.0.1" not in str(told.value)


def test_the_folders_are_for_their_owner_alone(tmp_path: Path) -> None:
    files = LocalFiles(tmp_path)
    keep(files, b"a")
    assert {oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == {"0o700"}


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = LocalFiles(tmp_path)
    (tmp_path / PROJECT.hex).write_text("a file where the folder would be")
    with pytest.raises(Unavailable, match="could not be kept, reference ") as told:
        keep(files, b"a")
    reference = str(told.value).partition("reference ")[2].partition(".")[0]
    assert str(tmp_path) not in str(told.value)
    assert reference in caplog.text and "File exists" in caplog.text, "whoever runs the panel finds the cause"


def test_a_full_disk_is_known_behind_other_errors() -> None:
    full = OSError(28, "No space left on device")
    assert is_no_room(full) and is_no_room(NoRoom()) and is_no_room(ValueError(full))
    try:
        raise ValueError("the sheet could not be closed") from full
    except ValueError as error:
        assert is_no_room(error)
    assert not is_no_room(OSError(2, "No such file or directory")) and not is_no_room(ZeroDivisionError())


def test_names_are_new_each_time_and_cannot_leave_the_folder() -> None:
    export_id = uuid4()
    names = {new_name(export_id) for _ in range(100)}
    assert len(names) == 100
    for name in names:
        assert name.startswith(export_id.hex) and os.sep not in name and "." not in name
