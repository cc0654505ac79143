from __future__ import annotations

from uuid import uuid4

from playwright.sync_api import expect
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, User
from tests.accounts.visitor import settings_url
from tests.browser.conftest import Open
from tests.factories import PASSWORD, make_superuser, make_user


def test_the_token_of_a_new_key_is_shown_once(browse: Open, session: Session, shop: Project, nina: User) -> None:
    page = browse(nina)
    page.goto(settings_url(shop))
    page.get_by_role("navigation", name="Settings").get_by_role("link", name="API keys").click()
    page.get_by_label("Name").fill("shopify-prod")
    page.get_by_label("Origin").select_option("Shopify")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_text("Copy the token now.")).to_be_visible()
    token = page.get_by_role("definition").last.inner_text().strip()
    assert len(token) > 20
    page.get_by_role("link", name="back to the keys").click()
    expect(page.get_by_role("row", name="shopify-prod")).to_contain_text("Shopify")
    page.reload()
    assert token not in page.content()

    page.get_by_role("row", name="shopify-prod").get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke the key").click()
    expect(page.get_by_text("The key shopify-prod is revoked")).to_be_visible()
    expect(page.get_by_role("row", name="shopify-prod")).to_contain_text("Revoked")


def test_a_member_is_added_and_given_another_role(browse: Open, session: Session, shop: Project, nina: User) -> None:
    user = make_user(session)
    page = browse(nina)
    page.goto(settings_url(shop, "members"))
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Operator:").check()
    page.get_by_role("button", name="Add the member").click()
    expect(page.get_by_text(f"{user.email} is a member now.")).to_be_visible()
    role = page.get_by_label(f"Role of {user.email}", exact=True)
    expect(role).to_have_value("operator")
    role.select_option("Viewer")
    page.get_by_role("button", name=f"Save the role of {user.email}").click()
    expect(page.get_by_text(f"{user.email} is viewer now.")).to_be_visible()
    page.get_by_label("Email").fill("nobody@example.com")
    page.get_by_role("button", name="Add the member").click()
    expect(page.get_by_label("Email")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Email")).to_have_value("nobody@example.com")


def test_a_superuser_makes_a_user_and_a_project_for_them(browse: Open, session: Session) -> None:
    page = browse(make_superuser(session))
    email, name = f"{uuid4().hex}@example.com", f"Shop {uuid4().hex[:8]}"
    page.goto("/administration/users/")
    page.get_by_role("link", name="New user").click()
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Make the user").click()
    expect(page.get_by_role("row", name=email)).to_contain_text("Active")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Projects").click()
    page.get_by_role("link", name="New project").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Time zone").fill("Europe/Nowhere")
    page.get_by_role("button", name="Make the project").click()
    expect(page.get_by_label("Time zone")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Nowhere")
    page.get_by_label("Time zone").fill("Europe/Warsaw")
    page.get_by_role("button", name="Make the project").click()
    expect(page.get_by_text(f"{name} is there.")).to_be_visible()
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Add the member").click()
    expect(page.get_by_role("row", name=email)).to_be_visible()
