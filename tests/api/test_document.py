"""The API's document against the API: answers have the shapes that it says, and each parameter that it names is read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain

import msgspec
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from auditpanel.api import shapes
from auditpanel.api.document import describe
from tests.api.calling import Caller, Json, discount_campaign, discount_voucher
from tests.logs.making import store_one

LOG = {"occurred_at": datetime.now(UTC).isoformat(), "path": "/v1/validations", "status_code": 200}

# What a filter is called in its error.
OTHER_NAMES = {"end_date": "created_before"}


@pytest.fixture
def document(app: Flask) -> Json:
    """As a reader gets it."""
    return msgspec.json.decode(msgspec.json.encode(describe(app)), type=dict[str, object])


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    paths = msgspec.convert(document["paths"], dict[str, dict[str, Json]])
    yield from ((path, method, operation) for path, methods in paths.items() for method, operation in methods.items())


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        yield from chain.from_iterable(map(references, node.values()))
    elif isinstance(node, list):
        yield from chain.from_iterable(map(references, node))


def parameters(operation: Json, place: str) -> list[Json]:
    return [parameter for parameter in msgspec.convert(operation["parameters"], list[Json]) if parameter["in"] == place]


def test_the_document_refers_only_to_what_it_has(document: Json) -> None:
    components = msgspec.convert(document["components"], dict[str, Json])
    assert {reference.removeprefix("#/components/schemas/") for reference in references(document)} <= set(components["schemas"])


def test_each_route_says_what_it_answers_with_and_each_name_is_once(document: Json) -> None:
    names = []
    for path, method, operation in operations(document):
        names.append(operation["operationId"])
        assert operation["summary"], path
        for status, answer in msgspec.convert(operation["responses"], dict[str, Json]).items():
            if status != "204" and path != "/v1/openapi.json":
                assert list(references(answer)), f"{method} {path} {status}"
        assert [parameter["name"] for parameter in parameters(operation, "path")] == sorted(
            part.strip("{}") for part in path.split("/") if part.startswith("{")
        )
    assert len(names) == len(set(names))


def test_answers_have_the_shapes_of_the_document(caller: Caller, session: Session) -> None:
    campaign = caller.post("/campaigns", discount_campaign(vouchers_count=2))
    customer = caller.post("/customers", {"source_id": "anna", "birthdate": "1990-02-28", "address": {"city": "Warsaw"}})
    product = caller.post("/products", {"source_id": "shirt", "attributes": ["color"]})
    sku = caller.post("/products/shirt/skus", {"source_id": "shirt-blue", "price": 1999, "currency": "EUR"})
    voucher = caller.post("/vouchers", discount_voucher(start_date="2026-01-01T00:00:00Z", metadata={"a": [1, {"b": None}]}))
    started = caller.post("/vouchers/import", [discount_voucher("A")])
    stored = caller.post("/logs", [LOG, {}])
    store_one(session, caller.scope, request_headers=[["Accept", "*/*"]], references=[{"type": "campaign", "id": "Summer"}])
    log_id = caller.get("/logs", range="all").get_json()["logs"][-1]["id"]
    for answer, shape in (
        (campaign, shapes.Campaign),
        (caller.get("/campaigns/Summer"), shapes.Campaign),
        (caller.get("/campaigns"), shapes.CampaignList),
        (customer, shapes.Customer),
        (caller.get("/customers"), shapes.CustomerList),
        (product, shapes.Product),
        (caller.get("/products"), shapes.ProductList),
        (sku, shapes.Sku),
        (caller.get("/products/shirt/skus"), shapes.SkuList),
        (voucher, shapes.Voucher),
        (caller.get("/vouchers"), shapes.VoucherList),
        (started, shapes.Started),
        (caller.get("/async-actions"), shapes.AsyncActionList),
        (caller.get(f"/async-actions/{started.get_json()['async_action_id']}"), shapes.AsyncActionWithResult),
        (caller.get("/metadata-schemas"), shapes.MetadataSchemaList),
        (stored, shapes.LogsStored),
        (caller.get("/logs", range="all"), shapes.LogList),
        (caller.get(f"/logs/{log_id}"), shapes.LogWithContent),
        (caller.get("/vouchers/nowhere"), shapes.Error),
    ):
        msgspec.json.decode(answer.data, type=shape)


def test_each_parameter_that_the_document_names_is_read(caller: Caller, document: Json) -> None:
    """Nonsense is refused by name; a text that nothing has leaves nothing."""
    caller.post("/products", {"source_id": "p", "name": "Shirt"})
    caller.post("/products/p/skus", {"source_id": "s"})
    caller.post("/customers", {"source_id": "anna"})
    caller.post("/campaigns", discount_campaign())
    caller.post("/vouchers/import", [discount_voucher("A")])
    caller.post("/vouchers", discount_voucher())
    asked = 0
    for path, _, operation in operations(document):
        for parameter in parameters(operation, "query"):
            name, schema = str(parameter["name"]), msgspec.convert(parameter["schema"], Json)
            answer = caller.get(path.removeprefix("/v1").replace("{product_id}", "p"), **{name: f"no-such-thing-{asked}"})
            what = f"{path}?{name}: {answer.text[:200]}"
            if answer.status_code == 200:
                assert schema == {"type": "string"} and answer.get_json()["total"] == 0, what
            else:
                assert answer.status_code == 400 and answer.get_json()["details"].startswith((name, OTHER_NAMES.get(name, name))), what
            asked += 1
    assert asked > 60
