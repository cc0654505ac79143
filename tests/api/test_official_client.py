"""The public platform's own Python client, pointed here: it creates, imports, updates, generates and deletes, and reads the tasks back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import voucherify
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from voucherify import models
from werkzeug.serving import make_server

from auditpanel.catalogue.metadata_schemas import define_key
from auditpanel.catalogue.models import Resource
from auditpanel.logs.queries import get_log
from auditpanel.times import utc_now
from tests.api.calling import Caller, make_caller
from tests.api.working import run_due_tasks
from tests.logs.making import find


@pytest.fixture(scope="module")
def url(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Shop:
    """A program of the project's owner that knows the public API only."""

    def __init__(self, app: Flask, url: str, caller: Caller) -> None:
        keys = {"X-App-Id": caller.headers["X-App-Id"], "X-App-Token": caller.headers["X-App-Token"]}
        client = voucherify.ApiClient(voucherify.Configuration(host=url, api_key=keys))
        self._app, self._caller = app, caller
        self.vouchers = voucherify.VouchersApi(client)
        self.campaigns = voucherify.CampaignsApi(client)
        self.customers = voucherify.CustomersApi(client)
        self.products = voucherify.ProductsApi(client)
        self.tasks = voucherify.AsyncActionsApi(client)
        self.schemas = voucherify.MetadataSchemasApi(client)

    def result_of(self, started: Any) -> dict[str, object]:
        """Of the task that a call has started, once it is done."""
        run_due_tasks(self._app, self._caller.scope)
        task = self.tasks.get_async_action(started.async_action_id)
        assert task.status == "DONE", task
        assert (task.progress, task.object) == (100, "async_action")
        result: dict[str, object] = task.result
        return result


@pytest.fixture
def caller(client: FlaskClient, session: Session) -> Caller:
    return make_caller(client, session)


@pytest.fixture
def shop(app: Flask, url: str, caller: Caller) -> Shop:
    return Shop(app, url, caller)


def ten_percent() -> Any:
    return models.Discount(type="PERCENT", percent_off=10)


def test_vouchers(shop: Shop) -> None:
    made = shop.vouchers.create_voucher(
        "HELLO",
        models.VouchersCreateWithSpecificCodeRequestBody(
            type="DISCOUNT_VOUCHER", discount=ten_percent(), start_date=datetime(2026, 1, 1, tzinfo=UTC), metadata={"a": 1}
        ),
    )
    assert (made.code, made.discount.percent_off, made.start_date) == ("HELLO", 10, datetime(2026, 1, 1, tzinfo=UTC))
    shop.vouchers.update_voucher("HELLO", models.VouchersUpdateRequestBody(category="vip", metadata={"b": 2}))
    read = shop.vouchers.get_voucher("HELLO")
    assert (read.category, read.metadata, read.active) == ("vip", {"a": 1, "b": 2}, True)
    shop.vouchers.disable_voucher("HELLO")
    gift = models.VouchersCreateRequestBody(code="GIFT", type="GIFT_VOUCHER", gift=models.Gift(amount=5000))
    assert shop.vouchers.generate_random_code(gift).gift.balance == 5000
    listed = shop.vouchers.list_vouchers(limit=10, page=1, order=models.ParameterOrderVouchers("code"))
    assert ([voucher.code for voucher in listed.vouchers], listed.total) == (["GIFT", "HELLO"], 2)
    shop.vouchers.delete_voucher("HELLO")
    with pytest.raises(voucherify.ApiException) as gone:
        shop.vouchers.get_voucher("HELLO")
    assert gone.value.status == 404


def test_voucher_tasks(shop: Shop, tmp_path: Path) -> None:
    items = [models.VouchersImportCreateItemRequestBody(code=f"I-{n}", type="DISCOUNT_VOUCHER", discount=ten_percent()) for n in range(5)]
    result = shop.result_of(shop.vouchers.import_vouchers(items))
    assert (result["done_count"], result["failed_count"]) == (5, 0)
    file = tmp_path / "codes.csv"
    file.write_text(
        "Code,Voucher Type,Value,Discount Type,Colour\nF-1,DISCOUNT_VOUCHER,5,PERCENT,red\nF-2,DISCOUNT_VOUCHER,x,PERCENT,red\n"
    )
    result = shop.result_of(shop.vouchers.import_vouchers_using_csv(file=str(file)))
    assert (result["done_count"], result["failed_count"]) == (1, 1)
    updates = [models.VouchersUpdateInBulkItemRequestBody(code="I-1", metadata={"season": "summer"})]
    result = shop.result_of(shop.vouchers.update_vouchers_in_bulk(updates))
    assert result["done_count"] == 1
    body = models.VouchersMetadataUpdateInBulkRequestBody(codes=["I-2", "none"], metadata={"season": "winter"})
    result = shop.result_of(shop.vouchers.update_vouchers_metadata_in_bulk(body))
    assert (result["done_count"], result["failed_count"]) == (1, 1)
    assert shop.vouchers.get_voucher("I-2").metadata == {"season": "winter"}


def test_campaigns(shop: Shop, tmp_path: Path) -> None:
    config = models.CodeConfig(pattern="SU-######")
    voucher = models.CampaignsCreateRequestBodyVoucher(type="DISCOUNT_VOUCHER", discount=ten_percent(), code_config=config)
    body = models.CampaignsCreateRequestBody(
        name="Summer", campaign_type="DISCOUNT_COUPONS", type="STATIC", voucher=voucher, vouchers_count=3
    )
    campaign = shop.campaigns.create_campaign(body)
    assert (campaign.name, campaign.campaign_type, campaign.vouchers_generation_status) == ("Summer", "DISCOUNT_COUPONS", "IN_PROGRESS")
    more = shop.campaigns.add_vouchers_to_campaign(
        campaign.id, vouchers_count=4, campaigns_vouchers_create_in_bulk_request_body=models.CampaignsVouchersCreateInBulkRequestBody()
    )
    assert shop.result_of(more)["done_count"] == 4
    one = shop.campaigns.add_vouchers_to_campaign(
        "Summer", vouchers_count=1, campaigns_vouchers_create_in_bulk_request_body=models.CampaignsVouchersCreateInBulkRequestBody()
    )
    assert one.code.startswith("SU-")
    named = shop.campaigns.add_voucher_with_specific_code_to_campaign(
        "Summer", "OWN-1", campaigns_vouchers_create_request_body=models.CampaignsVouchersCreateRequestBody(category="vip")
    )
    assert (named.code, named.category, named.campaign) == ("OWN-1", "vip", "Summer")
    item = models.CampaignsImportVoucherItem(code="OWN-2", type="DISCOUNT_VOUCHER", discount=ten_percent())
    assert shop.result_of(shop.campaigns.import_vouchers_to_campaign("Summer", [item]))["done_count"] == 1
    file = tmp_path / "codes.csv"
    file.write_text("Code\nOWN-3\n")
    assert shop.result_of(shop.campaigns.import_vouchers_to_campaign_using_csv("Summer", file=str(file)))["done_count"] == 1
    assert shop.campaigns.get_campaign("Summer").vouchers_count == 11
    update = models.CampaignsUpdateRequestBody(discount=models.Discount(type="PERCENT", percent_off=25))
    assert shop.campaigns.update_campaign("Summer", update).voucher.discount.percent_off == 25
    assert shop.campaigns.list_campaigns().total == 1
    result = shop.result_of(shop.campaigns.delete_campaign("Summer"))
    assert result["done_count"] == 11
    assert shop.vouchers.list_vouchers().total == 0


def test_customers(shop: Shop, tmp_path: Path) -> None:
    made = shop.customers.create_customer(models.CustomersCreateRequestBody(source_id="crm-1", name="Jan", metadata={"vip": True}))
    assert (made.source_id, made.object) == ("crm-1", "customer")
    shop.customers.update_customer("crm-1", models.CustomersUpdateRequestBody(phone="+48 600"))
    assert shop.customers.get_customer(made.id).phone == "+48 600"
    bulk = [models.CustomersUpdateInBulkRequestBody(source_id=f"crm-{n}", name=f"N{n}") for n in range(1, 4)]
    assert shop.result_of(shop.customers.update_customers_in_bulk(bulk))["done_count"] == 3
    body = models.CustomersMetadataUpdateInBulkRequestBody(source_ids=["crm-1", "crm-2"], metadata={"season": "summer"})
    assert shop.result_of(shop.customers.update_customers_metadata_in_bulk(body))["done_count"] == 2
    file = tmp_path / "customers.csv"
    file.write_text("Name,Source_id,Birthdate,Address_city\nAnna,crm-9,1990-02-28,Kraków\n")
    assert shop.result_of(shop.customers.import_customers_using_csv(file=str(file)))["done_count"] == 1
    listed = shop.customers.list_customers(limit=2, order=models.ParameterOrderListCustomers("source_id"))
    assert ([customer.source_id for customer in listed.customers], listed.total) == (["crm-1", "crm-2"], 4)
    shop.customers.delete_customer("crm-1")
    assert shop.customers.list_customers().total == 3


def test_products_and_skus(shop: Shop, tmp_path: Path) -> None:
    product = shop.products.create_product(models.ProductsCreateRequestBody(source_id="shirt", name="Shirt", price=4999))
    sku = shop.products.create_sku("shirt", models.ProductsSkusCreateRequestBody(source_id="shirt-s", sku="S", price=4500))
    assert (sku.product_id, shop.products.get_product("shirt").skus.total) == (product.id, 1)
    shop.products.update_sku("shirt", "shirt-s", models.ProductsSkusUpdateRequestBody(price=4400))
    assert shop.products.get_sku("shirt-s").price == 4400
    shop.products.update_product("shirt", models.ProductsUpdateRequestBody(price=1))
    bulk = [models.ProductsUpdateInBulkRequestBody(source_id="hat", name="Hat", price=1500)]
    assert shop.result_of(shop.products.update_products_in_bulk(bulk))["done_count"] == 1
    body = models.ProductsMetadataUpdateInBulkRequestBody(source_ids=["hat"], metadata={"season": "summer"})
    assert shop.result_of(shop.products.update_products_metadata_in_bulk(body))["done_count"] == 1
    products, skus = tmp_path / "products.csv", tmp_path / "skus.csv"
    products.write_text("name,source_id,price\nSocks,socks,999\n")
    skus.write_text("product_id,source_id,sku,price\nshirt,shirt-m,M,4500\n")
    result = shop.result_of(shop.products.import_products_using_csv(file=str(products)))
    assert result["done_count"] == 1, result
    assert shop.result_of(shop.products.import_skus_using_csv(file=str(skus)))["done_count"] == 1
    assert shop.products.list_products().total == 3
    assert shop.products.list_skus_in_product("shirt").total == 2
    shop.products.delete_sku("shirt", "shirt-s")
    shop.products.delete_product("shirt")
    assert shop.products.list_products().total == 2


def test_a_key_of_the_metadata_is_purged_and_the_tasks_are_listed(shop: Shop, caller: Caller, session: Session) -> None:
    shop.customers.create_customer(models.CustomersCreateRequestBody(source_id="crm-1", metadata={"vip": True, "size": 1}))
    purge = caller.delete("/metadata-schemas/customer/vip").get_json()
    assert shop.result_of(models.CampaignsDeleteResponseBody(**purge))["done_count"] == 1
    assert shop.customers.get_customer("crm-1").metadata == {"size": 1}
    listed = shop.tasks.list_async_actions(limit=10, end_date=datetime(2100, 1, 1, tzinfo=UTC))
    assert [(task.type, task.operation_status) for task in listed.async_actions] == [("CUSTOMERS.METADATA_KEY_PURGE", "SUCCESS")]
    assert shop.schemas.list_metadata_schemas().total == 0
    line = find(session, caller.scope, path_contains="/customers/crm-1").lines[0]
    assert (line.channel, line.customer, line.origin) == ("Python-SDK", "crm-1", "SHOPIFY")
    assert get_log(session, caller.scope, line.key.id).references[0].type == "customer"


def test_metadata_schemas(shop: Shop, caller: Caller, session: Session) -> None:
    define_key(session, caller.scope, Resource.CUSTOMER, "vip", "boolean", now=utc_now())
    session.commit()
    assert shop.schemas.list_metadata_schemas().schemas[0].related_object == "customer"
    assert shop.schemas.get_metadata_schema("customer").properties["vip"]["type"] == "boolean"
    with pytest.raises(voucherify.ApiException) as missing:
        shop.schemas.get_metadata_schema("voucher")
    assert missing.value.status == 404
