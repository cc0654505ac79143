from __future__ import annotations

from playwright.sync_api import APIRequestContext, Playwright, expect
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, User
from auditpanel.times import iso_utc, utc_now
from tests.browser.conftest import Open
from tests.browser.recording import list_url
from tests.factories import make_key


def test_the_list_opens_by_itself_when_the_first_call_arrives(
    browse: Open, session: Session, playwright: Playwright, base_url: str, shop: Project, nina: User
) -> None:
    key = make_key(session, shop)
    page = browse(nina)
    page.goto(list_url(shop))
    expect(page.get_by_role("status").filter(has_text="Listening for the first call")).to_be_visible()
    headers = {"X-App-Id": key.app_id, "X-App-Token": key.app_token}
    service: APIRequestContext = playwright.request.new_context(base_url=base_url, extra_http_headers=headers)
    call = {"occurred_at": iso_utc(utc_now()), "path": "/v1/first", "status_code": 201, "method": "POST"}
    answer = service.post("/v1/logs", data=[call])
    assert answer.status == 202 and answer.json()["stored"] == 1
    service.dispose()
    expect(page.get_by_role("link", name="/v1/first")).to_be_visible()
