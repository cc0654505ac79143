"""JSON of a body as lines and folds: as it was sent, whatever was sent, in bounded time."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditpanel.panel.bodies import view_body
from auditpanel.panel.folding import StepKind
from auditpanel.panel.json_lines import LINE_LIMIT, NotJson, read_json
from tests.panel.recorded import lines_of, make_message, text_of, view_json

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=30,
)


def test_json_is_shown_with_two_spaces_for_each_level() -> None:
    value = {"order": {"amount": 1, "items": []}, "tags": ["a", "b"], "none": {}}
    assert lines_of(view_json(json.dumps(value))) == json.dumps(value, indent=2).splitlines()


@given(JSON_VALUES)
def test_every_json_value_is_broken_into_the_lines_that_python_breaks_it_into(value: object) -> None:
    text = json.dumps(value)
    lines = read_json(text)
    shown = ["  " * line.depth + "".join(text[t.start : t.end] for t in line.tokens).replace('":', '": ', 1) for line in lines.lines]
    plain = json.dumps(value, indent=2).splitlines()
    assert [re.sub(r'": *', '":', line) for line in shown] == [re.sub(r'": *', '":', line) for line in plain]
    assert not lines.unfinished


def test_numbers_keys_and_their_order_are_shown_as_they_were_sent() -> None:
    body = '{"b": 1.0, "a": 1e400, "b": 123456789012345678901234567890, "c": -0, "d": "\\u017c\\/"}'
    shown = lines_of(view_json(body))
    assert shown == [
        "{",
        '  "b": 1.0,',
        '  "a": 1e400,',
        '  "b": 123456789012345678901234567890,',
        '  "c": -0,',
        '  "d": "\\u017c\\/"',
        "}",
    ]


@given(JSON_VALUES, st.data())
def test_a_body_cut_anywhere_ends_where_it_was_cut_with_no_bracket_made_up(value: object, data: st.DataObject) -> None:
    text = json.dumps([value])
    cut = text[: data.draw(st.integers(1, len(text)))]
    lines = read_json(cut)
    tokens = "".join(cut[token.start : token.end] for line in lines.lines for token in line.tokens)
    assert re.sub(r"\s", "", tokens) == re.sub(r"\s", "", cut)


def test_the_cut_end_stands_open_and_the_cut_is_said() -> None:
    body = json.dumps([{"code": f"AUT26-{number}", "discount": {"type": "PERCENT"}} for number in range(600)])[:30_000]
    view = view_body(make_message(body, size_bytes=217_000), content_type="application/json")
    shown = lines_of(view)
    assert shown[-1].strip() != "]"
    open_folds: list[bool] = []
    for step in view.steps:
        if step.kind in (StepKind.OPEN, StepKind.MORE):
            open_folds.append(step.is_open)
        elif step.kind is StepKind.CLOSE:
            open_folds.pop()
        elif step.number == len(shown):
            assert all(open_folds)
    assert view.cut == "Cut at 29 KiB of 212 KiB"


def test_a_long_array_folds_into_its_first_items_and_a_count_of_the_others() -> None:
    view = view_json(json.dumps([{"code": number} for number in range(604)]))
    assert [step.holds for step in view.steps if step.kind is StepKind.MORE] == ["594 more items"]
    assert len(lines_of(view)) == 604 * 3 + 2


def test_a_folded_part_says_how_much_it_holds() -> None:
    view = view_json('{"items": [{"a": 1}, 2], "one": [1]}')
    assert [step.holds for step in view.steps if step.holds] == ["2 keys }", "2 items ]", "1 key }", "1 item ]"]


def test_folds_open_and_close_in_pairs_also_in_a_cut_long_list() -> None:
    for body in (
        json.dumps([[number] * 200 for number in range(20)])[:3_000],
        '{"a": [' * 30,
        json.dumps({str(n): {"x": n} for n in range(300)}),
    ):
        balance = 0
        for step in view_json(body).steps:
            balance += {StepKind.OPEN: 1, StepKind.MORE: 1, StepKind.CLOSE: -1, StepKind.LINE: 0}[step.kind]
            assert balance >= 0
        assert balance == 0


def test_what_was_searched_for_is_marked_and_its_folds_are_open() -> None:
    view = view_json(
        json.dumps([{"code": f"AUT26-{number}", "deep": {"er": {"est": {"x": number}}}} for number in range(300)]), found=("aut26-250",)
    )
    marked = [segment.text for step in view.steps for segment in step.segments if segment.found]
    assert marked == ["AUT26-250"]
    more = next(step for step in view.steps if step.kind is StepKind.MORE)
    assert more.is_open


def test_found_text_is_marked_across_key_and_value() -> None:
    view = view_json('{"amount":"12900"}', found=('"amount":"12900"',))
    assert "".join(segment.text for segment in view.steps[1].segments if segment.found) == '"amount":"12900"'


@given(st.text(alphabet='{}[]:,"\\ \n1a-.eétrue\u202e'))
def test_any_text_is_read_as_json_or_refused_and_nothing_else(text: str) -> None:
    try:
        lines = read_json(text)
    except NotJson:
        return
    shown = "".join(text[token.start : token.end] for line in lines.lines for token in line.tokens)
    assert re.sub(r"[ \t\r\n]", "", shown) == re.sub(r"[ \t\r\n]", "", text)


@pytest.mark.parametrize("body", ["[" * 10_000_000, '{"a":' * 2_000_000, '[{"a":"\\\\' + "\\a" * 3_000_000, "[" + "1," * 3_000_000])
def test_hostile_megabytes_are_shown_in_bounded_time_and_lines(body: str) -> None:
    started = time.perf_counter()
    view = view_json(body)
    assert time.perf_counter() - started < 5
    assert len(lines_of(view)) <= LINE_LIMIT
    assert len(view.steps) < 3 * LINE_LIMIT


def test_deep_nesting_goes_on_as_text_with_nothing_lost() -> None:
    view = view_json("[" * 100 + "1" + "]" * 100)
    assert len(lines_of(view)) == 64
    assert text_of(view.text) == "[" * 36 + "1" + "]" * 100
    assert view.note == "Nested deeper than 64 levels. From there on, 137 bytes follow as text."


def test_many_lines_go_on_as_text_with_nothing_lost() -> None:
    view = view_json("[" + ",".join(str(number) for number in range(10_000)) + "]")
    assert len(lines_of(view)) == LINE_LIMIT
    assert text_of(view.text).startswith("4999,5000")
    assert view.note == "Shown as lines: the first 5,000. The other 24 KiB follow as text."


def test_fold_all_is_offered_only_where_there_is_something_to_fold() -> None:
    assert not view_json('{"a": 1}').can_fold
    assert view_json('{"a": {"b": 1}}').can_fold
