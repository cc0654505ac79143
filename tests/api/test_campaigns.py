from __future__ import annotations

from sqlalchemy.orm import Session

from auditpanel.tasks.models import AsyncAction
from tests.api.calling import Caller, discount_campaign


def test_a_campaign_is_created_found_by_id_and_name_changed_and_switched(caller: Caller) -> None:
    made = caller.post("/campaigns", discount_campaign(join_once=True, metadata={"season": "summer"}))
    assert made.status_code == 200, made.text
    campaign = made.get_json()
    assert (campaign["object"], campaign["vouchers_count"], campaign["vouchers_generation_status"]) == ("campaign", 0, "DONE")
    assert (campaign["join_once"], campaign["voucher"]["code_config"]["pattern"]) == (True, "SU-######")
    assert caller.get("/campaigns/Summer").get_json() == caller.get(f"/campaigns/{campaign['id']}").get_json() == campaign
    changed = caller.put("/campaigns/Summer", {"description": "Sale", "metadata": {"b": 1}, "unset_metadata_fields": ["season"]})
    assert (changed.get_json()["description"], changed.get_json()["metadata"]) == ("Sale", {"b": 1})
    assert "async_action_id" not in changed.get_json()
    assert caller.post("/campaigns/Summer/disable").get_json()["active"] is False
    assert caller.post("/campaigns/Summer/enable").get_json()["active"] is True
    assert caller.get("/campaigns", campaign_type="GIFT_VOUCHERS").get_json()["total"] == 0
    assert caller.get("/campaigns", campaign_type="DISCOUNT_COUPONS").get_json()["total"] == 1
    assert caller.post("/campaigns", discount_campaign()).status_code == 409


def test_one_voucher_is_added_at_once_and_has_what_the_campaign_has(caller: Caller) -> None:
    caller.post("/campaigns", discount_campaign(category="vip", expiration_date="2030-01-01"))
    made = caller.post("/campaigns/Summer/vouchers", {"metadata": {"a": 1}})
    assert made.status_code == 200, made.text
    voucher = made.get_json()
    assert (voucher["campaign"], voucher["category"], voucher["discount"]["amount_off"]) == ("Summer", "vip", 1000)
    assert voucher["code"].startswith("SU-") and voucher["expiration_date"] == "2030-01-01T00:00:00.000Z"
    named = caller.post("/campaigns/Summer/vouchers/OWN-1", {"discount": {"type": "PERCENT", "percent_off": 5}}).get_json()
    assert (named["code"], named["discount"]["percent_off"]) == ("OWN-1", 5)
    assert caller.get("/campaigns/Summer").get_json()["vouchers_count"] == 2
    assert caller.get("/vouchers", campaign="Summer").get_json()["total"] == 2
    caller.delete("/vouchers/OWN-1")
    assert caller.get("/campaigns/Summer").get_json()["vouchers_count"] == 1


def test_a_voucher_of_another_kind_does_not_fit(caller: Caller) -> None:
    caller.post("/campaigns", discount_campaign())
    refused = caller.post("/campaigns/Summer/vouchers", {"type": "GIFT_VOUCHER", "gift": {"amount": 1}})
    assert refused.status_code == 400 and "does not fit the campaign" in refused.get_json()["details"]
    kind = caller.post("/campaigns", discount_campaign("Other", campaign_type="PROMOTION"))
    assert kind.get_json()["details"].startswith('campaign_type: "PROMOTION" is not kept here; write DISCOUNT_COUPONS')


def test_several_vouchers_are_a_task(caller: Caller, session: Session) -> None:
    campaign = caller.post("/campaigns", discount_campaign(vouchers_count=20)).get_json()
    assert (campaign["vouchers_generation_status"], campaign["async_action_id"][:3]) == ("IN_PROGRESS", "aa_")
    more = caller.http.post(
        f"/v1/campaigns/{campaign['id']}/vouchers?vouchers_count=5", json={"metadata": {"a": 1}}, headers=caller.headers
    )
    assert more.status_code == 202
    tasks = caller.get("/async-actions", type="CAMPAIGN.VOUCHERS_GENERATE").get_json()
    assert (tasks["total"], tasks["has_more"], tasks["async_actions"][0]["progress"]) == (2, False, 0)
    stored = session.query(AsyncAction).filter_by(project_id=caller.scope.project_id).order_by(AsyncAction.id).all()
    assert [task.parameters["vouchers_count"] for task in stored] == [20, 5]
    coded = caller.http.post("/v1/campaigns/Summer/vouchers?vouchers_count=2", json={"code": "X"}, headers=caller.headers)
    assert coded.status_code == 400


def test_a_change_of_what_its_vouchers_have_is_a_task_of_theirs(caller: Caller, session: Session) -> None:
    caller.post("/campaigns", discount_campaign())
    changed = caller.put("/campaigns/Summer", {"discount": {"type": "PERCENT", "percent_off": 20}, "expiration_date": "2031-01-01"})
    assert changed.status_code == 200, changed.text
    assert changed.get_json()["voucher"]["discount"]["percent_off"] == 20
    assert changed.get_json()["voucher"]["code_config"]["pattern"] == "SU-######"
    stored = session.query(AsyncAction).filter_by(project_id=caller.scope.project_id).one()
    assert (stored.type, stored.parameters["campaign"]) == ("CAMPAIGN.VOUCHERS_UPDATE", "Summer")


def test_a_deleted_campaign_is_gone_at_once_and_its_vouchers_by_a_task(caller: Caller) -> None:
    caller.post("/campaigns", discount_campaign())
    deleted = caller.delete("/campaigns/Summer")
    assert (deleted.status_code, deleted.get_json()["async_action_id"][:3]) == (202, "aa_")
    assert caller.get("/campaigns/Summer").status_code == caller.delete("/campaigns/Summer").status_code == 404
    assert caller.get("/campaigns").get_json()["total"] == 0
