"""A file over the limit, sent by a real browser to the real web server, which refuses it while it is still on its way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, expect
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, User
from auditpanel.config import Settings
from auditpanel.ids import Prefix, format_id
from auditpanel.tasks.uploads import LIMIT_BYTES
from tests.accounts.visitor import log_in
from tests.servers import served_panel


@pytest.fixture(scope="module")
def served_at(app: Flask, settings: Settings) -> Iterator[str]:
    """Not the server of the other tests: how a request is left that was not read is gunicorn's own."""
    with served_panel(settings) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("excess_bytes", [1, 100 * 1024**2], ids=["known once it has come", "known by its length"])
def test_a_file_over_the_limit_leads_to_a_page_that_says_what_to_do(
    app: Flask,
    session: Session,
    shop: Project,
    nina: User,
    served_at: str,
    new_context: Callable[..., BrowserContext],
    tmp_path: Path,
    excess_bytes: int,
) -> None:
    large_file = tmp_path / "autumn.csv"
    with large_file.open("wb") as file:
        # What is not written takes no room on the disk.
        file.truncate(LIMIT_BYTES + excess_bytes)
    cookie = log_in(app, session, nina).session_cookie()
    context = new_context()
    context.add_cookies([{"name": "auditpanel", "value": cookie, "url": served_at, "httpOnly": True, "sameSite": "Lax"}])
    page = context.new_page()
    page.goto(f"{served_at}/projects/{format_id(Prefix.PROJECT, shop.id)}/background-tasks/start?type=VOUCHERS.IMPORT_CSV")
    page.get_by_label("CSV file", exact=True).set_input_files(large_file)
    page.get_by_role("button", name="Look at it first").click(timeout=60_000)
    expect(page.get_by_role("main")).to_contain_text("The file is larger than 256 MiB; split it, and send the parts one by one.")
    page.goto(f"{served_at}/projects/{format_id(Prefix.PROJECT, shop.id)}/background-tasks/")
    expect(page.get_by_role("main")).to_contain_text("the file is larger than 256 MiB")
