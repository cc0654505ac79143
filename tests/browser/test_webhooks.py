"""Webhooks in a browser: everybody can use their pages, wide and narrow, light and dark; one is made, tested, and sent what it missed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from threading import Event, Thread
from typing import Literal

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role, User
from auditpanel.accounts.scope import scope_of_project
from auditpanel.ids import Prefix, format_id
from auditpanel.times import iso_utc, utc_now
from auditpanel.webhooks import targets
from auditpanel.webhooks.delivery import Hours
from auditpanel.webhooks.events import raise_test
from auditpanel.webhooks.models import Webhook
from auditpanel.webhooks.values import SendoutStatus
from tests.browser.conftest import ARTIFACTS, Open
from tests.browser.test_accessibility import faults_of
from tests.browser.watching import settle
from tests.factories import make_member, make_project
from tests.faults.started_panel import wait_for
from tests.webhooks.delivering import deliver, make_target, raise_many, sendouts
from tests.webhooks.raising import SEAL, make_webhook
from tests.webhooks.receiver import Receiver, receiving
from tests.webhooks.sendout_making import make_attempt, make_sendout

SIZES: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark"))
GONE = "A message used up its 13 attempts on 24 Nov 2026, and nothing else got through meanwhile. The last one: no answer in 10 s."


@dataclass(frozen=True, slots=True)
class Stage:
    """`shop` is well, `crm` is switched off and has missed something, `quiet` has never been sent anything."""

    base: str
    admin: User
    viewer: User
    shop: str
    crm: str
    quiet: str
    test_id: str
    since: str


@pytest.fixture(scope="session")
def stage(app: Flask, engine: Engine) -> Stage:
    now = utc_now()
    with Session(engine, expire_on_commit=False) as session:
        project = make_project(session, name="Acme Shop")
        scope = scope_of_project(project, Role.ADMIN)
        admin, viewer = make_member(session, project, role=Role.ADMIN), make_member(session, project)
        headers = [("Authorization", "Bearer 8f3a9c"), ("X-Shop-Id", "acme-pl-" + "7" * 60)]
        shop = make_webhook(session, scope, name="Shop", url="https://hooks.acme-shop.example/vouchers", headers=headers)
        types = ("voucher.created", "voucher.updated", "campaign.vouchers.generation.completed", "order.paid")
        crm = make_webhook(session, scope, *types, name="CRM", url=f"https://crm.acme-shop.example/in/{'a1b2' * 12}?token=tok")
        quiet = make_webhook(session, scope, "export.ready", name="Warehouse", url="http://stock.acme-shop.example/")
        for hours in range(150):
            for number in range((hours * 7) % 5 + 1):
                failed = 2 <= hours <= 5 and number % 2 == 0
                moment = now - timedelta(hours=hours, minutes=30 + number)
                make_attempt(
                    session,
                    scope,
                    shop,
                    started_at=moment,
                    status_code=503 if failed else 200,
                    duration_ms=40 + (hours * 37 + number * 11) % 300,
                )
        for hours in (1, 2, 3, 30):
            make_attempt(session, scope, crm, started_at=now - timedelta(hours=hours), status_code=None, duration_ms=10_000)
            make_sendout(session, scope, crm, SendoutStatus.ERROR, created_at=now - timedelta(hours=hours))
        targets.switch_off(session, scope, crm, GONE, now - timedelta(minutes=30))
        targets.rotate_secret(session, scope, SEAL, shop, now)
        session.get_one(Webhook, (scope.project_id, shop)).last_delivered_at = now - timedelta(minutes=4)
        test_id = raise_test(session, scope, shop, now)
        session.commit()
        return Stage(
            base=f"/projects/{scope.id}/webhooks/",
            admin=admin,
            viewer=viewer,
            shop=format_id(Prefix.WEBHOOK, shop),
            crm=format_id(Prefix.WEBHOOK, crm),
            quiet=format_id(Prefix.WEBHOOK, quiet),
            test_id=format_id(Prefix.SENDOUT, test_id),
            since=iso_utc(now - timedelta(hours=40)),
        )


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@contextmanager
def delivering(engine: Engine) -> Iterator[None]:
    """As a worker does, for as long as the page is looked at."""
    over = Event()
    hours = Hours(longest_s=60, linger_s=60, closing_s=0.5)
    thread = Thread(target=lambda: deliver(engine, hours=hours, is_closing=over.is_set), name="delivery")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def press(name: str) -> Callable[[Page], object]:
    return lambda page: page.get_by_role("button", name=name).first.click()


def refuse_the_form(page: Page) -> None:
    page.get_by_label("URL").fill("https://127.0.0.1/hooks")
    page.get_by_label("Only those chosen below").check()
    page.get_by_label("Headers, one a line").fill("X-Shop: acme")
    page.get_by_role("button", name="Make the webhook").click()
    page.get_by_text("public addresses only").last.wait_for()


Act = Callable[[Page], object]
PAGES: dict[str, tuple[Callable[[Stage], str], Act | None]] = {
    "list": (lambda stage: "", None),
    "webhook": (lambda stage: stage.shop, None),
    "webhook-test": (lambda stage: f"{stage.shop}?test={stage.test_id}", None),
    "webhook-missed": (lambda stage: f"{stage.shop}?missed_since={stage.since}", None),
    "webhook-off": (lambda stage: stage.crm, None),
    "webhook-quiet": (lambda stage: stage.quiet, None),
    "webhook-secret": (lambda stage: stage.shop, press("Show the secret")),
    "webhook-headers": (lambda stage: stage.shop, press("Show the values")),
    "webhook-rotate": (lambda stage: stage.shop, press("Rotate it")),
    "webhook-switch-on": (lambda stage: stage.crm, press("Switch on")),
    "webhook-remove": (lambda stage: stage.quiet, press("Remove the webhook")),
    "new": (lambda stage: "new", None),
    "new-refused": (lambda stage: "new", refuse_the_form),
    "edit": (lambda stage: f"{stage.crm}/edit", None),
}


@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_use_the_page(browse: Open, stage: Stage, name: str) -> None:
    page, (url, act) = browse(stage.admin), PAGES[name]
    faults = []
    for width, theme in SIZES:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=theme)
        page.goto(stage.base + url(stage))
        settle(page)
        if act:
            act(page)
            page.mouse.move(0, 0)
            settle(page)
        faults += [f"{width} {theme}: {fault}" for fault in faults_of(page, covers=False)]
        page.screenshot(path=ARTIFACTS / "pages" / f"webhooks-{name}-{width}-{theme}.png", full_page=act is None)
    assert not faults, "\n".join(faults)


def test_a_viewer_sees_how_it_does_and_nothing_to_press(browse: Open, stage: Stage) -> None:
    page = browse(stage.viewer)
    page.goto(stage.base)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Webhooks", exact=True).click()
    page.get_by_role("link", name="Shop", exact=True).click()
    expect(page.get_by_role("img", name="Last 24 hours")).to_be_visible()
    expect(page.get_by_text("Shown to admins only.", exact=True)).to_be_visible()
    for name in ("Show the secret", "Show the values", "Send a test event", "Switch off", "Remove the webhook"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)


def test_one_is_made_and_its_secret_shown(browse: Open, stage: Stage) -> None:
    page = browse(stage.admin)
    page.goto(f"{stage.base}new")
    expect(page.get_by_label("voucher.created")).to_be_hidden()
    page.get_by_label("URL").fill("https://new.acme-shop.example/hooks")
    page.get_by_label("Only those chosen below").check()
    page.get_by_label("voucher.created").check()
    page.get_by_label("Headers, one a line").fill("X-Shop: acme-value")
    page.get_by_role("button", name="Make the webhook").click()
    secret = page.locator(".secret span").inner_text()
    assert secret.startswith("whsec_")
    page.screenshot(path=ARTIFACTS / "pages" / "webhooks-created-1280-light.png")
    page.get_by_role("link", name="I have it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("new.acme-shop.example")
    expect(page.get_by_text("Vouchers: created")).to_be_visible()
    assert "acme-value" not in page.content() and secret not in page.content()
    page.get_by_role("button", name="Show the secret").click()
    expect(page.get_by_text(secret)).to_be_visible()
    page.get_by_role("link", name="Hide it").click()
    page.get_by_role("button", name="Show the values").click()
    expect(page.get_by_text("acme-value")).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="Change").click()
    expect(page.get_by_label("Headers, one a line")).to_have_value("X-Shop: [unchanged]")


def test_the_outcome_of_a_test_appears_by_itself(engine: Engine, session: Session, browse: Open, stage: Stage, receiver: Receiver) -> None:
    project = make_project(session, name="Tested Shop")
    made = make_target(session, scope_of_project(project, Role.ADMIN), receiver.to("/202"))
    page = browse(make_member(session, project, role=Role.OPERATOR))
    page.goto(f"/projects/{format_id(Prefix.PROJECT, project.id)}/webhooks/{made.id}")
    page.get_by_role("button", name="Send a test event").click()
    expect(page.get_by_text("Being sent")).to_be_visible()
    with delivering(engine):
        expect(page.get_by_text("202 Accepted")).to_be_visible()
    receiver.at("/202")[0].verify(made.secret)
    page.get_by_role("link", name="Open the sendout").click()
    expect(page.get_by_text("webhook.test").first).to_be_visible()


def test_what_was_missed_is_one_click_away_after_switching_on(engine: Engine, session: Session, browse: Open, receiver: Receiver) -> None:
    project = make_project(session, name="Missed Shop")
    scope = scope_of_project(project, Role.ADMIN)
    made = make_target(session, scope, receiver.to("/200"))
    targets.switch_off(session, scope, made.webhook_id, GONE, utc_now())
    session.commit()
    raise_many(session, scope, 3)
    with delivering(engine):
        wait_for(lambda: {sendout.status for sendout in sendouts(session, scope)} == {SendoutStatus.ERROR}, timeout_s=20)
        page = browse(make_member(session, project, role=Role.ADMIN))
        page.goto(f"/projects/{format_id(Prefix.PROJECT, project.id)}/webhooks/")
        expect(page.get_by_role("link", name="3 sendouts to Shop in error")).to_be_visible()
        page.get_by_role("link", name="Look at it").click()
        page.get_by_role("button", name="Switch on").first.click()
        page.get_by_role("dialog").get_by_role("button", name="Switch on").click()
        page.get_by_role("button", name="Send again 3").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Webhook sendouts")
        wait_for(lambda: len(set(receiver.ids_at("/200"))) == 3, timeout_s=20)
