"""Asking for exports from every list, the list of exports, an export's page, and its file."""

from __future__ import annotations

import csv
import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Membership, Role, User
from auditpanel.accounts.projects import LONGEST_EXPORT_DAYS
from auditpanel.config import Settings
from auditpanel.errors import InvalidInput
from auditpanel.exports.models import DueExport
from auditpanel.exports.retention import remove_expired
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.values import Exported, ExportStatus, Format, Packing
from auditpanel.exports.wording import too_many_for_xlsx
from auditpanel.filters import Range
from auditpanel.ids import Prefix, format_id, parse_id
from auditpanel.keyset import Count
from auditpanel.logs.queries import get_log
from auditpanel.panel.exports.asking import VIEWS
from auditpanel.times import utc_now
from tests.accounts.visitor import log_in, settings_url
from tests.browser.recording import make_call, record
from tests.exports.asking import content
from tests.factories import make_member
from tests.logs.making import find
from tests.pages import shown_text
from tests.panel.exports_made import Desk, filled, make_desk

PLACES = {Exported.TASK: "background-tasks", Exported.SENDOUT: "webhook-sendouts"}


@pytest.fixture
def desk(app: Flask, session: Session, engine: Engine, settings: Settings) -> Desk:
    return make_desk(app, session, engine, settings)


def list_url(desk: Desk, exported: Exported) -> str:
    place = PLACES.get(exported) or VIEWS[exported]
    return f"/projects/{desk.scope.id}/{place if SUBJECTS[exported].default_range is Range.DAY else f'catalogue/{place}'}/"


def export_link(page: str) -> str:
    found = re.search(r'href="([^"]*/exports/new\?exported=[^"]*)"[^>]*data-module="open-dialog"', page)
    assert found is not None
    return found[1].replace("&amp;", "&")


@pytest.mark.parametrize("exported", Exported)
def test_every_list_has_a_way_to_export_what_it_shows(desk: Desk, exported: Exported) -> None:
    # A project without any call has another page instead of the list.
    record(desk.session, desk.project, make_call())
    link = export_link(desk.visitor.get(list_url(desk, exported)).text)
    assert f"exported={exported}" in link
    page = desk.visitor.get(link)
    assert page.status_code == 200 and f"of {len(SUBJECTS[exported].columns)}" in page.text
    assert desk.work(desk.ask(link)).line.status is ExportStatus.DONE


def test_the_file_has_the_rows_that_the_list_shows(desk: Desk) -> None:
    record(desk.session, desk.project, *(make_call(status_code=code, path=f"/{code}") for code in (200, 404, 500)))
    record(desk.session, desk.project, make_call(status_code=500, path="/old", minutes_ago=60 * 30))
    page = desk.visitor.get(f"{list_url(desk, Exported.LOG)}?only=errors&path_contains=/")
    link = export_link(page.text)
    form = shown_text(desk.visitor.get(link))
    assert "Path contains /" in form and "last 24 hours" in form and "Export 2 rows" in form and "2 rows expected" in form
    done = desk.make_done(link, field=["path", "status_code"])
    assert content(desk.files, done).decode().splitlines() == ["path,status_code", "/500,500", "/404,404"]


def test_a_search_in_the_catalogue_is_exported_as_it_was_found(desk: Desk) -> None:
    desk.make_customers(12)
    page = desk.visitor.get(f"{list_url(desk, Exported.CUSTOMER)}?search=customer-1")
    done = desk.make_done(export_link(page.text), field=["source_id"])
    assert sorted(content(desk.files, done).decode().split()) == ["customer-1", "customer-10", "customer-11", "source_id"]


def test_the_list_of_exports_can_be_narrowed_to_a_kind_and_exported(desk: Desk) -> None:
    desk.make_done()
    desk.make_done(desk.new_url(Exported.LOG))
    link = export_link(desk.visitor.get(f"{desk.base}?exported=customer&range=30d").text)
    assert "Export 1 row" in shown_text(desk.visitor.get(link))


def test_fields_stand_in_the_file_in_the_order_chosen(desk: Desk) -> None:
    desk.make_customers(1)
    done = desk.make_done(field=["email", "source_id", "id"], column=["source_id", "email", "name", "id"])
    assert done.layout.fields == ("source_id", "email", "id")
    assert content(desk.files, done).decode().splitlines()[0] == "source_id,email,id"


def test_a_field_is_moved_by_a_button_and_nothing_else_is_lost(desk: Desk) -> None:
    page = desk.send(desk.new_url(), format="ndjson", gzip="on", order="name", field=["id"], move="up:id")
    assert page.status_code == 200 and not desk.exports()
    form = filled(page)
    columns, before = form["column"], filled(desk.visitor.get(desk.new_url()))["column"]
    assert isinstance(columns, list) and isinstance(before, list)
    assert columns.index("id") == before.index("id") - 1
    assert (form["format"], form["order"], form["gzip"], form["field"]) == ("ndjson", "name", "on", "id")
    every = filled(desk.send(desk.new_url(), move="all"))["field"]
    assert every == columns or sorted(map(str, every)) == sorted(SUBJECTS[Exported.CUSTOMER].columns)


@pytest.mark.parametrize("move", ["up:nothing", "sideways:id", "", "up:", "down:id:id"])
def test_a_move_that_is_none_leaves_the_form_as_it_is(desk: Desk, move: str) -> None:
    assert desk.send(desk.new_url(), move=move).status_code == 200


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"format": "xlsx", "gzip": "on"}, "Xlsx is compressed already"),
        ({"format": "parquet", "bom": "on"}, "A byte order mark is for csv alone"),
        ({"format": "pdf"}, "&#34;pdf&#34; is not one of csv"),
        ({"field": []}, "None is chosen; a file needs one field at least."),
        ({"order": "colour"}, "is no order of customer"),
        ({"time_zone": "Europe/Nowhere"}, "Europe/Nowhere"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(desk: Desk, fields: dict[str, object], words: str) -> None:
    answer = desk.send(desk.new_url(), **fields)
    assert answer.status_code == 400 and words in answer.text and not desk.exports()


def test_unknown_kinds_and_filters_are_told(desk: Desk) -> None:
    assert desk.visitor.get(f"{desk.base}new?exported=everything").status_code == 404
    answer = desk.visitor.get(desk.new_url(colour="red"))
    assert answer.status_code == 400 and "there is no such filter" in answer.text
    assert "What is to be exported?" in desk.visitor.get(f"{desk.base}new").text


def test_the_list_says_how_each_stands(desk: Desk) -> None:
    desk.make_customers(3)
    waiting = desk.ask()
    running = desk.ask()
    desk.change(running, status=ExportStatus.IN_PROGRESS, rows_done=1)
    desk.make_done(format="ndjson", gzip="on")
    failed, expired = desk.ask(), desk.make_done()
    desk.change(failed, status=ExportStatus.ERROR, error="There is no room left", finished_at=utc_now())
    desk.change(expired.line.key.id, file_name=None)
    page = shown_text(desk.visitor.get(desk.base))
    assert "Scheduled" in page and "3 expected" in page
    assert "In progress, 33%" in page and "1 of 3" in page
    assert "NDJSON, gzip" in page and "There is no room left" in page
    assert "Done, expired" in page and "Ask again" in page and "A file is kept for 30 days" in page
    assert "All 5" in page and "Running 2" in page and "Ready 1" in page and "Error 1" in page
    assert "Exports 4 4 not ended yet" not in page and "not ended yet" in page
    only = shown_text(desk.visitor.get(f"{desk.base}?only=running"))
    assert "Showing 2 of 2" in only
    desk.session.execute(delete(DueExport).where(DueExport.export_id.in_([waiting, running, failed])))
    desk.session.commit()


def test_a_page_says_everything_about_an_export(desk: Desk) -> None:
    desk.make_customers(2)
    done = desk.make_done(desk.new_url(Exported.CUSTOMER, search="customer"), field=["id", "name"], order="name")
    page = desk.visitor.get(desk.url(done.line.id))
    text = shown_text(page)
    assert done.sha256 and done.sha256 in text and done.line.id in text and done.line.request_id in text
    assert desk.email in text and "Dashboard" in text and "By name, rising" in text and "Europe/Warsaw" in text
    assert "Expires" in text and "30 days" in text and "Source id or email begins with customer" in text
    assert f"POST /projects/{desk.scope.id}/exports/new" in text
    assert f'href="/projects/{desk.scope.id}/traces/{done.line.request_id}"' in page.text
    assert f'data-copy="{done.sha256}"' in page.text and done.download_name in text


def test_the_call_that_asked_for_it_refers_to_it(desk: Desk) -> None:
    export_id = desk.ask()
    (log,) = find(desk.session, desk.scope, method="POST").lines
    assert (log.path, log.request_id) == (f"{desk.base}new", desk.read(export_id).line.request_id)
    references = get_log(desk.session, desk.scope, log.key.id).references
    assert [(each.type, each.id) for each in references] == [("export", format_id(Prefix.EXPORT, export_id))]


def link_of(desk: Desk, export_id: str) -> str:
    answer = desk.visitor.get(desk.url(export_id, "/file"))
    assert answer.status_code == 302
    return answer.location


def test_the_file_is_downloaded_with_its_name_its_type_and_its_checksum(desk: Desk) -> None:
    desk.make_customers(2)
    done = desk.make_done()
    answer = desk.visitor.get(link_of(desk, done.line.id))
    assert answer.data == content(desk.files, done) and answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f"attachment; filename={done.download_name}"
    assert answer.headers["ETag"] == f'"{done.sha256}"' and answer.headers["Accept-Ranges"] == "bytes"
    assert len(list(csv.DictReader(answer.text.splitlines()))) == 2


def test_a_download_that_broke_off_goes_on_without_the_cookie(app: Flask, desk: Desk) -> None:
    desk.make_customers(50)
    done = desk.make_done()
    whole, url, manager = content(desk.files, done), link_of(desk, done.line.id), app.test_client()
    headers = {"Range": f"bytes={len(whole) // 2}-", "If-Range": f'"{done.sha256}"'}
    rest = manager.get(url, headers=headers)
    assert rest.status_code == 206 and rest.data == whole[len(whole) // 2 :]
    assert rest.headers["Content-Range"] == f"bytes {len(whole) // 2}-{len(whole) - 1}/{len(whole)}"


def test_the_link_to_the_file_is_in_no_log(desk: Desk) -> None:
    url = link_of(desk, desk.make_done().line.id)
    token = url.partition("token=")[2]
    assert [desk.visitor.get(tried).status_code for tried in (url, f"{url}x")] == [200, 404]
    desk.session.rollback()
    logs = [get_log(desk.session, desk.scope, line.key.id) for line in find(desk.session, desk.scope).lines]
    paths = {log.line.path for log in logs}
    assert {url.partition("?")[0], desk.url(url.partition("?")[0].rpartition("/")[2], "/file")} <= paths
    assert len(token) > 40 and token not in str(logs) and token[:40] not in str(logs)


def test_who_has_left_the_project_downloads_nothing_with_a_link_of_before_either(app: Flask, desk: Desk) -> None:
    done = desk.make_done()
    url = link_of(desk, done.line.id)
    assert app.test_client().get(url).status_code == 200
    member = desk.session.scalars(select(User).where(User.email == desk.email)).one()
    desk.session.execute(delete(Membership).where(Membership.user_id == member.id))
    desk.session.commit()
    for rest in ("", "/file", "/rows", "/row"):
        assert desk.visitor.get(desk.url(done.line.id, rest)).status_code == 404
    assert app.test_client().get(url).status_code == 404


def test_before_it_is_ready_and_after_it_expired_there_is_nothing_to_download(desk: Desk) -> None:
    export_id = desk.ask()
    assert "is there when it is DONE" in shown_text(desk.visitor.get(desk.url(export_id, "/file")))
    done = desk.work(export_id)
    assert done.line.expires_at
    with Session(desk.engine) as session:
        desk.change(export_id, expires_at=utc_now() - timedelta(seconds=1))
        remove_expired(lambda: session, desk.files, utc_now())
    for rest in ("/file", "/rows", "/row"):
        answer = desk.visitor.get(desk.url(export_id, rest))
        assert answer.status_code == 404 and "has expired" in answer.text
    page = shown_text(desk.visitor.get(desk.url(export_id)))
    assert "The file has expired." in page and "Download" not in page


def test_it_is_run_again_by_any_member(desk: Desk) -> None:
    desk.make_customers(1)
    done = desk.make_done(format="ndjson")
    other = desk.other(Role.VIEWER)
    answer = other.visitor.post(desk.url(done.line.id, "/run-again"), page=desk.url(done.line.id))
    again = desk.read(desk.exports()[-1])
    assert answer.status_code == 302 and answer.location.endswith(again.line.id)
    assert again.again_of == done.line.id and again.line.asker.user == other.email and again.layout == done.layout


def test_what_xlsx_could_not_hold_is_asked_for_as_csv_with_the_same_fields(desk: Desk) -> None:
    desk.make_customers(2)
    link = desk.new_url(Exported.CUSTOMER, search="customer")
    failed, other = desk.ask(link, format="xlsx", field=["email", "id"], order="name"), desk.ask(format="xlsx")
    error = str(InvalidInput(too_many_for_xlsx(Count(1_048_576, is_exact=False)), field="format"))
    for export_id, words in ((failed, error), (other, "There is no room left")):
        desk.change(export_id, status=ExportStatus.ERROR, error=words, finished_at=utc_now())
    url = desk.url(failed, "/as-csv")
    page = desk.visitor.get(desk.base).text
    assert page.count("As CSV instead") == 1 and f'href="{url}"' in page and page.count("Ask again") == 1
    assert f'href="{url}">' in desk.visitor.get(desk.url(failed)).text
    assert "As CSV instead" not in desk.visitor.get(desk.url(other)).text
    form = filled(desk.visitor.get(url))
    assert (form["format"], form["order"], form["field"]) == ("csv", "name", ["id", "email"])
    answer = desk.visitor.client.post(link, data=form)
    done = desk.work(parse_id(Prefix.EXPORT, answer.location.rpartition("/")[2]))
    assert (done.line.format, done.line.rows_done, done.filters) == (Format.CSV, 2, desk.read(failed).filters)


def test_it_is_deleted_by_who_asked_for_it_and_by_operators_alone(desk: Desk) -> None:
    first, second = desk.make_done(), desk.make_done()
    stranger, operator = desk.other(Role.VIEWER), desk.other(Role.OPERATOR)
    assert "Delete this export?" not in stranger.visitor.get(desk.url(first.line.id)).text
    assert stranger.visitor.post(desk.url(first.line.id, "/delete"), page="/account").status_code == 403
    for who, export in ((desk, first), (operator, second)):
        assert who.visitor.post(desk.url(export.line.id, "/delete"), page=desk.url(export.line.id)).status_code == 302
        gone = desk.read(export.line.key.id)
        assert gone.file is None and gone.deleted_by == who.email
        assert export.file and not desk.files.of_export(export.file.project_id, export.line.key.id)
        page = shown_text(desk.visitor.get(desk.url(export.line.id)))
        assert "The file is deleted." in page and who.email in page


def test_a_name_with_markup_in_it_is_text(desk: Desk) -> None:
    hostile = "<script>alert(1)</script>"
    link = desk.new_url(Exported.CUSTOMER, name=hostile)
    assert "Name is <b>&lt;script&gt;" in desk.visitor.get(link).text
    done = desk.make_done(link)
    for url in (desk.base, desk.url(done.line.id), desk.url(done.line.id, "/rows?text=") + "%3Cscript%3Ealert(1)%3C/script%3E"):
        assert hostile not in desk.visitor.get(url).text


def test_the_packing_and_the_mark_are_as_chosen(desk: Desk) -> None:
    desk.make_customers(1)
    packed = desk.make_done(gzip="on", bom="on", time_zone="UTC")
    assert (packed.layout.packing, packed.layout.has_bom, packed.layout.time_zone) == (Packing.GZIP, True, "UTC")
    answer = desk.visitor.get(link_of(desk, packed.line.id))
    assert answer.content_type == "application/gzip" and answer.data[:2] == b"\x1f\x8b"
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("format", Format)
def test_viewers_export_in_every_format(desk: Desk, format: Format) -> None:
    desk.make_customers(2)
    done = desk.make_done(format=format)
    assert (done.line.status, done.line.rows_done, done.line.format) == (ExportStatus.DONE, 2, format)
    zone = "UTC" if format is Format.PARQUET else "Europe/Warsaw"
    assert re.search(rf"Times written in\s*{zone}", shown_text(desk.visitor.get(desk.url(done.line.id))))


def test_admins_say_how_long_files_are_kept(app: Flask, session: Session, desk: Desk) -> None:
    admin = log_in(app, session, make_member(session, desk.project, role=Role.ADMIN))
    url = settings_url(desk.project, "exports")
    for wrong in ("0", "-1", "x", str(LONGEST_EXPORT_DAYS + 1)):
        answer = admin.post(url, page=settings_url(desk.project), export_days=wrong)
        assert answer.status_code == 400 and "Write a whole number from 1 to 3,650." in answer.text
    assert admin.post(url, page=settings_url(desk.project), export_days="7").status_code == 302
    assert desk.read(desk.ask()).keep_days == 7
    assert "A file is kept for 7 days" in desk.visitor.get(desk.base).text
    assert desk.visitor.post(url, page="/account", export_days="9").status_code == 403


def test_a_notice_stands_on_every_page_until_it_is_seen(desk: Desk) -> None:
    logs = list_url(desk, Exported.LOG)
    assert "export-notices" not in desk.visitor.get(logs).text
    export_id = desk.ask()
    page = desk.visitor.get(logs).text
    assert 'role="status" data-module="export-notice"' in page and "data-waits" in page and "Your export is ready" not in page
    desk.work(export_id)
    fragment = desk.visitor.client.get(f"{desk.base}notices", headers={"X-Fragment": "notices"}).text
    assert "Your export is ready." in fragment and "data-waits" not in fragment and "<main" not in fragment
    page = desk.visitor.get(logs).text
    assert "Your export is ready." in page and f"/exports/{format_id(Prefix.EXPORT, export_id)}" in page
    assert "Your export is ready" not in desk.other(Role.VIEWER).visitor.get(logs).text
    desk.visitor.get(desk.url(export_id))
    assert "export-notices" not in desk.visitor.get(logs).text


def test_a_notice_is_closed_and_a_failure_is_told_too(desk: Desk) -> None:
    logs = list_url(desk, Exported.LOG)
    failed = desk.ask()
    desk.change(failed, status=ExportStatus.ERROR, error="There is no room left", finished_at=utc_now() + timedelta(seconds=1))
    page = shown_text(desk.visitor.get(logs))
    assert "Your export has failed. Customers: There is no room left" in page
    desk.change(failed, finished_at=utc_now())
    assert desk.visitor.post(f"{desk.base}notices/seen", page=logs, next=logs).location == logs
    assert "Your export has failed" not in desk.visitor.get(logs).text
    assert desk.visitor.post(f"{desk.base}notices/seen", page=logs, next="https://example.com").location == "/"


def test_looking_out_for_notices_is_no_call_that_is_recorded(desk: Desk) -> None:
    desk.ask()
    before = len(find(desk.session, desk.scope).lines)
    desk.visitor.client.get(f"{desk.base}notices", headers={"X-Fragment": "notices"})
    desk.session.rollback()
    assert len(find(desk.session, desk.scope).lines) == before
