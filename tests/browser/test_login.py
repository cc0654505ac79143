from __future__ import annotations

from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, User
from tests.browser.recording import list_url, record_call
from tests.factories import PASSWORD


def fill(page: Page, email: str, password: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in").click()


def test_a_wrong_password_is_told_with_the_tries_left_and_the_right_one_leads_to_the_project(
    page: Page, session: Session, shop: Project, nina: User
) -> None:
    record_call(session, shop)
    page.goto("/")
    fill(page, nina.email, "not the password")
    expect(page.get_by_role("alert")).to_contain_text("Email and password do not match. 4 more tries, then a pause of 15 minutes.")
    expect(page.get_by_label("Email")).to_have_value(nina.email)
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    fill(page, nina.email, PASSWORD)
    expect(page.get_by_role("heading", level=1, name="Logs")).to_be_visible()
    expect(page.locator("summary").filter(has_text="other projects")).to_contain_text("Acme Shop")


def test_a_login_leads_to_the_page_that_was_asked_for(page: Page, session: Session, shop: Project, nina: User) -> None:
    record_call(session, shop, path="/v1/lost", status_code=404)
    wanted = list_url(shop, "status=404")
    page.goto(wanted)
    expect(page.get_by_role("heading", level=1, name="Log in")).to_be_visible()
    fill(page, nina.email, PASSWORD)
    expect(page.get_by_role("link", name="/v1/lost")).to_be_visible()
    assert page.url.endswith(wanted)


def test_a_login_does_not_lead_to_another_site(page: Page, session: Session, base_url: str, nina: User) -> None:
    session.commit()
    page.goto("/login?next=//example.com/")
    fill(page, nina.email, PASSWORD)
    expect(page.get_by_role("heading", level=1, name="Logs")).to_be_visible()
    assert page.url.startswith(base_url)


def test_login_and_logout_need_no_mouse(page: Page, session: Session, shop: Project, nina: User) -> None:
    record_call(session, shop)
    page.goto("/login")
    expect(page.get_by_label("Email")).to_be_focused()
    page.keyboard.type(nina.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Logs")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Go to the content")).to_be_focused()
    tab_to(page, "your menu")
    page.keyboard.press("Enter")
    tab_to(page, "Log out")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You are logged out.")).to_be_visible()
    page.goto(list_url(shop))
    expect(page.get_by_role("heading", level=1, name="Log in")).to_be_visible()


def test_a_password_can_be_looked_at(page: Page) -> None:
    page.goto("/login")
    field = page.get_by_label("Password", exact=True)
    field.fill("what is typed")
    page.get_by_role("button", name="Show the password").click()
    expect(field).to_have_attribute("type", "text")
    page.get_by_role("button", name="Show the password").click()
    expect(field).to_have_attribute("type", "password")


def tab_to(page: Page, words: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if words in page.evaluate("document.activeElement.textContent"):
            return
    raise AssertionError(f"the Tab key does not lead to {words!r}")
