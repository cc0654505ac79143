"""The list of background tasks, a task's page, its files, and what can be done to it and started."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from auditpanel.accounts.models import Role
from auditpanel.catalogue.campaigns import create_campaign
from auditpanel.catalogue.columns import read_columns
from auditpanel.catalogue.csv_files import CsvRow, open_csv
from auditpanel.catalogue.models import Campaign, Resource
from auditpanel.catalogue.values import read_campaign
from auditpanel.config import Settings
from auditpanel.ids import Prefix, format_id, parse_id
from auditpanel.panel.tasks.files import download_name
from auditpanel.panel.tasks.forms import WAYS
from auditpanel.panel.tasks.refusals import reason_label
from auditpanel.tasks.models import AsyncAction
from auditpanel.tasks.queries import get_task
from auditpanel.tasks.records import TaskRecord
from auditpanel.tasks.uploads import path_of
from auditpanel.tasks.values import Refused, TaskStatus, TaskType
from auditpanel.times import utc_now
from tests.logs.making import find
from tests.pages import shown_text
from tests.panel.tasks_made import CSV, Desk, make_desk


@pytest.fixture
def desk(app: Flask, session: Session, settings: Settings) -> Desk:
    return make_desk(app, session, settings)


def last_task(desk: Desk) -> TaskRecord:
    desk.session.expire_all()
    (newest,) = desk.session.scalars(
        select(AsyncAction.id).where(AsyncAction.project_id == desk.scope.project_id).order_by(AsyncAction.id.desc()).limit(1)
    )
    return get_task(desk.session, desk.scope, newest)


def test_a_task_that_lost_rows_needs_a_look_and_is_not_among_those_done(desk: Desk) -> None:
    desk.make_task(status=TaskStatus.DONE, rows_total=312, rows_done=312)
    desk.make_lossy([("Value", "15.00", "is not a whole number; write 1500")])
    desk.make_task(status=TaskStatus.IN_PROGRESS, rows_total=100, rows_done=62)
    page = shown_text(desk.visitor.get(desk.list_url))
    assert "All 3" in page and "Needs a look 1" in page and "Running 1" in page and "Done 1" in page
    assert "Done, 1 refused" in page and "In progress, 62%" in page and "62 of 100" in page
    look = shown_text(desk.visitor.get(f"{desk.list_url}?only=look"))
    assert "Done, 1 refused" in look and "In progress, 62%" not in look and "312" not in look


def test_the_list_can_be_narrowed_by_type_and_by_who_asked(desk: Desk) -> None:
    desk.make_task(type=TaskType.SKUS_IMPORT_CSV)
    desk.make_task(type=TaskType.PRODUCTS_IMPORT_CSV)
    page = desk.visitor.get(f"{desk.list_url}?type=SKUS.IMPORT_CSV&who=nina@example.com").text
    assert "<b>SKUs CSV import</b>" in page and "<b>Products CSV import</b>" not in page
    assert "No background task matches" in desk.visitor.get(f"{desk.list_url}?who=somebody@example.com").text


def test_pages_of_the_list_lead_back_and_forth(desk: Desk) -> None:
    for _ in range(52):
        desk.make_task()
    first = desk.visitor.get(desk.list_url).text
    older = re.search(r'href="([^"]*before=[^"]*)"', first)
    assert older and first.count("data-running") == 50
    second = desk.visitor.get(older[1].replace("&amp;", "&")).text
    assert second.count("data-running") == 2 and "after=" in second


def test_a_filter_that_cannot_be_read_says_so(desk: Desk) -> None:
    answer = desk.visitor.get(f"{desk.list_url}?status=ended")
    assert answer.status_code == 400 and "is not one of" in answer.text


def test_a_refresh_is_not_recorded(desk: Desk) -> None:
    task_id = desk.make_task()
    for url in (desk.list_url, desk.task_url(task_id)):
        assert desk.visitor.client.get(url, headers={"X-Fragment": "live"}).status_code == 200
    assert find(desk.session, desk.scope, path_contains="background-tasks").lines == []
    desk.visitor.get(desk.list_url)
    assert len(find(desk.session, desk.scope, path_contains="background-tasks").lines) == 1


def test_the_page_of_a_lossy_task_tells_each_refused_row(desk: Desk) -> None:
    task_id = desk.make_lossy([("Value", "15.00", "is not a whole number; write 1500"), ("Code", "A-1", "exists already; choose another")])
    page = shown_text(desk.visitor.get(desk.task_url(task_id)))
    assert "2 of 10 rows were refused." in page and "The other 8 are done." in page
    assert "is not a whole number: write 1500" in page
    assert "Value is not a whole number 1" in page and "Code exists already 1" in page
    narrowed = shown_text(desk.visitor.get(desk.task_url(task_id, '?reason=Code: "…" exists already; choose another')))
    assert "1 of 1 refused row shown." in narrowed and "write 1500" not in narrowed


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (2, "import that file: the other 8 stay as they are."),
        (9, "import that file: the other one stays as it is."),
        (10, "import that file: no other was stored."),
    ],
)
def test_who_imports_refused_rows_again_is_told_of_the_rest(desk: Desk, refused: int, words: str) -> None:
    task_id = desk.make_lossy([("Value", f"x{number}", "is not a whole number") for number in range(refused)], upload=desk.keep())
    assert words in shown_text(desk.visitor.get(desk.task_url(task_id)))


def test_more_refused_rows_are_shown_on_demand(desk: Desk) -> None:
    task_id = desk.make_lossy([("Value", f"x{number}", "is not a whole number") for number in range(82)])
    page = desk.visitor.get(desk.task_url(task_id)).text
    assert "50 of 82 refused rows shown." in page and "Show 32 more" in page
    assert "82 of 82 refused rows shown." in desk.visitor.get(desk.task_url(task_id, "?rows=100")).text


def test_hostile_content_of_a_refused_row_is_text(desk: Desk) -> None:
    task_id = desk.make_lossy([("Value", "<script>alert(1)</script>\u202e", "is not a whole number")])
    page = desk.visitor.get(desk.task_url(task_id)).text
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)&lt;/script&gt;[U+202E]" in page


def test_a_failed_task_and_one_that_is_being_cancelled_say_so(desk: Desk) -> None:
    failed = desk.make_task(status=TaskStatus.FAILED, error="The header has no column Code; without it no row can be imported.")
    assert "The header has no column Code" in desk.visitor.get(desk.task_url(failed)).text
    running = desk.make_task()
    answer = desk.visitor.post(desk.task_url(running, "/cancel"), page=desk.task_url(running))
    assert answer.status_code == 302
    page = desk.visitor.get(desk.task_url(running)).text
    assert "has cancelled it." in page and "/cancel" not in page
    assert get_task(desk.session, desk.scope, running).cancel_asked_by


def test_a_failed_task_is_run_again_with_its_file(desk: Desk) -> None:
    failed = desk.make_task(upload=desk.keep(), status=TaskStatus.FAILED, error="An error of the panel")
    answer = desk.visitor.post(desk.task_url(failed, "/run-again"), page=desk.task_url(failed))
    again = last_task(desk)
    assert answer.location.endswith(again.line.id)
    assert again.again_of == format_id(Prefix.ASYNC_ACTION, failed)
    assert path_of(desk.settings.data / "uploads", desk.scope.project_id, again.line.key.id).read_bytes() == CSV
    assert again.line.request_id == answer.headers["X-Request-Id"]


def test_a_viewer_changes_nothing(app: Flask, session: Session, settings: Settings) -> None:
    desk = make_desk(app, session, settings, role=Role.VIEWER)
    task_id = desk.make_task()
    assert "Start a task" not in desk.visitor.get(desk.list_url).text
    page = desk.visitor.get(desk.task_url(task_id)).text
    assert "/cancel" not in page
    for rest in ("/cancel", "/run-again"):
        assert desk.visitor.post(desk.task_url(task_id, rest), page="/account").status_code == 403
    assert desk.visitor.get(f"{desk.list_url}start").status_code == 403
    assert desk.visitor.get(f"{desk.list_url}start/preview?upload=x").status_code == 403


def test_secrets_of_a_task_are_hidden_on_its_page_and_whole_in_its_file(desk: Desk) -> None:
    task_id = desk.make_lossy([("Password", "hunter2secret", "is too short; write more")], upload=desk.keep())
    desk.session.execute(update(AsyncAction).where(AsyncAction.id == task_id).values(parameters={"metadata": {"api_key": "abcdefghijkl"}}))
    desk.session.commit()
    page = desk.visitor.get(desk.task_url(task_id)).text
    assert "hunter2secret" not in page and "abcdefghijkl" not in page
    assert "[redacted, 13 characters]" in page and "[redacted, 12 characters]" in page
    assert "hunter2secret" in desk.visitor.get(desk.task_url(task_id, "/refused-rows")).text


def test_a_viewer_reads_why_rows_were_refused_and_gets_no_file_with_them(app: Flask, session: Session, settings: Settings) -> None:
    desk = make_desk(app, session, settings, role=Role.VIEWER)
    task_id = desk.make_lossy([("Value", "15.00", "is not a whole number; write 1500")], upload=desk.keep())
    page = desk.visitor.get(desk.task_url(task_id)).text
    assert "is not a whole number" in page and "/refused-rows" not in page and "/file" not in page
    for rest in ("/refused-rows", "/refused-rows?format=json", "/file"):
        assert desk.visitor.get(desk.task_url(task_id, rest)).status_code == 403


@pytest.mark.parametrize(
    ("type_", "rows", "body"),
    [
        (TaskType.VOUCHERS_IMPORT, [{"code": "A", "metadata": {"x": [1]}}, {"code": "=B"}], None),
        (TaskType.VOUCHERS_METADATA_UPDATE, [{"code": "A"}, {"code": "B"}], {"metadata": {"season": "summer"}, "codes": ["A", "B"]}),
        (TaskType.PRODUCTS_METADATA_UPDATE, [{"source_id": "p"}], {"metadata": {"season": "summer"}, "source_ids": ["p"]}),
    ],
)
def test_refused_rows_of_a_json_body_come_back_as_one(
    desk: Desk, type_: TaskType, rows: list[dict[str, object]], body: dict[str, object] | None
) -> None:
    task_id = desk.make_task(type=type_, parameters={"metadata": {"season": "summer"}}, status=TaskStatus.DONE)
    desk.refuse(task_id, [Refused(number, row, "is wrong") for number, row in enumerate(rows, 1)])
    assert "Refused rows as JSON" in desk.visitor.get(desk.task_url(task_id)).text
    answer = desk.visitor.get(desk.task_url(task_id, "/refused-rows?format=json"))
    assert answer.mimetype == "application/json" and answer.headers["Content-Disposition"].endswith("-refused.json")
    assert json.loads(answer.data) == (body or rows)
    assert desk.visitor.get(desk.task_url(task_id, "/refused-rows")).mimetype == "text/csv"


def test_refused_rows_of_a_file_are_not_offered_as_json(desk: Desk) -> None:
    task_id = desk.make_lossy([("Value", "15.00", "is not a whole number")], upload=desk.keep())
    assert "format=json" not in desk.visitor.get(desk.task_url(task_id)).text
    assert desk.visitor.get(desk.task_url(task_id, "/refused-rows?format=json")).status_code == 404


def test_a_cancelled_task_is_as_somebody_wanted_it(desk: Desk) -> None:
    cancelled: dict[str, Any] = {"status": TaskStatus.FAILED, "cancel_asked_at": utc_now(), "cancel_asked_by": "nina@example.com"}
    desk.make_task(rows_total=100, rows_done=40, error="Cancelled by nina@example.com after 40 of 100 rows", **cancelled)
    page = desk.visitor.get(desk.list_url).text
    assert "Cancelled at 40%" in page and "pill-plain" in page and "row-broken" not in page and "pill-broken" not in page
    told = shown_text(desk.visitor.get(desk.list_url))
    assert "40 of 100" in told and "Needs a look 0" in told
    desk.make_task(rows_total=100, rows_done=40, refused=3, **cancelled)
    told = shown_text(desk.visitor.get(desk.list_url))
    assert "Cancelled at 40%, 3 refused" in told and "Needs a look 1" in told


def test_the_original_file_is_only_ever_a_download(desk: Desk) -> None:
    task_id = desk.make_task(upload=desk.keep(b"<script>alert(1)</script>", 'C:\\x\\"evil"\u202e.html'))
    answer = desk.visitor.get(desk.task_url(task_id, "/file"))
    assert answer.data == b"<script>alert(1)</script>"
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert "\\" not in answer.headers["Content-Disposition"] and "\u202e" not in answer.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("name", "safe"), [("a/b.csv", "a_b.csv"), ("..", "file"), ('x"\r\n.csv', "x___.csv"), ("żółw 1.csv", "żółw 1.csv")]
)
def test_a_download_has_a_name_that_any_system_takes(name: str, safe: str) -> None:
    assert download_name(name) == safe


def test_a_file_that_is_gone_is_not_found(desk: Desk) -> None:
    assert desk.visitor.get(desk.task_url(desk.make_task(), "/file")).status_code == 404
    assert desk.visitor.get(desk.task_url(desk.make_task(), "/refused-rows")).status_code == 404


DANGEROUS = ["=1+1", "+48 600", "-5", "@x", "\tx", "'=1", "plain, with comma", 'a "quote"']


def test_refused_rows_come_back_as_they_were_and_run_in_no_spreadsheet(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> None:
    task_id = desk.make_lossy([("Value", value, "is not a whole number") for value in DANGEROUS], upload=desk.keep())
    answer = desk.visitor.get(desk.task_url(task_id, "/refused-rows"))
    assert answer.mimetype == "text/csv" and "autumn-refused.csv" in answer.headers["Content-Disposition"]
    text = answer.data.decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(text))
    assert header == ["Code", "Voucher Type", "Discount Type", "Value", "Refused line", "Refused reason"]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    path = tmp_path_factory.mktemp("returned") / "refused.csv"
    path.write_bytes(answer.data)
    file = open_csv(path)
    columns = read_columns(file.header, Resource.VOUCHER, {})
    assert [column.key for column in columns.fields] == ["code", "type", "discount_type", "value"] and columns.metadata == ()
    value = next(column for column in columns.fields if column.key == "value")
    assert [value.convert(row.cells[value.index]) for row in file.rows() if isinstance(row, CsvRow)] == DANGEROUS


def test_a_reason_makes_a_short_label() -> None:
    assert reason_label('Code: "…" exists already; each code can be imported once') == "Code exists already"


def start(desk: Desk, type_: TaskType, **fields: object) -> TestResponse:
    url = f"{desk.list_url}start?type={type_}"
    return desk.visitor.client.post(url, data={"csrf_token": desk.visitor.form_token(url), **fields})


def make_campaign(desk: Desk, name: str = "Autumn") -> Campaign:
    campaign = create_campaign(
        desk.session,
        desk.scope,
        read_campaign(
            {
                "name": name,
                "campaign_type": "DISCOUNT_COUPONS",
                "voucher": {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}},
            }
        ),
    )
    desk.session.commit()
    return campaign


def test_a_csv_is_looked_at_before_its_import_starts(desk: Desk) -> None:
    answer = start(desk, TaskType.VOUCHERS_IMPORT_CSV, file=(io.BytesIO(b"Code,Season\nA-1,autumn\n"), "autumn.csv"))
    preview = desk.visitor.get(answer.location)
    assert "autumn.csv" in preview.text and "Season" in preview.text and "A-1" in preview.text
    assert desk.session.scalar(select(AsyncAction.id).where(AsyncAction.project_id == desk.scope.project_id)) is None
    started = desk.visitor.post(answer.location)
    task = last_task(desk)
    assert started.location.endswith(task.line.id)
    assert (task.line.type, task.file_name, task.line.origin) == (TaskType.VOUCHERS_IMPORT_CSV, "autumn.csv", "DASHBOARD")
    assert desk.visitor.get(answer.location).status_code == 404


def test_an_upload_of_somebody_else_cannot_be_started(app: Flask, desk: Desk, session: Session, settings: Settings) -> None:
    answer = start(desk, TaskType.VOUCHERS_IMPORT_CSV, file=(io.BytesIO(CSV), "autumn.csv"))
    other = make_desk(app, session, settings)
    token = answer.location.partition("?")[2]
    assert other.visitor.get(f"{other.list_url}start/preview?{token}").status_code == 404
    assert desk.visitor.get(f"{desk.list_url}start/preview?{token}x").status_code == 404


def test_a_file_that_is_not_taken_leaves_a_failed_task_that_says_the_same(desk: Desk) -> None:
    answer = start(desk, TaskType.VOUCHERS_IMPORT_CSV, file=(io.BytesIO(b"colour\nred\n"), "colours.csv"))
    task = last_task(desk)
    assert answer.status_code == 400 and "has no known column" in answer.text and task.line.id in answer.text
    assert task.line.status == TaskStatus.FAILED and "has no known column" in (task.line.error or "")


def test_a_form_without_its_token_starts_nothing(desk: Desk) -> None:
    url = f"{desk.list_url}start?type=VOUCHERS.IMPORT"
    assert desk.visitor.client.post(url, data={"text": '[{"code": "A"}]'}).status_code == 400
    assert desk.session.scalar(select(AsyncAction.id).where(AsyncAction.project_id == desk.scope.project_id)) is None


FIELDS: dict[str, dict[str, object]] = {
    "rows": {"text": '[{"code": "A-1", "source_id": "s"}]'},
    "metadata": {"named": "A-1\nA-2", "pairs": "season = summer"},
    "purge": {"key": "season", "sure": "y"},
    "generate": {"count": "500"},
    "update": {"category": "autumn"},
    "delete": {"sure": "y"},
}


@pytest.mark.parametrize("type_", list(TaskType))
def test_each_type_of_task_can_be_started(desk: Desk, type_: TaskType) -> None:
    headers = {"CUSTOMERS": b"Source_id\nx\n", "PRODUCTS": b"source_id,name\nx,y\n", "SKUS": b"product_id,source_id\np,x\n"}
    body = headers.get(type_.partition(".")[0], b"Code\nA-1\n")
    way = WAYS[type_]
    fields: dict[str, object] = {"file": (io.BytesIO(body), "rows.csv")} if way == "csv" else dict(FIELDS[way])
    campaign = make_campaign(desk) if type_.startswith("CAMPAIGN.") else None
    if campaign:
        fields["campaign"] = "Autumn"
    answer = start(desk, type_, **fields)
    assert answer.status_code == 302, shown_text(answer)
    if way == "csv":
        answer = desk.visitor.post(answer.location)
    task = last_task(desk)
    assert answer.location.endswith(task.line.id) and task.line.type == type_ and task.line.status == TaskStatus.ENQUEUED
    assert task.line.request_id == answer.headers["X-Request-Id"]
    if campaign:
        assert task.parameters["campaign_id"] == format_id(Prefix.CAMPAIGN, campaign.id)


def test_what_destroys_asks_to_be_sure(desk: Desk) -> None:
    make_campaign(desk)
    answer = start(desk, TaskType.CAMPAIGN_VOUCHERS_DELETE, campaign="Autumn")
    assert answer.status_code == 400 and "it cannot be undone" in answer.text
    desk.session.expire_all()
    assert desk.session.scalars(select(Campaign.deleted_at).where(Campaign.project_id == desk.scope.project_id)).all() == [None]


@pytest.mark.parametrize(
    ("type_", "fields", "words"),
    [
        (TaskType.VOUCHERS_IMPORT, {"text": "{"}, "no JSON"),
        (TaskType.VOUCHERS_IMPORT, {"text": '["a"]'}, "no list of objects"),
        (TaskType.VOUCHERS_METADATA_UPDATE, {"named": "A", "pairs": "season"}, "no key with a value"),
        (TaskType.CAMPAIGN_VOUCHERS_GENERATE, {"campaign": "Nowhere", "count": "5"}, "no campaign"),
    ],
)
def test_a_form_says_what_would_be_right(desk: Desk, type_: TaskType, fields: dict[str, object], words: str) -> None:
    answer = start(desk, type_, **fields)
    assert answer.status_code == 400 and words in answer.text


def test_the_log_that_started_a_task_leads_to_it(desk: Desk) -> None:
    start(desk, TaskType.VOUCHERS_IMPORT, text='[{"code": "A-1"}]')
    task = last_task(desk)
    (line,) = find(desk.session, desk.scope, request_id=task.line.request_id).lines
    page = desk.visitor.get(f"/projects/{desk.scope.id}/logs/{line.id}").text
    assert "It caused" in page and task.line.id in page and f"/traces/{task.line.request_id}" in page
    assert "Its task has not ended yet" in desk.visitor.get(f"/projects/{desk.scope.id}/logs/?range=all").text
    assert line.id in desk.visitor.get(desk.task_url(task_key(task))).text


def task_key(task: TaskRecord) -> UUID:
    return parse_id(Prefix.ASYNC_ACTION, task.line.id)
