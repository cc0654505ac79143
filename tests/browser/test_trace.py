"""The trace of an import in a browser: everybody can use it, wide and narrow, light and dark, and it tells the whole story."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.config import Settings
from tests.browser.conftest import ARTIFACTS, Open
from tests.browser.test_accessibility import faults_of
from tests.browser.watching import settle
from tests.factories import make_member
from tests.panel.tasks_made import Desk, make_desk
from tests.panel.traces_made import Story, make_story

SIZES: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"))


@pytest.fixture
def desk(app: Flask, session: Session, settings: Settings) -> Desk:
    return make_desk(app, session, settings)


@pytest.fixture
def story(desk: Desk) -> Story:
    return make_story(desk)


def open_trace(browse: Open, desk: Desk, story: Story, **options: object) -> Page:
    page = browse(make_member(desk.session, desk.project, role=Role.OPERATOR), **options)
    page.goto(f"/projects/{desk.scope.id}/traces/{story.request_id}")
    return page


def test_everybody_can_read_a_trace(browse: Open, desk: Desk, story: Story) -> None:
    page, faults = open_trace(browse, desk, story), []
    settle(page)
    for width, theme in SIZES:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)
        faults += [f"{width} {theme}: {fault}" for fault in faults_of(page, covers=False)]
        page.screenshot(path=ARTIFACTS / "pages" / f"trace-{width}-{theme}.png", full_page=True)
    for fold in page.locator(".trace-fold summary").all():
        fold.click()
    faults += [f"folds open: {fault}" for fault in faults_of(page, covers=False)]
    page.screenshot(path=ARTIFACTS / "pages" / "trace-open.png", full_page=True)
    assert not faults, "\n".join(faults)


def test_each_attempt_is_on_the_time_line_and_leads_to_its_sendout(browse: Open, desk: Desk, story: Story) -> None:
    page = open_trace(browse, desk, story, java_script_enabled=False)
    line = page.get_by_role("list", name=re.compile("^Time line"))
    expect(line.get_by_text("Attempt 13", exact=True)).to_be_visible()
    folded = line.get_by_text("Attempt 7", exact=True)
    expect(folded.first).to_be_hidden()
    line.get_by_text("11 more attempts, each 503 Service Unavailable").click()
    expect(folded.first).to_be_visible()
    line.get_by_role("link", name=re.compile("^whs_")).first.click()
    expect(page.get_by_role("heading", level=1, name="voucher.created")).to_be_visible()
    page.get_by_role("link", name="Trace").first.click()
    expect(page.get_by_role("heading", level=1, name="Trace")).to_be_visible()
