"""Background tasks through the API: asked for, run, and read back in the public API's shapes."""

from __future__ import annotations

from flask import Flask
from sqlalchemy.orm import Session

from tests.api.calling import Caller, discount_campaign, discount_voucher, make_caller
from tests.api.working import run_due_tasks

Json = dict[str, object]


def ended(app: Flask, caller: Caller, task_id: str) -> dict[str, object]:
    run_due_tasks(app, caller.scope)
    task: dict[str, object] = caller.get(f"/async-actions/{task_id}").get_json()
    return task


def test_an_import_tells_which_vouchers_it_refused_and_why(app: Flask, caller: Caller) -> None:
    started = caller.post("/vouchers/import", [discount_voucher("A"), {"code": "B", "type": "GIFT_VOUCHER"}, discount_voucher("C")])
    task = ended(app, caller, started.get_json()["async_action_id"])
    assert (task["status"], task["operation_status"], task["progress"]) == ("DONE", "FAILED", 100)
    result = task["result"]
    assert isinstance(result, dict)
    assert (result["done_count"], result["failed_count"]) == (2, 1)
    (failed,) = result["failed"]
    assert (failed["row"], failed["code"]) == (2, "B")
    assert "gift" in failed["reason"]
    assert caller.get("/vouchers").get_json()["total"] == 2


def test_a_csv_import_tells_the_lines_of_the_file(app: Flask, caller: Caller) -> None:
    content = "Code,Voucher Type,Discount Type,Value,Colour\nA,DISCOUNT_VOUCHER,PERCENT,10,red\nB,DISCOUNT_VOUCHER,PERCENT,much,red\n"
    started = caller.upload("/vouchers/importCSV", content.encode())
    assert started.status_code == 202, started.text
    task = ended(app, caller, started.get_json()["async_action_id"])
    result = task["result"]
    assert isinstance(result, dict)
    assert (result["done_count"], result["failed_count"], result["failed"][0]["row"], result["failed"][0]["code"]) == (1, 1, 3, "B")
    assert caller.get("/vouchers/A").get_json()["metadata"] == {"Colour": "red"}


def test_the_secrets_of_refused_rows_are_not_told(app: Flask, caller: Caller) -> None:
    content = "Code,Voucher Type,Discount Type,Value,Password\nB,DISCOUNT_VOUCHER,PERCENT,much,hunter2secret\n"
    task_id = caller.upload("/vouchers/importCSV", content.encode()).get_json()["async_action_id"]
    assert "hunter2secret" not in str(ended(app, caller, task_id))
    row = discount_voucher("C") | {"start_date": "sk_live_abcdefgh12345678"}
    result = ended(app, caller, caller.post("/vouchers/import", [row]).get_json()["async_action_id"])["result"]
    assert isinstance(result, dict) and result["failed_count"] == 1
    assert "abcdefgh12345678" not in str(result) and "[redacted, 24 characters]" in result["failed"][0]["reason"]


def test_bulk_updates_tell_errors_as_the_public_api(app: Flask, caller: Caller) -> None:
    caller.post("/vouchers", discount_voucher("A"))
    started = caller.post("/vouchers/bulk/async", [{"code": "A", "metadata": {"x": 1}}, {"code": "none", "metadata": {"x": 1}}])
    result = ended(app, caller, started.get_json()["async_action_id"])["result"]
    assert isinstance(result, dict)
    assert (result["done_count"], result["failed_count"], result["reports"]) == (1, 1, [])
    (error,) = result["errors"]
    assert (error["code"], set(error)) == ("none", {"code", "message", "details", "key"})
    assert caller.get("/vouchers/A").get_json()["metadata"] == {"x": 1}


def test_metadata_is_set_for_many_and_its_key_purged(app: Flask, caller: Caller) -> None:
    started = caller.post("/customers/metadata/async", {"source_ids": ["a", "b"], "metadata": {"vip": True, "size": 1}})
    ended(app, caller, started.get_json()["async_action_id"])
    assert caller.get("/customers/a").get_json()["metadata"] == {"vip": True, "size": 1}
    purged = caller.delete("/metadata-schemas/customer/vip")
    assert purged.status_code == 202
    task = ended(app, caller, purged.get_json()["async_action_id"])
    assert (task["type"], task["operation_status"]) == ("CUSTOMERS.METADATA_KEY_PURGE", "SUCCESS")
    assert caller.get("/customers/b").get_json()["metadata"] == {"size": 1}
    assert caller.delete("/metadata-schemas/campaign/vip").status_code == 404


def test_a_campaign_is_filled_changed_and_deleted_by_tasks(app: Flask, caller: Caller) -> None:
    campaign = caller.post("/campaigns", discount_campaign(vouchers_count=7)).get_json()
    assert ended(app, caller, campaign["async_action_id"])["operation_status"] == "SUCCESS"
    shown = caller.get("/campaigns/Summer").get_json()
    assert (shown["vouchers_count"], shown["vouchers_generation_status"]) == (7, "DONE")
    changed = caller.put("/campaigns/Summer", {"voucher": {"discount": {"type": "AMOUNT", "amount_off": 500}}, "category": "sale"})
    assert ended(app, caller, changed.get_json()["async_action_id"])["operation_status"] == "SUCCESS"
    vouchers = caller.get("/vouchers", campaign="Summer").get_json()["vouchers"]
    assert {(voucher["discount"]["amount_off"], voucher["category"]) for voucher in vouchers} == {(500, "sale")}
    imported = caller.upload("/campaigns/Summer/importCSV", b"Code,Source\nOWN-1,shop\n")
    assert imported.status_code == 200
    ended(app, caller, imported.get_json()["async_action_id"])
    assert caller.get("/vouchers/OWN-1").get_json()["campaign"] == "Summer"
    deleted = caller.delete("/campaigns/Summer")
    task = ended(app, caller, deleted.get_json()["async_action_id"])
    assert isinstance(task["result"], dict) and task["result"]["done_count"] == 8
    assert caller.get("/vouchers").get_json()["total"] == 0
    assert caller.post("/campaigns", discount_campaign()).status_code == 200


def test_lists_are_narrowed_and_paged(caller: Caller) -> None:
    for code in "ABC":
        caller.post("/vouchers/import", [discount_voucher(code)])
    caller.post("/products/bulk/async", [{"source_id": "p"}])
    first = caller.get("/async-actions", limit="3").get_json()
    assert (first["object"], first["data_ref"], first["has_more"], first["total"]) == ("list", "async_actions", True, 4)
    second = caller.get("/async-actions", limit="3", cursor=first["cursor"]).get_json()
    assert (len(second["async_actions"]), second["has_more"], second["cursor"]) == (1, False, None)
    assert caller.get("/async-actions", type="PRODUCTS.BULK_UPDATE").get_json()["total"] == 1
    assert caller.get("/async-actions", status="DONE").get_json()["total"] == 0
    assert caller.get("/async-actions", end_date="2020-01-01T00:00:00Z").get_json()["total"] == 0
    assert caller.get("/async-actions", created_after="2020-01-01").get_json()["total"] == 4
    request_id = first["async_actions"][0]["request_id"]
    assert caller.get("/async-actions", request_id=request_id).get_json()["total"] == 1
    for query in ({"type": "X"}, {"cursor": "x"}, {"limit": "0"}, {"colour": "red"}):
        assert caller.get("/async-actions", **query).status_code == 400, query


def test_a_task_of_another_project_is_not_found(caller: Caller, session: Session) -> None:
    stranger = make_caller(caller.http, session)
    task_id = caller.post("/vouchers/import", [discount_voucher("A")]).get_json()["async_action_id"]
    assert stranger.get(f"/async-actions/{task_id}").status_code == 404
    assert stranger.get("/async-actions/x").status_code == 404
    assert stranger.get("/async-actions").get_json()["total"] == 0


def test_the_document_names_every_route_and_is_open(app: Flask) -> None:
    document = app.test_client().get("/v1/openapi.json").get_json()
    assert document["paths"]["/v1/vouchers/{code}"].keys() == {"get", "post", "put", "delete"}
    assert document["paths"]["/v1/vouchers/importCSV"]["post"]["requestBody"]["content"].keys() == {"multipart/form-data"}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], f"{method} {path} has no docstring"
    schemas = document["components"]["schemas"]
    assert schemas["VoucherBody"]["properties"]["discount"]
