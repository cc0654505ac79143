"""Sending again from the panel: one, and all that match."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from auditpanel.accounts.models import Role
from auditpanel.config import Settings
from auditpanel.ids import Prefix, format_id
from auditpanel.queues import WEBHOOKS, connect, open_queue
from auditpanel.times import utc_now
from auditpanel.webhooks.models import Resend
from auditpanel.webhooks.records import ResendStatus
from auditpanel.webhooks.resends import list_resends, request_resend
from tests.logs.making import find
from tests.pages import shown_text
from tests.panel.sendouts_made import Desk, add_attempt, make_desk
from tests.webhooks.sendout_making import due_of, narrowed


@pytest.fixture
def desk(app: Flask, session: Session) -> Desk:
    return make_desk(app, session)


def post(desk: Desk, url: str, *, back: str = "list", **fields: str) -> TestResponse:
    return desk.visitor.post(url, page="/account", back=back, **fields)


def again_all(desk: Desk, **fields: str) -> TestResponse:
    """As the page that asks does it."""
    page = f"{desk.list_url}send-again?only=error"
    return desk.visitor.post(page, resend_id=resend_id_in(desk.visitor.get(page)), **fields)


def resend_id_in(page: TestResponse) -> str:
    found = re.search(r'name="resend_id" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def flashed(desk: Desk) -> str:
    return shown_text(desk.visitor.get(desk.list_url))


def test_one_click_makes_an_attempt_due_and_says_who_asked_for_it(desk: Desk, settings: Settings) -> None:
    sendout_id = desk.make_failed(500)
    answer = post(desk, desk.url(sendout_id, "/send-again?only=error&range=7d"))
    assert answer.status_code == 302 and answer.location == f"{desk.list_url}?only=error&range=7d"
    assert due_of(desk.session, desk.scope)[sendout_id].asked_by == desk.email
    assert "It is being sent again." in flashed(desk)
    with connect(settings.redis_url or "") as connection:
        assert open_queue(WEBHOOKS, connection).count >= 1


def test_a_second_click_says_that_it_is_under_way(desk: Desk) -> None:
    sendout_id = desk.make_failed(500)
    post(desk, desk.url(sendout_id, "/send-again"))
    flashed(desk)
    post(desk, desk.url(sendout_id, "/send-again"))
    assert "An attempt is under way already" in flashed(desk) and len(due_of(desk.session, desk.scope)) == 1


def test_scripts_get_the_same_words_as_json(desk: Desk) -> None:
    sendout_id = desk.make_failed(500)
    fields = {"csrf_token": desk.visitor.form_token("/account")}
    for is_new in (True, False):
        answer = desk.visitor.client.post(desk.url(sendout_id, "/send-again"), data=fields, headers={"Accept": "application/json"})
        assert answer.get_json()["is_new"] is is_new and answer.get_json()["message"]


def test_from_its_page_it_leads_back_to_its_page(desk: Desk) -> None:
    sendout_id = desk.make_failed(500)
    assert post(desk, desk.url(sendout_id, "/send-again?only=error"), back="record").location == desk.url(sendout_id, "?only=error")


def test_one_that_was_sent_is_asked_about_first(desk: Desk) -> None:
    sendout_id = desk.make_sent()
    page = desk.visitor.get(desk.list_url)
    assert f'action="{desk.url(sendout_id)}' not in page.text and "Send again…" in page.text
    asked = desk.visitor.get(desk.url(sendout_id, "/send-again?only=sent"))
    assert "Send it again?" in asked.text and "The target gets it once more." in asked.text
    assert f'href="{desk.list_url}?only=sent"' in asked.text
    assert desk.visitor.post(desk.url(sendout_id, "/send-again?only=sent")).status_code == 302
    assert sendout_id in due_of(desk.session, desk.scope)


@pytest.mark.parametrize("rest", ["/send-again", ""])
def test_viewers_may_not_send_again(app: Flask, session: Session, rest: str) -> None:
    desk = make_desk(app, session, role=Role.VIEWER)
    sendout_id = desk.make_failed(500)
    url = desk.url(sendout_id, rest) if rest else f"{desk.list_url}send-again"
    answer = post(desk, url)
    assert answer.status_code == 403 and "takes the role operator" in answer.text
    assert not due_of(desk.session, desk.scope)


def test_sending_again_is_recorded_with_the_sendout(desk: Desk) -> None:
    sendout_id = desk.make_failed(500)
    post(desk, desk.url(sendout_id, "/send-again"))
    [line] = find(desk.session, desk.scope, path_contains="/send-again").lines
    assert line.user == desk.email and line.method == "POST"


def test_all_that_match_are_told_before_they_are_sent_again(desk: Desk) -> None:
    for type in ("voucher.created", "customer.updated", "voucher.created"):
        desk.make_failed(500, type=type)
    desk.make_sent()
    assert "Send again all 3 in error" in shown_text(desk.visitor.get(desk.list_url))
    page = shown_text(desk.visitor.get(f"{desk.list_url}send-again?only=error"))
    assert "Send again all 3 that match these filters" in page and "Only those given up" in page and "Created last 24 hours" in page
    assert "Sendouts3" in page.replace(" ", "") and "Eventtypes2" in page.replace(" ", "")
    assert re.search(r"Last answer of the target.*at \d\d:\d\d:\d\d", page) and "20, takes about 1 s" in page and "Send again 3" in page


def test_all_that_match_are_sent_again_at_the_rate_that_was_chosen(desk: Desk) -> None:
    for _ in range(3):
        desk.make_failed(500)
    desk.make_sent()
    answer = again_all(desk, rate_per_s="50")
    assert answer.status_code == 302 and answer.location == f"{desk.list_url}?only=error"
    [resend] = list_resends(desk.session, desk.scope)
    assert (resend.total, resend.rate_per_s, resend.asked_by, resend.status) == (3, 50, desk.email, ResendStatus.RUNNING)
    page = shown_text(desk.visitor.get(desk.list_url))
    assert "3 sendouts are being sent again" in page and "Sending again 3" in page and "0 of 3 picked" in page
    assert f"Asked for by {desk.email}" in page and "Stop" in page


def test_a_second_press_sends_nothing_a_second_time_and_shows_how_far_the_first_is(desk: Desk) -> None:
    desk.make_failed(500)
    page = f"{desk.list_url}send-again?only=error"
    shown = resend_id_in(desk.visitor.get(page))
    assert resend_id_in(desk.visitor.get(page)) != shown, "who asks anew means it"
    for _ in range(2):
        answer = desk.visitor.post(page, resend_id=shown, rate_per_s="50")
        assert answer.status_code == 302 and answer.location == f"{desk.list_url}?only=error"
    told = flashed(desk)
    assert "This was asked for already" in told and "Sending again 1" in told
    assert [line.id for line in list_resends(desk.session, desk.scope)] == [shown]


@pytest.mark.parametrize("resend_id", ["", "resend_1", "whs_0199c2f47b1e7d21a1f6e8407cd4c44b"])
def test_without_the_id_of_the_page_that_asked_nothing_is_sent(desk: Desk, resend_id: str) -> None:
    desk.make_failed(500)
    answer = desk.visitor.post(f"{desk.list_url}send-again?only=error", rate_per_s="50", resend_id=resend_id)
    assert answer.status_code == 400 and "open the page that asks anew" in answer.text
    assert not list_resends(desk.session, desk.scope)


def test_tests_are_not_among_all_that_match(desk: Desk) -> None:
    desk.make_failed(500)
    desk.make_failed(500, type="webhook.test")
    page = shown_text(desk.visitor.get(f"{desk.list_url}send-again?only=error"))
    assert "Send again all 1 that match these filters" in page and "Test events are left out" in page


def test_all_that_run_can_be_stopped_however_many_they_are(desk: Desk) -> None:
    running = [make_resend(desk) for _ in range(5)]
    page = desk.visitor.get(desk.list_url).text
    for resend_id in running:
        assert f"resends/{format_id(Prefix.RESEND, resend_id)}/stop" in page


def test_what_was_not_sent_as_the_webhook_was_removed_is_told_when_it_has_ended(desk: Desk) -> None:
    resend_id = make_resend(desk)
    resend = desk.session.get_one(Resend, (desk.scope.project_id, resend_id))
    resend.status, resend.picked, resend.updated_at = ResendStatus.DONE, 2, utc_now()
    desk.session.commit()
    add_attempt(desk.session, desk.scope, desk.webhook_id, desk.make(), utc_now(), 200, resend_id=resend_id)
    page = desk.visitor.get(desk.list_url)
    assert "Sent again: 1 sendout. 1 delivered, 0 failed, 1 not sent, as the webhook was removed" in shown_text(page)
    assert "resend-run" not in page.text and "resend-warn" in page.text


def test_what_came_after_the_number_was_shown_is_not_sent_again(desk: Desk) -> None:
    desk.make_failed(500)
    page = desk.visitor.get(f"{desk.list_url}send-again?only=error").text
    confirmed_at = re.search(r'name="confirmed_at" value="([^"]+)"', page)
    assert confirmed_at is not None
    desk.make_failed(500, minutes_ago=0)
    again_all(desk, rate_per_s="20", confirmed_at=confirmed_at[1].replace("&#43;", "+"))
    assert list_resends(desk.session, desk.scope)[0].total == 1


@pytest.mark.parametrize("moment", ["", "yesterday", "2020-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00", "2026-11-24T00:00:00"])
def test_another_moment_than_the_one_shown_is_passed_over(desk: Desk, moment: str) -> None:
    desk.make_failed(500)
    again_all(desk, rate_per_s="20", confirmed_at=moment)
    assert list_resends(desk.session, desk.scope)[0].total == 1


@pytest.mark.parametrize("rate", ["", "0", "1001", "many", "-1", "²"])
def test_a_rate_that_is_none_is_refused_with_what_would_be_right(desk: Desk, rate: str) -> None:
    desk.make_failed(500)
    answer = again_all(desk, rate_per_s=rate)
    assert answer.status_code == 400 and "rate_per_s" in answer.text and not list_resends(desk.session, desk.scope)


def test_with_a_filter_that_cannot_be_read_nothing_is_sent_again(desk: Desk) -> None:
    desk.make_failed(500)
    for answer in (
        desk.visitor.get(f"{desk.list_url}send-again?id=whs_1"),
        post(desk, f"{desk.list_url}send-again?id=whs_1", rate_per_s="20"),
    ):
        assert answer.status_code == 400 and "is not an id" in answer.text
    assert not list_resends(desk.session, desk.scope)


def test_where_nothing_matches_there_is_no_button(desk: Desk) -> None:
    page = desk.visitor.get(f"{desk.list_url}send-again?only=error")
    assert "No sendout matches these filters" in page.text and "rate_per_s" not in page.text


def test_it_can_be_stopped_and_says_by_whom(desk: Desk) -> None:
    resend_id = make_resend(desk)
    url = f"{desk.list_url}resends/{format_id(Prefix.RESEND, resend_id)}/stop?only=error"
    answer = post(desk, url)
    assert answer.location == f"{desk.list_url}?only=error"
    assert f"Stopped by {desk.email}." in flashed(desk)
    assert list_resends(desk.session, desk.scope)[0].status is ResendStatus.STOPPED


def test_viewers_see_how_far_it_is_and_may_not_stop_it(app: Flask, session: Session) -> None:
    desk = make_desk(app, session, role=Role.VIEWER)
    resend_id = make_resend(desk)
    page = desk.visitor.get(desk.list_url).text
    assert "Sending again 1" in page and "/stop" not in page
    assert post(desk, f"{desk.list_url}resends/{format_id(Prefix.RESEND, resend_id)}/stop").status_code == 403


@pytest.mark.parametrize("age, is_shown", [(timedelta(minutes=5), True), (timedelta(hours=2), False)])
def test_how_it_ended_stays_above_the_list_for_a_while(desk: Desk, age: timedelta, is_shown: bool) -> None:
    resend_id = make_resend(desk)
    add_attempt(desk.session, desk.scope, desk.webhook_id, desk.make(), utc_now(), 500, resend_id=resend_id)
    resend = desk.session.get_one(Resend, (desk.scope.project_id, resend_id))
    resend.status, resend.picked, resend.updated_at = ResendStatus.DONE, 1, utc_now() - age
    desk.session.commit()
    page = shown_text(desk.visitor.get(desk.list_url))
    assert ("Sent again: 1 sendout. 0 delivered, 1 failed" in page) is is_shown


def make_resend(desk: Desk) -> UUID:
    desk.make_failed(500)
    filters, span = narrowed(desk.scope, only="error")
    resend_id = request_resend(desk.session, desk.scope, filters, span, 20, "otto@example.com", utc_now())
    desk.session.commit()
    return resend_id
