from __future__ import annotations

from playwright.sync_api import expect
from sqlalchemy.orm import Session

from auditpanel.accounts.members import add_member
from auditpanel.accounts.models import Project, Role, User
from tests.browser.conftest import Open
from tests.browser.recording import list_url, record_call, record_url
from tests.factories import make_project, make_superuser


def test_a_member_sees_no_other_project(browse: Open, session: Session, shop: Project, nina: User) -> None:
    record_call(session, shop)
    other = make_project(session, name="Other Shop")
    secret = record_call(session, other, path="/v1/secret")
    page = browse(nina)
    page.goto("/")
    page.locator("summary").filter(has_text="other projects").click()
    expect(page.get_by_role("link", name="Acme Shop")).to_be_visible()
    expect(page.get_by_text("Other Shop")).to_have_count(0)
    for url in (list_url(other), list_url(other, "range=all"), record_url(other, secret), record_url(shop, secret)):
        answer = page.goto(url)
        assert answer is not None and answer.status == 404
        expect(page.get_by_role("heading", level=1)).to_have_text("Nothing here")
        assert "Other Shop" not in page.content() and "/v1/secret" not in page.content()


def test_the_switcher_leads_from_one_project_to_the_next(browse: Open, session: Session, shop: Project, nina: User) -> None:
    other = make_project(session, name="Other Shop", time_zone="America/New_York")
    add_member(session, other.id, nina.email, Role.VIEWER)
    for project, path in ((shop, "/v1/ours"), (other, "/v1/theirs")):
        record_call(session, project, path=path)
    page = browse(nina)
    page.goto(list_url(shop))
    page.locator("summary").filter(has_text="other projects").click()
    page.get_by_role("link", name="Other Shop").click()
    expect(page.get_by_role("link", name="/v1/theirs")).to_be_visible()
    expect(page.get_by_text("Times in America/New_York")).to_be_visible()
    expect(page.get_by_role("link", name="Settings")).to_have_count(0)


def test_a_superuser_finds_every_project(browse: Open, session: Session, shop: Project) -> None:
    record_call(session, shop)
    page = browse(make_superuser(session))
    page.goto(list_url(shop))
    expect(page.get_by_role("link", name="/v1/validations")).to_be_visible()
    page.get_by_role("link", name="Projects").click()
    expect(page.get_by_role("heading", level=1, name="All projects")).to_be_visible()
