"""Values of a webhook's own headers in what its target answers."""

from __future__ import annotations

import html
import json
from urllib.parse import quote

import pytest

from auditpanel.webhooks.custom_headers import without_values
from auditpanel.webhooks.values import Answer, Headers

TOKEN = 'a/b+c="8f3a<0e1d>&7'
HEADERS: Headers = [("Authorization", f"Bearer {TOKEN}"), ("X-Shop", "acme")]


def answer(body: str, *, headers: Headers | None = None, is_cut: bool = False) -> Answer:
    return Answer(500, headers or [], body, len(body), is_cut)


@pytest.mark.parametrize(
    "echo",
    [
        f"Authorization: Bearer {TOKEN}",
        f"token={TOKEN};",
        json.dumps({"authorization": f"Bearer {TOKEN}"}),
        json.dumps({"token": TOKEN}).replace("/", "\\/"),
        f"<pre>{html.escape(TOKEN)}</pre>",
        f"?token={quote(TOKEN)}",
        f"?token={quote(TOKEN, safe='')}&x=1",
    ],
)
def test_an_echoed_value_is_left_out_in_whatever_spelling(echo: str) -> None:
    shown = without_values(answer(f"before {echo} after"), HEADERS)
    assert "8f3a" not in shown.body and "(left out)" in shown.body
    assert shown.body.startswith("before ") and shown.body.endswith(" after")
    assert (shown.status_code, shown.size_bytes) == (500, len(f"before {echo} after"))


def test_in_the_headers_of_the_answer_too() -> None:
    shown = without_values(answer("", headers=[("X-Echo", f"Bearer {TOKEN}"), ("Content-Type", "text/plain")]), HEADERS)
    assert shown.headers == [("X-Echo", "(left out)"), ("Content-Type", "text/plain")]


def test_an_answer_that_was_cut_in_the_middle_of_a_value_keeps_none_of_it() -> None:
    shown = without_values(answer(f"x: Bearer {TOKEN[:12]}", is_cut=True), HEADERS)
    assert "8f3a" not in shown.body and shown.body == "x: (left out)"
    assert without_values(answer("x: Bear", is_cut=True), HEADERS).body == "x: Bear"


def test_what_is_too_short_to_be_a_secret_and_what_echoes_nothing_stay_as_they_came() -> None:
    plain = answer("the acme shop is closed", headers=[("X-Shop", "acme")])
    assert without_values(plain, HEADERS) == plain
    assert without_values(plain, []) is plain
