from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditpanel.errors import InvalidInput, Unavailable
from auditpanel.webhooks.custom_headers import checked_headers, open_headers, seal_headers
from auditpanel.webhooks.sealing import Seal, new_secret
from auditpanel.webhooks.values import Headers

SEAL = Seal.of("of the tests")


@settings(max_examples=50)
@given(st.text())
def test_what_is_closed_opens_to_the_same_text_and_shows_nothing_of_it(text: str) -> None:
    sealed = SEAL.close(text)
    assert SEAL.open(sealed) == text
    assert len(text) < 4 or text.encode() not in sealed


def test_the_same_text_is_sealed_differently_each_time() -> None:
    assert SEAL.close("whsec_x") != SEAL.close("whsec_x")


def test_another_secret_key_does_not_open_it_and_says_what_to_do() -> None:
    with pytest.raises(Unavailable, match="encrypted with another SECRET_KEY"):
        Seal.of("another").open(SEAL.close("whsec_x"))


@pytest.mark.parametrize(
    "damaged",
    [b"", b"\x01", b"\x02" + SEAL.close("x")[1:], SEAL.close("x")[:-1], SEAL.close("x")[:-1] + b"?"],
    ids=["empty", "version alone", "other version", "cut", "changed"],
)
def test_what_was_altered_does_not_open(damaged: bytes) -> None:
    with pytest.raises(Unavailable):
        SEAL.open(damaged)


def test_a_seal_shows_nothing_of_its_key() -> None:
    assert repr(SEAL) == "Seal()"


def test_a_secret_is_base64_of_32_bytes_and_new_each_time() -> None:
    secret = new_secret()
    assert secret.startswith("whsec_") and len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    assert secret != new_secret()


def test_headers_are_sealed_with_names_and_values() -> None:
    headers: Headers = [("Authorization", "Bearer 8f3a"), ("X-Shop", "1")]
    sealed = seal_headers(SEAL, headers)
    assert sealed is not None and b"Authorization" not in sealed
    assert open_headers(SEAL, sealed) == headers
    assert seal_headers(SEAL, []) is None and open_headers(SEAL, None) == []


def test_headers_lose_the_spaces_around_them() -> None:
    assert checked_headers([(" X-Shop ", " 1 2 ")]) == [("X-Shop", "1 2")]


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ([("Content-Length", "5")], '"Content-Length" is set by the panel itself'),
        ([("HOST", "x")], '"HOST" is set by the panel itself'),
        ([("Webhook-Signature", "v1,x")], '"Webhook-Signature" is set by the panel itself'),
        ([("X-Voucherify-Signature", "x")], "is set by the panel itself"),
        ([("X Shop", "1")], '"X Shop" is not the name of a header'),
        ([("", "1")], "is not the name of a header"),
        ([("X-Shop", "")], 'the value of "X-Shop" has to be 1 to 4,096'),
        ([("X-Shop", "hidden\r\nX-Other: 1")], 'the value of "X-Shop"'),
        ([("X-Shop", "hidden ź")], 'the value of "X-Shop"'),
        ([("X-Shop", "hidden" * 1_000)], 'the value of "X-Shop"'),
        ([("X-Shop", "1"), ("x-shop", "2")], '"x-shop" is there twice'),
        ([(f"X-{number}", "1") for number in range(21)], "21 are too many; 20 at most"),
    ],
)
def test_a_header_that_cannot_be_sent_is_refused_by_name_and_never_with_its_value(headers: Headers, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_headers(headers)
    assert refused.value.field == "headers" and says in refused.value.reason
    assert "hidden" not in str(refused.value)
