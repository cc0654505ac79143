"""Lists of exports, their counts, and what a file is called."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import InvalidInput
from auditpanel.exports import leases
from auditpanel.exports.files import LocalFiles
from auditpanel.exports.filters import EXPORT_FIELDS
from auditpanel.exports.queries import RUNNING, count_exports, count_shares, get_export, list_exports
from auditpanel.exports.records import Shares
from auditpanel.exports.store import delete_export
from auditpanel.exports.values import Exported, Format
from auditpanel.filters import FilterSet, Span
from auditpanel.ids import Prefix, format_id
from auditpanel.keyset import Count, Direction, Place
from tests.exports.asking import NOW, ask, new_export, run
from tests.tasks.making import make_asker, make_scope

ALL_TIME = Span(None, None)


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    return make_scope(session)


@pytest.fixture
def files(tmp_path: Path) -> LocalFiles:
    return LocalFiles(tmp_path)


def found(session: Session, scope: ProjectScope, **params: str) -> list[UUID]:
    filters = FilterSet.parse({"range": "all", **params}.items(), EXPORT_FIELDS)
    return [line.key.id for line in list_exports(session, scope, filters, ALL_TIME).lines]


def test_each_filter_finds_its_exports(engine: Engine, session: Session, scope: ProjectScope, files: LocalFiles) -> None:
    asker = make_asker("olga@example.com", request_id="v-1")
    ready = ask(session, scope, new_export(Exported.PRODUCT, format="parquet"), asker=asker)
    run(engine, files, scope, ready)
    waiting = ask(session, scope, asker=make_asker(None, api_key="shop"), now=NOW + timedelta(seconds=1))
    deleted = ask(session, scope, now=NOW + timedelta(seconds=2))
    delete_export(session, scope, deleted, "nina@example.com", NOW)
    session.commit()
    assert found(session, scope) == [deleted, waiting, ready]
    for params, expected in (
        ({"id": format_id(Prefix.EXPORT, ready)}, [ready]),
        ({"status": "DONE"}, [ready]),
        ({"status": "scheduled,ERROR"}, [deleted, waiting]),
        ({"exported": "product"}, [ready]),
        ({"format": "csv"}, [deleted, waiting]),
        ({"who": "shop"}, [waiting]),
        ({"who": "olga@example.com"}, [ready]),
        ({"request_id": "v-1"}, [ready]),
        ({"only": "running"}, [waiting]),
        ({"only": "ready"}, [ready]),
        ({"only": "failed"}, [deleted]),
        ({"match": "any", "who": "shop", "exported": "product"}, [waiting, ready]),
    ):
        assert found(session, scope, **params) == expected, params
    every = FilterSet.parse([("range", "all"), ("only", "failed")], EXPORT_FIELDS)
    assert count_shares(session, scope, every, ALL_TIME) == Shares(3, running=1, ready=1, failed=1, is_exact=True)
    assert session.scalar(RUNNING, {"project_id": scope.project_id}) == 1


def test_a_filter_that_means_nothing_is_refused_with_what_would_be_right() -> None:
    with pytest.raises(InvalidInput, match='exported: "vouchers" is not one of api_log, async_action'):
        FilterSet.parse([("exported", "vouchers")], EXPORT_FIELDS)


def test_pages_show_each_export_once(session: Session, scope: ProjectScope) -> None:
    made = [ask(session, scope) for _ in range(5)]
    filters = FilterSet.parse([("range", "all")], EXPORT_FIELDS)
    first = list_exports(session, scope, filters, ALL_TIME, size=3)
    place = Place(first.lines[-1].key, Direction.OLDER)
    second = list_exports(session, scope, filters, ALL_TIME, place=place, size=3)
    assert [line.key.id for line in (*first.lines, *second.lines)] == made[::-1]
    assert (first.has_more, second.has_more) == (True, False)
    assert count_exports(session, scope, filters, ALL_TIME, place=place) == Count(2, is_exact=True)
    assert count_exports(session, scope, filters, ALL_TIME, cap=4) == Count(4, is_exact=False)


def test_progress_is_not_said_where_nobody_knows_how_much_there_is(session: Session, scope: ProjectScope) -> None:
    line = get_export(session, scope, ask(session, scope)).line
    assert replace(line, expected=Count(200, is_exact=True), rows_done=50).progress == 25
    assert replace(line, expected=Count(200, is_exact=True), rows_done=900).progress == 99
    assert replace(line, expected=Count(2_000_000, is_exact=False), rows_done=50).progress is None
    assert replace(line, expected=None, rows_done=50).progress is None


@pytest.mark.parametrize("format", Format)
def test_the_name_of_a_download_tells_object_range_and_date_in_letters_and_digits(
    session: Session, scope: ProjectScope, format: Format
) -> None:
    start, end = datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
    new = new_export(Exported.SENDOUT, format=format)
    record = get_export(session, scope, ask(session, scope, replace(new, span=Span(start, end))))
    assert record.download_name == f"webhook-sendouts-2026-10-24-2200-to-2026-11-01-0000-asked-2026-11-24-1542.{format}"
    for span, words in ((Span(start, None), "since-2026-10-24-2200"), (Span(None, end), "until-2026-11-01-0000"), (ALL_TIME, "all")):
        name = replace(record, span=span).download_name
        assert name == f"webhook-sendouts-{words}-asked-2026-11-24-1542.{format}" and re.fullmatch(r"[\w.-]+", name, re.ASCII)


def test_what_is_due_is_the_oldest_first(session: Session, scope: ProjectScope) -> None:
    made = [ask(session, scope) for _ in range(3)]
    assert leases.due_exports(session, scope.project_id, size=2) == made[:2]
