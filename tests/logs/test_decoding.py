"""Logs from JSON: one, and batches in which a bad one never costs the others."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditpanel.errors import InvalidInput
from auditpanel.logs.decoding import BATCH_LIMIT, NotJson, decode_batch, decode_log
from auditpanel.logs.values import NewLog


def raw_log(**fields: object) -> bytes:
    """ASCII, so that half of a surrogate pair is an escape."""
    return json.dumps({"occurred_at": "2026-11-24T14:05:00Z", "path": "/v1/vouchers", "status_code": 200} | fields).encode()


def reason_of(raw: bytes) -> str:
    with pytest.raises(InvalidInput) as caught:
        decode_log(raw)
    return caught.value.details


def reasons_of(batch: bytes) -> list[str | None]:
    return [item.details if isinstance(item, InvalidInput) else None for item in decode_batch(batch)]


GOOD = raw_log()


# One log


def test_a_log_is_given_with_its_method_in_capitals_its_time_in_utc_and_its_query_as_text() -> None:
    log = decode_log(raw_log(method="get", occurred_at="2026-11-24T15:05:00.5+01:00", query={"a": ["1", "ł &"], "b": "2"}))
    assert (log.method, log.occurred_at, log.query) == (
        "GET",
        datetime(2026, 11, 24, 14, 5, 0, 500_000, tzinfo=UTC),
        "a=1&a=%C5%82+%26&b=2",
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status_code": "200"}, "status_code: expected a whole number, got a text"),
        ({"status_code": 200.5}, "status_code: expected a whole number, got a number with a point"),
        ({"status_code": 99}, "status_code: 99 is not an HTTP status; expected 100 to 599"),
        ({"status_code": 10**30}, "status_code: a number of more than 15 digits is not an HTTP status; expected 100 to 599"),
        ({"statuscode": 1}, 'unknown field "statuscode"; did you mean "status_code"?'),
        ({"occurred_at": 1_700_000_000}, "occurred_at: expected a date and time in text, got a whole number"),
        (
            {"occurred_at": "2026-11-24T14:05:00"},
            "occurred_at: 2026-11-24T14:05:00 has no offset; end it with Z for UTC or with one like +02:00",
        ),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at: 0001-01-01T00:00:00+14:00 is out of range in UTC"),
        ({"id": "7"}, "id: not a UUID; write one like 0199c2f4-7b1e-7d21-a1f6-e8407cd4c44b, or leave it out"),
        ({"method": "GET /"}, 'method: "GET /" is not an HTTP method; write 1 to 16 letters, like GET'),
        ({"method": None}, "method: expected a text, got null"),
        ({"path": ""}, "path: is empty; write the path of the call, like /v1/vouchers"),
        ({"path": "/" * 4_097}, "path: has 4,097 characters; at most 4,096 are taken"),
        ({"query": {"a": "b" * 8_192}}, "query: has 8,194 characters; at most 8,192 are taken"),
        ({"user": "u" * 513}, "user: has 513 characters; at most 512 are taken"),
        ({"user_agent": "u" * 1_025}, "user_agent: has 1,025 characters; at most 1,024 are taken"),
        ({"request_id": "u" * 129}, "request_id: has 129 characters; at most 128 are taken"),
        ({"duration_ms": -1}, "duration_ms: -1.0 is out of range; expected 0 or more milliseconds, below 1,000,000,000"),
        ({"duration_ms": 1e9}, "duration_ms: 1000000000.0 is out of range; expected 0 or more milliseconds, below 1,000,000,000"),
        (
            {"response_size_bytes": 2**63},
            "response_size_bytes: a number of more than 15 digits is out of range; expected 0 or more bytes, below 2^63",
        ),
        ({"request_headers": [["a", "b"]] * 201}, "request_headers: has 201 entries; at most 200 are taken"),
        ({"request_headers": {"a": 1}}, "request_headers.*: expected a text, got a whole number"),
        ({"references": [{"type": "sku", "id": "x"}] * 101}, "references: has 101 entries; at most 100 are taken"),
        ({"references": [{"type": "sku"}]}, 'references[0]: required field "id" is missing'),
        ({"references": [{"typ": "sku", "id": "x"}]}, 'references[0]: unknown field "typ"; did you mean "type"?'),
        (
            {"references": [{"type": "Sku", "id": "x"}]},
            'references[0].type: "Sku" is not a type; write one lower-case word, like customer or async_action',
        ),
        (
            {"origin": "SHOP"},
            "origin: 'SHOP' is not known; expected one of DASHBOARD, CUSTOMER_COCKPIT, BIGCOMMERCE, SHOPIFY, ACTIVECAMPAIGN, API",
        ),
    ],
)
def test_what_is_wrong_with_a_log_is_said_in_plain_words(fields: dict[str, object], reason: str) -> None:
    assert reason_of(raw_log(**fields)) == reason


def test_a_date_that_does_not_exist_is_refused_with_an_example_of_a_right_one() -> None:
    assert reason_of(raw_log(occurred_at="2026-02-30T00:00:00Z")).endswith(
        "write ISO 8601 with an offset or Z, like 2026-11-24T14:05:00.123Z"
    )


def test_a_missing_field_is_named() -> None:
    assert reason_of(b'{"path": "/"}') == 'required field "occurred_at" is missing'


@pytest.mark.parametrize("number", [b"1e400", b"9" * 5_000])
def test_a_number_that_nothing_holds_is_refused(number: bytes) -> None:
    assert reason_of(raw_log(duration_ms=7).replace(b"7}", number + b"}")) == "duration_ms: the number is out of range"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"nope", "not JSON: invalid character (byte 4)"),
        (b"", "not JSON: it breaks off"),
        (GOOD[:-1], "not JSON: it breaks off"),
        (GOOD + b" x", "not JSON: trailing characters (byte 85)"),
    ],
)
def test_what_is_not_json_is_refused_with_the_place(raw: bytes, reason: str) -> None:
    assert reason_of(raw) == reason


def test_deep_nesting_is_refused_where_it_begins() -> None:
    assert reason_of(b'{"references": ' + b"[" * 100_000).startswith("references[0]: expected an object, got a list")
    assert reason_of(b'{"status_code": ' + b"[" * 100_000).startswith("status_code: expected a whole number, got a list")


def test_half_of_a_surrogate_pair_and_bytes_that_are_not_utf_8_are_spelled_out() -> None:
    raw = raw_log(user="a\ud800b", customer="\U0001f600", request_body="\\ud800").replace(b"/v1/", b"/\xff\xc5\x82/")
    log = decode_log(raw)
    assert (log.user, log.customer, log.request_body, log.path) == (r"a\ud800b", "\U0001f600", r"\ud800", "/\\xffł/vouchers")


# Batches


def test_a_batch_is_an_array_or_ndjson() -> None:
    one = decode_log(GOOD)
    assert decode_batch(b"[" + GOOD + b", " + GOOD + b"]\n") == [one, one]
    assert decode_batch(b"\xef\xbb\xbf" + GOOD + b"\r\n\r\n" + GOOD) == [one, one]
    assert decode_batch(memoryview(b"[]")) == []


def test_a_lone_log_may_be_laid_out_over_several_lines() -> None:
    assert decode_batch(json.dumps(json.loads(GOOD), indent=2).encode()) == [decode_log(GOOD)]


@pytest.mark.parametrize(
    "bad",
    [
        b"3",
        b"null",
        b'{"a": 1}',
        b'{"a": "]},["}',
        b"nope",
        b'{"a": NaN}',
        b'{"a": "\x01"}',
        b'{"a": "\\q"}',
        b'{"status_code": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        raw_log(user="\ud800", statuscode=1),
        raw_log(duration_ms=-1),
    ],
)
def test_a_bad_log_never_costs_the_others_of_its_batch(bad: bytes) -> None:
    for batch in (b"[" + b",".join([GOOD, bad, GOOD]) + b"]", b"\n".join([GOOD, bad, GOOD])):
        first, refused, last = decode_batch(batch)
        assert isinstance(first, NewLog)
        assert isinstance(last, NewLog)
        assert isinstance(refused, InvalidInput)


def test_a_log_with_half_of_a_surrogate_pair_is_taken_with_the_others() -> None:
    first, second = decode_batch(b"[" + raw_log(user="\ud800") + b"," + GOOD + b"]")
    assert isinstance(first, NewLog)
    assert first.user == "\\ud800"
    assert isinstance(second, NewLog)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is empty; send a JSON array of logs, or one log on each line"),
        (b"<logs/>", "the body begins with '<logs/>'; send a JSON array of logs, or one log on each line"),
        (b"[" + GOOD, "the body breaks off after 84 bytes: its JSON array is not closed"),
        (b"[" + GOOD + b"] x", "the body goes on after the end of its JSON array (byte 85)"),
        (b'["' + b'\\"' * 100_000, "the body breaks off after 200,002 bytes: its JSON array is not closed"),
        (GOOD[:-1], "no line is a log, the first is not JSON: it breaks off; send a JSON array of logs, or one whole log on each line"),
        (json.dumps(json.loads(raw_log(a=1)), indent=2).encode(), "no line is a log, the first is not JSON: it breaks off"),
    ],
)
def test_a_body_that_can_not_be_read_is_refused_as_a_whole(body: bytes, reason: str) -> None:
    with pytest.raises(NotJson) as caught:
        decode_batch(body)
    assert caught.value.details.startswith(reason)


@pytest.mark.parametrize("item", [GOOD, b'{"a": 1}'])
def test_a_batch_holds_at_most_a_thousand_logs(item: bytes) -> None:
    assert len(decode_batch(b"[" + b",".join([item] * BATCH_LIMIT) + b"]")) == BATCH_LIMIT
    for batch in (b"[" + b",".join([item] * 1_001) + b"]", b"\n".join([item] * 1_001)):
        with pytest.raises(InvalidInput, match="more than 1,000 logs"):
            decode_batch(batch)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(json_values, max_size=5))
def test_whatever_the_items_are_each_is_judged_in_its_place(items: list[object]) -> None:
    batch = b"[" + b",".join([json.dumps(item).encode() for item in items] + [GOOD]) + b"]"
    *refused, last = reasons_of(batch)
    assert len(refused) == len(items)
    assert all(refused)
    assert last is None


@given(st.binary(max_size=200))
def test_no_body_raises_anything_but_invalid_input(body: bytes) -> None:
    for text in (body, b"[" + body + b"]", b'{"' + body, b"[" + GOOD + b"," + body + b"]"):
        with contextlib.suppress(InvalidInput):
            decode_batch(text)
