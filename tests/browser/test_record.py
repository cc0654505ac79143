from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, User
from auditpanel.ids import Prefix, format_id
from tests.browser.conftest import Open
from tests.browser.recording import at, make_call, record, record_call, record_url
from tests.browser.watching import settle

CLIPBOARD = {"permissions": ["clipboard-read", "clipboard-write"]}
REQUEST = {"order": {"amount": "12900", "items": [{"sku": "A"}, {"sku": "B"}]}, "code": "SUMMER-24"}
ANSWER = {"code": 400, "key": "invalid_payload", "details": "Property .order.amount must be a number"}


def record_failure(session: Session, shop: Project) -> str:
    """The URL of its page."""
    log_id = record_call(
        session,
        shop,
        occurred_at=at("2025-07-01T20:15:00.250123Z"),
        method="POST",
        path="/v1/validations",
        status_code=400,
        duration_ms=38,
        origin="SHOPIFY",
        api_key="shopify-prod",
        request_headers=[["Host", "api.acme.example"], ["Content-Type", "application/json"], ["Authorization", "Bearer of-the-shop"]],
        request_body=json.dumps(REQUEST),
        response_headers=[["Content-Type", "application/json"]],
        response_body=json.dumps(ANSWER),
    )
    return record_url(shop, log_id, "range=all&origin=SHOPIFY")


def test_the_time_is_told_in_project_local_and_universal_time(browse: Open, session: Session, shop: Project, nina: User) -> None:
    page = browse(nina)
    page.goto(record_failure(session, shop))
    told = {"Project time, Europe/Warsaw": "22:15:00.250 +02:00", "Local time, Asia/Kolkata": "01:45:00.250 +05:30"}
    told["Occurrence date, UTC"] = "2025-07-01T20:15:00.250123Z"
    for label, words in told.items():
        term = page.get_by_role("term").filter(has_text=label)
        expect(term.locator("xpath=..").get_by_role("definition")).to_contain_text(words)


def test_request_and_answer_stand_side_by_side_and_say_what_was_wrong(browse: Open, session: Session, shop: Project, nina: User) -> None:
    page = browse(nina)
    page.goto(record_failure(session, shop))
    request, answer = page.get_by_role("region", name="Request", exact=True), page.get_by_role("region", name="Response", exact=True)
    expect(request.get_by_role("region", name="Request body")).to_contain_text('"code": "SUMMER-24"')
    expect(answer.get_by_role("region", name="Response body")).to_contain_text("Property .order.amount must be a number")
    left, right = request.bounding_box(), answer.bounding_box()
    assert left and right and left["y"] == right["y"] and left["x"] < right["x"]
    expect(page.get_by_text("invalid_payload").first).to_be_visible()
    request.locator("summary").filter(has_text="Headers").click()
    expect(request.get_by_role("row", name="Authorization")).to_contain_text("redacted")
    expect(page.get_by_text("of-the-shop")).to_have_count(0)


def test_a_body_is_folded_part_by_part_and_all_at_once(browse: Open, session: Session, shop: Project, nina: User) -> None:
    page = browse(nina)
    page.goto(record_failure(session, shop))
    request = page.get_by_role("region", name="Request", exact=True)
    order = request.locator("summary").filter(has_text='"order"')
    amount = request.get_by_text('"amount"', exact=True)
    expect(amount).to_be_visible()
    order.click()
    expect(amount).to_be_hidden()
    expect(order).to_contain_text("2 keys")
    request.get_by_role("button", name="Fold all").click()
    expect(amount).to_be_hidden()
    request.get_by_role("button", name="Unfold all").click()
    expect(request.get_by_text('"sku"', exact=True).first).to_be_visible()


def clipboard(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_id_body_and_call_are_copied(browse: Open, session: Session, shop: Project, nina: User) -> None:
    page = browse(nina, **CLIPBOARD)
    page.goto(record_failure(session, shop))
    page.get_by_role("button", name="Copy the log id").click()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    assert clipboard(page).startswith("log_")
    assert clipboard(page) in page.url
    page.get_by_role("button", name="Copy the request body").click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.includes('SUMMER-24'))")
    assert json.loads(clipboard(page)) == REQUEST
    page.get_by_role("button", name="Copy as cURL").click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.startsWith('curl'))")
    copied = clipboard(page)
    assert "https://api.acme.example/v1/validations" in copied
    assert "SUMMER-24" in copied
    assert "of-the-shop" not in copied
    page.get_by_role("button", name="Copy link").click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.startsWith('http'))")
    assert clipboard(page) == page.url.partition("?")[0]


def test_previous_and_next_stay_within_the_filters(browse: Open, session: Session, shop: Project, nina: User) -> None:
    calls = [make_call(path=f"/call/{number}", minutes_ago=number + 1, origin=("SHOPIFY", "API")[number % 2]) for number in range(5)]
    log_ids = record(session, shop, *calls)
    page = browse(nina)
    page.goto(record_url(shop, log_ids[2], "origin=SHOPIFY"))
    expect(page.get_by_text("2 of 3")).to_be_visible()
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("heading", level=1, name="/call/4")).to_be_visible()
    settle(page)
    page.keyboard.press("k")
    expect(page.get_by_role("heading", level=1, name="/call/2")).to_be_visible()
    page.get_by_role("link", name="Newer").click()
    expect(page.get_by_role("heading", level=1, name="/call/0")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Logs").click()
    expect(page.get_by_role("button", name="Origin is Shopify")).to_be_visible()


# Each would do something, were it taken for code or for the page's own markup; the last ones would hide or turn around what stands beside.
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<svg/onload=alert(1)>",
    "javascript:alert(1)",
    "</pre></div></template><iframe srcdoc='<script>alert(1)</script>'>",
    "{{ 7 * 7 }}<style>*{display:none}</style>",
    "a\x01\x08\x1b[31mb\x7f\u200b",
    "\u202egpj.exe\u2066\u200f",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_shown_as_text(browse: Open, session: Session, shop: Project, nina: User, text: str) -> None:
    """The watch over the page fails the test where a dialog opens or the policy was broken."""
    log_id = record_call(
        session,
        shop,
        path=f"/{text}",
        route=text,
        query=f"q={text}",
        status_code=500,
        channel=text,
        user=text,
        api_key=text,
        customer=text,
        client_ip=text,
        user_agent=text,
        request_id=text,
        request_headers=[["Content-Type", text], ["X-Hostile", text]],
        request_body=json.dumps({text: [text, {"key": text}]}),
        response_headers=[["X-Hostile", text]],
        response_body=text,
        references=[{"type": "campaign", "id": text}],
    )
    page = browse(nina)
    page.goto(record_url(shop, log_id, "path_contains=/"))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    for summary in page.locator(".fields-summary").all():
        summary.click()
    assert page.locator("main :is(script, iframe, style, img, [onerror], [onload])").count() == 0
    assert page.locator("main a:not([href^='/'])").and_(page.locator("[href]")).count() == 0
    if text.isprintable():
        assert page.get_by_role("main").inner_text().count(text) >= 10
    else:
        shown = page.title() + page.get_by_role("main").inner_text()
        assert not any(sign in shown for sign in text if not sign.isprintable())
    page.get_by_role("main").get_by_role("link", name="Logs").click()
    expect(page.get_by_role("row").filter(has=page.get_by_text("500", exact=True))).to_have_count(1)


def test_a_deep_body_is_shown_and_the_page_stays_usable(browse: Open, session: Session, shop: Project, nina: User) -> None:
    # As deep as it fits into what is stored of a body, and as deep again in what was cut.
    log_id = record_call(session, shop, request_body="[" * 100_000 + "]" * 100_000, response_body='{"a":' * 10_000 + "1" + "}" * 10_000)
    page = browse(nina)
    page.goto(record_url(shop, log_id))
    expect(page.get_by_text("Cut at 64 KiB of 195 KiB", exact=True)).to_be_visible()
    page.get_by_role("region", name="Response", exact=True).get_by_role("button", name="Fold all").click()
    expect(page.get_by_role("region", name="Response", exact=True).get_by_role("button", name="Unfold all")).to_be_visible()


def test_an_unknown_id_is_not_found(browse: Open, session: Session, shop: Project, nina: User) -> None:
    page = browse(nina)
    answer = page.goto(f"/projects/{format_id(Prefix.PROJECT, shop.id)}/logs/log_01a21014000070008000000000000000")
    assert answer is not None and answer.status == 404
    expect(page.get_by_role("link", name="Back to the projects")).to_be_visible()
