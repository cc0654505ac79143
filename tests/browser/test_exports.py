"""Exporting a list in the browser, with a real worker: asked for in a dialog, watched, told of, downloaded, browsed."""

from __future__ import annotations

import csv
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, Role, User
from auditpanel.accounts.scope import ProjectScope, scope_of_project
from auditpanel.config import Settings
from auditpanel.exports.files import LocalFiles
from auditpanel.exports.models import Export
from auditpanel.exports.schedules import NewSchedule, create_schedule
from auditpanel.exports.timing import Timing
from auditpanel.exports.values import Exported, ExportStatus, Period
from auditpanel.exports.wording import NO_ROOM
from auditpanel.ids import Prefix, format_id
from auditpanel.tasks.values import Asker
from auditpanel.times import utc_now
from tests.browser.conftest import ARTIFACTS, Open
from tests.browser.recording import list_url, make_call, record
from tests.browser.test_accessibility import faults_of
from tests.browser.watching import settle
from tests.exports.asking import ask, make_customers, new_export, run
from tests.factories import make_member, make_project
from tests.faults.started_panel import REPOSITORY

SIZES: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"))
BODY = '{"order": {"amount": 129, "currency": "PLN", "items": [{"sku": "A-1", "price": 129}]}, "customer": {"source_id": "nina"}}'


@dataclass(frozen=True, slots=True)
class Stage:
    """A project with exports in each state, and those who look at them."""

    shop: Project
    base: str
    operator: User
    ready: str
    failed: str
    running: str


@pytest.fixture(scope="session")
def stage(app: Flask, engine: Engine, settings: Settings) -> Stage:
    with Session(engine, expire_on_commit=False) as session:
        shop = make_project(session, name="Acme Shop")
        operator = make_member(session, shop, role=Role.OPERATOR)
        make_member(session, shop)
        scope = scope_of_project(shop, Role.ADMIN)
        return _fill(session, engine, LocalFiles(settings.data / "exports"), shop, scope, operator)


def _fill(session: Session, engine: Engine, files: LocalFiles, shop: Project, scope: ProjectScope, operator: User) -> Stage:
    calls = [make_call(status_code=(200, 400)[number % 2], request_body=BODY, minutes_ago=number + 1) for number in range(70)]
    record(session, shop, *calls)
    make_customers(session, scope, 40)
    asker, erp = Asker("v-1", "DASHBOARD", user=operator.email), Asker("v-2", "API", channel="Python-SDK", api_key="erp-sync")

    def make(hours_ago: float, exported: Exported, who: Asker, state: str, **asked: str) -> str:
        params = tuple((name, value) for name, value in asked.items() if name != "format")
        new = new_export(exported, format=asked.get("format", "csv"), params=params)
        export_id = ask(session, scope, new, asker=who, now=utc_now() - timedelta(hours=hours_ago))
        if state in ("done", "expired"):
            run(engine, files, scope, export_id, now=lambda: utc_now() - timedelta(hours=hours_ago) + timedelta(seconds=3))
        values: dict[str, dict[str, object]] = {
            "expired": {"file_name": None},
            "failed": {"status": ExportStatus.ERROR, "error": NO_ROOM, "finished_at": utc_now()},
            "running": {"status": ExportStatus.IN_PROGRESS, "rows_done": 27, "rows_expected": 70, "is_expected_exact": True},
        }
        if state in values:
            session.execute(update(Export).where(Export.id == export_id).values(**values[state]))
            session.commit()
        return format_id(Prefix.EXPORT, export_id)

    make(200, Exported.PRODUCT, asker, "expired")
    make(20, Exported.LOG, erp, "done", format="ndjson", range="yesterday")
    failed = make(5, Exported.CUSTOMER, asker, "failed", format="xlsx")
    make(2, Exported.SENDOUT, asker, "done", format="parquet", status="ERROR")
    ready = make(1, Exported.LOG, asker, "done", only="errors", origin="API")
    running = make(0.05, Exported.LOG, asker, "running", only="errors")
    make(0.01, Exported.VOUCHER, erp, "scheduled", format="parquet", campaign="Autumn 2026")
    weekly = new_export(Exported.LOG, format="ndjson", params=(("only", "errors"), ("range", "7d")))
    new = NewSchedule("Failed calls, weekly", Exported.LOG, weekly.filters, weekly.layout, Timing(Period.WEEKLY, 6, 0, 0), 90)
    create_schedule(session, scope, new, by=operator.email, now=utc_now())
    session.commit()
    return Stage(shop, f"/projects/{scope.id}/exports/", operator, ready, failed, running)


def open_dialog(page: Page) -> None:
    page.get_by_role("link", name="Export these results").click()
    expect(page.get_by_role("dialog", name="Export these results")).to_be_visible()


PAGES: dict[str, tuple[Callable[[Stage], str], Callable[[Page], object] | None]] = {
    "exports": (lambda stage: f"{stage.base}?range=30d", None),
    "exports-empty": (lambda stage: f"{stage.base}?only=ready&exported=sku", None),
    "export-ready": (lambda stage: f"{stage.base}{stage.ready}", None),
    "export-failed": (lambda stage: f"{stage.base}{stage.failed}", None),
    "export-running": (lambda stage: f"{stage.base}{stage.running}", None),
    "export-rows": (lambda stage: f"{stage.base}{stage.ready}/rows", None),
    "export-rows-found": (lambda stage: f"{stage.base}{stage.ready}/rows?text=validations", None),
    "export-row": (lambda stage: f"{stage.base}{stage.ready}/row?row=2", None),
    "export-kinds": (lambda stage: f"{stage.base}new", None),
    "export-dialog": (lambda stage: list_url(stage.shop, "only=errors&origin=API"), open_dialog),
    "export-new": (lambda stage: f"{stage.base}new?exported=customer&search=customer-1", None),
    "export-schedules": (lambda stage: f"{stage.base}schedules/", None),
    "export-schedule-new": (lambda stage: f"{stage.base}schedules/new?exported=api_log&only=errors", None),
}


@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_use_the_page(browse: Open, stage: Stage, name: str) -> None:
    url, act = PAGES[name]
    page, faults = browse(stage.operator), []
    for width, theme in SIZES:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=theme)
        page.goto(url(stage))
        settle(page)
        if act:
            act(page)
        faults += [f"{width} {theme}: {fault}" for fault in faults_of(page, covers=act is not None)]
        page.screenshot(path=ARTIFACTS / "pages" / f"{name}-{width}-{theme}.png")
    assert not faults, "\n".join(faults)


@contextmanager
def working(settings: Settings) -> Iterator[None]:
    """A real worker of the queue that exports are on."""
    environ = {
        **os.environ,
        "DATABASE_URL": settings.database_url or "",
        "REDIS_URL": settings.redis_url or "",
        "AUDITPANEL_DATA": str(settings.data),
        "SECRET_KEY": settings.secret_key or "",
    }
    process = subprocess.Popen([sys.executable, "-m", "jobs.worker", "exports"], cwd=REPOSITORY, env=environ)
    yield
    process.terminate()
    process.wait(30)


@pytest.fixture
def worker(settings: Settings, app: Flask) -> Iterator[None]:
    with working(settings):
        yield


def fill(session: Session, shop: Project, failed: int) -> None:
    record(session, shop, *(make_call(status_code=500, path=f"/v1/failed/{number}", request_body=BODY) for number in range(failed)))
    record(session, shop, make_call(status_code=200, path="/v1/fine"))


def test_a_filtered_list_is_exported_watched_downloaded_and_browsed(
    browse: Open, nina: User, session: Session, shop: Project, worker: None, tmp_path: Path
) -> None:
    fill(session, shop, 61)
    page = browse(nina)
    page.goto(list_url(shop, "only=errors"))
    settle(page)
    open_dialog(page)
    dialog = page.get_by_role("dialog", name="Export these results")
    expect(dialog).to_contain_text("61 rows expected")
    dialog.get_by_role("button", name="Move status_code up").click()
    for name in ("client_ip", "user_agent", "customer"):
        dialog.get_by_role("checkbox", name=name).uncheck()
    expect(dialog).to_contain_text("17 of 20")
    dialog.get_by_role("button", name="Export 61 rows").click()
    expect(page.get_by_role("heading", level=1, name="Logs")).to_be_visible()
    # It moves by itself, up to its end.
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    path = tmp_path / "file.csv"
    download.value.save_as(path)
    assert download.value.suggested_filename.startswith("logs-since-") and download.value.suggested_filename.endswith(".csv")
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert len(rows) == 61 and {row["status_code"] for row in rows} == {"500"} and "client_ip" not in rows[0]
    expect(page.locator("body")).to_contain_text(hashlib.sha256(path.read_bytes()).hexdigest())
    page.get_by_role("link", name="Browse").click()
    expect(page.get_by_role("navigation", name="Pages of the file")).to_contain_text("Rows 1 to 50 of 61")
    page.get_by_role("link", name="After").click()
    expect(page.get_by_role("navigation", name="Pages of the file")).to_contain_text("Rows 51 to 61 of 61")
    page.get_by_role("searchbox", name="Text in any field").fill("/FAILED/60")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".browse-rows tbody tr")).to_have_count(1)
    page.locator(".browse-rows .row-link").click()
    expect(page.get_by_role("region", name="request_body body")).to_contain_text('"amount": 129')


def test_who_asked_is_told_on_another_page_when_it_is_ready(
    browse: Open, nina: User, session: Session, shop: Project, settings: Settings
) -> None:
    fill(session, shop, 3)
    page = browse(nina)
    page.goto(f"/projects/{format_id(Prefix.PROJECT, shop.id)}/exports/new?exported=api_log&only=errors")
    page.get_by_role("button", name="Export 3 rows").click()
    expect(page.get_by_role("heading", level=1, name="Logs")).to_be_visible()
    page.goto(list_url(shop))
    notice = page.locator(".export-notices")
    expect(notice).to_be_empty()
    with working(settings):
        expect(notice).to_contain_text("Your export is ready. Logs, 3 rows as CSV.")
    for width, theme in SIZES:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=theme)
        page.screenshot(path=ARTIFACTS / "pages" / f"export-notice-{width}-{theme}.png")
        assert not faults_of(page, covers=False)
    notice.get_by_role("button", name="Close the notices of exports").click()
    expect(notice).to_be_empty()
    page.reload()
    expect(page.locator(".export-notices")).to_have_count(0)


def test_it_works_without_scripts(browse: Open, nina: User, session: Session, shop: Project, worker: None, settings: Settings) -> None:
    fill(session, shop, 2)
    page = browse(nina, java_script_enabled=False)
    page.goto(list_url(shop, "only=errors"))
    page.get_by_role("link", name="Export these results").click()
    page.get_by_role("button", name="Move id up").click()
    expect(page.locator(".export-columns li").first).to_contain_text("id")
    page.get_by_role("checkbox", name="url").uncheck()
    page.get_by_role("radio", name="NDJSON").check()
    page.get_by_role("button", name="Export 2 rows").click()
    expect(page.get_by_role("heading", level=1, name="Logs")).to_be_visible()

    def is_ready() -> bool:
        page.reload()
        return page.get_by_role("link", name="Browse").is_visible()

    deadline = utc_now() + timedelta(seconds=30)
    while not is_ready():
        assert utc_now() < deadline
        page.wait_for_timeout(200)
    page.get_by_role("link", name="Browse").click()
    page.locator(".browse-rows .row-link").first.click()
    expect(page.get_by_role("region", name="request_body body")).to_contain_text('"amount": 129')
    page.go_back()
    page.go_back()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete the export").click()
    expect(page.get_by_text("The file is deleted.")).to_be_visible()


def test_an_export_is_put_on_the_clock_from_its_dialog(browse: Open, nina: User, session: Session, shop: Project) -> None:
    fill(session, shop, 1)
    page = browse(nina)
    page.goto(list_url(shop, "only=errors&range=7d"))
    settle(page)
    open_dialog(page)
    page.get_by_role("radio", name="Parquet").check()
    expect(page.get_by_role("checkbox", name="Packed with gzip")).to_be_disabled()
    page.get_by_role("button", name="By the clock…").click()
    expect(page.get_by_role("radio", name="Parquet")).to_be_checked()
    page.get_by_label("Name").fill("Failed calls")
    page.get_by_label("How often").select_option("weekly")
    # Enter saves; it does not move a field.
    page.get_by_label("Name").press("Enter")
    expect(page.get_by_role("rowheader", name="Failed calls")).to_be_visible()
    expect(page.get_by_role("cell", name="Every Monday at 06:00")).to_be_visible()
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_text("Switched off", exact=True)).to_be_visible()
