"""Asking for an export, again, and deleting it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl
from uuid import uuid4

import pytest
from sqlalchemy import update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project
from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import Conflict, InvalidInput, NotFound
from auditpanel.exports.files import LocalFiles
from auditpanel.exports.queries import get_export
from auditpanel.exports.store import check_rows_fit, delete_export, run_again, written_filters
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.values import XLSX_ROWS, Exported, ExportStatus, Format
from auditpanel.filters import Condition, FilterSet, Match, Range, TimeRange, read_text
from auditpanel.keyset import Count
from tests.exports.asking import NOW, ask, content, make_customers, make_done, new_export, read, run
from tests.tasks.making import make_asker, make_scope


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    scope = make_scope(session)
    make_customers(session, scope, 12)
    return scope


@pytest.fixture
def files(tmp_path: Path) -> LocalFiles:
    return LocalFiles(tmp_path)


def test_an_export_that_was_asked_for_says_by_whom_what_and_how_many_rows_to_expect(session: Session, scope: ProjectScope) -> None:
    asker = make_asker(api_key="shop", user=None)
    record = get_export(session, scope, ask(session, scope, asker=asker))
    line = record.line
    assert (line.status, line.exported, line.asker, line.created_at) == (ExportStatus.SCHEDULED, Exported.CUSTOMER, asker, NOW)
    assert (line.expected, line.rows_done, line.progress) == (Count(12, is_exact=True), 0, 0)
    assert line.words == "All time" and record.layout == new_export().layout


def test_files_are_kept_as_long_as_the_project_says_unless_the_export_does(session: Session, scope: ProjectScope) -> None:
    session.execute(update(Project).where(Project.id == scope.project_id).values(export_days=90))
    assert get_export(session, scope, ask(session, scope)).keep_days == 90
    assert get_export(session, scope, ask(session, scope, new_export(keep_days=3))).keep_days == 3


@pytest.mark.parametrize("match", Match)
@pytest.mark.parametrize("range_", Range)
@pytest.mark.parametrize("exported", Exported)
def test_filters_are_read_back_as_they_were_written(exported: Exported, range_: Range, match: Match) -> None:
    subject = SUBJECTS[exported]
    typed = ("2026-11-01", "2026-11-24") if range_ is Range.CUSTOM else ("", "")
    field = next(field for field in subject.fields.values() if field.read is read_text)
    filters = FilterSet(match, TimeRange(range_, *typed), (Condition(field, ("a&b=50% ż+",)),))
    assert subject.read_filters(parse_qsl(written_filters(filters))) == filters


@pytest.mark.parametrize("days", [0, -1, 100_000])
def test_days_that_nobody_means_are_refused(days: int) -> None:
    with pytest.raises(InvalidInput, match="keep_days: .* is not a number of days from 1 to 3,650"):
        new_export(keep_days=days)


def test_more_rows_than_a_sheet_holds_are_refused_beforehand() -> None:
    check_rows_fit(Format.XLSX, Count(XLSX_ROWS - 1, is_exact=True))
    with pytest.raises(InvalidInput, match="format: 1,048,576 rows do not fit; an XLSX sheet holds 1,048,575. Choose CSV or Parquet"):
        check_rows_fit(Format.XLSX, Count(XLSX_ROWS, is_exact=True))
    with pytest.raises(InvalidInput, match="2,000,000 rows or more do not fit"):
        check_rows_fit(Format.XLSX, Count(2_000_000, is_exact=False))
    check_rows_fit(Format.CSV, Count(2_000_000, is_exact=False))


def test_run_again_makes_a_new_export_of_the_same(engine: Engine, session: Session, scope: ProjectScope, files: LocalFiles) -> None:
    first = make_done(session, engine, files, scope, new_export(format="ndjson", keep_days=5))
    make_customers(session, scope, 3, first=100)
    again_id = run_again(session, scope, first.line.key.id, asker=make_asker("olga@example.com"), now=NOW + timedelta(hours=1))
    session.commit()
    again = run(engine, files, scope, again_id)
    assert (again.again_of, again.line.who, again.layout, again.keep_days) == (first.line.id, "olga@example.com", first.layout, 5)
    assert (first.line.rows_done, again.line.rows_done) == (12, 15)
    assert content(files, first) and read(engine, scope, first.line.key.id) == first


def test_run_again_waits_for_the_end(session: Session, scope: ProjectScope) -> None:
    export_id = ask(session, scope)
    with pytest.raises(Conflict, match="SCHEDULED: wait until it has ended"):
        run_again(session, scope, export_id, asker=make_asker(), now=NOW)


def test_a_deleted_export_keeps_its_record_and_says_who(engine: Engine, session: Session, scope: ProjectScope, files: LocalFiles) -> None:
    done = make_done(session, engine, files, scope)
    later = NOW + timedelta(days=1)
    file = delete_export(session, scope, done.line.key.id, "olga@example.com", later)
    session.commit()
    deleted = read(engine, scope, done.line.key.id)
    assert file == done.file and deleted.file is None and not deleted.line.is_ready and not deleted.line.is_expired
    assert (deleted.deleted_by, deleted.line.deleted_at, deleted.line.status) == ("olga@example.com", later, ExportStatus.DONE)
    assert (deleted.sha256, deleted.line.file_bytes) == (done.sha256, done.line.file_bytes)


def test_deleting_twice_is_no_different_from_deleting_once(
    engine: Engine, session: Session, scope: ProjectScope, files: LocalFiles
) -> None:
    done = make_done(session, engine, files, scope)
    delete_export(session, scope, done.line.key.id, "olga@example.com", NOW)
    assert delete_export(session, scope, done.line.key.id, "nina@example.com", NOW + timedelta(days=1)) is None
    session.commit()
    assert read(engine, scope, done.line.key.id).deleted_by == "olga@example.com"


def test_an_export_that_waits_is_not_made_once_it_is_deleted(
    engine: Engine, session: Session, scope: ProjectScope, files: LocalFiles
) -> None:
    export_id = ask(session, scope)
    assert delete_export(session, scope, export_id, "nina@example.com", NOW) is None
    session.commit()
    ended = run(engine, files, scope, export_id)
    assert (ended.line.status, ended.line.error) == (ExportStatus.ERROR, "Deleted by nina@example.com before it was ready.")


def test_a_strangers_export_is_not_there(session: Session, scope: ProjectScope) -> None:
    export_id, stranger = ask(session, scope), make_scope(session)
    for tried in (export_id, uuid4()):
        with pytest.raises(NotFound):
            get_export(session, stranger, tried)
        with pytest.raises(NotFound):
            delete_export(session, stranger, tried, "eve@example.com", NOW)
        with pytest.raises(NotFound):
            run_again(session, stranger, tried, asker=make_asker(), now=NOW)
