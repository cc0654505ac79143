"""The trace page of a request id: what one call set off, on one time line."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from auditpanel.config import Settings
from auditpanel.ids import new_request_id
from auditpanel.panel.trace_chart import offset_text
from auditpanel.tasks.values import TaskStatus
from tests.logs.making import store_one
from tests.panel.tasks_made import Desk, make_desk


@pytest.fixture
def desk(app: Flask, session: Session, settings: Settings) -> Desk:
    return make_desk(app, session, settings)


def trace_url(desk: Desk, request_id: str) -> str:
    return f"/projects/{desk.scope.id}/traces/{request_id}"


def test_a_trace_has_the_call_the_task_its_file_and_its_refused_rows(desk: Desk) -> None:
    request_id = new_request_id()
    store_one(
        desk.session, desk.scope, path="/v1/vouchers/importCSV", request_id=request_id, references=[{"type": "campaign", "id": "Autumn"}]
    )
    task_id = desk.make_lossy([("Value", "15.00", "is not a whole number; write 1500")], upload=desk.keep(), request_id=request_id)
    page = desk.visitor.get(trace_url(desk, request_id)).text
    parts = ("/v1/vouchers/importCSV", "Vouchers CSV import", "autumn.csv", "Done, 1 refused", "Campaign Autumn")
    for part in (*parts, "Value is not a whole number"):
        assert part in page, part
    assert desk.task_url(task_id, "/refused-rows") in page
    assert 'class="chart-warn"' in page


def test_a_trace_of_a_task_without_a_log_is_shown_too(desk: Desk) -> None:
    request_id = new_request_id()
    desk.make_task(request_id=request_id, status=TaskStatus.IN_PROGRESS, rows_total=10, rows_done=4)
    page = desk.visitor.get(trace_url(desk, request_id)).text
    assert "In progress, 40%" in page and "data-running" in page


def test_a_request_that_the_project_does_not_know_is_not_found(desk: Desk) -> None:
    assert desk.visitor.get(trace_url(desk, new_request_id())).status_code == 404
    assert desk.visitor.get(trace_url(desk, "%00")).status_code == 404


def test_a_running_traces_refresh_is_not_recorded(desk: Desk) -> None:
    request_id = new_request_id()
    desk.make_task(request_id=request_id)
    desk.visitor.client.get(trace_url(desk, request_id), headers={"X-Fragment": "live"})
    page = desk.visitor.get(trace_url(desk, request_id)).text
    assert page.count("/traces/") == 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0"), (0.05, "+50 ms"), (0.3, "+0.3 s"), (14.4, "+14.4 s"), (59.97, "+1 min 0 s"), (15_360, "+4 h 16 min"), (200_000, "+2 d 7 h")],
)
def test_the_time_since_the_beginning_reads_well(seconds: float, words: str) -> None:
    assert offset_text(seconds) == words
