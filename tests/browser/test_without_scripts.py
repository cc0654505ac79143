from __future__ import annotations

from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, User
from tests.browser.conftest import Open
from tests.browser.recording import list_url, make_call, record
from tests.factories import PASSWORD


def test_the_panel_works_without_scripts(browse: Open, base_url: str, session: Session, shop: Project, nina: User) -> None:
    record(session, shop, make_call(path="/v1/good"), make_call(path="/v1/bad", status_code=500, response_body='{"key": "broken"}'))
    page: Page = browse(nina, java_script_enabled=False)
    page.context.clear_cookies()
    page.goto(list_url(shop))
    page.get_by_label("Email").fill(nina.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("link", name="/v1/good")).to_be_visible()
    page.get_by_role("button", name="Add filter").click()
    drawer = page.get_by_role("region", name="Filters")
    drawer.get_by_label("Status is").fill("5xx")
    drawer.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("link", name="/v1/good")).to_have_count(0)
    page.get_by_role("link", name="/v1/bad").click()
    expect(page.get_by_role("heading", level=1, name="/v1/bad")).to_be_visible()
    expect(page.get_by_role("region", name="Response body")).to_contain_text('"key": "broken"')
    page.get_by_text("your menu").locator("xpath=..").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out.")).to_be_visible()
    page.goto(list_url(shop))
    expect(page.get_by_role("heading", level=1, name="Log in")).to_be_visible()
