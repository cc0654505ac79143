"""Secrets of sendouts are kept where they lie, and hidden where they are shown."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.logs.redaction import Redactor
from auditpanel.logs.sendout_secrets import redacted_sendout, redacted_url
from auditpanel.webhooks.queries import get_sendout
from auditpanel.webhooks.records import SendoutRecord
from tests.tasks.making import make_scope
from tests.webhooks.sendout_making import make_attempt, make_sendout, make_webhook


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    return make_scope(session)


def make_record(session: Session, scope: ProjectScope, data: str) -> SendoutRecord:
    webhook_id = make_webhook(session, scope)
    sendout_id = make_sendout(session, scope, webhook_id, data=data, target_url="https://shop.example.com/hook?token=abcdef")
    headers, body = [["Set-Cookie", "session=hunter2"]], '{"api_key":"hunter2hunter2"}'
    make_attempt(session, scope, webhook_id, sendout_id, response_headers=headers, response_body=body)
    return get_sendout(session, scope, sendout_id)


def test_a_payload_without_secrets_is_shown_as_it_is_sent(session: Session, scope: ProjectScope) -> None:
    record = make_record(session, scope, '{"worth": 1.50, "object":"voucher"}')
    shown = redacted_sendout(Redactor(), record)
    assert '"data":{"worth": 1.50, "object":"voucher"}' in shown.payload
    assert shown.event == record.event


def test_what_everybody_calls_a_secret_is_hidden_in_payload_answer_and_address(session: Session, scope: ProjectScope) -> None:
    shown = redacted_sendout(Redactor(), make_record(session, scope, '{"password":"hunter2","name":"Anna"}'))
    text = msgspec.json.encode(shown).decode()
    assert "hunter2" not in text and "abcdef" not in text
    assert msgspec.json.decode(shown.payload)["data"]["name"] == "Anna"
    assert shown.attempts[0].request_headers == [("content-type", "application/json")]


def test_the_name_of_an_api_key_is_no_secret(session: Session, scope: ProjectScope) -> None:
    record = make_record(session, scope, '{"object":"voucher"}')
    payload = record.payload.replace('"api_key":null', '"api_key":"erp-sync"')
    shown = redacted_sendout(Redactor(), replace(record, payload=payload))
    assert msgspec.json.decode(shown.payload)["event"]["event_source"]["api_key"] == "erp-sync"


def test_the_projects_own_paths_hide_in_the_events_data(session: Session, scope: ProjectScope) -> None:
    record = make_record(session, scope, '{"customer":{"email":"anna@example.com"}}')
    shown = redacted_sendout(Redactor.of(["$.customer.email"]), record)
    assert "anna@" not in shown.payload and "anna@" not in shown.event.data
    assert msgspec.json.decode(shown.payload)["id"] == record.line.id


def test_an_address_keeps_what_is_no_secret() -> None:
    assert redacted_url(Redactor(), "https://a.example/hook?x=1") == "https://a.example/hook?x=1"
    assert redacted_url(Redactor(), "https://a.example/hook") == "https://a.example/hook"
    assert "abc" not in redacted_url(Redactor(), "https://a.example/hook?token=abc")
