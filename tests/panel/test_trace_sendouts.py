"""The second half of a trace: events, sendouts and every attempt; and what the other pages say of the sendouts that a request caused."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, Role
from auditpanel.config import Settings
from auditpanel.ids import Prefix, format_id, new_request_id
from auditpanel.keyset import Count
from auditpanel.panel.sendouts.caused import caused_by_call
from auditpanel.tasks.records import Caused
from auditpanel.times import utc_now
from auditpanel.webhooks.models import Webhook
from auditpanel.webhooks.resends import send_again
from tests.accounts.visitor import log_in
from tests.factories import make_member
from tests.logs.making import find
from tests.pages import shown_text
from tests.panel.tasks_made import Desk, make_desk
from tests.panel.traces_made import ANSWER, make_call, make_delivered, make_import, make_sendout_failed, make_story
from tests.webhooks.raising import make_webhook


@pytest.fixture
def desk(app: Flask, session: Session, settings: Settings) -> Desk:
    return make_desk(app, session, settings)


def trace_url(desk: Desk, request_id: str) -> str:
    return f"/projects/{desk.scope.id}/traces/{request_id}"


def shown(desk: Desk, request_id: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html(desk, request_id)))


def html(desk: Desk, request_id: str) -> str:
    return desk.visitor.get(trace_url(desk, request_id)).text


def hrefs(page: str, words: str) -> list[str]:
    return [url.replace("&amp;", "&") for url, text in re.findall(r'<a[^>]*href="([^"]*)"[^>]*>([^<]*)</a>', page) if text == words]


def whs(sendout_id: UUID) -> str:
    return format_id(Prefix.SENDOUT, sendout_id)


def test_a_trace_tells_the_whole_story_of_a_call(desk: Desk) -> None:
    story = make_story(desk)
    page = shown(desk, story.request_id)
    for part in ("Rows refused 40 of 1,244", "Events 14", "Sendouts in error 1 of 14", "Sendouts still open 1 of 14", "1 failed"):
        assert part in page, part
    for part in ("13 voucher.created", "1 voucher.updated", "1 in error", "12 sent", "median 61 ms", "12 at the first attempt."):
        assert part in page, part
    for part in ("No answer in 10 s", "11 more attempts, each 503 Service Unavailable", "Attempt 13", ANSWER, "Attempt 11 due in 3 h"):
        assert part in page, part


def test_the_failed_are_opened_out_and_the_delivered_are_counted(desk: Desk) -> None:
    story = make_story(desk)
    page = html(desk, story.request_id)
    assert whs(story.given_up) in page and whs(story.waiting) in page
    assert not any(whs(sendout_id) in page for sendout_id in story.sent)
    (url,) = hrefs(page, "Show all 13")
    assert "Showing 13 of 13" in shown_text(desk.visitor.get(url))
    (url,) = hrefs(page, "Show the 1 in error")
    assert "Showing 1 of 1" in shown_text(desk.visitor.get(url))


def test_causes_are_indented(desk: Desk) -> None:
    story = make_story(desk)
    steps = re.findall(r"trace-step trace-(\w+) trace-depth-(\d)", html(desk, story.request_id))
    depths = dict(steps)
    assert depths["log"] == "0" and depths["task"] == "1" and depths["events"] == "2" and depths["sendouts"] == "3"
    assert steps[-1] == ("attempt", "4")


def test_attempts_of_the_past_and_the_next_one_are_in_the_overview(desk: Desk) -> None:
    story = make_story(desk)
    page = html(desk, story.request_id)
    assert page.count("chart-cross") == 23 and page.count("chart-due") == 1 and "chart-now" in page
    xs = [float(x) for x in re.findall(r'<path d="M([\d.]+) [\d.]+l6 6', page)][1:12]
    pauses = [right - left for left, right in pairwise(xs)]
    # Each retry is twice as late as the one before, up to the last: on this scale they stand evenly.
    assert max(pauses[3:]) - min(pauses[3:]) < 6


def test_of_many_that_failed_the_first_are_opened_out_and_the_list_has_the_others(desk: Desk) -> None:
    request_id, shop = new_request_id(), make_webhook(desk.session, desk.scope)
    began = utc_now() - timedelta(hours=26)
    ids = [make_sendout_failed(desk, shop, request_id, began + timedelta(seconds=number), made=13) for number in range(5)]
    page = html(desk, request_id)
    assert [whs(sendout_id) in page for sendout_id in ids] == [True] * 3 + [False] * 2
    assert "The first 3 of the 5 that were not delivered follow." in page
    (url,) = hrefs(page, "Show the 5 in error")
    assert "Showing 5 of 5" in shown_text(desk.visitor.get(url))


def test_a_sendout_that_is_the_only_one_of_its_kind_stands_for_itself(desk: Desk) -> None:
    request_id, shop = new_request_id(), make_webhook(desk.session, desk.scope)
    make_call(desk, request_id, utc_now())
    sendout_id = make_delivered(desk, shop, request_id, utc_now())
    page = html(desk, request_id)
    assert whs(sendout_id) in page and "At the first attempt." in page and "trace-attempt " not in page
    assert "all sent" not in page and "Sendouts in error" not in page


def test_sendouts_that_have_neither_a_log_nor_a_task_have_a_trace(desk: Desk) -> None:
    request_id, shop = new_request_id(), make_webhook(desk.session, desk.scope)
    make_delivered(desk, shop, request_id, utc_now())
    assert "voucher.created" in html(desk, request_id)


def test_a_sendout_that_is_sent_again_says_who_asked_for_it(desk: Desk) -> None:
    request_id, shop = new_request_id(), make_webhook(desk.session, desk.scope)
    sendout_id = make_sendout_failed(desk, shop, request_id, utc_now() - timedelta(hours=26), made=13)
    send_again(desk.session, desk.scope, sendout_id, "omar@example.com")
    desk.session.commit()
    page = desk.visitor.get(trace_url(desk, request_id))
    assert "Attempt 14 is under way asked by omar@example.com" in shown(desk, request_id)
    assert "data-running" in page.text and "/send-again" not in page.text


def test_operators_send_again_from_the_trace_and_viewers_do_not(app: Flask, desk: Desk) -> None:
    story = make_story(desk)
    assert f"{whs(story.given_up)}/send-again" in html(desk, story.request_id)
    viewer = log_in(app, desk.session, make_member(desk.session, desk.project, role=Role.VIEWER))
    assert "/send-again" not in viewer.get(trace_url(desk, story.request_id)).text


def test_a_removed_webhook_is_named_and_leads_nowhere(desk: Desk) -> None:
    story = make_story(desk)
    desk.session.execute(update(Webhook).where(Webhook.id == story.crm).values(removed_at=utc_now()))
    desk.session.commit()
    page = html(desk, story.request_id)
    assert "CRM, removed" in page and f"{whs(story.waiting)}/send-again" not in page


def test_answers_and_addresses_are_shown_without_their_secrets(desk: Desk) -> None:
    desk.session.execute(update(Project).where(Project.id == desk.project.id).values(redact_paths=["$.pin"]))
    request_id, shop = new_request_id(), make_webhook(desk.session, desk.scope, url="https://shop.example.com/in?token=geheim-4711")
    make_sendout_failed(
        desk,
        shop,
        request_id,
        utc_now() - timedelta(hours=26),
        made=13,
        answer='{"pin": "9981", "password": "hunter2-secret"}',
        target_url="https://shop.example.com/in?token=geheim-4711",
    )
    page = html(desk, request_id)
    for secret in ("9981", "hunter2", "geheim-4711"):
        assert secret not in page
    assert "shop.example.com/in" in page and "redacted" in page


def test_no_other_project_is_seen(app: Flask, desk: Desk, session: Session, settings: Settings) -> None:
    story, stranger = make_story(desk), make_desk(app, session, settings)
    assert stranger.visitor.get(trace_url(stranger, story.request_id)).status_code == 404


def test_the_log_and_the_task_name_the_sendouts_they_caused(desk: Desk) -> None:
    request_id, shop = new_request_id(), make_webhook(desk.session, desk.scope)
    began = utc_now() - timedelta(hours=26)
    make_call(desk, request_id, began)
    task_id = make_import(desk, request_id, began)
    for number in range(2):
        make_delivered(desk, shop, request_id, began + timedelta(seconds=number))
    make_sendout_failed(desk, shop, request_id, began, made=13)
    (line,) = find(desk.session, desk.scope, request_id=request_id).lines
    for url in (f"/projects/{desk.scope.id}/logs/{line.id}", desk.task_url(task_id)):
        page = desk.visitor.get(url).text
        (failed,), (sent,) = hrefs(page, "1 webhook sendout"), hrefs(page, "2 webhook sendouts")
        assert "Showing 1 of 1" in shown_text(desk.visitor.get(failed))
        assert "Showing 2 of 2" in shown_text(desk.visitor.get(sent))


def test_a_log_whose_sendouts_were_given_up_says_so_on_top_and_in_the_list(desk: Desk) -> None:
    request_id, shop = new_request_id(), make_webhook(desk.session, desk.scope)
    began = utc_now() - timedelta(hours=26)
    make_call(desk, request_id, began)
    for _ in range(2):
        make_sendout_failed(desk, shop, request_id, began, made=13)
    (line,) = find(desk.session, desk.scope, request_id=request_id).lines
    assert "2 webhook sendouts were given up." in shown_text(desk.visitor.get(f"/projects/{desk.scope.id}/logs/{line.id}"))
    assert "2 webhook sendouts were given up" in desk.visitor.get(f"/projects/{desk.scope.id}/logs/?range=all").text


@pytest.mark.parametrize(
    ("tasks", "failed", "kind", "text", "words"),
    [
        (None, 1, "broken", "1", "1 webhook sendout was given up"),
        (Caused(1, 0, 0, 0, 0), 4, "broken", "4", "4 webhook sendouts were given up"),
        (Caused(1, 40, 0, 0, 0), 4, "broken", "4", "Its task refused 40 rows; 4 webhook sendouts were given up"),
        (Caused(1, 0, 1, 0, 0), 4, "broken", "", "Its task failed; 4 webhook sendouts were given up"),
    ],
)
def test_what_a_call_caused_is_told_by_what_is_worst(tasks: Caused | None, failed: int, kind: str, text: str, words: str) -> None:
    view = caused_by_call(tasks, Count(failed, is_exact=True))
    assert view is not None and (view.kind, view.text, view.words) == (kind, text, words)


def test_a_call_that_caused_nothing_has_no_mark() -> None:
    assert caused_by_call(None, None) is None
