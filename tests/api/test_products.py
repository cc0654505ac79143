from __future__ import annotations

from sqlalchemy.orm import Session

from tests.api.calling import Caller, make_caller

SHIRT = {"source_id": "shirt", "name": "Shirt", "price": 4999, "attributes": ["colour"], "metadata": {"season": "summer"}}


def test_a_product_is_created_read_changed_and_deleted_with_its_skus(caller: Caller) -> None:
    product = caller.post("/products", SHIRT).get_json()
    assert {name: product[name] for name in SHIRT} == SHIRT
    sku = caller.post("/products/shirt/skus", {"source_id": "shirt-s", "sku": "S", "currency": "PLN", "attributes": {"colour": "red"}})
    assert sku.get_json()["product_id"] == product["id"]
    shown = caller.get(f"/products/{product['id']}").get_json()
    assert [sku["source_id"] for sku in shown["skus"]["data"]] == ["shirt-s"]
    changed = caller.put("/products/shirt", {"price": 3999, "metadata": {"sale": True}}).get_json()
    assert (changed["price"], changed["metadata"]) == (3999, {"season": "summer", "sale": True})
    assert caller.get("/products").get_json()["products"][0]["skus"]["total"] == 1
    assert caller.delete("/products/shirt").status_code == 204
    assert caller.get("/products/shirt").status_code == caller.get("/skus/shirt-s").status_code == 404


def test_a_sku_is_found_by_its_product_only(caller: Caller) -> None:
    for name in ("one", "two"):
        caller.post("/products", {"source_id": name})
    made = caller.post("/products/one/skus", {"source_id": "s1", "price": 5})
    assert made.status_code == 200
    assert caller.put("/products/two/skus/s1", {"price": 6}).status_code == 404
    assert caller.post("/products/two/skus", {"source_id": "s1"}).status_code == 409
    assert caller.put("/products/one/skus/s1", {"price": 6}).get_json()["price"] == 6
    assert caller.get("/skus/s1").get_json()["price"] == 6
    assert caller.get("/products/one/skus").get_json()["total"] == 1
    assert caller.delete("/products/one/skus/s1").status_code == 204


def test_creating_one_that_is_there_changes_it(caller: Caller) -> None:
    first = caller.post("/products", SHIRT).get_json()
    second = caller.post("/products", {"source_id": "shirt", "price": 1}).get_json()
    assert (second["id"], second["price"], second["name"]) == (first["id"], 1, "Shirt")


def test_a_price_that_no_column_holds_is_refused(caller: Caller) -> None:
    for price in (-1, 2**63, 1.5, "5"):
        answer = caller.post("/products", {"source_id": "p", "price": price})
        assert answer.status_code == 400 and answer.get_json()["details"].startswith("price: "), price


def test_products_of_another_project_are_not_found(caller: Caller, session: Session) -> None:
    stranger = make_caller(caller.http, session)
    product_id = caller.post("/products", SHIRT).get_json()["id"]
    assert stranger.get(f"/products/{product_id}").status_code == 404
    assert stranger.post(f"/products/{product_id}/skus", {}).status_code == 404
    assert stranger.get("/products").get_json()["total"] == 0
