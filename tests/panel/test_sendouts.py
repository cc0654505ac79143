"""The list of webhook sendouts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import event, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.ids import Prefix, format_id
from auditpanel.panel.sendouts.showing import short_count, wait_words
from auditpanel.times import utc_now
from auditpanel.webhooks.models import Sendout
from auditpanel.webhooks.resends import send_again
from auditpanel.webhooks.values import SendoutStatus
from tests.logs.making import find
from tests.pages import shown_text
from tests.panel.sendouts_made import Desk, make_desk
from tests.webhooks.raising import make_webhook
from tests.webhooks.sendout_making import make_many


@pytest.fixture
def desk(app: Flask, session: Session) -> Desk:
    return make_desk(app, session)


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def test_each_row_says_how_it_stands_and_what_was_answered_last(desk: Desk) -> None:
    desk.make_sent()
    desk.make_failed(500, 503)
    desk.make_failed(None)
    waiting = utc_now() + timedelta(minutes=3)
    failed = {"next_attempt_at": waiting, "tries": 4, "attempts": 4, "status_code": 503, "error": "answered 503"}
    desk.make(SendoutStatus.RETRY, made=failed)
    desk.make(SendoutStatus.RETRY, made={"next_attempt_at": utc_now(), "tries": 0, "attempts": 0})
    page = shown_text(desk.visitor.get(desk.list_url))
    assert "200 · 84 ms" in page and "503 Service Unavailable" in page and "no answer in 10 s" in page
    assert "Retry in 3 min" in page and "4 of 13" in page
    assert "First attempt due" in page and "No attempt yet" in page
    assert "Retry 2" in page and "Error 2" in page and "Showing 5 of 5" in page


def test_the_switch_narrows_to_one_status(desk: Desk) -> None:
    sent, failed = desk.make_sent(), desk.make_failed(500)
    page = desk.visitor.get(f"{desk.list_url}?only=error").text
    assert desk.url(failed) in page and desk.url(sent) not in page
    assert desk.url(sent) in desk.visitor.get(f"{desk.list_url}?only=sent").text


def test_webhooks_are_chosen_by_name_and_told_by_it(desk: Desk) -> None:
    other = make_webhook(desk.session, desk.scope, name="CRM", url="https://crm.example.com/in")
    desk.session.commit()
    of_shop, of_crm = desk.make_failed(500), desk.make_failed(500, webhook_id=other)
    page = desk.visitor.get(f"{desk.list_url}?source_id={format_id(Prefix.WEBHOOK, other)}")
    assert desk.url(of_crm) in page.text and desk.url(of_shop) not in page.text
    assert "Webhook is CRM" in shown_text(page)


@pytest.mark.parametrize("query", ["type=customer.updated", "url_contains=nowhere", "request_id=v-none", "sent_after=2020-01-01"])
def test_a_filter_without_a_match_says_what_would_be_there_without_it(desk: Desk, query: str) -> None:
    desk.make_failed(500)
    page = desk.visitor.get(f"{desk.list_url}?{query}")
    assert page.status_code == 200 and "No webhook sendout matches the filter" in page.text
    assert "there would be 1" in shown_text(page)


def test_a_filter_that_cannot_be_read_says_what_would_be_right(desk: Desk) -> None:
    page = desk.visitor.get(f"{desk.list_url}?id=whs_1&sent_after=2025-02-30&source_id=shop")
    assert page.status_code == 400
    assert "is not an id; write it like whs_" in page.text and "is not an id; write it like wh_" in page.text
    assert "Feb 2025 has 28 days" in page.text


def test_a_project_without_sendouts_says_where_they_come_from(desk: Desk) -> None:
    page = desk.visitor.get(desk.list_url)
    assert "No webhook sendouts: last 24 hours" in page.text and "webhooks/" in page.text


def test_pages_lead_back_and_forth_and_a_send_again_keeps_the_place(desk: Desk) -> None:
    make_many(desk.session, desk.scope, desk.webhook_id, 60)
    first = desk.visitor.get(f"{desk.list_url}?range=all").text
    older = re.search(r'href="([^"]*before=[^"]*)"', first)
    assert older is not None
    second = desk.visitor.get(older[1].replace("&amp;", "&"))
    assert "Showing 10 of 60" in shown_text(second)
    assert re.search(r'action="[^"]*/send-again\?range=all&amp;before=', second.text)
    assert "after=" in second.text


def test_what_was_sent_again_says_so_until_its_outcome_is_there(desk: Desk) -> None:
    sendout_id = desk.make_failed(500)
    send_again(desk.session, desk.scope, sendout_id, "otto@example.com")
    desk.session.commit()
    page = desk.visitor.get(desk.list_url)
    assert "Sending again" in page.text and "otto@example.com has sent it again" in page.text and "data-running" in page.text


def test_of_very_many_attempts_the_row_tells_of_the_newest(desk: Desk) -> None:
    sendout_id = desk.make_failed(*[500] * 30)
    desk.attempt(sendout_id, 200, minutes_ago=0)
    desk.session.execute(update(Sendout).where(Sendout.id == sendout_id).values(attempts=31))
    desk.session.commit()
    assert "31 made, of the newest 20, 19 failed" in desk.visitor.get(desk.list_url).text


def test_viewers_see_no_button_to_send_again(app: Flask, session: Session) -> None:
    desk = make_desk(app, session, role=Role.VIEWER)
    sendout_id = desk.make_failed(500)
    for page in (desk.visitor.get(desk.list_url), desk.visitor.get(desk.url(sendout_id))):
        assert "/send-again" not in page.text
    assert desk.visitor.get(desk.url(sendout_id, "/send-again")).status_code == 403
    assert desk.visitor.get(f"{desk.list_url}send-again").status_code == 403


def test_the_menu_counts_what_was_given_up_lately_and_nothing_where_nothing_was(desk: Desk) -> None:
    desk.make_sent()
    assert "in error in the last 24 hours" not in desk.visitor.get(desk.list_url).text
    desk.make_failed(500)
    desk.make_failed(500, minutes_ago=25 * 60)
    assert "1 in error in the last 24 hours" in shown_text(desk.visitor.get(desk.list_url))


def test_secrets_in_a_url_or_a_reason_are_not_shown(desk: Desk) -> None:
    desk.make(target_url="https://shop.example.com/hook?api_key=sk_live_51Hsecret0000000", made={"error": "answered 500"})
    page = desk.visitor.get(desk.list_url).text
    assert "sk_live_51Hsecret0000000" not in page and "shop.example.com" in page


def test_hostile_text_of_a_sendout_is_text(desk: Desk) -> None:
    desk.make(type="<script>alert(1)</script>\u202e", target_url="https://x.example/<script>", made={"error": "<b>\x01"})
    page = desk.visitor.get(desk.list_url).text
    assert "<script>alert" not in page and "[U+202E]" in page and "<b>\x01" not in page


def test_the_number_of_queries_does_not_grow_with_the_rows(desk: Desk, engine: Engine) -> None:
    desk.make_failed(500)
    desk.visitor.get(desk.list_url)
    with counted(engine) as of_one:
        desk.visitor.get(desk.list_url)
    for _ in range(10):
        desk.make_failed(500, 503)
    with counted(engine) as of_many:
        desk.visitor.get(desk.list_url)
    assert len(of_many) == len(of_one)


def test_a_page_that_brings_itself_up_to_date_is_not_recorded(desk: Desk) -> None:
    desk.visitor.client.get(desk.list_url, headers={"X-Fragment": "live"})
    assert not find(desk.session, desk.scope, path_contains="/webhook-sendouts/").lines
    desk.visitor.get(desk.list_url)
    assert len(find(desk.session, desk.scope, path_contains="/webhook-sendouts/").lines) == 1


@pytest.mark.parametrize(
    "seconds, words",
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (180, "3 min"), (3_599, "1 h"), (3_840, "1 h 4 min"), (61_440, "17 h 4 min")],
)
def test_a_wait_is_told_in_at_most_two_units(seconds: float, words: str) -> None:
    assert wait_words(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize("count, text", [(1, "1"), (999, "999"), (1_284, "1.3k"), (9_949, "9.9k"), (9_950, "10k"), (10_000, "10k")])
def test_a_count_beside_a_name_is_short(count: int, text: str) -> None:
    assert short_count(count) == text
