"""What is true of a file whatever is in it: its bytes, its checksum, what is left where the writing ends early."""

from __future__ import annotations

import errno
import io
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.exports.subjects import SUBJECTS, Selection
from auditpanel.exports.values import Exported, Format, Packing
from auditpanel.exports.writing import write
from auditpanel.filters import Span
from tests.exports.reading_back import export, export_with_facts, layout_of, read
from tests.exports.records import make_records
from tests.logs.making import NOW, make_log, make_scope, store, store_one


def _all_logs(scope: ProjectScope, format: Format) -> Selection:
    subject = SUBJECTS[Exported.LOG]
    return subject.select(scope, subject.read_filters([("range", "all")]), Span(None, None), layout_of(Exported.LOG, format))


@pytest.mark.parametrize("format", [Format.CSV, Format.NDJSON])
def test_a_packed_file_unpacks_to_the_one_that_is_not(session: Session, engine: Engine, format: Format) -> None:
    scope = make_scope(session)
    make_records(session, scope, Exported.LOG)
    plain = layout_of(Exported.LOG, format)
    packed = replace(plain, packing=Packing.GZIP)
    first, second = (export_with_facts(engine, scope, Exported.LOG, packed) for _ in range(2))
    assert first == second
    assert read(first[0], packed) == read(export(engine, scope, Exported.LOG, plain), plain)


@pytest.mark.parametrize("exported", [Exported.LOG, Exported.TASK])
def test_the_byte_order_mark_stands_before_the_header(session: Session, engine: Engine, exported: Exported) -> None:
    layout = replace(layout_of(exported, Format.CSV), has_bom=True)
    content = export(engine, make_scope(session), exported, layout)
    assert content.decode("utf-8-sig").splitlines() == [",".join(layout.fields)]
    assert content.startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("format", Format)
@pytest.mark.parametrize("exported", [Exported.LOG, Exported.SENDOUT])
def test_a_file_without_rows_is_whole(session: Session, engine: Engine, exported: Exported, format: Format) -> None:
    layout = layout_of(exported, format)
    content, written = export_with_facts(engine, make_scope(session), exported, layout)
    assert written.rows == 0
    assert read(content, layout) == []


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("UTC", "2026-11-24T15:42:08.000000+00:00"),
        ("Asia/Kolkata", "2026-11-24T21:12:08.000000+05:30"),
        ("America/St_Johns", "2026-11-24T12:12:08.000000-03:30"),
    ],
)
def test_moments_are_on_the_clocks_of_the_zone_that_was_asked_for(session: Session, engine: Engine, zone: str, words: str) -> None:
    scope = make_scope(session)
    store_one(session, scope, occurred_at=NOW)
    for format in (Format.CSV, Format.NDJSON):
        layout = replace(layout_of(Exported.LOG, format, fields=("created_at",)), time_zone=zone)
        assert read(export(engine, scope, Exported.LOG, layout), layout) == [{"created_at": words}]


@pytest.mark.parametrize("format", Format)
def test_a_full_disk_ends_the_writing_and_the_connection_goes_on(session: Session, engine: Engine, format: Format) -> None:
    class Full(io.BytesIO):
        def write(self, data: object, /) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    scope = make_scope(session)
    store(session, scope, *(make_log(path=f"/{number}", request_body="x" * 9_000) for number in range(100)))
    with engine.connect() as connection:
        with pytest.raises(OSError, match="No space left") as failed:
            write(connection, _all_logs(scope, format), layout_of(Exported.LOG, format), Full(), lambda rows: None)
        assert failed.value.errno == errno.ENOSPC
        target = io.BytesIO()
        assert write(connection, _all_logs(scope, format), layout_of(Exported.LOG, format), target, lambda rows: None).rows == 100


@pytest.mark.parametrize("format", Format)
def test_nothing_stands_beside_a_file_that_was_given_up(session: Session, engine: Engine, tmp_path: Path, format: Format) -> None:
    class Stopped(Exception):
        pass

    def stop(rows: int) -> None:
        raise Stopped

    scope = make_scope(session)
    store(session, scope, *(make_log(path=f"/{number}", request_body="x" * 9_000) for number in range(100)))
    path = tmp_path / "draft"
    with path.open("wb") as target, engine.connect() as connection, pytest.raises(Stopped):
        write(connection, _all_logs(scope, format), layout_of(Exported.LOG, format), target, stop)
    assert list(tmp_path.iterdir()) == [path]
