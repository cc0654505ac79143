"""Every page in light and dark, wide and narrow: no violation that axe-core finds, nothing that scrolls sideways, a screenshot of each."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, Role, User
from auditpanel.config import Settings
from auditpanel.demo import make_demo
from auditpanel.times import utc_now
from auditpanel.webhooks.sealing import Seal
from tests.accounts.visitor import settings_url
from tests.browser.conftest import ARTIFACTS, Open
from tests.browser.recording import list_url, record_call, record_url
from tests.browser.watching import settle
from tests.factories import make_key, make_member, make_project, make_superuser, make_user

AXE = Axe()
OPTIONS = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
}
WIDE, NARROW = 1280, 390
HOSTILE = "<script>alert(1)</script>\u202egnp.exe\x01" * 3


@dataclass(frozen=True, slots=True)
class Stage:
    """A project with a history, one without, and those who look at them. The URLs are those of the pages that need ids."""

    shop: Project
    empty: Project
    admin: User
    superuser: User
    nobody: User
    ok_url: str
    failed_url: str
    hostile_url: str


@pytest.fixture(scope="session")
def stage(app: Flask, engine: Engine, settings: Settings) -> Stage:
    with Session(engine, expire_on_commit=False) as session:
        shop = make_demo(session, utc_now(), uploads=settings.data / "uploads", seal=Seal.of(app.config["SECRET_KEY"]))
        empty = make_project(session, name="Empty Shop")
        admin, superuser, nobody = make_member(session, shop, role=Role.ADMIN), make_superuser(session), make_user(session)
        make_member(session, shop)
        make_key(session, shop)
        ok_id = record_call(session, shop, request_body='{"a": [1, {"b": null}]}', response_body="code=1&name=x")
        failed_id = record_call(
            session,
            shop,
            method="POST",
            path="/v1/redemptions",
            status_code=500,
            response_body='{"key": "internal_error"}',
            duration_ms=3000,
        )
        fields: dict[str, object] = dict.fromkeys(
            ("user", "api_key", "customer", "client_ip", "user_agent", "channel", "request_id"), HOSTILE
        )
        hostile_id = record_call(
            session, shop, path=f"/{HOSTILE}", status_code=404, request_body="[" * 90_000, response_body=HOSTILE * 20, **fields
        )
        urls = [record_url(shop, log_id) for log_id in (ok_id, failed_id, hostile_id)]
        return Stage(shop, empty, admin, superuser, nobody, *urls)


@dataclass(frozen=True, slots=True)
class Shown:
    """`act` is what is done on the page before it is looked at; `covers`: what opens lies over a part of the controls below it."""

    who: str
    url: Callable[[Stage], str]
    act: Callable[[Page], object] | None = None
    widths: tuple[int, ...] = (WIDE, NARROW)
    status: int = 200
    covers: bool = False


def press(name: str) -> Callable[[Page], object]:
    return lambda page: page.get_by_role("button", name=name).first.click()


def open_menu(words: str) -> Callable[[Page], object]:
    return lambda page: page.locator("summary").filter(has_text=words).first.click()


def make_key_in(page: Page) -> None:
    page.get_by_label("Name").fill("shopify-prod")
    press("Make the key")(page)
    page.get_by_text("Copy the token now.").wait_for()


def fail_to_log_in(page: Page) -> None:
    page.get_by_label("Email").fill("nobody@example.com")
    page.get_by_label("Password", exact=True).fill("not the password")
    press("Log in")(page)
    page.get_by_role("alert").wait_for()


def open_folds(page: Page) -> None:
    for summary in page.locator(".fields-summary").all():
        summary.click()


FULL = "origin=SHOPIFY&origin=API&result=failure&path_contains=/v1/&status=4xx&min_duration_ms=1&body_text=amount&match=any"
PAGES = {
    "list": Shown("admin", lambda stage: list_url(stage.shop)),
    "list-errors": Shown("admin", lambda stage: list_url(stage.shop, "only=errors")),
    "list-narrowed": Shown("admin", lambda stage: list_url(stage.shop, FULL)),
    "list-local": Shown("admin", lambda stage: list_url(stage.shop, "times=local")),
    "list-empty": Shown("admin", lambda stage: list_url(stage.shop, "path_contains=nowhere&status=404")),
    "list-nothing-yet": Shown("superuser", lambda stage: list_url(stage.empty)),
    "list-refused": Shown("admin", lambda stage: list_url(stage.shop, "created_after=2025-02-30&status=9&no_such=1"), status=400),
    "list-clock-change": Shown("admin", lambda stage: list_url(stage.shop, "created_after=2025-10-26+02:15")),
    "list-drawer": Shown("admin", lambda stage: list_url(stage.shop, "status=4xx"), press("Add filter"), (WIDE,)),
    "list-drawer-narrow": Shown("admin", lambda stage: list_url(stage.shop, "status=4xx"), press("Filters"), (NARROW,)),
    "list-range-menu": Shown("admin", lambda stage: list_url(stage.shop), open_menu("choose a range"), covers=True),
    "list-project-menu": Shown("superuser", lambda stage: list_url(stage.shop), open_menu("other projects"), (WIDE,), covers=True),
    "list-user-menu": Shown("superuser", lambda stage: list_url(stage.shop), open_menu("your menu"), (WIDE,)),
    "list-side-menu": Shown("superuser", lambda stage: list_url(stage.shop), press("Menu"), (NARROW,)),
    "list-keys": Shown("admin", lambda stage: list_url(stage.shop), lambda page: page.keyboard.press("?")),
    "record-ok": Shown("admin", lambda stage: stage.ok_url),
    "record-failed": Shown("admin", lambda stage: stage.failed_url),
    "record-hostile": Shown("admin", lambda stage: stage.hostile_url, open_folds),
    "login": Shown("", lambda stage: "/login"),
    "login-failed": Shown("", lambda stage: "/login", fail_to_log_in),
    "error-404": Shown("admin", lambda stage: list_url(stage.empty), status=404),
    "error-403": Shown("admin", lambda stage: "/administration/users/", status=403),
    "error-404-logged-out": Shown("", lambda stage: "/no-such-page", status=404),
    "projects": Shown("superuser", lambda stage: "/"),
    "projects-none": Shown("nobody", lambda stage: "/"),
    "account": Shown("admin", lambda stage: "/account"),
    "account-dialog": Shown("admin", lambda stage: "/account", press("Log out everywhere")),
    "settings": Shown("admin", lambda stage: settings_url(stage.shop)),
    "settings-members": Shown("admin", lambda stage: settings_url(stage.shop, "members")),
    "settings-keys": Shown("admin", lambda stage: settings_url(stage.shop, "keys")),
    "settings-new-key": Shown("admin", lambda stage: settings_url(stage.shop, "keys"), make_key_in),
    "users": Shown("superuser", lambda stage: "/administration/users/"),
    "user": Shown("superuser", lambda stage: f"/administration/users/{stage.nobody.id}/"),
    "new-user": Shown("superuser", lambda stage: "/administration/users/new"),
    "all-projects": Shown("superuser", lambda stage: "/administration/projects/"),
    "new-project": Shown("superuser", lambda stage: "/administration/projects/new"),
}


@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_use_the_page(page: Page, browse: Open, stage: Stage, name: str) -> None:
    shown = PAGES[name]
    if shown.who:
        page = browse(getattr(stage, shown.who))
    faults = []
    for width in shown.widths:
        page.set_viewport_size({"width": width, "height": 800})
        answer = page.goto(shown.url(stage))
        assert answer is not None and answer.status == shown.status
        settle(page)
        if shown.act:
            shown.act(page)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            faults += [f"{width} {theme}: {fault}" for fault in faults_of(page, covers=shown.covers)]
            page.screenshot(path=ARTIFACTS / "pages" / f"{name}-{width}-{theme}.png")
    assert not faults, f"{urlsplit(page.url).path}\n" + "\n".join(faults)


def faults_of(page: Page, *, covers: bool) -> list[str]:
    # axe-core measures what is left to see of a control under an open menu, though nobody aims at it then.
    options = OPTIONS | {"rules": {"target-size": {"enabled": not covers}}}
    faults = [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in AXE.run(page, options=options).response["violations"]
        for node in violation["nodes"]
    ]
    sideways = page.evaluate(
        """() => [...document.querySelectorAll("body *")]
          .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
          .slice(0, 5).map((element) => `${element.tagName} .${element.className?.baseVal ?? element.className}`)"""
    )
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        faults.append(f"the page scrolls sideways: {json.dumps(sideways)}")
    return faults
