"""Webhook sendouts in a browser: what is shown, and sending again with a real worker towards a real receiver."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, Role, User
from auditpanel.accounts.scope import ProjectScope, scope_of_project
from auditpanel.config import Settings
from auditpanel.ids import Prefix, format_id, new_request_id, new_uuid
from auditpanel.times import utc_now
from auditpanel.webhooks.models import DueSendout, Resend, Sendout, Webhook
from auditpanel.webhooks.resends import send_again
from auditpanel.webhooks.values import SCHEDULE, SendoutStatus
from tests.browser.conftest import ARTIFACTS, Open
from tests.browser.recording import record_call
from tests.browser.test_accessibility import faults_of
from tests.browser.watching import settle
from tests.factories import make_member, make_project
from tests.faults.started_panel import REPOSITORY
from tests.panel.sendouts_made import add_attempt
from tests.webhooks.delivering import make_target, raise_many, sendouts
from tests.webhooks.raising import make_webhook
from tests.webhooks.receiver import Receiver, receiving
from tests.webhooks.sendout_making import make_sendout

SIZES: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"))
DATA = (
    '{"id":"v_0199c2f47b1e7d21a1f6e8407cd4c44b","code":"AUTUMN-2026-7QF","type":"DISCOUNT_VOUCHER",'
    '"discount":{"type":"PERCENT","percent_off":15},"metadata":{"channel":"print","steps":[1,2,3]},"active":true,"object":"voucher"}'
)
SIGNED = [
    ["Host", "hooks.acme-shop.example"],
    ["Content-Length", "691"],
    ["Accept", "*/*"],
    ["User-Agent", "Auditpanel-Webhooks/1"],
    ["Authorization", "(left out)"],
    ["Content-Type", "application/json"],
    ["webhook-id", "whs_01a20c9eafc07d1e8c3f60a29be4571c"],
    ["webhook-timestamp", "1795523416"],
    ["webhook-signature", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="],
    ["x-voucherify-signature", "3f0c" * 16],
]
SHOP, CRM = "https://hooks.acme-shop.example/v1/events/vouchers", "https://crm.acme-shop.example/in"


@dataclass(frozen=True, slots=True)
class Stage:
    """A project with sendouts in each state, and those who look at them."""

    base: str
    operator: User
    viewer: User
    sent: UUID
    waiting: UUID
    given_up: UUID
    under_way: UUID

    def url(self, sendout_id: UUID) -> str:
        return f"{self.base}{format_id(Prefix.SENDOUT, sendout_id)}"


@pytest.fixture(scope="session")
def stage(app: Flask, engine: Engine) -> Stage:
    with Session(engine, expire_on_commit=False) as session:
        project = make_project(session, name="Acme Shop")
        scope = scope_of_project(project, Role.ADMIN)
        operator, viewer = make_member(session, project, role=Role.OPERATOR), make_member(session, project)
        return _fill(session, project, scope, operator, viewer)


def _fill(session: Session, project: Project, scope: ProjectScope, operator: User, viewer: User) -> Stage:
    shop = make_webhook(session, scope, name="Shop", url=SHOP)
    crm = make_webhook(session, scope, name="CRM", url=CRM)
    session.execute(update(Webhook).where(Webhook.id == shop).values(last_delivered_at=utc_now() - timedelta(minutes=4)))
    session.commit()
    for number in range(12):
        _sent(session, scope, shop, minutes_ago=4 + number * 7, type=("customer.updated", "voucher.created")[number % 2])
    for number in range(6):
        _failed(session, scope, shop, (410,), minutes_ago=90 + number, type="campaign.vouchers.generation.completed")
    not_allowed = make_sendout(session, scope, crm, created_at=_ago(100), target_url="http://10.0.4.12/hook")
    error = "the address is not allowed: 10.0.4.12 is private"
    _change(session, not_allowed, attempts=1, tries=1, error=error)
    add_attempt(session, scope, crm, not_allowed, _ago(100), None, error=error)
    request_id = new_request_id()
    record_call(session, project, method="POST", path="/v1/vouchers/AUTUMN-2026-7QF", request_id=request_id)
    waiting = _failed(
        session,
        scope,
        crm,
        (None, *[503] * 9),
        minutes_ago=300,
        status=SendoutStatus.RETRY,
        next_in=timedelta(hours=1, minutes=4),
        type="voucher.updated",
        request_id=request_id,
    )
    _failed(session, scope, crm, (503,) * 4, minutes_ago=12, status=SendoutStatus.RETRY, next_in=timedelta(minutes=3))
    _failed(session, scope, crm, (None,) * 5, minutes_ago=19, status=SendoutStatus.RETRY, next_in=timedelta(minutes=5))
    under_way = _failed(session, scope, crm, (500, 500), minutes_ago=3)
    send_again(session, scope, under_way, "otto@example.com")
    given_up = _failed(session, scope, shop, (500,) * SCHEDULE.attempts, minutes_ago=26 * 60)
    sent = _sent(session, scope, shop, minutes_ago=2)
    for status, picked in (("RUNNING", 500), ("STOPPED", 30)):
        _resend(session, scope, shop, status, picked)
    session.commit()
    return Stage(f"/projects/{scope.id}/webhook-sendouts/", operator, viewer, sent, waiting, given_up, under_way)


def _ago(minutes: float) -> datetime:
    return utc_now() - timedelta(minutes=minutes)


def _sent(session: Session, scope: ProjectScope, webhook_id: UUID, *, minutes_ago: float, type: str = "voucher.created") -> UUID:
    at = utc_now() - timedelta(minutes=minutes_ago)
    sendout_id = make_sendout(
        session, scope, webhook_id, SendoutStatus.SENT, created_at=at, type=type, target_url=SHOP, sent_at=at, data=DATA
    )
    _change(session, sendout_id, status_code=200, duration_ms=84.0)
    add_attempt(session, scope, webhook_id, sendout_id, at, 200, duration_ms=84.0, response_body="ok", request_headers=SIGNED, url=SHOP)
    return sendout_id


def _failed(
    session: Session,
    scope: ProjectScope,
    webhook_id: UUID,
    codes: tuple[int | None, ...],
    *,
    minutes_ago: float,
    status: SendoutStatus = SendoutStatus.ERROR,
    next_in: timedelta | None = None,
    type: str = "voucher.created",
    request_id: str | None = None,
) -> UUID:
    at = utc_now() - timedelta(minutes=minutes_ago)
    sendout_id = make_sendout(
        session, scope, webhook_id, status, created_at=at, type=type, target_url=SHOP, data=DATA, request_id=request_id
    )
    last = codes[-1]
    _change(
        session,
        sendout_id,
        attempts=len(codes),
        tries=len(codes),
        status_code=last,
        duration_ms=88.0,
        error=f"answered {last}" if last else "no answer in 10 s",
        next_attempt_at=utc_now() + next_in if next_in else None,
    )
    for place, code in enumerate(codes):
        started_at = at + timedelta(seconds=SCHEDULE.after_s[place - 1] if place else 0)
        body = "upstream connect error or disconnect before headers" if place % 2 else "<h1>Bad gateway</h1>\n" * 40
        add_attempt(
            session,
            scope,
            webhook_id,
            sendout_id,
            min(started_at, utc_now()),
            code,
            asked_by="otto@example.com" if place == 8 else None,
            response_body=body if code else None,
            request_headers=SIGNED,
            url=SHOP,
        )
    return sendout_id


def _change(session: Session, sendout_id: UUID, **values: object) -> None:
    session.execute(update(Sendout).where(Sendout.id == sendout_id).values(values))
    session.commit()


def _resend(session: Session, scope: ProjectScope, webhook_id: UUID, status: str, picked: int) -> None:
    resend_id, now = new_uuid(), utc_now()
    values = {
        "project_id": scope.project_id,
        "id": resend_id,
        "created_at": now,
        "updated_at": now,
        "filters": "only=error",
        "words": "Only those given up, webhook is Shop, last 24 hours",
        "until": now,
        "asked_by": "otto@example.com",
        "rate_per_s": 1,
        "total": 1_284,
        "picked": picked,
        "status": status,
        "stopped_by": "nina@example.com" if status == "STOPPED" else None,
    }
    session.execute(insert(Resend).values(values))
    for number in range(30):
        at = now - timedelta(seconds=number)
        code = 500 if number % 6 == 0 else 200
        add_attempt(session, scope, webhook_id, new_uuid(), at, code, asked_by="otto@example.com", resend_id=resend_id)


def open_menu(page: Page) -> None:
    page.locator("summary.dots").nth(4).click()


def ask_all(page: Page) -> None:
    page.get_by_role("link", name="Send again all").click()
    expect(page.get_by_label("At most, each second")).to_be_visible()


def unfold(page: Page) -> None:
    page.get_by_text("Attempts 2 to 7").click()
    page.locator("summary").filter(has_text="Headers sent").click()


@dataclass(frozen=True, slots=True)
class Shown:
    url: Callable[[Stage], str]
    act: Callable[[Page], object] | None = None
    covers: bool = False


PAGES = {
    "list": Shown(lambda stage: stage.base),
    "list-menu": Shown(lambda stage: stage.base, open_menu, covers=True),
    "list-dialog": Shown(lambda stage: f"{stage.base}?only=error", ask_all),
    "list-errors": Shown(lambda stage: f"{stage.base}?only=error"),
    "list-empty": Shown(lambda stage: f"{stage.base}?type=no.such"),
    "waiting": Shown(lambda stage: stage.url(stage.waiting)),
    "waiting-unfolded": Shown(lambda stage: stage.url(stage.waiting), unfold),
    "sent": Shown(lambda stage: stage.url(stage.sent)),
    "given-up": Shown(lambda stage: stage.url(stage.given_up)),
    "under-way": Shown(lambda stage: stage.url(stage.under_way)),
    "ask-all": Shown(lambda stage: f"{stage.base}send-again?only=error"),
}


@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_use_the_page(browse: Open, stage: Stage, name: str) -> None:
    shown, page, faults = PAGES[name], browse(stage.operator), []
    for width, theme in SIZES:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)
        page.goto(shown.url(stage))
        page.wait_for_load_state("load")
        if shown.act:
            settle(page)
            shown.act(page)
        faults += [f"{width} {theme}: {fault}" for fault in faults_of(page, covers=shown.covers)]
        page.screenshot(path=ARTIFACTS / "pages" / f"sendouts-{name}-{width}-{theme}.png", full_page=name not in ("list", "list-dialog"))
    assert not faults, "\n".join(faults)


@pytest.fixture(scope="module")
def worker(settings: Settings, app: Flask) -> Iterator[None]:
    """A real one of the queue that deliveries are on; the receiver is on this machine, which has to be allowed."""
    environ = {
        **os.environ,
        "DATABASE_URL": settings.database_url or "",
        "REDIS_URL": settings.redis_url or "",
        "AUDITPANEL_DATA": str(settings.data),
        "SECRET_KEY": settings.secret_key or "",
        "AUDITPANEL_ALLOW_PRIVATE_WEBHOOKS": "1",
    }
    process = subprocess.Popen([sys.executable, "-m", "jobs.worker", "webhooks"], cwd=REPOSITORY, env=environ)
    yield
    process.terminate()
    process.wait(30)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def scope(shop: Project) -> ProjectScope:
    return scope_of_project(shop, Role.ADMIN)


@pytest.fixture
def url(scope: ProjectScope) -> str:
    return f"/projects/{scope.id}/webhook-sendouts/"


def give_up(session: Session, scope: ProjectScope, receiver: Receiver, count: int) -> None:
    """Events whose target was down for too long. It is up again now."""
    make_target(session, scope, receiver.to("/shop"))
    raise_many(session, scope, count)
    session.execute(
        update(Sendout)
        .where(Sendout.project_id == scope.project_id)
        .values(status="ERROR", attempts=13, tries=13, status_code=503, error="answered 503", next_attempt_at=None)
    )
    session.execute(delete(DueSendout).where(DueSendout.project_id == scope.project_id))
    session.commit()


def test_one_click_in_the_row_sends_it_again_and_the_row_shows_what_became_of_it(
    browse: Open, nina: User, session: Session, scope: ProjectScope, url: str, receiver: Receiver, worker: None
) -> None:
    give_up(session, scope, receiver, 2)
    receiver.switch("/shop", "/slow?s=3")
    page = browse(nina)
    page.goto(url)
    settle(page)
    row = page.locator(".sendout-row").first
    row.get_by_role("button", name="Send again").click()
    expect(row.get_by_role("button", name="Sending again")).to_be_visible()
    expect(page.locator("#announcement")).to_contain_text("It is being sent again.")
    row.get_by_role("button", name="Sending again").click()
    expect(page.locator("#announcement")).to_contain_text("An attempt is under way already")
    expect(row.get_by_text("Sent", exact=True)).to_be_visible()
    expect(row.get_by_role("button")).to_have_count(0)
    expect(page.get_by_text("All that ran has ended.")).to_be_visible()
    assert page.url.endswith(url), "the page stays where it is"
    assert len(receiver.arrivals) == 1
    newest = sendouts(session, scope)[-1]
    assert (newest.status, newest.attempts) == ("SENT", 14)


def test_an_attempt_that_fails_again_leaves_the_row_in_error(
    browse: Open, nina: User, session: Session, scope: ProjectScope, url: str, receiver: Receiver, worker: None
) -> None:
    give_up(session, scope, receiver, 1)
    receiver.switch("/shop", "/410")
    page = browse(nina)
    page.goto(url)
    settle(page)
    page.locator(".row-link").focus()
    page.keyboard.press("s")
    expect(page.locator(".sendout-row")).to_contain_text("410 Gone")
    expect(page.locator(".sendout-row").get_by_role("button", name="Send again")).to_be_visible()
    expect(page.locator(".row-link")).to_be_focused()
    page.locator(".row-link").press("Enter")
    expect(page.get_by_text(f"asked by {nina.email}")).to_be_visible()
    expect(page.get_by_text("Given up after 14 attempts.")).to_be_visible()


def test_one_that_was_sent_is_sent_again_from_its_page_after_a_question(
    browse: Open, nina: User, session: Session, scope: ProjectScope, url: str, receiver: Receiver, worker: None
) -> None:
    make_target(session, scope, receiver.to("/shop"))
    raise_many(session, scope, 1)
    [sendout] = sendouts(session, scope)
    send_again(session, scope, sendout.id, "otto@example.com")
    session.commit()
    page = browse(nina)
    page.goto(f"{url}{format_id(Prefix.SENDOUT, sendout.id)}")
    settle(page)
    page.keyboard.press("s")
    expect(page.get_by_text("Delivered.")).to_be_visible()
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Send it again?")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("at attempt 2. Nothing more is to come.")).to_be_visible()
    expect(page.get_by_text(f"asked by {nina.email}")).to_be_visible()
    assert receiver.ids_at("/shop") == [format_id(Prefix.SENDOUT, sendout.id)] * 2


def test_a_sent_one_is_asked_about_over_the_list(
    browse: Open, nina: User, session: Session, scope: ProjectScope, url: str, receiver: Receiver, worker: None
) -> None:
    give_up(session, scope, receiver, 1)
    session.execute(update(Sendout).where(Sendout.project_id == scope.project_id).values(status="SENT", status_code=200, error=None))
    session.commit()
    page = browse(nina)
    page.goto(url)
    settle(page)
    page.locator(".row-link").focus()
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Send it again?")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator(".row-link")).to_be_focused()
    page.keyboard.press("s")
    dialog.get_by_role("button", name="Send again").click()
    expect(page.locator(".blocks-count")).to_have_text("14")
    assert len(receiver.arrivals) == 1


def test_all_that_match_are_sent_again_and_the_progress_moves_by_itself(
    browse: Open, nina: User, session: Session, scope: ProjectScope, url: str, receiver: Receiver, worker: None
) -> None:
    give_up(session, scope, receiver, 25)
    page = browse(nina)
    page.goto(f"{url}?only=error")
    settle(page)
    page.get_by_role("link", name="Send again all 25 in error").click()
    dialog = page.get_by_role("dialog", name="Send again all 25 that match these filters")
    expect(dialog).to_contain_text("Only those given up")
    dialog.get_by_label("At most, each second").select_option("10")
    dialog.get_by_role("button", name="Send again 25").click()
    expect(page.get_by_text("Sending again 25", exact=True)).to_be_visible()
    expect(page.get_by_text("Sent again: 25 sendouts.")).to_be_visible()
    expect(page.get_by_text("25 delivered, 0 failed")).to_be_visible()
    expect(page.get_by_text("No webhook sendout matches the filter")).to_be_visible()
    assert len(set(receiver.ids_at("/shop"))) == len(receiver.arrivals) == 25


def test_sending_all_again_can_be_stopped(
    browse: Open, nina: User, session: Session, scope: ProjectScope, url: str, receiver: Receiver, worker: None
) -> None:
    give_up(session, scope, receiver, 40)
    page = browse(nina)
    page.goto(f"{url}?only=error")
    settle(page)
    page.get_by_role("link", name="Send again all 40 in error").click()
    page.get_by_label("At most, each second").select_option("1")
    page.get_by_role("button", name="Send again 40").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text(f"Stopped by {nina.email}.")).to_be_visible()
    assert session.scalars(select(Resend.status).where(Resend.project_id == scope.project_id)).one() == "STOPPED"
    assert len(receiver.arrivals) < 40


def test_it_works_without_scripts(
    browse: Open, nina: User, session: Session, scope: ProjectScope, url: str, receiver: Receiver, worker: None
) -> None:
    give_up(session, scope, receiver, 2)
    page = browse(nina, java_script_enabled=False)
    page.goto(f"{url}?only=error")
    page.get_by_role("button", name="Send again").first.click()
    expect(page.get_by_text("It is being sent again.")).to_be_visible()
    page.get_by_role("link", name="Send again all").click()
    expect(page.get_by_role("heading", name="that match these filters")).to_be_visible()
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("heading", level=1, name="Webhook sendouts")).to_be_visible()
    page.locator("summary.dots").last.click()
    page.get_by_role("link", name="Show data").last.click()
    expect(page.get_by_role("heading", name="Payload")).to_be_visible()
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("It is being sent again.")).to_be_visible()


def test_a_row_is_copied_as_curl_without_leaving_the_list(
    browse: Open, nina: User, session: Session, scope: ProjectScope, url: str, receiver: Receiver, base_url: str
) -> None:
    give_up(session, scope, receiver, 1)
    page = browse(nina)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=base_url)
    page.goto(url)
    settle(page)
    page.locator("summary.dots").click()
    page.get_by_role("link", name="Copy as cURL").click()
    expect(page.locator("#announcement")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f"curl -X POST {receiver.to('/shop')}" in copied and '"code":"CODE-0"' in copied
