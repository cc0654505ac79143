"""The catalogue in a browser: everybody can use it, wide and narrow, light and dark; and a voucher is found, opened and changed in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role, User
from auditpanel.accounts.scope import scope_of_project
from auditpanel.catalogue.campaigns import create_campaign
from auditpanel.catalogue.customers import create_customer
from auditpanel.catalogue.metadata_schemas import define_key
from auditpanel.catalogue.models import Resource
from auditpanel.catalogue.products import create_product
from auditpanel.catalogue.skus import create_sku
from auditpanel.catalogue.values import NewSku, read_campaign, read_customer, read_product, read_voucher
from auditpanel.catalogue.vouchers import create_voucher
from auditpanel.ids import Prefix, format_id
from auditpanel.times import utc_now
from tests.browser.conftest import ARTIFACTS, Open
from tests.browser.test_accessibility import faults_of
from tests.browser.watching import settle
from tests.factories import make_member, make_project

PERCENT = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 15}}
SIZES: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1280, "light"), (1440, "dark"), (390, "light"), (390, "dark"))


@dataclass(frozen=True, slots=True)
class Stage:
    base: str
    admin: User
    viewer: User
    campaign_id: str
    voucher_id: str
    customer_id: str
    product_id: str
    sku_id: str


@pytest.fixture(scope="session")
def stage(app: Flask, engine: Engine) -> Stage:
    with Session(engine, expire_on_commit=False) as session:
        project = make_project(session, name="Acme Shop")
        scope = scope_of_project(project, Role.ADMIN)
        admin, viewer = make_member(session, project, role=Role.ADMIN), make_member(session, project)
        for key, type_ in (("channel", "string"), ("step", "number"), ("printed", "boolean")):
            define_key(session, scope, Resource.VOUCHER, key, type_, now=utc_now())
        campaign = create_campaign(
            session,
            scope,
            read_campaign({"name": "Black Friday 2026", "campaign_type": "DISCOUNT_COUPONS", "voucher": PERCENT, "category": "autumn"}),
        )
        create_campaign(
            session,
            scope,
            read_campaign(
                {"name": "Loyalty", "campaign_type": "LOYALTY_PROGRAM", "voucher": {"loyalty_card": {"points": 0}}, "active": False}
            ),
        )
        dates = {"start_date": "2026-11-01T00:00:00Z", "expiration_date": "2099-01-01T00:00:00Z"}
        metadata = {"channel": "print", "step": 3, "printed": True, "free": {"nested": [1, 2]}}
        for number in range(60):
            body = PERCENT | dates | {"code": f"BF-2026-{number:04}-{'X' * (number % 7)}", "metadata": metadata, "active": number % 9 != 4}
            voucher = create_voucher(session, scope, read_voucher(body), campaign=campaign, random=Random(1))
        gift = {"type": "GIFT_VOUCHER", "gift": {"amount": 10000, "balance": 2550}, "code": "GIFT-" + "9" * 60}
        create_voucher(session, scope, read_voucher(gift), random=Random(1))
        anna = {"source_id": "anna.w@example.com", "name": "Anna Wiśniewska", "email": "anna.w@example.com", "address": {"city": "Warsaw"}}
        customer = create_customer(session, scope, read_customer(anna | {"metadata": {"vip": "yes"}}))
        create_customer(session, scope, read_customer({}))
        product = create_product(
            session, scope, read_product({"name": "Shirt", "source_id": "sh-1", "price": 1999, "attributes": ["color"]})
        )
        sku = create_sku(session, scope, product, NewSku(sku="Shirt, blue", source_id="sh-1-b", price=1999, currency="EUR"))
        session.commit()
        return Stage(
            f"/projects/{scope.id}/catalogue/",
            admin,
            viewer,
            format_id(Prefix.CAMPAIGN, campaign.id),
            format_id(Prefix.VOUCHER, voucher.id),
            format_id(Prefix.CUSTOMER, customer.id),
            format_id(Prefix.PRODUCT, product.id),
            format_id(Prefix.SKU, sku.id),
        )


def ask_to_delete(page: Page) -> None:
    page.get_by_role("button", name="Delete the voucher").first.click()


def refuse_the_form(page: Page) -> None:
    page.get_by_label("How much it is worth").fill("15.00 EUR")
    page.get_by_label("Value of row 4").fill("a value without a key")
    page.get_by_role("button", name="Save").click()


Act = Callable[[Page], None]
PAGES: dict[str, tuple[Callable[[Stage], str], Act | None]] = {
    "campaigns": (lambda stage: "campaigns/", None),
    "vouchers": (lambda stage: "vouchers/", None),
    "vouchers-of-campaign": (lambda stage: f"vouchers/?campaign={stage.campaign_id}", None),
    "vouchers-found": (lambda stage: "vouchers/?search=gift", None),
    "vouchers-none": (lambda stage: "vouchers/?search=nowhere", None),
    "customers": (lambda stage: "customers/", None),
    "products": (lambda stage: "products/", None),
    "skus": (lambda stage: "skus/", None),
    "campaign": (lambda stage: f"campaigns/{stage.campaign_id}", None),
    "voucher": (lambda stage: f"vouchers/{stage.voucher_id}", None),
    "voucher-delete": (lambda stage: f"vouchers/{stage.voucher_id}", ask_to_delete),
    "customer": (lambda stage: f"customers/{stage.customer_id}", None),
    "product": (lambda stage: f"products/{stage.product_id}", None),
    "sku": (lambda stage: f"skus/{stage.sku_id}", None),
    "campaign-new": (lambda stage: "campaigns/new", None),
    "voucher-new": (lambda stage: "vouchers/new", refuse_the_form),
    "voucher-edit": (lambda stage: f"vouchers/{stage.voucher_id}/edit", None),
    "metadata-schemas": (lambda stage: "metadata-schemas/", None),
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
            settle(page)
        faults += [f"{width} {theme}: {fault}" for fault in faults_of(page, covers=False)]
        page.screenshot(path=ARTIFACTS / "pages" / f"catalogue-{name}-{width}-{theme}.png")
    assert not faults, "\n".join(faults)


def test_a_voucher_is_found_opened_and_changed(browse: Open, stage: Stage) -> None:
    page = browse(stage.admin)
    page.goto(stage.base)
    page.get_by_role("navigation", name="Catalogue").get_by_role("link", name="Vouchers").click()
    page.get_by_role("searchbox").fill("bf-2026-0007")
    page.keyboard.press("Enter")
    # The list that was there before the search has the voucher, too.
    expect(page).to_have_url(re.compile("bf-2026-0007"))
    page.get_by_role("link", name="BF-2026-0007").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("BF-2026-0007")
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Category").fill("winter")
    page.get_by_label("Value of step").fill("4")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_text("winter").first).to_be_visible()
