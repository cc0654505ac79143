"""Webhook sendouts through the API: found, read, sent again."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from auditpanel.api import shapes
from auditpanel.api.document import describe
from auditpanel.ids import Prefix, format_id, new_uuid
from auditpanel.webhooks.values import SendoutStatus
from tests.api.calling import Caller, make_caller
from tests.logs.making import find as find_logs
from tests.webhooks.sendout_making import NOW, due_of, lease, make_attempt, make_sendout, make_webhook


@pytest.fixture
def webhook_id(session: Session, caller: Caller) -> UUID:
    return make_webhook(session, caller.scope)


def whs(sendout_id: UUID) -> str:
    return format_id(Prefix.SENDOUT, sendout_id)


def found(caller: Caller, **query: str) -> list[str]:
    answer = caller.get("/webhook-sendouts", **query)
    assert answer.status_code == 200, answer.text
    return [sendout["id"] for sendout in answer.get_json()["webhook_sendouts"]]


def test_all_sendouts_are_listed_newest_first_page_by_page(caller: Caller, session: Session, webhook_id: UUID) -> None:
    moments = [NOW - timedelta(days=days) for days in range(3)]
    sendouts = [whs(make_sendout(session, caller.scope, webhook_id, created_at=moment)) for moment in moments]
    first = caller.get("/webhook-sendouts", limit="2").get_json()
    assert (first["object"], first["data_ref"], first["total"], first["total_is_exact"]) == ("list", "webhook_sendouts", 3, True)
    second = caller.get("/webhook-sendouts", limit="2", cursor=first["cursor"]).get_json()
    assert [sendout["id"] for page in (first, second) for sendout in page["webhook_sendouts"]] == sendouts
    assert (second["has_more"], second["cursor"]) == (False, None)


def test_the_list_is_narrowed_by_the_filters_of_the_contract(caller: Caller, session: Session, webhook_id: UUID) -> None:
    sent = make_sendout(session, caller.scope, webhook_id, SendoutStatus.SENT, sent_at=NOW, request_id="v-1")
    failed = make_sendout(
        session, caller.scope, webhook_id, created_at=NOW - timedelta(days=9), type="order.paid", target_url="https://b.c/"
    )
    assert found(caller, status="SENT") == found(caller, request_id="v-1") == found(caller, sent_after="2026-11-24") == [whs(sent)]
    assert found(caller, type="order.paid") == found(caller, url_contains="b.c") == found(caller, id=whs(failed)) == [whs(failed)]
    assert found(caller, created_before="2026-11-20") == [whs(failed)]
    assert found(caller, source_id=format_id(Prefix.WEBHOOK, webhook_id)) == [whs(sent), whs(failed)]
    assert found(caller, sent_before="2026-11-23") == []
    refused = caller.get("/webhook-sendouts", state="SENT")
    assert refused.status_code == 400 and refused.get_json()["details"].startswith("state: there is no such filter")


def test_a_record_shows_payload_and_attempts_without_secrets(caller: Caller, session: Session, webhook_id: UUID) -> None:
    sendout_id = make_sendout(session, caller.scope, webhook_id, data='{"password":"hunter2"}', target_url="https://a.b/?token=hunter2")
    make_attempt(session, caller.scope, webhook_id, sendout_id, status_code=500, response_body='{"secret":"hunter2"}')
    answer = caller.get(f"/webhook-sendouts/{whs(sendout_id)}")
    record = msgspec.json.decode(answer.data, type=shapes.WebhookSendoutWithAttempts)
    assert "hunter2" not in answer.text
    assert (record.status, record.attempts_count, record.source_id) == ("ERROR", 1, format_id(Prefix.WEBHOOK, webhook_id))
    (attempt,) = record.attempts
    assert (attempt.status_code, attempt.delivered, attempt.request_headers) == (500, False, [["content-type", "application/json"]])
    assert msgspec.json.decode(record.payload)["id"] == whs(sendout_id)


def test_sending_again_is_answered_at_once_and_once_only(app: Flask, caller: Caller, session: Session, webhook_id: UUID) -> None:
    sendout_id = make_sendout(session, caller.scope, webhook_id, SendoutStatus.SENT)
    first = caller.post(f"/webhook-sendouts/{whs(sendout_id)}/resend")
    assert (first.status_code, first.get_json()["started"]) == (202, True)
    msgspec.json.decode(first.data, type=shapes.WebhookSendoutResent)
    assert due_of(session, caller.scope)[sendout_id].asked_by == "erp-sync"
    second = caller.post(f"/webhook-sendouts/{whs(sendout_id)}/resend")
    assert (second.status_code, second.get_json()["started"]) == (202, False)
    assert "erp-sync has sent it again" in second.get_json()["message"]
    assert caller.get(f"/webhook-sendouts/{whs(sendout_id)}").get_json()["sent_again_by"] == "erp-sync"


def test_the_log_of_sending_again_leads_to_the_sendout(caller: Caller, session: Session, webhook_id: UUID) -> None:
    sendout_id = make_sendout(session, caller.scope, webhook_id)
    answer = caller.post(f"/webhook-sendouts/{whs(sendout_id)}/resend")
    (line,) = find_logs(session, caller.scope, request_id=answer.headers["X-Request-Id"]).lines
    assert line.route == "POST /v1/webhook-sendouts/{sendout_id}/resend"
    stored = caller.get(f"/logs/{line.id}").get_json()
    assert stored["references"] == [{"type": "webhook_sendout", "id": whs(sendout_id)}]


def test_an_attempt_of_the_schedule_under_way_is_told(caller: Caller, session: Session, webhook_id: UUID) -> None:
    sendout_id = make_sendout(session, caller.scope, webhook_id, SendoutStatus.RETRY)
    lease(session, due_of(session, caller.scope)[sendout_id])
    answer = caller.post(f"/webhook-sendouts/{whs(sendout_id)}/resend").get_json()
    assert not answer["started"] and "being made right now" in answer["message"]


def test_foreign_and_unknown_sendouts_are_not_there(client: FlaskClient, caller: Caller, session: Session, webhook_id: UUID) -> None:
    sendout_id = make_sendout(session, caller.scope, webhook_id)
    stranger = make_caller(client, session)
    for path in (whs(sendout_id), whs(new_uuid()), "nonsense"):
        assert stranger.get(f"/webhook-sendouts/{path}").status_code == 404
        assert stranger.post(f"/webhook-sendouts/{path}/resend").status_code == 404
    assert found(stranger) == [] and due_of(session, caller.scope) == {}


def test_a_removed_webhook_is_a_conflict(caller: Caller, session: Session) -> None:
    sendout_id = make_sendout(session, caller.scope, make_webhook(session, caller.scope, is_removed=True))
    answer = caller.post(f"/webhook-sendouts/{whs(sendout_id)}/resend")
    assert answer.status_code == 409 and "removed" in answer.get_json()["details"]


def test_the_list_has_the_shape_of_the_document(app: Flask, caller: Caller, session: Session, webhook_id: UUID) -> None:
    make_sendout(session, caller.scope, webhook_id)
    msgspec.json.decode(caller.get("/webhook-sendouts").data, type=shapes.WebhookSendoutList)
    paths = describe(app)["paths"]
    assert isinstance(paths, dict)
    assert {"/v1/webhook-sendouts", "/v1/webhook-sendouts/{sendout_id}", "/v1/webhook-sendouts/{sendout_id}/resend"} <= set(paths)
