"""Recorded bodies on a page: nothing of what was stored is lost, changed or run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree.ElementTree import Element

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader

from auditpanel.logs.values import LogRecord
from auditpanel.panel.bodies import (
    BodyKind,
    RawEncoding,
    describe_cut,
    format_size,
    view_body,
    view_headers,
    view_query,
    view_request,
    view_response,
)
from auditpanel.panel.faults import fault_of, telling_field
from auditpanel.panel.marks import SegmentKind, split_marks
from tests.panel.recorded import make_message, make_record, text_of, view_json

ROOT = Path(__file__).parents[2]
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;{{ 7*7 }}"


def render(record: LogRecord, *, found: tuple[str, ...] = ()) -> str:
    environment = Environment(loader=FileSystemLoader(ROOT / "templates"), autoescape=True)
    page = environment.from_string(
        '{% from "macros/body.html" import message_card %}<!doctype html><html lang="en"><head><title>Log</title></head><body>'
        '{{ message_card("Request", request) }}{{ message_card("Response", response) }}</body></html>'
    )
    return page.render(request=view_request(record, found=found), response=view_response(record))


def parse_strictly(page: str) -> Element:
    tree: Element = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
    return tree


def raw_text(page: str, name: str) -> str:
    """What the copy button takes."""
    element = next(element for element in parse_strictly(page).iter("pre") if element.get("id") == f"{name}-raw")
    text = "".join(element.itertext())
    return json.loads(text) if element.get("data-encoding") == "json" else text


def test_the_line_that_the_answer_complains_of_is_at_fault() -> None:
    answer = json.dumps(
        {"code": 400, "key": "invalid_payload", "message": "Invalid payload", "details": "Property .order.amount must be a number"}
    )
    record = make_record(request=make_message('{"amount": 1, "order": {"amount": "12900"}}'), response=make_message(answer))
    request, response = view_request(record), view_response(record)
    assert [text_of(step.segments) for step in request.body.steps if step.at_fault] == ['"amount": "12900"']
    assert [text_of(step.segments)[:10] for step in response.body.steps if step.at_fault] == ['"details":']


def test_a_successful_call_has_no_line_at_fault() -> None:
    record = make_record(status_code=200, request=make_message('{"a": 1}'), response=make_message('{"details": "a must be"}'))
    assert not any(step.at_fault for view in (view_request(record), view_response(record)) for step in view.body.steps)


@pytest.mark.parametrize(
    ("details", "path"),
    [
        ("Property .order.amount must be a number", "order.amount"),
        ("property 'redeemables[0].id' is required", "redeemables[0].id"),
        ('"email" must be a valid address', "email"),
        ("Expected `int`, got `str` - at `$.order.items[1].quantity`", "order.items[1].quantity"),
        ("customer.source_id: too long", "customer.source_id"),
        ("Voucher not found.", None),
        ("See example.com. Try again.", None),
    ],
)
def test_the_property_at_fault_is_read_from_the_answer(details: str, path: str | None) -> None:
    assert fault_of(json.dumps({"message": "Invalid payload", "details": details})) == path


def test_the_fault_is_found_inside_arrays() -> None:
    view = view_json('{"rows": [{"id": 1}, {"id": 2}]}', fault="rows[1].id")
    assert [text_of(step.segments) for step in view.steps if step.at_fault] == ['"id": 2']


def test_the_message_tells_of_a_failure_where_there_are_no_details() -> None:
    assert telling_field('{"details": null, "message": "No"}') == "message"
    assert telling_field("<html>") is None


def test_redacted_values_are_boxes_without_quotes_and_headers_count_them() -> None:
    view = view_json('{"phone": "[redacted, 12 characters]", "note": "call [redacted, 3 characters] back"}')
    assert [segment.text for segment in view.steps[1].segments] == ['"phone"', ": ", "redacted, 12 characters", ","]
    assert SegmentKind.REDACTED in [segment.kind for segment in view.steps[2].segments]
    assert view_headers([("Accept", "*/*"), ("Cookie", "[redacted, 118 characters]")]).count == "2, 1 redacted"


def test_unseen_characters_are_named() -> None:
    segments = split_marks("invoice\u202egpj.exe\u200b\u200b\n\x1b[2J")
    assert [segment.text for segment in segments if segment.kind is SegmentKind.CONTROL] == ["U+202E", "U+200B ×2", "U+001B"]


@given(st.text())
def test_no_unseen_character_reaches_the_page(text: str) -> None:
    shown = text_of(split_marks(text))
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", shown)


@pytest.mark.parametrize("body", ["", None])
def test_no_body_is_said(body: str | None) -> None:
    view = view_body(make_message(body), content_type=None)
    assert (view.kind, view.note) == (BodyKind.NONE, "No body.")


def test_what_is_no_json_is_shown_as_text_and_says_where_json_ends() -> None:
    view = view_json('{"a": 1,\n "b": oops}')
    assert view.kind is BodyKind.TEXT
    assert view.note == "Not valid JSON from line 2, column 7 on, so it is shown as text."


def test_a_form_is_shown_as_names_and_values() -> None:
    view = view_body(
        make_message("name=Anna+W&token=[redacted, 9 characters]&x=%E2%80%AE"), content_type="application/x-www-form-urlencoded"
    )
    assert [(text_of(field.name), text_of(field.value)) for field in view.fields] == [
        ("name", "Anna W"), ("token", "redacted, 9 characters"), ("x", "U+202E"),
    ]  # fmt: skip


def test_a_query_counts_its_parameters() -> None:
    query = view_query("?code=A%20B&empty=&code=C")
    assert query is not None
    assert query.count == "3"
    assert view_query("") is None


def test_hostile_content_is_text_on_the_page() -> None:
    headers = [("Content-Type", f"application/json{HOSTILE}"), (HOSTILE, HOSTILE)]
    bodies = (json.dumps({HOSTILE: [HOSTILE, {"a": HOSTILE + "\u202e\x7f"}]}), HOSTILE)
    record = make_record(
        request=make_message(bodies[0], headers=headers), response=make_message(bodies[1], headers=headers), query=f"q={HOSTILE}"
    )
    page = parse_strictly(render(record, found=("script", "<")))
    assert not [element for element in page.iter() if element.tag in ("script", "img", "style")]
    assert not [name for element in page.iter() for name in element.attrib if name == "style" or name.startswith("on")]


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1), st.booleans())
def test_copying_gives_exactly_the_stored_text(text: str, in_json: bool) -> None:
    body = json.dumps({"a": text}, ensure_ascii=False) if in_json else text
    record = make_record(request=make_message(body), response=make_message(None))
    assert raw_text(render(record), "request") == body


@pytest.mark.parametrize("body", ["one\r\ntwo", '{"a": 1,\r\n"b": 2}', "\r", "\n\nlate"])
def test_copying_keeps_line_ends_as_they_were(body: str) -> None:
    assert raw_text(render(make_record(request=make_message(body))), "request") == body


def test_a_plain_text_body_is_in_the_page_once() -> None:
    page = render(make_record(request=make_message("\n<plain> words, once"), response=make_message(None)))
    assert page.count("words, once") == 1
    assert raw_text(page, "request") == "\n<plain> words, once"


def test_a_body_with_control_characters_is_copied_from_a_json_string() -> None:
    raw = view_json('{"a": "x\u202ey"}').raw
    assert raw is not None
    assert raw.encoding is RawEncoding.JSON
    assert raw.text is not None
    assert raw.text.isascii()


def test_a_deep_and_long_body_renders_as_valid_html() -> None:
    body = "[" * 70 + json.dumps([{"a": {"b": [1, 2]}}] * 300)
    page = render(make_record(request=make_message(body, size_bytes=10**6), response=make_message('{"a": [1]}\n' * 150)))
    assert parse_strictly(page) is not None
    assert "The rest of this body was not stored." in page


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (418, "418 bytes"),
        (65_536, "64 KiB"),
        (217_000, "212 KiB"),
        (1_468_006, "1.4 MiB"),
        (1_048_575, "1 MiB"),
    ],
)
def test_sizes_read_in_binary_units(size_bytes: int, words: str) -> None:
    assert format_size(size_bytes) == words


def test_a_cut_of_a_few_bytes_is_said_in_bytes() -> None:
    assert describe_cut(make_message("x" * 65_536, size_bytes=65_600)) == "Cut at 65,536 of 65,600 bytes"
    assert describe_cut(make_message("x" * 65_536)) is None
