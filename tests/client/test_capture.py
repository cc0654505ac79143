from __future__ import annotations

import gzip
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditpanel.client.bodies import BodyCopy, BodyText, readable
from auditpanel.client.capture import Call
from auditpanel.client.fitting import fitted
from auditpanel.client.headers import Headers, redacted
from auditpanel.logs.checking import check
from auditpanel.logs.marks import REDACTED
from auditpanel.logs.values import NewLog


def make_call(*, headers: Headers | None = None, path: str = "/v1/vouchers", method: str = "POST", limit_bytes: int = 100) -> Call:
    return Call(method=method, path=path, query="a=1", request_headers=headers or [], body_limit_bytes=limit_bytes)


def read(body: bytes, *, limit_bytes: int = 100, encoding: str | None = None, declared_size_bytes: int = 0) -> BodyText:
    copy = BodyCopy(limit_bytes)
    for start in range(0, len(body), 7):
        copy.add(body[start : start + 7])
    return copy.read(encoding=encoding, declared_size_bytes=declared_size_bytes)


def test_a_cut_body_keeps_its_beginning_and_its_true_size() -> None:
    assert read(b"x" * 250) == BodyText("x" * 100, 250)


def test_a_limit_of_zero_keeps_the_size_only() -> None:
    assert read(b"secret", limit_bytes=0) == BodyText(None, 6)


def test_no_body_is_none() -> None:
    assert read(b"") == BodyText(None, None)


def test_a_body_that_was_not_read_counts_as_it_was_declared() -> None:
    assert read(b"abc", declared_size_bytes=50) == BodyText("abc", 50)
    assert read(b"", declared_size_bytes=50) == BodyText(None, 50)


def test_a_character_that_the_limit_cuts_in_two_is_left_out() -> None:
    assert read("aé".encode() * 50, limit_bytes=5) == BodyText("aéa", 150)


def test_binary_is_kept_readable() -> None:
    assert read(b"\x89PNG\r\n\x00") == BodyText("\\x89PNG\r\n\\x00", 7)


def test_gzip_is_unpacked_and_counts_unpacked() -> None:
    assert read(gzip.compress(b'{"a": 1}'), encoding="gzip") == BodyText('{"a": 1}', 8)


@pytest.mark.parametrize(
    "body", [gzip.compress(b"0" * 5_000), gzip.compress(b"x" * 50)[:-5], b"no gzip at all"], ids=["large", "cut", "other"]
)
def test_gzip_that_does_not_unpack_within_the_limit_stays_packed(body: bytes) -> None:
    assert read(body, encoding="gzip") == BodyText(readable(body), len(body))


@given(body=st.binary(max_size=300), limit_bytes=st.integers(0, 300))
def test_every_body_becomes_text_that_postgresql_takes(body: bytes, limit_bytes: int) -> None:
    kept = read(body, limit_bytes=limit_bytes)
    assert kept.size_bytes == (len(body) or None)
    assert "\0" not in (kept.text or "")
    (kept.text or "").encode()


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "COOKIE",
        "set-cookie",
        "Proxy-Authorization",
        "X-App-Token",
        "x-api-key",
        "Client-Secret",
        "X-Password-Hint",
        "apikey",
    ],
)
def test_secret_headers_are_redacted_as_the_panel_marks_it(name: str) -> None:
    ((_, value),) = redacted([(name, "Bearer abc")])
    assert value == "[redacted, 10 characters]"
    assert REDACTED.fullmatch(value)


def test_other_headers_stay() -> None:
    headers = [("Accept", "*/*"), ("X-App-Id", "7"), ("Author", "Ann")]
    assert redacted(headers) == headers


def test_a_log_is_what_the_panel_takes() -> None:
    call = make_call(headers=[("User-Agent", "curl/8"), ("X-Voucherify-Channel", "Python-SDK-v3"), ("Content-Length", "2")])
    call.request_body.add(b"{}")
    call.start_response(404, [("Content-Type", "application/json")])
    call.response_body.add(b'{"key": "not_found"}')
    log = check(msgspec.convert(fitted(call.as_log()), NewLog))
    assert isinstance(log.id, UUID)
    assert (log.method, log.path, log.query, log.status_code) == ("POST", "/v1/vouchers", "a=1", 404)
    assert (log.channel, log.user_agent) == ("Python-SDK-v3", "curl/8")
    assert (log.request_body, log.request_size_bytes, log.response_body, log.response_size_bytes) == ("{}", 2, '{"key": "not_found"}', 20)
    assert log.duration_ms is not None and 0 <= log.duration_ms < 1_000


def test_what_the_panel_would_refuse_is_cut_to_what_it_takes() -> None:
    call = make_call(path="/" + "é" * 9_000, method="brew!", headers=[("User-Agent", "x" * 5_000)] + [("X", "y")] * 500)
    call.start_response(200, [])
    log = check(msgspec.convert(fitted(call.as_log() | {"user": "u" * 600}), NewLog))
    assert (log.method, len(log.path), len(log.user_agent or ""), len(log.user or "")) == ("-", 4_096, 1_024, 512)
    assert log.path.endswith("é…")


def test_a_call_without_an_answer_is_a_failure() -> None:
    assert make_call().as_log()["status_code"] == 500


def test_the_request_id_is_the_callers_else_the_services_else_a_new_one() -> None:
    from_caller = make_call(headers=[("x-request-id", "caller")])
    from_caller.start_response(200, [("X-Request-Id", "service")])
    from_service = make_call()
    from_service.start_response(200, [("X-Request-Id", "service")])
    new = make_call()
    assert (from_caller.request_id, from_service.request_id) == ("caller", "service")
    assert new.request_id.startswith("v-") and UUID(new.request_id[2:])


@pytest.mark.parametrize("received", ["", "x" * 129, "two words", "line\r\nbreak", "é"])
def test_a_request_id_that_no_header_could_carry_is_replaced(received: str) -> None:
    assert make_call(headers=[("X-Request-Id", received)]).request_id.startswith("v-")
