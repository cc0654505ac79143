"""The catalogue in the panel: looked through, searched, changed, and recorded."""

from __future__ import annotations

import re
from random import Random
from typing import TypeVar

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import scope_of_project
from auditpanel.catalogue import campaigns, customers, products, skus, vouchers
from auditpanel.catalogue.changes import Changes
from auditpanel.catalogue.columns import Schema
from auditpanel.catalogue.lists import Direction, Place, find_customers, find_vouchers, list_vouchers
from auditpanel.catalogue.metadata_schemas import define_key
from auditpanel.catalogue.models import Campaign, Customer, Product, Resource, Sku, Voucher
from auditpanel.catalogue.values import NewCustomer, NewProduct, NewSku, read_campaign, read_voucher
from auditpanel.ids import Prefix, format_id
from auditpanel.logs.queries import get_log
from auditpanel.panel.catalogue.metadata import read_typed
from auditpanel.panel.catalogue.worth import money_words, worth_words
from auditpanel.tasks.models import AsyncAction
from auditpanel.times import utc_now
from auditpanel.webhooks.models import Event
from tests.accounts.visitor import log_in
from tests.factories import make_member, make_project
from tests.logs.making import find
from tests.panel.shop import Shop, make_shop
from tests.webhooks.raising import happened, make_webhook

TEN_PERCENT = {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 10}}
Stored = TypeVar("Stored", Campaign, Voucher, Customer, Product, Sku)


@pytest.fixture
def shop(app: Flask, session: Session) -> Shop:
    return make_shop(app, session)


def make_voucher(
    session: Session, shop: Shop, code: str = "SUMMER-24", campaign: Campaign | None = None, fields: dict[str, object] | None = None
) -> Voucher:
    new = read_voucher(TEN_PERCENT | {"code": code} | (fields or {}))
    voucher = vouchers.create_voucher(session, shop.scope, new, campaign=campaign, random=Random(1))
    session.commit()
    return voucher


def make_campaign(session: Session, shop: Shop, name: str = "Summer sale") -> Campaign:
    body = {"name": name, "campaign_type": "DISCOUNT_COUPONS", "voucher": TEN_PERCENT}
    campaign = campaigns.create_campaign(session, shop.scope, read_campaign(body))
    session.commit()
    return campaign


def make_customer(session: Session, shop: Shop, **fields: object) -> Customer:
    customer = customers.create_customer(session, shop.scope, NewCustomer(**fields))  # type: ignore[arg-type]
    session.commit()
    return customer


def make_product(session: Session, shop: Shop, **fields: object) -> Product:
    product = products.create_product(session, shop.scope, NewProduct(**fields))  # type: ignore[arg-type]
    session.commit()
    return product


def fresh(session: Session, record: Stored) -> Stored:
    session.refresh(record)
    return record


def voucher_path(voucher: Voucher, page: str = "") -> str:
    return f"vouchers/{format_id(Prefix.VOUCHER, voucher.id)}{page}"


def edit(shop: Shop, path: str, **fields: str) -> str:
    """Send the edit form as its page has it, with these fields changed. Answers where it leads."""
    page = shop.operator.get(shop.url(path)).text
    kept = dict(re.findall(r'<input[^>]*name="([a-z_0-9]+)"[^>]*value="([^"]*)"', page))
    kept |= dict(re.findall(r'<input[^>]* name="(seen)"[^>]*value="([^"]*)"', page))
    kept |= {name: "y" for name in ("active",) if re.search(rf'<input checked[^>]*name="{name}"', page)}
    for name in ("csrf_token", "metadata_key", "metadata_value"):
        kept.pop(name, None)
    answer = shop.operator.post(shop.url(path), **(kept | fields))
    assert answer.status_code == 302, re.findall(r'field-error".*?</p>|note-text.*?</div>', answer.text, re.DOTALL)
    return answer.location


# Looking


def test_pages_visit_each_voucher_once_newest_first(session: Session, shop: Shop) -> None:
    made = [make_voucher(session, shop, f"CODE-{number}").code for number in range(7)]
    seen, place = [], None
    while True:
        page = list_vouchers(session, shop.scope, campaign_id=None, place=place, size=3)
        seen += [voucher.code for voucher in page.rows]
        if not page.has_more:
            break
        place = Place(page.rows[-1].id, Direction.OLDER)
    assert seen == made[::-1]
    newest = list_vouchers(session, shop.scope, campaign_id=None, place=None, size=3).rows
    back = list_vouchers(session, shop.scope, campaign_id=None, place=Place(newest[-1].id, Direction.NEWER), size=3)
    assert [voucher.code for voucher in back.rows] == made[:-3:-1] and not back.has_more


def test_the_list_leads_to_older_vouchers_and_back(session: Session, shop: Shop) -> None:
    for number in range(53):
        vouchers.create_voucher(session, shop.scope, read_voucher(TEN_PERCENT | {"code": f"N{number:02}"}), random=Random(1))
    session.commit()
    first = shop.operator.get(shop.url("vouchers/")).text
    assert "N52" in first and "N02" not in first and "of <b data-total>53</b>" in first
    (older,) = re.findall(r'href="([^"]*before=[^"]*)"', first)
    second = shop.operator.get(older).text
    assert "N02" in second and "N52" not in second
    (newer,) = re.findall(r'href="([^"]*after=[^"]*)"', second)
    assert "N52" in shop.operator.get(newer).text


def test_a_search_finds_codes_by_their_beginning_in_any_case(session: Session, shop: Shop) -> None:
    make_voucher(session, shop, "SUMMER-1")
    make_voucher(session, shop, "LATE-SUMMER")
    make_voucher(session, shop, "50%_OFF")
    assert [voucher.code for voucher in find_vouchers(session, shop.scope, "summer")] == ["SUMMER-1"]
    assert [voucher.code for voucher in find_vouchers(session, shop.scope, "50%_")] == ["50%_OFF"]
    assert find_vouchers(session, shop.scope, "5_%") == [] == find_vouchers(session, shop.scope, "\x00")
    page = shop.operator.get(shop.url("vouchers/?search=summer")).text
    assert "SUMMER-1" in page and "LATE-SUMMER" not in page and "the beginning of a voucher&#39;s code" in page


def test_a_customer_is_found_by_source_id_and_by_email(session: Session, shop: Shop) -> None:
    anna = make_customer(session, shop, source_id="shop-17", email="anna@example.com")
    for typed in ("shop-1", "Anna@", "anna@example.com"):
        assert [customer.id for customer in find_customers(session, shop.scope, typed)] == [anna.id]
    assert find_customers(session, shop.scope, "example.com") == []


def test_a_search_is_served_by_an_index(session: Session, shop: Shop) -> None:
    make_customer(session, shop, source_id="a", email="a@example.com")
    session.execute(text("SET LOCAL enable_seqscan = off"))
    plan = session.execute(
        text("EXPLAIN SELECT * FROM customers WHERE project_id = :id AND email LIKE 'a%' AND length(email) <= 500 ORDER BY email LIMIT 9"),
        {"id": shop.scope.project_id},
    )
    words = "\n".join(row[0] for row in plan)
    assert "ix_customers_email" in words and "email >=" in words


def test_a_search_without_a_match_says_what_was_searched(shop: Shop) -> None:
    assert "No customers found" in shop.operator.get(shop.url("customers/?search=nobody")).text


@pytest.mark.parametrize("kind", ["campaigns", "vouchers", "customers", "products", "skus"])
def test_an_empty_list_says_so(shop: Shop, kind: str) -> None:
    assert "here yet" in shop.operator.get(shop.url(f"{kind}/")).text
    assert shop.operator.get(shop.url(f"{kind}/?before=nonsense")).status_code == 400


def test_a_voucher_shows_all_of_it(session: Session, shop: Shop) -> None:
    campaign = make_campaign(session, shop)
    fields: dict[str, object] = {
        "expiration_date": "2099-12-24T17:00:00Z",
        "metadata": {"channel": "print", "step": 3},
        "category": "autumn",
    }
    voucher = make_voucher(session, shop, "AUT-1", campaign, fields)
    page = shop.operator.get(shop.url(voucher_path(voucher))).text
    for shown in ("AUT-1", "10% off", "Summer sale", "To 24 Dec 2099, 18:00", "autumn", "channel", "print", "percent_off", "Active"):
        assert shown in page, shown


def test_records_are_found_by_code_name_and_source_id(session: Session, shop: Shop) -> None:
    odd = make_voucher(session, shop, "a/b?c=d #1")
    make_customer(session, shop, source_id="shop-17")
    answer = shop.operator.client.get(shop.url("vouchers/named"), query_string={"name": odd.code})
    assert answer.location.endswith(voucher_path(odd))
    assert shop.operator.get(shop.url("customers/named?name=shop-17")).status_code == 302
    assert shop.operator.get(shop.url("customers/named?name=shop-18")).status_code == 404


def test_codes_of_another_project_are_not_found(session: Session, shop: Shop) -> None:
    other = Shop(project := make_project(session), scope_of_project(project, Role.ADMIN), shop.operator)
    make_voucher(session, other, "THEIRS")
    assert shop.operator.get(shop.url("vouchers/named?name=THEIRS")).status_code == 404
    assert "THEIRS" not in shop.operator.get(shop.url("vouchers/")).text
    assert find_vouchers(session, shop.scope, "THEIRS") == []


def test_a_campaign_leads_to_its_vouchers_and_a_product_to_its_skus(session: Session, shop: Shop) -> None:
    campaign = make_campaign(session, shop)
    make_voucher(session, shop, "IN-IT", campaign)
    make_voucher(session, shop, "OUTSIDE")
    campaign_id = format_id(Prefix.CAMPAIGN, campaign.id)
    assert "IN-IT" in shop.operator.get(shop.url(f"campaigns/{campaign_id}")).text
    listed = shop.operator.get(shop.url(f"vouchers/?campaign={campaign_id}")).text
    assert "IN-IT" in listed and "OUTSIDE" not in listed and "Campaign is" in listed
    product = make_product(session, shop, name="Shirt", attributes=["size"])
    skus.create_sku(session, shop.scope, product, NewSku(sku="Shirt, M", price=1999, currency="EUR"))
    session.commit()
    page = shop.operator.get(shop.url(f"products/{format_id(Prefix.PRODUCT, product.id)}")).text
    assert "Shirt, M" in page and "19.99 EUR (1999)" in page


# Changing


def test_a_voucher_is_created_with_dates_in_project_time_and_metadata(session: Session, shop: Shop) -> None:
    define_key(session, shop.scope, Resource.VOUCHER, "step", "number", now=utc_now())
    session.commit()
    answer = shop.operator.client.post(
        shop.url("vouchers/new"),
        data={
            "csrf_token": shop.operator.form_token(shop.url("vouchers/new")),
            "code": "XMAS",
            "kind": "AMOUNT",
            "value": "1500",
            "start_date": "1 Dec 2026 08:00",
            "expiration_date": "24 Dec 2026",
            "active": "y",
            "metadata_key": ["step", "channel", ""],
            "metadata_value": ["3", "print", ""],
        },
    )
    assert answer.status_code == 302, answer.text
    voucher = vouchers.get_voucher(session, shop.scope, "XMAS")
    assert voucher.discount == {"type": "AMOUNT", "amount_off": 1500, "effect": "APPLY_TO_ORDER"}
    shown = vouchers.voucher_as_json(voucher, {})
    # The whole of the last day counts, on the clocks of Warsaw.
    assert (shown["start_date"], shown["expiration_date"]) == ("2026-12-01T07:00:00.000Z", "2026-12-24T23:00:00.000Z")
    assert voucher.metadata_ == {"step": 3, "channel": "print"}


@pytest.mark.parametrize(
    "fields, told",
    [
        ({"value": "15.00", "kind": "AMOUNT"}, "write 1500 for 15.00"),
        ({"value": "101", "kind": "PERCENT"}, "a number from 0 to 100"),
        ({"value": "", "kind": "PERCENT"}, "Write how much it is worth"),
        ({"value": "10", "kind": ""}, "Choose what it is worth"),
        ({"value": "10", "kind": "PERCENT", "campaign": "nowhere"}, "no campaign of this project"),
        ({"value": "10", "kind": "PERCENT", "start_date": "31 Nov 2026"}, "Nov 2026 has 30 days"),
        ({"value": "10", "kind": "PERCENT", "start_date": "2026-12-02", "expiration_date": "2026-12-01 10:00"}, "is not after start_date"),
        ({"value": "10", "kind": "PERCENT", "code": "TAKEN"}, "already exists"),
        ({"value": "10", "kind": "PERCENT", "redemption_quantity": "0"}, "from 1 to"),
        ({"value": "10", "kind": "PERCENT", "metadata_key": "", "metadata_value": "x"}, "Give the value a key"),
    ],
)
def test_what_cannot_be_stored_is_said_and_kept_in_the_form(session: Session, shop: Shop, fields: dict[str, str], told: str) -> None:
    make_voucher(session, shop, "TAKEN")
    answer = shop.operator.post(shop.url("vouchers/new"), **({"code": "NEW-1", "category": "as typed"} | fields))
    assert answer.status_code == 400 and told in answer.text.replace("&#34;", '"') and 'value="as typed"' in answer.text
    assert vouchers.find_voucher(session, shop.scope, "NEW-1") is None


def test_a_new_voucher_of_a_campaign_is_worth_what_the_campaign_says(session: Session, shop: Shop) -> None:
    campaign = make_campaign(session, shop)
    shop.operator.post(shop.url("vouchers/new"), code="OF-IT", kind="", campaign="Summer sale", active="y")
    voucher = vouchers.get_voucher(session, shop.scope, "OF-IT")
    assert voucher.campaign_id == campaign.id and voucher.discount == campaign.voucher["discount"]
    assert fresh(session, campaign).vouchers_count == 1


def test_an_edit_changes_only_what_was_changed(session: Session, shop: Shop) -> None:
    fields: dict[str, object] = {"start_date": "2026-12-01T00:00:00.123Z", "metadata": {"a": "1", "b": "2"}, "additional_info": "kept"}
    voucher = make_voucher(session, shop, fields=fields)
    start = voucher.start_date
    edit(shop, voucher_path(voucher, "/edit"), category="winter", additional_info="kept", value="12.5")
    voucher = fresh(session, voucher)
    assert (voucher.category, voucher.start_date, voucher.additional_info) == ("winter", start, "kept")
    assert voucher.discount is not None and voucher.discount["percent_off"] == 12.5
    assert voucher.metadata_ == {"a": "1", "b": "2"}
    assert voucher.active


def test_a_voucher_that_never_ends_has_a_page_and_a_form(session: Session, shop: Shop) -> None:
    voucher = make_voucher(session, shop, fields={"expiration_date": "9999-12-31T23:59:59Z"})
    assert "31 Dec 9999, 23:59" in shop.operator.get(shop.url(voucher_path(voucher))).text
    assert "31 Dec 9999 23:59:59" in shop.operator.get(shop.url(voucher_path(voucher, "/edit"))).text


def test_an_edit_sets_and_takes_away_metadata(session: Session, shop: Shop) -> None:
    voucher = make_voucher(session, shop, fields={"metadata": {"a": "1", "b": "2", "n": 5, "o": {"x": [1]}}})
    url = shop.url(voucher_path(voucher, "/edit"))
    answer = shop.operator.client.post(
        url,
        data={
            "csrf_token": shop.operator.form_token(url),
            "seen": "",
            "active": "y",
            "value": "10",
            "metadata_key": ["a", "b", "n", "o", "new"],
            "metadata_value": ["1", "", "6", '{"x": [1]}', "thing"],
        },
    )
    assert answer.status_code == 302
    assert fresh(session, voucher).metadata_ == {"a": "1", "n": 6, "o": {"x": [1]}, "new": "thing"}


def test_a_change_in_between_is_not_overwritten_unseen(session: Session, shop: Shop) -> None:
    voucher = make_voucher(session, shop)
    vouchers.change_voucher(session, shop.scope, voucher, Changes({"category": "theirs"}), now=utc_now())
    session.commit()
    answer = shop.operator.post(shop.url(voucher_path(voucher, "/edit")), seen="", category="mine", active="y", value="10")
    assert answer.status_code == 400 and "changed by somebody else" in answer.text and 'value="mine"' in answer.text
    assert fresh(session, voucher).category == "theirs"


def test_what_is_changed_at_the_panel_is_told_to_the_webhooks_with_who_did_it(session: Session, shop: Shop) -> None:
    make_webhook(session, shop.scope)
    voucher = make_voucher(session, shop)
    edit(shop, voucher_path(voucher, "/edit"), category="winter")
    page = shop.url(voucher_path(voucher))
    shop.operator.post(f"{page}/disable", page=page)
    shop.operator.post(f"{page}/delete", page=page)
    raised = happened(session, shop.scope)
    assert [type_ for type_, _ in raised] == [f"voucher.{what}" for what in ("created", "updated", "disabled", "deleted")]
    assert [told["category"] for _, told in raised] == [None, "winter", "winter", "winter"]
    (log,) = find(session, shop.scope, path_contains="/disable").lines
    of_it = select(Event.user, Event.channel, Event.request_id).where(Event.project_id == shop.scope.project_id, Event.type == raised[2][0])
    assert session.execute(of_it).one() == (log.user, "DASHBOARD", log.request_id)


def test_a_voucher_is_disabled_enabled_and_deleted(session: Session, shop: Shop) -> None:
    voucher = make_voucher(session, shop)
    page = shop.url(voucher_path(voucher))
    shop.operator.post(f"{page}/disable", page=page)
    assert not fresh(session, voucher).active and "Disabled" in shop.operator.get(page).text
    shop.operator.post(f"{page}/enable", page=page)
    assert fresh(session, voucher).active
    shop.operator.post(f"{page}/delete", page=page)
    assert shop.operator.get(page).status_code == 404


def test_a_customer_is_created_and_changed(session: Session, shop: Shop) -> None:
    shop.operator.post(shop.url("customers/new"), source_id="c-1", name="Anna", birthdate="1990-02-28", city="Warsaw", country="PL")
    anna = customers.get_customer(session, shop.scope, "c-1")
    assert anna.address == {"city": "Warsaw", "country": "PL"} and str(anna.birthdate) == "1990-02-28"
    edit(shop, f"customers/{format_id(Prefix.CUSTOMER, anna.id)}/edit", city="Lodz", birthdate="", email="anna@example.com")
    anna = fresh(session, anna)
    assert anna.address == {"city": "Lodz", "country": "PL"} and anna.birthdate is None and anna.name == "Anna"
    assert shop.operator.post(shop.url("customers/new"), source_id="c-1").status_code == 400


def test_a_product_and_its_sku_are_created_and_changed(session: Session, shop: Shop) -> None:
    shop.operator.post(shop.url("products/new"), source_id="p-1", name="Shirt", price="1999", attributes='color, "size, EU"')
    shirt = products.get_product(session, shop.scope, "p-1")
    assert (shirt.price, shirt.attributes) == (1999, ["color", "size, EU"])
    answer = shop.operator.post(shop.url("products/new"), source_id="p-2", price="19.99")
    assert answer.status_code == 400 and "write 1999 for 19.99" in answer.text
    shop.operator.post(
        shop.url("skus/new"), product="p-1", source_id="s-1", sku="M", price="1", currency="eur", attributes='{"color": "blue"}'
    )
    sku = skus.get_sku(session, shop.scope, "s-1")
    assert (sku.product_id, sku.currency, sku.attributes) == (shirt.id, "EUR", {"color": "blue"})
    edit(shop, f"skus/{format_id(Prefix.SKU, sku.id)}/edit", price="", attributes="{}", currency="EUR")
    sku = fresh(session, sku)
    assert (sku.price, sku.attributes, sku.currency) == (None, {}, "EUR")
    assert shop.operator.post(shop.url("skus/new"), product="", source_id="s-2").status_code == 400


# Campaigns


def tasks_of(session: Session, shop: Shop) -> list[AsyncAction]:
    session.expire_all()
    return list(session.scalars(select(AsyncAction).where(AsyncAction.project_id == shop.project.id).order_by(AsyncAction.id)))


def test_a_new_campaign_has_its_vouchers_generated_by_a_task(session: Session, shop: Shop) -> None:
    fields = {"name": "Spring", "kind": "GIFT", "value": "5000", "vouchers_count": "20", "pattern": "SPRING-####", "type": "AUTO_UPDATE"}
    shop.operator.post(shop.url("campaigns/new"), **fields, active="y")
    campaign = campaigns.get_campaign(session, shop.scope, "Spring")
    assert campaign.campaign_type == "GIFT_VOUCHERS" and campaign.voucher["gift"] == {
        "amount": 5000,
        "subtracted_amount": 0,
        "balance": 5000,
        "effect": "APPLY_TO_ORDER",
    }
    (task,) = tasks_of(session, shop)
    assert task.type == "CAMPAIGN.VOUCHERS_GENERATE" and task.parameters["vouchers_count"] == 20 and task.origin == "DASHBOARD"


def test_a_campaigns_new_worth_reaches_its_vouchers_by_a_task(session: Session, shop: Shop) -> None:
    campaign = make_campaign(session, shop)
    make_voucher(session, shop, "IN-IT", campaign)
    path = f"campaigns/{format_id(Prefix.CAMPAIGN, campaign.id)}/edit"
    edit(shop, path, description="Only a text")
    assert tasks_of(session, shop) == []
    edit(shop, path, value="15", description="Only a text")
    (task,) = tasks_of(session, shop)
    assert task.type == "CAMPAIGN.VOUCHERS_UPDATE" and "15" in str(task.parameters["changes"])


def test_a_deleted_campaign_is_gone_at_once_and_a_task_deletes_its_vouchers(session: Session, shop: Shop) -> None:
    campaign = make_campaign(session, shop)
    campaign_id = format_id(Prefix.CAMPAIGN, campaign.id)
    page = shop.url(f"campaigns/{campaign_id}")
    answer = shop.operator.post(f"{page}/delete", page=page)
    (task,) = tasks_of(session, shop)
    assert (task.type, task.parameters["campaign_id"]) == ("CAMPAIGN.VOUCHERS_DELETE", campaign_id)
    assert answer.location.endswith(format_id(Prefix.ASYNC_ACTION, task.id))
    assert shop.operator.get(page).status_code == 404
    assert "Summer sale" not in re.sub(r'class="note.*?</div>', "", shop.operator.get(shop.url("campaigns/")).text, flags=re.DOTALL)


# Who may, and what is recorded


def test_a_viewer_reads_and_changes_nothing(app: Flask, session: Session, shop: Shop) -> None:
    viewer = log_in(app, session, make_member(session, shop.project))
    voucher = make_voucher(session, shop)
    page = shop.url(voucher_path(voucher))
    shown = viewer.get(page)
    assert shown.status_code == 200 and "Delete the voucher" not in shown.text and "Edit" not in shown.text
    assert viewer.get(shop.url("vouchers/new")).status_code == 403 == viewer.get(f"{page}/edit").status_code
    for act in ("enable", "disable", "delete"):
        assert viewer.post(f"{page}/{act}", page=page).status_code == 403
    assert fresh(session, voucher).active


def test_what_was_touched_is_in_the_calls_log_and_leads_there(session: Session, shop: Shop) -> None:
    voucher = make_voucher(session, shop)
    page = shop.url(voucher_path(voucher))
    shop.operator.post(f"{page}/disable", page=page)
    (line,) = find(session, shop.scope, method="POST").lines
    record = get_log(session, shop.scope, line.key.id)
    assert [(reference.type, reference.id) for reference in record.references] == [("voucher", format_id(Prefix.VOUCHER, voucher.id))]
    assert page in shop.operator.get(f"/projects/{shop.scope.id}/logs/{line.id}").text


# Words


def test_money_is_shown_as_people_write_it_and_as_the_api_has_it() -> None:
    assert money_words(1500) == "15.00 (1500)"
    assert money_words(5) == "0.05 (5)"
    assert money_words(123456789, "EUR") == "1,234,567.89 EUR (123456789)"
    assert money_words(1500, "JPY") == "1,500 JPY (1500)"
    assert money_words(-250) == "-2.50 (-250)"
    assert worth_words({"type": "UNIT", "unit_off": 2}, None, None) == "2 free"
    assert worth_words(None, {"amount": 10000, "balance": 8000}, None) == "100.00 (10000), 80.00 left"


def test_metadata_is_read_by_the_projects_types_and_errors_name_what_would_be_right() -> None:
    schema: Schema = {"n": {"type": "number"}, "tags": {"type": "string", "array": True}, "when": {"type": "date"}}
    typed = read_typed([("n", "x"), ("tags", 'a, "b, c"'), ("when", "2026-02-28"), ("n", "7")], {}, schema)
    assert typed.given == {"tags": ["a", "b, c"], "when": "2026-02-28", "n": 7}
    assert typed.rows[0].error.startswith('"x" is not a number')
