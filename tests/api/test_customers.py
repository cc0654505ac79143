from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from sqlalchemy.orm import Session

from tests.api.calling import Caller
from tests.logs.making import find

JOHN = {
    "source_id": "crm-1",
    "name": "Jan Kowalski",
    "email": "jan@example.com",
    "birthdate": "1990-02-28",
    "address": {"city": "Kraków", "line_1": "Rynek 1"},
    "metadata": {"vip": True},
}


def test_a_customer_is_created_read_changed_and_deleted(caller: Caller) -> None:
    made = caller.post("/customers", JOHN)
    assert made.status_code == 200, made.text
    customer = made.get_json()
    assert customer["object"] == "customer"
    assert {name: customer[name] for name in JOHN} == JOHN
    assert caller.get("/customers/crm-1").get_json() == caller.get(f"/customers/{customer['id']}").get_json() == customer
    changed = caller.put("/customers/crm-1", {"phone": "+48 600", "metadata": {"size": 1}, "address": None}).get_json()
    assert (changed["name"], changed["phone"], changed["address"]) == ("Jan Kowalski", "+48 600", None)
    assert changed["metadata"] == {"vip": True, "size": 1}
    assert caller.delete("/customers/crm-1").status_code == 204
    assert caller.get("/customers/crm-1").status_code == 404


def test_creating_one_that_is_there_changes_it(caller: Caller) -> None:
    first = caller.post("/customers", JOHN).get_json()
    second = caller.post("/customers", {"source_id": "crm-1", "name": "Jan"}).get_json()
    third = caller.post("/customers", {"id": first["id"], "source_id": "crm-2"}).get_json()
    assert first["id"] == second["id"] == third["id"]
    assert (third["name"], third["email"], third["source_id"]) == ("Jan", "jan@example.com", "crm-2")


def test_calls_that_create_the_same_customer_at_once_make_one(app: Flask, caller: Caller) -> None:
    def create(number: int) -> int:
        body = {"source_id": f"crm-{number // 4}", "metadata": {str(number): True}}
        return app.test_client().post("/v1/customers", json=body, headers=caller.headers).status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(create, range(40))) == {200}
    shown = caller.get("/customers", limit="100").get_json()
    assert shown["total"] == 10
    assert sorted(int(key) for customer in shown["customers"] for key in customer["metadata"]) == list(range(40))


def test_a_source_id_that_another_has_is_a_conflict(caller: Caller) -> None:
    caller.post("/customers", JOHN)
    caller.post("/customers", {"source_id": "crm-2"})
    assert caller.put("/customers/crm-2", {"source_id": "crm-1"}).status_code == 409
    assert caller.get("/customers/crm-2").status_code == 200


def test_lists_are_narrowed_and_say_whether_there_is_more(caller: Caller) -> None:
    for number in range(3):
        caller.post("/customers", {"source_id": f"c{number}", "name": f"Name 50% {number}", "email": f"{number}@example.com"})

    def found(**query: str) -> list[str]:
        return [customer["source_id"] for customer in caller.get("/customers", **query).get_json()["customers"]]

    assert caller.get("/customers", limit="2").get_json()["has_more"] is True
    assert found(email="1@example.com") == ["c1"]
    assert found(name="50% 2") == ["c2"]
    assert found(name="%") == ["c2", "c1", "c0"]
    assert found(order="source_id") == ["c0", "c1", "c2"]
    assert found(starting_after="2000-01-01") == []


def test_the_log_names_the_customer(caller: Caller, session: Session) -> None:
    caller.post("/customers", JOHN)
    assert find(session, caller.scope, customer="crm-1").lines[0].path == "/v1/customers"


def test_metadata_of_many_is_a_task_with_a_row_for_each(caller: Caller) -> None:
    answer = caller.post("/customers/metadata/async", {"source_ids": ["a", "b", "a"], "metadata": {"vip": True}})
    assert answer.status_code == 202
    task = caller.get(f"/async-actions/{answer.get_json()['async_action_id']}").get_json()
    assert task["type"] == "CUSTOMERS.METADATA_UPDATE"
    assert caller.post("/customers/metadata/async", {"source_ids": [], "metadata": {}}).status_code == 400
    assert caller.post("/customers/bulk/async", [{"source_id": "a", "name": "A"}]).status_code == 202
