from __future__ import annotations

from uuid import uuid4

import msgspec
import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from auditpanel.api import shapes
from auditpanel.api.document import describe
from auditpanel.ids import Prefix, format_id
from auditpanel.queues import WEBHOOKS, connect, open_queue
from auditpanel.webhooks.models import Event, Sendout
from tests.api.calling import Caller, Json
from tests.webhooks.raising import make_webhook

PAID: Json = {"type": "order.paid", "data": {"order": "A-1", "total": 1999}}


def events_of(session: Session, caller: Caller) -> list[Event]:
    return list(session.scalars(select(Event).where(Event.project_id == caller.scope.project_id).order_by(Event.created_at)))


@pytest.fixture
def caller_with_webhook(caller: Caller, session: Session) -> Caller:
    make_webhook(session, caller.scope, "order.paid")
    session.commit()
    return caller


def test_an_event_is_raised_with_the_call_that_brought_it(caller_with_webhook: Caller, session: Session) -> None:
    answer = caller_with_webhook.post("/events", PAID | {"entity_id": "A-1"}, **{"X-Voucherify-Channel": "shop-sdk 1.2"})
    assert answer.status_code == 202
    (event,) = events_of(session, caller_with_webhook)
    assert msgspec.json.decode(answer.data, type=shapes.EventsRaised) == shapes.EventsRaised(
        ids=[format_id(Prefix.EVENT, event.id)], sendouts=1
    )
    assert (event.type, event.entity_id, event.data) == ("order.paid", "A-1", '{"order":"A-1","total":1999}')
    assert (event.request_id, event.channel, event.user, event.api_key) == (
        answer.headers["X-Request-Id"],
        "shop-sdk 1.2",
        None,
        "erp-sync",
    )
    assert session.scalars(select(Sendout.request_id).where(Sendout.event_id == event.id)).one() == event.request_id


def test_a_list_is_raised_in_its_order_and_counts_only_what_is_sent(caller_with_webhook: Caller, session: Session) -> None:
    answer = caller_with_webhook.post("/events", [PAID, {"type": "order.seen", "data": {}}, PAID])
    assert answer.status_code == 202 and answer.get_json()["sendouts"] == 2
    ids = [format_id(Prefix.EVENT, event.id) for event in events_of(session, caller_with_webhook)]
    assert ids == [answer.get_json()["ids"][0], answer.get_json()["ids"][2]]
    assert {event.channel for event in events_of(session, caller_with_webhook)} == {"SHOPIFY"}


def test_an_event_with_an_id_is_raised_once_in_either_spelling(caller_with_webhook: Caller, session: Session) -> None:
    event_id = uuid4()
    sent = [caller_with_webhook.post("/events", PAID | {"id": id}) for id in (str(event_id), format_id(Prefix.EVENT, event_id))]
    assert [answer.get_json()["sendouts"] for answer in sent] == [1, 0]
    assert {answer.get_json()["ids"][0] for answer in sent} == {format_id(Prefix.EVENT, event_id)}
    assert len(events_of(session, caller_with_webhook)) == 1


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([], "body: 0 events came; send 1 to 1,000 in one call"),
        ([PAID] * 1_001, "body: 1,001 events came"),
        ("order.paid", "body: expected an object with type and data"),
        ([PAID, 7], "[1]: expected an object with type and data"),
        ({}, 'body: "type" is missing'),
        ([PAID, {"type": "order.paid"}], '[1]: "data" is missing'),
        (PAID | {"data": [1]}, "data: expected an object, got a list"),
        (PAID | {"type": "paid"}, 'type: "paid" is not an event type; write small letters'),
        (PAID | {"type": "order.paid\n"}, "is not an event type"),
        ([PAID | {"type": "Order.Paid"}], "[0].type: "),
        (PAID | {"type": "webhook.test"}, 'type: "webhook.test" is what the panel calls the test of a webhook'),
        (PAID | {"id": "A-1"}, 'id: "A-1" is not a UUID; write one like'),
        (PAID | {"entity_id": 5}, "entity_id: expected a text"),
        (PAID | {"entity_id": "x" * 501}, "entity_id: has 501 characters"),
        (PAID | {"entity_id": "\x00"}, "entity_id: a NUL character is in it"),
        (PAID | {"time": "now"}, 'unknown field "time"; the fields are type, data, entity_id, id'),
        (b"{", "body: is not JSON"),
    ],
)
def test_bad_events_are_refused_by_their_place_and_none_is_raised(
    caller_with_webhook: Caller, session: Session, body: object, says: str
) -> None:
    answer = caller_with_webhook.post("/events", body)
    assert answer.status_code == 400 and says in answer.get_json()["details"], answer.text
    assert events_of(session, caller_with_webhook) == []


def test_data_that_is_too_large_to_be_sent_around_is_refused(caller_with_webhook: Caller) -> None:
    answer = caller_with_webhook.post("/events", [PAID, PAID | {"data": {"text": "x" * 300_000}}])
    assert answer.status_code == 400 and answer.get_json()["details"].startswith("[1].data: has 300,011 bytes as JSON")


def test_a_delivery_waits_in_the_queue_once_and_only_where_something_is_to_be_sent(app: Flask, caller_with_webhook: Caller) -> None:
    redis = connect(app.config["REDIS_URL"])
    queue = open_queue(WEBHOOKS, redis)
    redis.delete(queue.key)
    caller_with_webhook.post("/events", PAID | {"type": "order.seen"})
    assert queue.count == 0
    for _ in range(2):
        caller_with_webhook.post("/events", PAID)
    assert queue.count == 1


def test_without_a_webhook_an_event_is_taken_and_sent_to_nobody(caller: Caller, session: Session) -> None:
    answer = caller.post("/events", PAID)
    assert (answer.status_code, answer.get_json()["sendouts"]) == (202, 0)
    assert events_of(session, caller) == []


def test_the_document_says_that_one_event_is_taken_or_a_list(app: Flask) -> None:
    document = msgspec.json.decode(msgspec.json.encode(describe(app)))
    body = document["paths"]["/v1/events"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    one = {"$ref": "#/components/schemas/EventBody"}
    assert body == {"oneOf": [one, {"type": "array", "items": one}]}
    event = document["components"]["schemas"]["EventBody"]
    assert event["required"] == ["type", "data"] and "uuid" in str(event["properties"]["id"])
