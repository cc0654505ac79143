"""Whatever was recorded can be stored, and a failure's error is found in its answer."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditpanel.logs.content import LONGEST_ERROR, clean, cut, error_of, readable


def test_what_postgresql_cannot_store_is_shown() -> None:
    assert clean("a\x00b\ud800c\udfffé") == "a\\x00b\\ud800c\\udfffé"


def test_control_characters_and_marks_of_direction_are_kept() -> None:
    assert clean("\x01\x1b[31m\u202e😀") == "\x01\x1b[31m\u202e😀"


@given(st.text(st.characters(codec=None)))
def test_any_text_can_be_stored_once_it_is_clean(text: str) -> None:
    stored = clean(text)
    assert "\x00" not in stored and stored.encode().decode() == stored
    assert clean(stored) == stored


@given(st.binary())
def test_any_bytes_are_readable(data: bytes) -> None:
    text = readable(data)
    assert "\x00" not in text
    assert clean(text) == text


def test_bytes_that_are_no_utf8_are_shown_one_by_one() -> None:
    assert readable(b"\x89PNG\x00 \xc3\xa9") == "\\x89PNG\\x00 é"


@given(st.text(st.characters(codec=None)), st.integers(0, 40))
def test_text_is_cut_to_its_limit_between_characters(text: str, limit: int) -> None:
    kept = cut(text, limit)
    assert text.startswith(kept)
    assert len(kept.encode("utf-8", "surrogatepass")) <= limit
    assert kept == text or len(text[: len(kept) + 1].encode("utf-8", "surrogatepass")) > limit


@pytest.mark.parametrize("before", ["ab", "é😀"])
def test_a_redaction_mark_is_never_cut(before: str) -> None:
    text = f"{before}[redacted, 12 characters]x"
    start = len(before.encode())
    assert {cut(text, limit) for limit in range(start, len(text.encode()) - 1)} == {before}
    assert cut(text, len(text.encode()) - 1) == text[:-1]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ('{"code":404,"message":"Resource not found","key":"not_found","details":"x"}', "not_found"),
        ('{"message":"order.amount is not\\n a number"}', "order.amount is not a number"),
        ('{"error":"invalid_grant","error_description":"x"}', "invalid_grant"),
        ('{"error":{"code":1,"message":"No such price"}}', "No such price"),
        ('{"errors":[{"detail":"Bad cursor"}]}', "Bad cursor"),
        ('{"type":"about:blank","title":"Not Found","detail":"No voucher x"}', "No voucher x"),
        ('{"key":"","message":5,"title":"Broken"}', "Broken"),
        ('{"key":"a\\u0000b"}', "a\\x00b"),
        ('{"code":500,"message":"Internal error","key":"internal_error","data":[1,2', "internal_error"),
        ('{"message":"cut he', "cut he"),
        ("[]", None),
        ("{}", None),
        ("<html>key</html>", None),
        ("", None),
        (None, None),
    ],
)
def test_the_error_of_a_failure_is_what_its_answer_says(answer: str | None, error: str | None) -> None:
    assert error_of(500, answer) == error


def test_a_success_has_no_error() -> None:
    assert error_of(399, '{"key":"x"}') is None


def test_a_long_error_is_cut_and_says_so() -> None:
    error = error_of(400, json.dumps({"message": "x" * 500}))
    assert error == "x" * (LONGEST_ERROR - 1) + "…"


@pytest.mark.parametrize("answer", ['{"key":' + '{"key":' * 1_000_000, "[" * 10_000_000, '{"message":"first","a":' + "[" * 1_000_000])
def test_hostile_answers_are_read_safely(answer: str) -> None:
    assert error_of(500, answer) == ("first" if "first" in answer else None)


@given(st.text(st.characters(codec=None)))
def test_any_answer_is_taken(answer: str) -> None:
    assert error_of(500, answer) == error_of(500, answer)
    error = error_of(500, '{"key":"' + answer)
    assert error is None or len(error) <= LONGEST_ERROR
