"""The public platform's own Python client exports from a panel that runs, with a real worker."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import pytest
import voucherify
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from voucherify import models

from auditpanel.config import Settings
from auditpanel.logs.queries import get_log
from tests.api.calling import Caller, discount_campaign, discount_voucher, make_caller
from tests.faults.started_panel import REPOSITORY, wait_for
from tests.logs.making import find as find_logs
from tests.servers import served_panel


@pytest.fixture(scope="module")
def url(app: Flask, settings: Settings) -> Iterator[str]:
    with served_panel(settings) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def worker(app: Flask, settings: Settings) -> Iterator[None]:
    """A real one of the queue that exports are on."""
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


class Shop:
    """A program of the project's owner that knows the public API only."""

    def __init__(self, url: str, caller: Caller) -> None:
        keys = {"X-App-Id": caller.headers["X-App-Id"], "X-App-Token": caller.headers["X-App-Token"]}
        self.exports = voucherify.ExportsApi(voucherify.ApiClient(voucherify.Configuration(host=url, api_key=keys)))

    def export(self, exported: str, **parameters: object) -> Any:
        """Once it is there."""
        body = models.ExportsCreateRequestBody(exported_object=exported, parameters=models.ExportsCreateRequestBodyParameters(**parameters))
        created = self.exports.create_export(body)
        assert (created.object, created.status, created.exported_object) == ("export", "SCHEDULED", exported)
        wait_for(self._is_done(created.id))
        return self.exports.get_export(created.id)

    def _is_done(self, export_id: str) -> Callable[[], bool]:
        return lambda: self.exports.get_export(export_id).status in ("DONE", "ERROR")

    def file(self, export: Any) -> str:
        text: str = self.exports.download_export(export.id, token=parse_qs(urlsplit(export.result.url).query)["token"][0])
        return text


@pytest.fixture
def caller(client: FlaskClient, session: Session) -> Caller:
    return make_caller(client, session)


@pytest.fixture
def shop(url: str, worker: None, caller: Caller) -> Shop:
    return Shop(url, caller)


def test_vouchers_are_exported_listed_downloaded_and_deleted(shop: Shop, caller: Caller, session: Session) -> None:
    campaign = caller.post("/campaigns", discount_campaign("Summer")).get_json()
    for number in range(3):
        caller.post("/vouchers", discount_voucher(f"IN-{number}", campaign="Summer", metadata={"formula": "=1+1"}))
    caller.post("/vouchers", discount_voucher("OUT-1", category="vip"))
    fields = ["code", "campaign_id", "metadata"]
    export = shop.export("voucher", fields=fields, order="-code", campaign_id=campaign["id"])
    assert (export.status, export.parameters.fields, export.channel) == ("DONE", fields, "Python-SDK")
    rows = list(csv.DictReader(io.StringIO(shop.file(export))))
    assert [(row["code"], row["campaign_id"]) for row in rows] == [(f"IN-{number}", campaign["id"]) for number in (2, 1, 0)]

    filters = {"junction": "or", "category": {"conditions": {"$is": ["vip"]}}, "code": {"conditions": {"$in": ["IN-0"]}}}
    other = shop.export("voucher", fields=["code"], order="code", filters=filters)
    assert shop.file(other).splitlines() == ["code", "IN-0", "OUT-1"]

    listed = shop.exports.list_exports(limit=1, page=2, order=models.ParameterOrderListExports.MINUS_CREATED_AT)
    assert ([each.id for each in listed.exports], listed.total, listed.data_ref) == ([export.id], 2, "exports")

    shop.exports.delete_export(export.id)
    assert shop.exports.get_export(export.id).result is None
    with pytest.raises(voucherify.ApiException) as gone:
        shop.file(export)
    assert gone.value.status == 404
    methods = [line.method for line in find_logs(session, caller.scope, path_contains=export.id).lines]
    assert methods[:3] == ["GET", "GET", "DELETE"] and set(methods[3:]) == {"GET"}
    line = find_logs(session, caller.scope, path_contains="/v1/exports", method="POST").lines[-1]
    assert get_log(session, caller.scope, line.key.id).references[0].id == export.id


@pytest.mark.parametrize(
    ("exported", "fields"),
    [("customer", ["id", "source_id", "birthdate"]), ("product", ["id", "source_id", "price"]), ("sku", ["id", "sku", "currency"])],
)
def test_the_other_kinds_of_the_public_api_are_exported(shop: Shop, caller: Caller, exported: str, fields: list[str]) -> None:
    caller.post("/customers", {"source_id": "anna", "birthdate": "1990-02-28"})
    caller.post("/products", {"source_id": "shirt", "price": 4999})
    caller.post("/products/shirt/skus", {"source_id": "s", "sku": "S", "currency": "EUR"})
    assert len(list(csv.DictReader(io.StringIO(shop.file(shop.export(exported, fields=fields)))))) == 1


def test_the_address_in_the_result_is_the_files_own(shop: Shop, caller: Caller, url: str) -> None:
    caller.post("/customers", {"source_id": "anna"})
    export = shop.export("customer")
    assert export.result.url.startswith(f"{url}/v1/exports/{export.id}?token=")
    with urlopen(export.result.url) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
        content = answer.read()
    assert content.decode().splitlines() == ["name,source_id", ",anna"]
    with urlopen(Request(export.result.url, headers={"Range": "bytes=5-"})) as part:
        assert (part.status, part.read()) == (206, content[5:])
    with urlopen(Request(export.result.url, method="HEAD")) as head:
        assert (head.headers["Content-Length"], head.read()) == (str(len(content)), b"")


def test_a_filter_that_is_not_kept_here_is_told_to_the_client(shop: Shop) -> None:
    filters = {"metadata.vip": {"conditions": {"$is": [True]}}}
    body = models.ExportsCreateRequestBody(
        exported_object="customer", parameters=models.ExportsCreateRequestBodyParameters(filters=filters)
    )
    with pytest.raises(voucherify.ApiException) as refused:
        shop.exports.create_export(body)
    assert refused.value.status == 400 and "customer cannot be narrowed by it; there are id" in str(refused.value.body)
