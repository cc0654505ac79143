"""Looking into a ready export in the panel."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.config import Settings
from auditpanel.exports.values import Exported, Format
from auditpanel.panel.exports.browse import Asked, BrowsePage, build_row
from tests.browser.recording import make_call, record
from tests.pages import shown_text
from tests.panel.exports_made import Desk, make_desk


@pytest.fixture
def desk(app: Flask, session: Session, engine: Engine, settings: Settings) -> Desk:
    return make_desk(app, session, engine, settings)


def link(page: str, words: str) -> str:
    found = re.search(rf'href="([^"]+)"[^>]*>(?:<svg(?:(?!</svg>).)*</svg>)?{words}', page, re.DOTALL)
    assert found is not None, words
    return found[1].replace("&amp;", "&")


@pytest.mark.parametrize("format", Format)
def test_rows_are_seen_page_by_page_and_by_number(desk: Desk, format: Format) -> None:
    desk.make_customers(120)
    done = desk.make_done(field=["source_id"], order="source_id", format=format)
    page = desk.visitor.get(desk.url(done.line.id, "/rows"))
    assert "Rows 1 to 50 of 120" in shown_text(page) and "customer-0" in page.text and "customer-99" not in page.text
    second = desk.visitor.get(link(page.text, "After"))
    assert "Rows 51 to 100 of 120" in shown_text(second)
    last = desk.visitor.get(f"{desk.url(done.line.id, '/rows')}?row=101")
    assert "Rows 101 to 120 of 120" in shown_text(last) and "customer-99" in last.text
    assert "There is no row 121: the file has 120." in shown_text(desk.visitor.get(f"{desk.url(done.line.id, '/rows')}?row=121"))


@pytest.mark.parametrize("format", [Format.CSV, Format.NDJSON, Format.XLSX])
def test_the_way_back_begins_where_the_pages_before_began(desk: Desk, format: Format) -> None:
    desk.make_customers(220)
    done = desk.make_done(field=["source_id"], order="source_id", format=format)
    page = desk.visitor.get(desk.url(done.line.id, "/rows"))
    for first in (51, 101, 151, 201):
        page = desk.visitor.get(link(page.text, "After"))
        assert f"Rows {first} to " in shown_text(page)
    row = desk.visitor.get(link(page.text, r"210</a>"))
    assert re.search(r"\bat=201-[1-9]", link(row.text, "Before"))
    assert "Row 209" in shown_text(desk.visitor.get(link(row.text, "Before")))
    for first in (151, 101, 51):
        before = link(page.text, "Before")
        assert re.search(rf"\bat={first}-[1-9]", before), "not from the beginning of the file"
        page = desk.visitor.get(before)
        assert f"Rows {first} to {first + 49} of 220" in shown_text(page)
    assert "Rows 1 to 50" in shown_text(desk.visitor.get(link(page.text, "Before")))


def test_one_goes_on_to_a_row_that_lies_too_far_on(desk: Desk) -> None:
    desk.make_customers(600)
    done = desk.make_done(field=["source_id"], order="source_id")
    with desk.app.test_request_context(desk.url(done.line.id, "/row")):
        desk.app.preprocess_request()
        far = build_row(done, desk.files, Asked.read({"row": "590"}), budget_s=0)
    assert isinstance(far, BrowsePage) and far.late_words == "looked up to row 256 of 600." and far.next_url
    assert "/row?row=590&at=256-" in far.next_url
    assert "Row 590" in shown_text(desk.visitor.get(far.next_url))


@pytest.mark.parametrize("rest", ["/rows", "/row"])
def test_there_is_nothing_to_look_into_once_its_time_is_over(desk: Desk, rest: str) -> None:
    desk.make_customers(3)
    done = desk.make_done()
    desk.change(done.line.key.id, expires_at=datetime(2026, 11, 20, 23, 30, tzinfo=UTC))
    answer = desk.visitor.get(desk.url(done.line.id, rest))
    day = f"{datetime(2026, 11, 20, 23, 30, tzinfo=UTC).astimezone(desk.scope.time_zone):%Y-%m-%d}"
    assert answer.status_code == 404 and f"The file has expired on {day}" in shown_text(answer)
    page = shown_text(desk.visitor.get(desk.url(done.line.id)))
    assert "The file has expired." in page and "Browse" not in page and "Download" not in page


@pytest.mark.parametrize("format", Format)
def test_a_text_is_searched_in_the_file(desk: Desk, format: Format) -> None:
    desk.make_customers(120)
    done = desk.make_done(field=["source_id"], order="source_id", format=format)
    page = shown_text(desk.visitor.get(f"{desk.url(done.line.id, '/rows')}?text=MER-11"))
    assert "customer-11" in page and "customer-119" in page and "customer-12 " not in page
    assert "No row has this text." in shown_text(desk.visitor.get(f"{desk.url(done.line.id, '/rows')}?text=nowhere"))


@pytest.mark.parametrize("format", Format)
def test_the_bodies_of_a_row_are_shown_as_json(desk: Desk, format: Format) -> None:
    body = {"order": {"amount": 129, "items": [1, 2]}, "note": "=1+1"}
    record(desk.session, desk.project, make_call(path="/v1/validations", request_body=json.dumps(body), response_body="plain text"))
    done = desk.make_done(desk.new_url(Exported.LOG), format=format)
    rows = desk.visitor.get(f"{desk.url(done.line.id, '/rows')}?text=%22amount%22")
    row = desk.visitor.get(link(rows.text, r"\d+</a>"))
    assert row.status_code == 200 and '<span class="code-key">&#34;amount&#34;</span>' in row.text
    text = shown_text(row)
    assert "request_body" in text and "plain text" in text and "/v1/validations" in text and "no value" in text


@pytest.mark.parametrize("format", Format)
def test_what_is_hostile_is_text(desk: Desk, format: Format) -> None:
    hostile = '<script>alert("1")</script>\u202eexe.gnp\x01"\n,'
    record(desk.session, desk.project, make_call(path="/hostile", request_body=hostile, response_body=f'{{"a": {json.dumps(hostile)}}}'))
    done = desk.make_done(desk.new_url(Exported.LOG), order="created_at", format=format)
    for rest in ("/rows", "/rows?text=%3Cscript%3E", "/row", "/row?text=%3Cscript%3E"):
        answer = desk.visitor.get(desk.url(done.line.id, rest))
        assert (
            answer.status_code == 200 and "<script>alert" not in answer.text and "\u202e" not in answer.text and "\x01" not in answer.text
        )
        assert "&lt;script&gt;" in answer.text


@pytest.mark.parametrize(
    "query",
    [
        "at=x",
        "at=1",
        "row=x",
        "row=-1",
        "row=1e3",
        "at=1-99999999999999",
        "at=0-0",
        "at=4-0",
        "at=1-999999999999999",
        "trail=x",
        "trail=9-9.1-1",
        "row=" + "9" * 30,
    ],
)
@pytest.mark.parametrize("page", ["rows", "row"])
def test_an_address_that_was_made_up_is_answered_in_words(desk: Desk, page: str, query: str) -> None:
    desk.make_customers(3)
    done = desk.make_done()
    answer = desk.visitor.get(f"{desk.url(done.line.id, f'/{page}')}?{query}")
    assert answer.status_code in (200, 400, 404)


def test_a_packed_file_is_browsed_like_another(desk: Desk) -> None:
    desk.make_customers(60)
    done = desk.make_done(field=["source_id"], order="source_id", gzip="on")
    page = desk.visitor.get(desk.url(done.line.id, "/rows"))
    assert "Rows 1 to 50 of 60" in shown_text(page)
    assert "Rows 51 to 60 of 60" in shown_text(
        desk.visitor.get(desk.url(done.line.id, "/rows?") + link(page.text, "After").partition("?")[2])
    )


def test_one_goes_from_row_to_row(desk: Desk) -> None:
    desk.make_customers(3)
    done = desk.make_done(field=["source_id"], order="source_id")
    second = desk.visitor.get(desk.url(done.line.id, "/row?row=2"))
    assert "customer-1" in second.text and "2 of 3" in second.text
    assert "customer-2" in desk.visitor.get(link(second.text, "After")).text
    assert "customer-0" in desk.visitor.get(link(second.text, "Before")).text


def test_an_export_without_rows_says_so(desk: Desk) -> None:
    done = desk.make_done()
    assert "The file has no rows." in desk.visitor.get(desk.url(done.line.id, "/rows")).text
    assert desk.visitor.get(desk.url(done.line.id, "/row")).status_code == 404
