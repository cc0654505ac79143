"""The exports of a request on its trace page, and how a log links to them."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.config import Settings
from auditpanel.exports.values import ExportStatus
from auditpanel.ids import Prefix, format_id, new_request_id
from auditpanel.times import utc_now
from tests.logs.making import find, store_one
from tests.panel.exports_made import Desk, make_desk


@pytest.fixture
def desk(app: Flask, session: Session, engine: Engine, settings: Settings) -> Desk:
    return make_desk(app, session, engine, settings)


def trace(desk: Desk, request_id: str) -> str:
    return desk.visitor.get(f"/projects/{desk.scope.id}/traces/{request_id}").text


def test_a_trace_has_the_export_that_the_call_asked_for_and_its_file(desk: Desk) -> None:
    desk.make_customers(3)
    done = desk.make_done()
    page = trace(desk, done.line.request_id)
    assert "Customers, 3 rows as CSV" in page and "<dt>Exports</dt><dd><b>1</b>" in page and "Export of Customers: Done" in page
    for rest in ("", "/file", "/rows"):
        assert f'href="{desk.url(done.line.id, rest)}"' in page, rest
    assert f"Export {done.line.id}" not in page, "what has a step of its own is not also what the call is about"
    assert "data-running" not in page


def test_an_export_that_runs_keeps_its_trace_moving(desk: Desk) -> None:
    desk.make_customers(3)
    export_id = desk.ask()
    desk.change(export_id, status=ExportStatus.IN_PROGRESS, rows_done=1, started_at=utc_now())
    page = trace(desk, desk.read(export_id).line.request_id)
    assert "In progress, 33%" in page and "1 of 3" in page and "1 not ended" in page and "data-running" in page


def test_a_failed_export_is_told_of_with_its_reason_and_a_deleted_one_without_alarm(desk: Desk) -> None:
    failed, deleted = desk.ask(), desk.ask()
    desk.change(failed, status=ExportStatus.ERROR, error="There is no room left", started_at=utc_now(), finished_at=utc_now())
    page = trace(desk, desk.read(failed).line.request_id)
    assert '<b class="bad">There is no room left</b>' in page and "1 failed" in page and 'class="chart-bad"' in page
    desk.visitor.post(desk.url(deleted, "/delete"), page=desk.url(deleted))
    page = trace(desk, desk.read(deleted).line.request_id)
    assert f"Deleted by {desk.email}" in page and '<b class="bad">' not in page and "1 failed" not in page


def test_a_trace_of_an_export_without_a_log_is_shown_too(desk: Desk) -> None:
    request_id, export_id = new_request_id(), desk.ask()
    desk.change(export_id, request_id=request_id)
    page = trace(desk, request_id)
    assert f'class="record-back" href="{desk.url(export_id)}"' in page and "Export of Customers" in page


def test_a_request_id_with_many_exports_says_how_many_there_are_and_where(desk: Desk) -> None:
    request_id = new_request_id()
    for _ in range(21):
        desk.change(desk.ask(), request_id=request_id)
    page = trace(desk, request_id)
    assert "The first 20 of 21 exports" in page and "<dt>Exports</dt><dd><b>21</b>" in page
    assert f"{desk.base}?range=all&amp;request_id={request_id}" in page


def test_a_log_links_to_the_export_that_it_refers_to_and_so_does_its_trace(desk: Desk) -> None:
    export_id = format_id(Prefix.EXPORT, desk.ask())
    request_id = new_request_id()
    store_one(desk.session, desk.scope, path="/v1/exports/x", request_id=request_id, references=[{"type": "export", "id": export_id}])
    (log,) = find(desk.session, desk.scope, request_id=request_id).lines
    assert f'href="{desk.url(export_id)}"' in desk.visitor.get(f"/projects/{desk.scope.id}/logs/{log.id}").text
    assert f'<a href="{desk.url(export_id)}">Export {export_id}</a>' in trace(desk, request_id)
