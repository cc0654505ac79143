"""A real browser at a real server. Screenshots of failures go to `artifacts/failures`, those of pages to `artifacts/pages`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from auditpanel.accounts.models import Project, Role, User
from tests.accounts.visitor import log_in
from tests.browser.chromium import find_chromium
from tests.browser.watching import Watch
from tests.factories import make_member, make_project

HERE = Path(__file__).parent
ARTIFACTS = HERE.parent.parent / "artifacts"
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# The machine may be busy with the other half of the tests.
PATIENCE_MS = 20_000

Open = Callable[..., Page]


def pytest_configure(config: pytest.Config) -> None:
    config.option.screenshot = "only-on-failure"
    config.option.output = str(ARTIFACTS / "failures")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # From its first use on, the browser's event loop runs in the thread of the tests, and those with a loop of their own could not run.
    items.sort(key=lambda item: HERE in item.path.parents)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    chromium = find_chromium()
    assert chromium is not None, "There is no Chromium: `python -m tests.browser.chromium` gets one"
    return {"executable_path": chromium, "args": CHROMIUM_ARGS}


@pytest.fixture(scope="session")
def base_url(app: Flask) -> Iterator[str]:
    expect.set_options(timeout=PATIENCE_MS)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, object]) -> dict[str, object]:
    return browser_context_args | {"viewport": {"width": 1280, "height": 800}, "timezone_id": "Asia/Kolkata", "reduced_motion": "reduce"}


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Fails a test during which a page opened a dialog, broke the Content-Security-Policy, or raised an error in a script."""
    watch = Watch()
    yield watch
    assert not watch.complaints, "\n".join(watch.complaints)


@pytest.fixture
def context(context: BrowserContext, watch: Watch) -> BrowserContext:
    context.set_default_timeout(PATIENCE_MS)
    context.on("page", watch.on_page)
    return context


@pytest.fixture
def shop(session: Session) -> Project:
    return make_project(session, name="Acme Shop", time_zone="Europe/Warsaw")


@pytest.fixture
def nina(session: Session, shop: Project) -> User:
    """An admin of the shop."""
    return make_member(session, shop, role=Role.ADMIN)


@pytest.fixture
def browse(app: Flask, session: Session, base_url: str, new_context: Callable[..., BrowserContext], watch: Watch) -> Open:
    """`browse(user, **options of the context)` is a page of a browser in which the user is logged in, and which goes nowhere without its
    modules: before they are there, a button does only what it does without scripts. Commits."""

    def browse(user: User, **options: object) -> Page:
        context = new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        context.on("page", watch.on_page)
        cookie = log_in(app, session, user).session_cookie()
        context.add_cookies([{"name": "auditpanel", "value": cookie, "url": base_url, "httpOnly": True, "sameSite": "Lax"}])
        page = context.new_page()
        vars(page)["goto"] = partial(page.goto, wait_until="networkidle")
        return page

    return browse
