from __future__ import annotations

from io import BytesIO

from sqlalchemy.orm import Session

from auditpanel.logs.queries import get_log
from auditpanel.tasks.models import AsyncAction
from tests.api.calling import Caller, discount_campaign, discount_voucher, make_caller
from tests.logs.making import find


def test_a_voucher_is_created_read_changed_and_deleted(caller: Caller) -> None:
    body = discount_voucher(redemption={"quantity": 3}, start_date="2026-01-01T00:00:00.000Z", category="vip", metadata={"shop": "Kraków"})
    made = caller.post("/vouchers", body)
    assert made.status_code == 200, made.text
    voucher = made.get_json()
    assert (voucher["object"], voucher["code"], voucher["active"]) == ("voucher", "SUMMER-1", True)
    assert voucher["discount"] == {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ORDER"}
    assert (voucher["redemption"]["quantity"], voucher["start_date"]) == (3, "2026-01-01T00:00:00.000Z")
    assert caller.get(f"/vouchers/{voucher['id']}").get_json() == caller.get("/vouchers/SUMMER-1").get_json() == voucher
    changed = caller.put("/vouchers/SUMMER-1", {"category": None, "metadata": {"size": 2}, "additional_info": "of summer"}).get_json()
    assert (changed["category"], changed["additional_info"]) == (None, "of summer")
    assert changed["metadata"] == {"shop": "Kraków", "size": 2}
    assert changed["updated_at"] is not None
    assert caller.delete("/vouchers/SUMMER-1").status_code == 204
    assert caller.get("/vouchers/SUMMER-1").status_code == 404


def test_gift_vouchers_and_loyalty_cards_have_their_balance(caller: Caller) -> None:
    gift = caller.post("/vouchers/GIFT-1", {"type": "GIFT_VOUCHER", "gift": {"amount": 10000}}).get_json()
    assert gift["gift"] == {"amount": 10000, "subtracted_amount": 0, "balance": 10000, "effect": "APPLY_TO_ORDER"}
    card = caller.post("/vouchers", {"loyalty_card": {"points": 120}}).get_json()
    assert (card["type"], card["loyalty_card"]["balance"], len(card["code"])) == ("LOYALTY_CARD", 120, 8)


def test_a_code_is_made_by_its_config(caller: Caller) -> None:
    config = {"prefix": "PRE-", "postfix": "-X", "pattern": "A##-##", "charset": "7"}
    made = caller.post("/vouchers", discount_voucher(None, code_config=config))
    assert made.get_json()["code"] == "PRE-A77-77-X"
    again = caller.post("/vouchers", discount_voucher(None, code_config=config))
    assert (again.status_code, again.get_json()["key"]) == (409, "conflict")
    assert "make the pattern" in again.get_json()["details"]


def test_a_taken_code_is_a_conflict_and_nothing_is_changed(caller: Caller) -> None:
    caller.post("/vouchers", discount_voucher())
    again = caller.post("/vouchers", discount_voucher(category="other"))
    assert (again.status_code, again.get_json()["message"]) == (409, "Duplicate resource key")
    assert again.get_json()["details"] == "Voucher with code SUMMER-1 already exists"
    assert caller.get("/vouchers/SUMMER-1").get_json()["category"] is None


def test_what_is_wrong_is_named_with_its_place(caller: Caller) -> None:
    def details(body: object) -> str:
        answer = caller.post("/vouchers", body)
        assert (answer.status_code, answer.get_json()["key"]) == (400, "invalid_payload"), answer.text
        return str(answer.get_json()["details"])

    assert details(discount_voucher(discount={"type": "PERCENT", "percent_off": 101})).startswith(
        "discount.percent_off: 101 is out of range"
    )
    assert details(discount_voucher(discount={"type": "HALF"})).startswith("discount.type: 'HALF' is not known; write AMOUNT, PERCENT")
    assert details(discount_voucher(redemption={"quantity": "3"})).startswith("redemption.quantity: expected a whole number")
    assert details(discount_voucher(start_date="soon")).startswith('start_date: "soon" is not a date in ISO 8601')
    assert details(discount_voucher(metadata={"a": {"b": "x\0"}})).startswith("metadata.a.b: a NUL character")
    assert details({"code": "X"}).startswith("type: is missing")
    assert details([]).startswith("expected an object, got a list")
    assert details(b'{"code": ').startswith("body: is not JSON")
    assert details(b'{"code": "\xff"}').startswith("body: is not JSON")


def test_dates_out_of_order_are_refused_also_where_one_of_them_is_stored(caller: Caller) -> None:
    caller.post("/vouchers", discount_voucher(start_date="2026-06-01"))
    refused = caller.put("/vouchers/SUMMER-1", {"expiration_date": "2026-05-01"})
    assert refused.status_code == 400 and "is not after start_date" in refused.get_json()["details"]
    assert caller.get("/vouchers/SUMMER-1").get_json()["expiration_date"] is None


def test_enable_and_disable_switch_it(caller: Caller) -> None:
    caller.post("/vouchers", discount_voucher())
    assert caller.post("/vouchers/SUMMER-1/disable").get_json()["active"] is False
    assert caller.post("/vouchers/SUMMER-1/enable").get_json()["active"] is True


def test_fields_that_are_not_known_are_passed_over_and_known_ones_kept(caller: Caller) -> None:
    kept: dict[str, object] = {"validity_timeframe": {"duration": "P1D", "interval": "P2D"}, "validity_day_of_week": [1, 2]}
    made = caller.post("/vouchers", discount_voucher(colour="red") | kept).get_json()
    assert "colour" not in made
    assert {name: made[name] for name in kept} == kept


def test_lists_are_paged_ordered_and_narrowed(caller: Caller) -> None:
    for number in range(5):
        caller.post("/vouchers", discount_voucher(f"C{number}", category="even" if number % 2 == 0 else "odd"))

    def codes(**query: str) -> list[str]:
        return [voucher["code"] for voucher in caller.get("/vouchers", **query).get_json()["vouchers"]]

    page = caller.get("/vouchers", limit="2").get_json()
    assert (page["object"], page["data_ref"], page["total"]) == ("list", "vouchers", 5)
    assert codes(limit="2") == ["C4", "C3"]
    assert codes(limit="2", page="3") == ["C0"]
    assert codes(order="code", limit="3") == ["C0", "C1", "C2"]
    assert codes(category="odd", order="created_at") == ["C1", "C3"]
    assert codes(code="C3") == ["C3"]
    assert codes(**{"created_at[after]": "2100-01-01"}) == []
    assert len(codes(**{"created_at[before]": "2100-01-01"})) == 5
    ids = [caller.get(f"/vouchers/{code}").get_json()["id"] for code in ("C1", "C2")]
    assert codes(ids=",".join(ids), order="code") == ["C1", "C2"]
    for query in ({"limit": "101"}, {"page": "0"}, {"order": "colour"}, {"ids": "x"}, {"filters[a]": "b"}, {"created_at[after]": "x"}):
        assert caller.get("/vouchers", **query).status_code == 400, query


def test_what_no_stored_text_has_is_not_found_and_refused_as_a_filter(caller: Caller) -> None:
    assert caller.get("/vouchers/%00").status_code == caller.delete("/vouchers/%00").status_code == 404
    assert caller.get("/vouchers", code="\0").get_json()["details"].startswith("code: a NUL character")
    assert caller.post("/vouchers/%00", discount_voucher(None)).get_json()["details"].startswith("code: a NUL character")
    nested = caller.post("/vouchers", b'{"metadata": ' + b'{"a": ' * 5_000 + b"1" + b"}" * 5_001)
    assert nested.get_json()["details"] == "body: is nested too deeply"


def test_a_voucher_of_another_project_is_not_found(caller: Caller, session: Session) -> None:
    stranger = make_caller(caller.http, session)
    voucher_id = caller.post("/vouchers", discount_voucher()).get_json()["id"]
    for path in ("SUMMER-1", voucher_id):
        answer = stranger.get(f"/vouchers/{path}")
        assert (answer.status_code, answer.get_json()["message"]) == (404, "Resource not found")
        assert answer.get_json()["details"] == f"Cannot find voucher with id {path}"
    assert stranger.get("/vouchers").get_json()["total"] == 0
    assert stranger.post("/vouchers", discount_voucher()).status_code == 200


def test_a_call_refers_to_what_it_touched(caller: Caller, session: Session) -> None:
    campaign = caller.post("/campaigns", discount_campaign()).get_json()
    voucher = caller.post(f"/campaigns/{campaign['id']}/vouchers", {}).get_json()
    line = find(session, caller.scope, path_contains="/vouchers").lines[0]
    references = get_log(session, caller.scope, line.key.id).references
    assert [(reference.type, reference.id) for reference in references] == [("campaign", campaign["id"]), ("voucher", voucher["id"])]


def test_a_refused_call_refers_to_what_it_was_about(caller: Caller, session: Session) -> None:
    voucher = caller.post("/vouchers", discount_voucher()).get_json()
    assert caller.put("/vouchers/SUMMER-1", {"start_date": "soon"}).status_code == 400
    line = find(session, caller.scope, path_contains="/vouchers/SUMMER-1").lines[0]
    assert line.failed
    assert [reference.id for reference in get_log(session, caller.scope, line.key.id).references] == [voucher["id"]]


def test_an_import_answers_with_a_task_that_has_the_call_and_its_channel(caller: Caller, session: Session) -> None:
    answer = caller.post("/vouchers/import", [discount_voucher("A"), {"code": "B"}], **{"X-Voucherify-Channel": "Python-SDK"})
    assert answer.status_code == 202
    task_id = answer.get_json()["async_action_id"]
    task = caller.get(f"/async-actions/{task_id}").get_json()
    assert (task["type"], task["status"], task["result"]) == ("VOUCHERS.IMPORT", "ENQUEUED", None)
    line = find(session, caller.scope, path_contains="/import").lines[0]
    assert line.request_id == task["request_id"]
    assert [(r.type, r.id) for r in get_log(session, caller.scope, line.key.id).references] == [("async_action", task_id)]
    stored = session.query(AsyncAction).filter_by(project_id=caller.scope.project_id).one()
    assert (stored.api_key, stored.origin, stored.channel, stored.file_name) == ("erp-sync", "SHOPIFY", "Python-SDK", "rows.ndjson")


def test_a_body_that_is_no_list_of_objects_starts_nothing(caller: Caller) -> None:
    bodies: list[object] = [{}, [], [1], "x", None]
    for body in bodies:
        assert caller.post("/vouchers/import", body).status_code == 400
    assert caller.get("/async-actions").get_json()["total"] == 0


def test_a_refused_file_leaves_a_failed_task_that_says_the_same(caller: Caller) -> None:
    refused = caller.upload("/vouchers/importCSV", b"\x00\x01\x02 no csv", "codes.csv")
    assert refused.status_code == 400
    (task,) = caller.get("/async-actions", status="FAILED").get_json()["async_actions"]
    assert (task["type"], task["status"], task["operation_status"]) == ("VOUCHERS.IMPORT_CSV", "FAILED", "FAILED")
    assert task["id"] in refused.get_json()["details"]
    message = caller.get(f"/async-actions/{task['id']}").get_json()["result"]["message"]
    assert refused.get_json()["details"].startswith(message.rstrip("."))
    assert caller.post("/vouchers/importCSV", {}).status_code == 400


def test_a_file_over_the_limit_is_refused_before_it_has_come(caller: Caller) -> None:
    size = {"CONTENT_LENGTH": str(300 * 1024**2)}
    body: dict[str, object] = {"file": (BytesIO(b"Code\nA\n"), "codes.csv")}
    refused = caller.http.post("/v1/vouchers/importCSV", headers=caller.headers, data=body, environ_overrides=size)
    assert refused.status_code == 413
    assert refused.get_json()["details"].startswith("the file is larger than 256 MiB; split it")
    assert caller.get("/async-actions", status="FAILED").get_json()["total"] == 1
