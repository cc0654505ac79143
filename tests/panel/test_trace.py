"""The trace page of a request id: what one call set off, on one time line."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from auditpanel.config import Settings
from auditpanel.ids import new_request_id
from auditpanel.panel.traces.chart import offset_text
from auditpanel.tasks.values import TaskStatus
from tests.logs.making import NOW, find, make_log, store, store_one
from tests.panel.tasks_made import Desk, make_desk
from tests.panel.traces_made import make_call, make_failed_import


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


def test_a_request_id_that_was_used_again_and_again_says_how_much_more_there_is_and_where(desk: Desk) -> None:
    request_id = new_request_id()
    logs = (
        make_log(path=f"/v1/again-{number:02}", request_id=request_id, occurred_at=NOW + timedelta(seconds=number)) for number in range(23)
    )
    store(desk.session, desk.scope, *logs)
    for number in range(22):
        desk.make_task(request_id=request_id, status=TaskStatus.FAILED if number == 21 else TaskStatus.DONE)
    page = desk.visitor.get(trace_url(desk, request_id)).text
    assert "The first 20 of 23 calls" in page and "The first 20 of 22 tasks" in page
    # What is shown begins where the trace does.
    assert "/v1/again-00" in page and "/v1/again-19" in page and "/v1/again-20" not in page
    assert "<dt>Tasks</dt><dd><b>22</b>" in page and "1 failed" in page
    lists = [url.replace("&amp;", "&") for url in re.findall(r'href="([^"]*range=all&amp;request_id=[^"]*)"', page)]
    assert len(lists) == 2
    assert "/v1/again-22" in desk.visitor.get(lists[0]).text
    assert desk.visitor.get(lists[1]).text.count("Vouchers CSV import") >= 22


def test_a_trace_that_is_shown_whole_says_nothing_of_a_rest(desk: Desk) -> None:
    request_id = new_request_id()
    for _ in range(20):
        desk.make_task(request_id=request_id)
    assert "The first" not in desk.visitor.get(trace_url(desk, request_id)).text


def test_a_request_that_the_project_does_not_know_is_not_found(desk: Desk) -> None:
    assert desk.visitor.get(trace_url(desk, new_request_id())).status_code == 404
    assert desk.visitor.get(trace_url(desk, "%00")).status_code == 404


def test_a_running_traces_refresh_is_not_recorded(desk: Desk) -> None:
    request_id = new_request_id()
    desk.make_task(request_id=request_id)
    desk.visitor.client.get(trace_url(desk, request_id), headers={"X-Fragment": "live"})
    page = desk.visitor.get(trace_url(desk, request_id)).text
    assert page.count("/traces/") == 1


def test_a_cancelled_task_is_told_of_without_alarm(desk: Desk) -> None:
    request_id, error = new_request_id(), "Cancelled by nina@example.com after 40 of 100 rows"
    store_one(desk.session, desk.scope, path="/v1/vouchers/importCSV", request_id=request_id)
    desk.make_task(request_id=request_id, status=TaskStatus.FAILED, rows_done=40, cancel_asked_at=NOW, cancel_asked_by="nina", error=error)
    page = desk.visitor.get(trace_url(desk, request_id)).text
    assert "trace-mark-off" in page and "Cancelled by nina@example.com after 40 of 100 rows" in page
    assert '<b class="bad">' not in page
    log = only_log(desk, request_id)
    assert "note-info" in log and "The task it started was cancelled." in log and "By nina@example.com after 40" in log
    assert "note-warn" not in log


def test_a_failed_tasks_error_is_shown_without_its_secrets(desk: Desk) -> None:
    request_id = new_request_id()
    make_call(desk, request_id, NOW)
    make_failed_import(desk, request_id, NOW)
    for page in (desk.visitor.get(trace_url(desk, request_id)).text, only_log(desk, request_id)):
        assert "the file cannot be read" in page and "eyJ" not in page


def only_log(desk: Desk, request_id: str) -> str:
    (line,) = find(desk.session, desk.scope, request_id=request_id).lines
    return desk.visitor.get(f"/projects/{desk.scope.id}/logs/{line.id}").text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0"), (0.05, "+50 ms"), (0.3, "+0.3 s"), (14.4, "+14.4 s"), (59.97, "+1 min 0 s"), (15_360, "+4 h 16 min"), (200_000, "+2 d 7 h")],
)
def test_the_time_since_the_beginning_reads_well(seconds: float, words: str) -> None:
    assert offset_text(seconds) == words
