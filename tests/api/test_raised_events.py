"""What calls and background tasks change, as events: raised in the same transaction, with the objects as the API shows them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from rq import Queue
from sqlalchemy import select, text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.config import Settings
from auditpanel.queues import DELIVER, WEBHOOKS, connect, open_queue
from auditpanel.webhooks.models import Event
from tests.api.calling import Caller, discount_campaign, discount_voucher
from tests.api.working import run_due_tasks
from tests.webhooks.delivering import deliver, make_target, sendouts
from tests.webhooks.raising import happened, make_webhook
from tests.webhooks.receiver import receiving

Json = dict[str, object]


@pytest.fixture
def watched(caller: Caller, session: Session) -> Caller:
    """Of a project with a webhook that wants all events."""
    make_webhook(session, caller.scope)
    session.commit()
    return caller


@pytest.fixture
def queue(settings: Settings) -> Iterator[Queue]:
    assert settings.redis_url
    with connect(settings.redis_url) as connection:
        connection.flushall()
        yield open_queue(WEBHOOKS, connection)


def types(session: Session, caller: Caller) -> list[str]:
    return [type_ for type_, _ in happened(session, caller.scope)]


def test_each_change_of_a_voucher_raises_an_event_with_the_voucher_as_it_is_answered(session: Session, watched: Caller) -> None:
    created = watched.post("/vouchers", discount_voucher("SUMMER-1", metadata={"season": "summer"})).json
    changed = watched.put("/vouchers/SUMMER-1", {"category": "new"}).json
    disabled = watched.post("/vouchers/SUMMER-1/disable").json
    enabled = watched.post("/vouchers/SUMMER-1/enable").json
    assert watched.delete("/vouchers/SUMMER-1").status_code == 204
    assert happened(session, watched.scope) == [
        ("voucher.created", created),
        ("voucher.updated", changed),
        ("voucher.disabled", disabled),
        ("voucher.enabled", enabled),
        ("voucher.deleted", enabled),
    ]


@pytest.mark.parametrize(("path", "body"), [("/customers", {"source_id": "anna"}), ("/products", {"source_id": "shirt"})])
def test_customers_and_products_are_created_changed_and_deleted_as_they_are_answered(
    session: Session, watched: Caller, path: str, body: Json
) -> None:
    one = path.strip("/").removesuffix("s")
    created = watched.post(path, body | {"name": "First"}).json
    changed = watched.post(path, body | {"name": "Second"}).json
    assert changed is not None and watched.delete(f"{path}/{changed['id']}").status_code == 204
    assert happened(session, watched.scope) == [(f"{one}.created", created), (f"{one}.updated", changed), (f"{one}.deleted", changed)]


def test_a_product_is_told_with_its_skus_which_raise_nothing_themselves(session: Session, watched: Caller) -> None:
    watched.post("/products", {"source_id": "shirt"})
    watched.post("/products/shirt/skus", {"source_id": "shirt-m", "sku": "M"})
    shown = watched.get("/products/shirt").json
    assert types(session, watched) == ["product.created"]
    watched.delete("/products/shirt")
    assert happened(session, watched.scope)[1:] == [("product.deleted", shown)]
    assert shown is not None and shown["skus"]["total"] == 1


def test_what_is_switched_and_changed_at_once_is_two_events(session: Session, watched: Caller) -> None:
    watched.post("/vouchers", discount_voucher("SUMMER-1"))
    watched.put("/vouchers/SUMMER-1", {"active": False, "category": "old"})
    assert types(session, watched)[1:] == ["voucher.updated", "voucher.disabled"]


def test_a_change_that_changes_nothing_raises_nothing(session: Session, watched: Caller) -> None:
    watched.post("/vouchers", discount_voucher("SUMMER-1", category="new"))
    watched.post("/vouchers/SUMMER-1/enable")
    assert watched.put("/vouchers/SUMMER-1", {"category": "new"}).status_code == 200
    assert types(session, watched) == ["voucher.created"]


def test_a_call_that_is_refused_raises_nothing(session: Session, watched: Caller) -> None:
    watched.post("/vouchers", discount_voucher("SUMMER-1"))
    assert watched.post("/vouchers", discount_voucher("SUMMER-1")).status_code == 409
    assert watched.put("/vouchers/SUMMER-1", {"expiration_date": "yesterday"}).status_code == 400
    assert types(session, watched) == ["voucher.created"]


def test_an_event_says_which_call_set_it_off_and_whose_it_was(session: Session, watched: Caller) -> None:
    sdk = "Node.js SDK 2.9.1"
    answer = watched.post("/vouchers", discount_voucher("SUMMER-1"), **{"X-Voucherify-Channel": sdk})
    watched.post("/customers", {"source_id": "anna"})
    of_project = select(Event).where(Event.project_id == watched.scope.project_id).order_by(Event.created_at)
    voucher, customer = session.scalars(of_project).all()
    assert answer.json is not None and voucher.entity_id == answer.json["id"]
    assert (voucher.request_id, voucher.channel) == (answer.headers["X-Request-Id"], sdk)
    assert (voucher.user, voucher.api_key, customer.channel) == (None, "erp-sync", "SHOPIFY")


def test_a_campaign_is_told_from_its_creation_to_its_deletion(app: Flask, session: Session, watched: Caller) -> None:
    answer = watched.post("/campaigns", discount_campaign("Summer", vouchers_count=3)).json
    assert answer is not None
    task = answer.pop("async_action_id")
    run_due_tasks(app, watched.scope)
    raised = happened(session, watched.scope)
    names = ["campaign.created", *["voucher.created"] * 3, "campaign.vouchers.generation.completed", "async_action.finished"]
    assert [type_ for type_, _ in raised] == names
    shown = watched.get("/campaigns/Summer").json
    assert (raised[0][1], raised[4][1]) == (answer, shown)
    assert shown is not None and (shown["vouchers_count"], shown["vouchers_generation_status"]) == (3, "DONE")
    assert raised[5][1] == watched.get(f"/async-actions/{task}").json

    assert watched.post("/campaigns/Summer/disable").status_code == 200
    vouchers = {voucher["code"]: voucher for voucher in (watched.get("/vouchers").json or {})["vouchers"]}
    watched.delete("/campaigns/Summer")
    assert types(session, watched)[6:] == ["campaign.disabled"]
    run_due_tasks(app, watched.scope)
    raised = happened(session, watched.scope)[7:]
    assert [type_ for type_, _ in raised] == [*["voucher.deleted"] * 3, "campaign.deleted", "async_action.finished"]
    assert {told["code"]: told for type_, told in raised if type_ == "voucher.deleted"} == vouchers
    assert (raised[3][1]["name"], raised[3][1]["active"]) == ("Summer", False)


def test_a_task_that_fails_is_told_as_the_api_shows_it_also_where_its_file_was_refused(
    app: Flask, session: Session, watched: Caller
) -> None:
    rows: list[Json] = [{"code": "SUMMER-1", "metadata": {}}]
    failed = (watched.post("/vouchers/metadata/async", {"codes": ["SUMMER-1"], "metadata": {"a": 1}}).json or {})["async_action_id"]
    done = (watched.post("/vouchers/bulk/async", rows).json or {})["async_action_id"]
    session.execute(text("UPDATE async_actions SET parameters = '{}' WHERE id = :id"), {"id": failed.removeprefix("aa_")})
    session.commit()
    run_due_tasks(app, watched.scope)
    assert watched.upload("/customers/importCSV", b"").status_code == 400
    raised = happened(session, watched.scope)
    assert [type_ for type_, _ in raised] == ["async_action.failed", "async_action.finished", "async_action.failed"]
    assert [told for _, told in raised[:2]] == [watched.get(f"/async-actions/{id_}").json for id_ in (failed, done)]
    refused = raised[2][1]
    assert refused == watched.get(f"/async-actions/{refused['id']}").json and refused["type"] == "CUSTOMERS.IMPORT_CSV"


def test_events_of_a_task_have_the_request_and_the_caller_that_asked_for_it(app: Flask, session: Session, watched: Caller) -> None:
    answer = watched.post("/customers/bulk/async", [{"source_id": "anna"}, {"source_id": "piotr"}])
    run_due_tasks(app, watched.scope)
    found = session.execute(
        select(Event.type, Event.request_id, Event.api_key, Event.channel).where(Event.project_id == watched.scope.project_id)
    )
    from_call = (answer.headers["X-Request-Id"], "erp-sync", "SHOPIFY")
    expected = [(type_, *from_call) for type_ in ("async_action.finished", "customer.created", "customer.created")]
    assert sorted(map(tuple, found)) == expected


def test_a_delivery_is_enqueued_after_a_commit_that_raised_something_and_after_no_other(
    session: Session, caller: Caller, queue: Queue
) -> None:
    make_webhook(session, caller.scope, "voucher.created")
    session.commit()
    caller.post("/customers", {"source_id": "anna"})
    caller.get("/customers")
    assert queue.get_job_ids() == []
    caller.post("/vouchers", discount_voucher("SUMMER-1"))
    caller.post("/vouchers", discount_voucher("SUMMER-2"))
    assert [job.func_name for job in queue.get_jobs()] == [DELIVER]


def test_a_call_reaches_the_receiver_signed_and_with_the_object_as_it_was_answered(
    engine: Engine, session: Session, caller: Caller
) -> None:
    session.execute(text("DELETE FROM due_sendouts"))
    with receiving() as receiver:
        target = make_target(session, caller.scope, receiver.to("/shop"))
        answer = caller.post("/vouchers", discount_voucher("SUMMER-1", metadata={"greeting": "Cześć"}))
        deliver(engine)
        [arrival] = receiver.at("/shop")
    arrival.verify(target.secret)
    told = arrival.json
    assert (told["type"], told["data"]) == ("voucher.created", answer.json)
    event = told["event"]
    assert isinstance(event, dict) and answer.json is not None
    assert (event["entity_id"], event["group_id"]) == (answer.json["id"], answer.headers["X-Request-Id"])
    assert event["event_source"] == {"channel": "SHOPIFY", "user": None, "api_key": "erp-sync"}
    [sendout] = sendouts(session, caller.scope)
    assert (sendout.status, sendout.request_id) == ("SENT", answer.headers["X-Request-Id"])
