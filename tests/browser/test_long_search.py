"""A search through more than the budget of one answer allows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, User
from auditpanel.logs.queries import PACE
from auditpanel.logs.values import NewLog
from auditpanel.times import utc_now
from tests.browser.conftest import Open
from tests.browser.recording import list_url, record

# Compared with a body of the same letter, nearly all of it matches at each place, whichever end is compared first.
NEEDLE = "x" * 249 + "y" + "x" * 249
SLOW_BODY = "x" * 64_000
SLICES = 4
SLOW_IN_EACH_SLICE = 40
BATCH = 1_000


@pytest.fixture
def long_history(session: Session, shop: Project) -> None:
    """What is looked for is the newest and the oldest call; between them lie several slices, each of them slow to look through."""
    now = utc_now()
    size = PACE.first_rows * SLICES
    logs = [
        NewLog(occurred_at=now - timedelta(minutes=1, seconds=number), path=f"/call/{number}", status_code=200) for number in range(size)
    ]
    every = PACE.first_rows // SLOW_IN_EACH_SLICE
    for number in range(1, size, every):
        logs[number] = NewLog(occurred_at=logs[number].occurred_at, path="/slow", status_code=200, request_body=SLOW_BODY)
    for number in (0, size - 1):
        logs[number] = NewLog(occurred_at=logs[number].occurred_at, path=f"/wanted/{number}", status_code=200, request_body=NEEDLE)
    for start in range(0, size, BATCH):
        record(session, shop, *logs[start : start + BATCH])


@pytest.mark.usefixtures("long_history")
def test_a_search_goes_on_by_itself_until_the_history_ends_or_it_is_stopped(
    browse: Open, session: Session, shop: Project, nina: User
) -> None:
    page = browse(nina, java_script_enabled=False)
    page.goto(list_url(shop, f"body_text={NEEDLE}"))
    expect(page.get_by_text("1 found so far: looked back to")).to_be_visible()
    expect(page.get_by_role("link", name="Look further back")).to_be_visible()

    page = browse(nina)
    page.goto(list_url(shop, f"body_text={NEEDLE}"), wait_until="load")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("link", name="Look further back")).to_be_focused()

    page.reload()
    expect(page.get_by_role("link", name="/wanted/0")).to_be_visible()
    expect(page.get_by_role("link", name=f"/wanted/{PACE.first_rows * SLICES - 1}")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("so far")).to_have_count(0)
    expect(page.get_by_role("navigation", name="Pages of the list")).to_contain_text("Showing 2 of 2")
