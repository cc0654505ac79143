"""The page of one webhook sendout."""

from __future__ import annotations

import re
import subprocess
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project
from auditpanel.ids import Prefix, format_id, new_request_id
from auditpanel.tasks.store import request_task
from auditpanel.tasks.values import TaskType
from auditpanel.times import utc_now
from auditpanel.webhooks.models import SendoutAttempt, Webhook
from auditpanel.webhooks.resends import send_again
from auditpanel.webhooks.targets import remove_webhook, switch_off
from auditpanel.webhooks.values import SCHEDULE, SendoutStatus
from tests.logs.making import make_log, store
from tests.pages import shown_text
from tests.panel.sendouts_made import Desk, make_desk
from tests.tasks.making import make_asker
from tests.webhooks.raising import URL


@pytest.fixture
def desk(app: Flask, session: Session) -> Desk:
    return make_desk(app, session)


def test_one_that_waits_says_what_failed_and_when_the_next_attempt_is_due(desk: Desk) -> None:
    began = utc_now() - timedelta(hours=4)
    made = {
        "tries": 10,
        "attempts": 10,
        "status_code": 503,
        "error": "answered 503",
        "first_attempt_at": began,
        "next_attempt_at": utc_now() + timedelta(hours=1, minutes=4),
    }
    page = shown_text(desk.visitor.get(desk.url(desk.make(SendoutStatus.RETRY, made=made))))
    assert "Retry in 1 h 4 min" in page and "10 of 13 attempts failed." in page
    assert "The last answer was 503 Service Unavailable." in page and "The next attempt is due in 1 h 4 min, at " in page
    assert "it is given up." in page and "10 made, up to 3 to come" in page


def test_one_that_is_late_names_no_end_that_would_be_before_its_next_attempt(desk: Desk) -> None:
    made = {
        "tries": 10,
        "attempts": 10,
        "status_code": 503,
        "error": "answered 503",
        "first_attempt_at": utc_now() - timedelta(days=30),
        "next_attempt_at": utc_now() + timedelta(hours=1, minutes=4),
    }
    page = shown_text(desk.visitor.get(desk.url(desk.make(SendoutStatus.RETRY, made=made))))
    assert f"After {SCHEDULE.attempts - 11} more attempts, it is given up." in page


def test_one_that_was_given_up_says_so_and_that_nothing_comes_by_itself(desk: Desk) -> None:
    page = shown_text(desk.visitor.get(desk.url(desk.make_failed(500, None))))
    assert "Given up after 2 attempts." in page and "No answer in 10 s." in page and "Nothing more comes by itself" in page


def test_one_that_was_never_tried_says_why(desk: Desk) -> None:
    made = {"attempts": 0, "tries": 0, "error": "the webhook is switched off", "first_attempt_at": None}
    page = shown_text(desk.visitor.get(desk.url(desk.make(made=made))))
    assert "Given up without an attempt. The webhook is switched off." in page and "None made" in page


def test_one_that_was_sent_says_what_was_answered(desk: Desk) -> None:
    page = shown_text(desk.visitor.get(desk.url(desk.make_sent())))
    assert "Delivered. The target answered 200 in 84 ms, at the first attempt." in page


def test_every_attempt_is_told_and_the_middle_ones_of_many_are_folded(desk: Desk) -> None:
    sendout_id = desk.make_failed(None, *[503] * 8)
    page = desk.visitor.get(desk.url(sendout_id)).text
    assert [int(number) for number in re.findall(r"<b>Attempt (\d+)</b>", page)] == list(range(9, 0, -1))
    assert "Attempts 2 to 6, all 503" in page and page.count("503 Service Unavailable</span>") == 8
    few = desk.visitor.get(desk.url(desk.make_failed(*[503] * 7))).text
    assert "attempt-fold" not in few


def test_an_attempt_by_hand_names_who_asked_for_it(desk: Desk) -> None:
    sendout_id = desk.make_failed(500)
    desk.attempt(sendout_id, 502, minutes_ago=0, asked_by="otto@example.com", response_body="<script>alert(1)</script>")
    page = desk.visitor.get(desk.url(sendout_id))
    assert "asked by otto@example.com" in shown_text(page) and "<script>alert" not in page.text
    send_again(desk.session, desk.scope, sendout_id, "nina@example.com")
    desk.session.commit()
    again = desk.visitor.get(desk.url(sendout_id))
    assert "nina@example.com has sent it again." in shown_text(again) and "data-running" in again.text


def test_a_long_answer_is_folded_and_a_cut_one_says_so(desk: Desk) -> None:
    sendout_id = desk.make_failed(500)
    long = "x" * 65_536
    desk.attempt(sendout_id, 500, minutes_ago=0, response_body=long, response_is_cut=True)
    page = desk.visitor.get(desk.url(sendout_id)).text
    assert "Cut at 64 KiB" in page and page.count(long) == 1


def test_answers_of_very_many_attempts_do_not_make_an_endless_page(desk: Desk) -> None:
    sendout_id = desk.make_failed(500)
    for _ in range(20):
        desk.attempt(sendout_id, 500, response_body="y" * 65_536)
    page = desk.visitor.get(desk.url(sendout_id)).text
    assert len(page) < 2_000_000 and "is left out of this page" in page


def test_the_payload_is_shown_as_it_is_signed_without_its_secrets(desk: Desk, project_paths: None) -> None:
    data = '{"object":"voucher","code":"AUTUMN","password":"hunter2-of-nina","loyalty_number":"4711-of-nina"}'
    sendout_id = desk.make(data=data)
    page = desk.visitor.get(desk.url(sendout_id)).text
    assert "AUTUMN" in page and "hunter2-of-nina" not in page and "4711-of-nina" not in page
    assert "the exact bytes that are signed" in page and "redacted" in page


@pytest.fixture
def project_paths(desk: Desk) -> None:
    """The project calls the value at a path of its own a secret too."""
    desk.session.execute(update(Project).where(Project.id == desk.scope.project_id).values(redact_paths=["loyalty_number"]))
    desk.session.commit()


def test_secrets_in_answers_and_headers_are_not_shown(desk: Desk) -> None:
    sendout_id = desk.make_failed(500)
    headers = [["Set-Cookie", "session=abcdef123456"], ["Content-Type", "application/json"]]
    desk.attempt(sendout_id, 500, minutes_ago=0, response_headers=headers, response_body='{"api_key":"sk_live_0123456789abcdef"}')
    page = desk.visitor.get(desk.url(sendout_id)).text
    assert "abcdef123456" not in page and "sk_live_0123456789abcdef" not in page and "Set-Cookie" in page


def test_the_curl_command_has_the_message_and_variables_for_what_is_not_kept(desk: Desk) -> None:
    sendout_id = desk.make_failed(500)
    sent = [["Authorization", "(left out)"], ["X-Shop-Key", "(left out)"], ["webhook-id", "whs_1"], ["Content-Type", "application/json"]]
    desk.session.execute(update(SendoutAttempt).where(SendoutAttempt.sendout_id == sendout_id).values(request_headers=sent))
    desk.session.commit()
    command = desk.visitor.get(desk.url(sendout_id, "/curl"))
    assert command.mimetype == "text/plain" and command.text.startswith("curl -X POST " + URL)
    assert '"Authorization: $AUTHORIZATION"' in command.text and "$SHOP_KEY" in command.text and "left out" not in command.text
    assert format_id(Prefix.SENDOUT, sendout_id) in command.text
    assert subprocess.run(["bash", "-n", "-c", command.text], check=False).returncode == 0


def test_it_leads_to_its_webhook_its_object_its_trace_and_what_caused_it(desk: Desk) -> None:
    request_id = new_request_id()
    store(desk.session, desk.scope, make_log(path="/v1/vouchers/import", method="POST", request_id=request_id))
    asker = make_asker(request_id=request_id)
    task = request_task(desk.session, desk.scope, TaskType.VOUCHERS_IMPORT, asker=asker, parameters={}, now=utc_now())
    desk.session.commit()
    page = desk.visitor.get(desk.url(desk.make_failed(500, request_id=request_id))).text
    for part in (f"traces/{request_id}", f"webhooks/{format_id(Prefix.WEBHOOK, desk.webhook_id)}", format_id(Prefix.ASYNC_ACTION, task)):
        assert part in page
    assert "Vouchers import" in page and "POST /v1/vouchers/import" in page


def test_a_webhook_that_is_off_or_removed_is_told_and_a_removed_one_takes_nothing(desk: Desk) -> None:
    sendout_id = desk.make_failed(500)
    switch_off(desk.session, desk.scope, desk.webhook_id, "The target answered 410 Gone on 24 Nov 2026.", utc_now())
    desk.session.commit()
    off = desk.visitor.get(desk.url(sendout_id))
    assert "Its webhook is switched off." in off.text and "410 Gone on 24 Nov 2026." in off.text and "/send-again" in off.text
    remove_webhook(desk.session, desk.scope, desk.webhook_id, utc_now())
    desk.session.commit()
    removed = desk.visitor.get(desk.url(sendout_id))
    assert "Its webhook was removed." in removed.text and "/send-again" not in removed.text


def test_the_card_of_the_webhook_tells_how_it_does(desk: Desk) -> None:
    desk.session.execute(update(Webhook).where(Webhook.id == desk.webhook_id).values(last_delivered_at=utc_now()))
    desk.make_sent()
    page = shown_text(desk.visitor.get(desk.url(desk.make_failed(500))))
    assert "50% of 2" in page and "Median answer" in page


def test_the_card_of_the_webhook_shows_no_token_of_its_url(desk: Desk) -> None:
    url = "https://shop.example.com/hook?token=tok-in-the-url&shop=acme"
    desk.session.execute(update(Webhook).where(Webhook.id == desk.webhook_id).values(url=url))
    desk.session.commit()
    page = desk.visitor.get(desk.url(desk.make_failed(500))).text
    assert "tok-in-the-url" not in page and "shop=acme" in page


def test_next_and_previous_are_those_of_the_filtered_list(desk: Desk) -> None:
    older, sent, newer = desk.make_failed(500, minutes_ago=9), desk.make_sent(minutes_ago=6), desk.make_failed(500, minutes_ago=3)
    page = desk.visitor.get(f"{desk.url(newer)}?only=error").text
    assert f"{desk.url(older)}?only=error" in page and desk.url(sent) not in page and "1 of 2" in page


def test_the_last_attempt_of_the_schedule_is_called_that(desk: Desk) -> None:
    tries = SCHEDULE.attempts - 1
    made = {
        "tries": tries,
        "attempts": tries,
        "status_code": 500,
        "error": "answered 500",
        "next_attempt_at": utc_now() + timedelta(hours=7),
    }
    assert "It is the last one; then it is given up." in desk.visitor.get(desk.url(desk.make(SendoutStatus.RETRY, made=made))).text


@pytest.mark.parametrize("sendout_id", ["whs_1", f"whs_{'0' * 32}", f"whs_{'f' * 32}", "log_" + "0" * 32])
def test_what_is_no_sendout_of_the_project_is_not_found(app: Flask, session: Session, sendout_id: str) -> None:
    desk = make_desk(app, session)
    assert desk.visitor.get(f"{desk.list_url}{sendout_id}").status_code == 404
    assert desk.visitor.get(f"{desk.list_url}{sendout_id}/curl").status_code == 404
