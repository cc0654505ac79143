"""Sending again: one, some, and all that match, at a rate."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, event, func, text, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import Conflict, InvalidInput, NotFound
from auditpanel.ids import Prefix, format_id, new_uuid
from auditpanel.times import utc_now
from auditpanel.webhooks.models import DueSendout, Webhook
from auditpanel.webhooks.queries import get_sendout
from auditpanel.webhooks.records import ResendStatus
from auditpanel.webhooks.resends import (
    MOST_RUNNING,
    Step,
    count_resendable,
    feed,
    get_resend,
    list_resends,
    projects_with_resends,
    request_resend,
    request_resend_once,
    send_again,
    send_some_again,
    stop_resend,
)
from auditpanel.webhooks.values import EventType, SendoutStatus
from tests.tasks.making import make_scope
from tests.webhooks.delivering import deliver
from tests.webhooks.sendout_making import NINA, NOW, due_of, lease, make_attempt, make_many, make_sendout, make_webhook, narrowed

SENT, RETRY, ERROR = SendoutStatus.SENT, SendoutStatus.RETRY, SendoutStatus.ERROR
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    return make_scope(session)


@pytest.fixture
def webhook_id(session: Session, scope: ProjectScope) -> UUID:
    return make_webhook(session, scope)


def request(session: Session, scope: ProjectScope, *, rate_per_s: int = 10, now: datetime = LATER, **params: str) -> UUID:
    resend_id = request_resend(session, scope, *narrowed(scope, **params), rate_per_s, NINA, now)
    session.commit()
    return resend_id


def go_out(session: Session, scope: ProjectScope) -> None:
    """All that is due has had its attempt, or was given up without one."""
    session.execute(delete(DueSendout).where(DueSendout.project_id == scope.project_id))
    session.commit()


def after(seconds: float) -> datetime:
    return LATER + timedelta(seconds=seconds)


@pytest.mark.parametrize("status", [SENT, ERROR])
def test_what_has_ended_gets_one_more_attempt_and_stays_as_it_was(
    session: Session, scope: ProjectScope, webhook_id: UUID, status: SendoutStatus
) -> None:
    sendout_id = make_sendout(session, scope, webhook_id, status)
    again = send_again(session, scope, sendout_id, NINA)
    due = due_of(session, scope)[sendout_id]
    assert again.is_new and (due.asked_by, due.webhook_id, due.created_at, due.resend_id) == (NINA, webhook_id, NOW, None)
    line = get_sendout(session, scope, sendout_id).line
    assert (line.status, line.tries, line.attempts) == (status, 1, 1)


def test_a_second_click_while_one_is_under_way_does_nothing_and_says_so(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    sendout_id = make_sendout(session, scope, webhook_id)
    send_again(session, scope, sendout_id, NINA)
    again = send_again(session, scope, sendout_id, "otto@example.com")
    assert (again.is_new, again.asked_by) == (False, NINA)
    assert "nina@example.com has sent it again" in again.words
    assert due_of(session, scope)[sendout_id].asked_by == NINA


def test_what_waits_for_a_retry_is_sent_at_once(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    sendout_id = make_sendout(session, scope, webhook_id, RETRY)
    retry_at = get_sendout(session, scope, sendout_id).line.next_attempt_at
    assert retry_at is not None
    assert send_again(session, scope, sendout_id, NINA).is_new
    due = due_of(session, scope)[sendout_id]
    assert due.asked_by == NINA and due.due_at < retry_at - timedelta(minutes=50)
    assert get_sendout(session, scope, sendout_id).line.next_attempt_at == retry_at


def test_an_attempt_of_the_schedule_that_is_being_made_is_not_doubled(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    sendout_id = make_sendout(session, scope, webhook_id, RETRY)
    lease(session, due_of(session, scope)[sendout_id])
    again = send_again(session, scope, sendout_id, NINA)
    assert (again.is_new, again.asked_by) == (False, None)
    assert "being made right now" in again.words
    assert due_of(session, scope)[sendout_id].asked_by is None


def test_a_lease_that_has_run_out_is_nobodys(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    sendout_id = make_sendout(session, scope, webhook_id, RETRY)
    due = due_of(session, scope)[sendout_id]
    lease(session, due)
    due.lease_until = NOW - timedelta(minutes=1)
    session.commit()
    assert send_again(session, scope, sendout_id, NINA).is_new
    assert due_of(session, scope)[sendout_id].lease_token is None


def test_a_row_that_a_worker_is_just_claiming_is_not_waited_for(
    engine: Engine, session: Session, scope: ProjectScope, webhook_id: UUID
) -> None:
    sendout_id = make_sendout(session, scope, webhook_id, RETRY)
    with Session(engine) as worker:
        due_of(worker, scope)[sendout_id].lease_token = new_uuid()
        worker.flush()
        assert not send_again(session, scope, sendout_id, NINA).is_new


def test_what_has_no_webhook_any_more_or_belongs_to_others_is_not_sent(session: Session, scope: ProjectScope) -> None:
    orphan = make_sendout(session, scope, make_webhook(session, scope, is_removed=True))
    with pytest.raises(Conflict, match="removed"):
        send_again(session, scope, orphan, NINA)
    with pytest.raises(NotFound):
        send_again(session, make_scope(session), orphan, NINA)
    with pytest.raises(NotFound):
        send_again(session, scope, new_uuid(), NINA)
    assert due_of(session, scope) == {}


def test_selected_ones_are_sent_again_in_one_go(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    chosen = [make_sendout(session, scope, webhook_id, status) for status in (SENT, RETRY, ERROR)]
    make_sendout(session, scope, webhook_id)
    orphan = make_sendout(session, scope, make_webhook(session, scope, is_removed=True))
    send_again(session, scope, chosen[0], "otto@example.com")
    assert send_some_again(session, scope, [*chosen, orphan], NINA) == 2
    assert {due.sendout_id: due.asked_by for due in due_of(session, scope).values()} == {
        chosen[0]: "otto@example.com",
        chosen[1]: NINA,
        chosen[2]: NINA,
    }
    assert send_some_again(session, scope, [], NINA) == 0


def test_all_that_match_are_sent_from_the_oldest_at_the_rate(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    moments = [NOW + timedelta(seconds=second) for second in range(7)]
    sendouts = [make_sendout(session, scope, webhook_id, created_at=moment) for moment in moments]
    make_sendout(session, scope, webhook_id, SENT)
    resend_id = request(session, scope, rate_per_s=4, status="ERROR")
    assert scope.project_id in projects_with_resends(session)
    assert feed(session, scope.project_id, after(0)) == 0
    assert feed(session, scope.project_id, after(0.6)) == 2
    assert set(due_of(session, scope)) == set(sendouts[:2])
    assert feed(session, scope.project_id, after(1)) == 2
    assert feed(session, scope.project_id, after(1.1)) == 0
    assert feed(session, scope.project_id, after(2)) == 3
    assert set(due_of(session, scope)) == set(sendouts)
    assert {(due.asked_by, due.resend_id) for due in due_of(session, scope).values()} == {(NINA, resend_id)}
    line = get_resend(session, scope, resend_id)
    assert (line.status, line.total, line.picked, line.waiting, line.progress) == (ResendStatus.RUNNING, 7, 7, 7, 0)
    go_out(session, scope)
    assert feed(session, scope.project_id, after(3)) == 0
    assert get_resend(session, scope, resend_id).status is ResendStatus.DONE
    assert scope.project_id not in projects_with_resends(session)


def test_a_low_rate_gets_on_though_it_is_fed_often(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    for _ in range(5):
        make_sendout(session, scope, webhook_id)
    request(session, scope, rate_per_s=1)
    fed = [feed(session, scope.project_id, after(0.25 * step)) for step in range(13)]
    assert sum(fed) == 3 and max(fed) == 1


def test_what_a_pause_of_the_workers_has_cost_is_not_made_up_for(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    make_many(session, scope, webhook_id, 30)
    request(session, scope, rate_per_s=10)
    assert feed(session, scope.project_id, after(3600)) == 10
    assert feed(session, scope.project_id, after(3600.5)) == 5


def test_what_is_created_after_it_was_asked_for_is_not_sent(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    before = make_sendout(session, scope, webhook_id, created_at=LATER - timedelta(seconds=1))
    make_sendout(session, scope, webhook_id, created_at=LATER)
    make_sendout(session, scope, webhook_id, created_at=NOW - timedelta(days=3))
    request(session, scope, range="24h")
    feed(session, scope.project_id, after(1))
    assert set(due_of(session, scope)) == {before}


def test_what_is_under_way_or_was_delivered_meanwhile_is_passed_over(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    moments = [NOW + timedelta(seconds=second) for second in range(3)]
    first, second, third = (make_sendout(session, scope, webhook_id, created_at=moment, type="order.paid") for moment in moments)
    resend_id = request(session, scope, rate_per_s=1, status="ERROR", type="order.paid")
    send_again(session, scope, first, "otto@example.com")
    make_sendout(session, scope, webhook_id, created_at=NOW + timedelta(seconds=9))
    assert [feed(session, scope.project_id, after(step)) for step in range(1, 5)] == [0, 1, 1, 0]
    assert set(due_of(session, scope)) == {first, second, third}
    line = get_resend(session, scope, resend_id)
    assert (line.status, line.total, line.picked) == (ResendStatus.RUNNING, 3, 2)
    go_out(session, scope)
    feed(session, scope.project_id, after(5))
    assert get_resend(session, scope, resend_id).status is ResendStatus.DONE


def test_what_has_no_webhook_any_more_is_neither_counted_nor_sent(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    make_sendout(session, scope, webhook_id)
    make_sendout(session, scope, make_webhook(session, scope, is_removed=True))
    assert count_resendable(session, scope, *narrowed(scope), LATER).value == 1
    resend_id = request(session, scope)
    assert feed(session, scope.project_id, after(1)) == 1
    assert get_resend(session, scope, resend_id).total == 1


def test_sendout_dates_keep_their_meaning_until_the_end(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    sent = make_sendout(session, scope, webhook_id, SENT, sent_at=NOW)
    make_sendout(session, scope, webhook_id, SENT, sent_at=NOW + timedelta(minutes=1))
    resend_id = request(session, scope, sent_before="2026-11-24 16:42:30")
    feed(session, scope.project_id, after(1))
    assert set(due_of(session, scope)) == {sent}
    assert get_resend(session, scope, resend_id).words == "Sent before 2026-11-24 16:42:30, all time"


def test_rare_ones_are_looked_for_slice_by_slice(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    make_many(session, scope, webhook_id, 30_000)
    rare = [make_sendout(session, scope, webhook_id, created_at=NOW + timedelta(seconds=second), target_url="rare") for second in (5, 25)]
    resend_id = request(session, scope, url_contains="rare")
    step = Step(budget_s=0.001, slice_rows=10_000)
    fed: list[int] = []
    while sum(fed) < 2:
        fed.append(feed(session, scope.project_id, after(len(fed) + 1), step=step))
    assert set(due_of(session, scope)) == set(rare)
    assert 0 in fed and len(fed) < 10
    go_out(session, scope)
    while get_resend(session, scope, resend_id).status is ResendStatus.RUNNING:
        fed.append(feed(session, scope.project_id, after(len(fed) + 1), step=step))
    assert sum(fed) == 2 and len(fed) < 12


def test_two_workers_that_feed_at_once_do_not_exceed_the_rate(
    engine: Engine, session: Session, scope: ProjectScope, webhook_id: UUID
) -> None:
    make_many(session, scope, webhook_id, 30)
    request(session, scope, rate_per_s=10)
    with Session(engine) as other:
        assert feed(session, scope.project_id, after(1)) == 10
        assert feed(other, scope.project_id, after(1)) == 0
        session.commit()
        assert feed(other, scope.project_id, after(1)) == 0
        assert feed(other, scope.project_id, after(1.5)) == 5


def test_stopping_takes_back_what_is_not_being_sent(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    moments = [NOW + timedelta(seconds=second) for second in range(4)]
    kinds = (ERROR, ERROR, RETRY, ERROR)
    leased, failed, waits, last = (
        make_sendout(session, scope, webhook_id, kind, created_at=moment) for kind, moment in zip(kinds, moments, strict=True)
    )
    retry_at = due_of(session, scope)[waits].due_at
    resend_id = request(session, scope, rate_per_s=3)
    feed(session, scope.project_id, after(1))
    lease(session, due_of(session, scope)[leased])
    assert stop_resend(session, scope, resend_id, "otto@example.com", after(1)) == 2
    due = due_of(session, scope)
    assert set(due) == {leased, waits}
    assert (due[leased].asked_by, due[waits].asked_by, due[waits].resend_id, due[waits].due_at) == (NINA, None, None, retry_at)
    assert feed(session, scope.project_id, after(2)) == 0
    line = get_resend(session, scope, resend_id)
    assert (line.status, line.stopped_by, line.picked, line.waiting) == (ResendStatus.STOPPED, "otto@example.com", 1, 1)
    assert stop_resend(session, scope, resend_id, NINA, after(3)) == 0
    assert get_resend(session, scope, resend_id).stopped_by == "otto@example.com"
    assert failed not in due and last not in due


def test_stopping_leaves_alone_what_a_worker_gives_back_at_that_moment(
    engine: Engine, session: Session, scope: ProjectScope, webhook_id: UUID
) -> None:
    sendout_id = make_sendout(session, scope, webhook_id, RETRY)
    resend_id = request(session, scope)
    feed(session, scope.project_id, after(1))
    lease(session, due_of(session, scope)[sendout_id])

    given_back: list[UUID] = []

    def give_back(*call: object) -> None:
        """After the first statement of the stop that has looked at what is due."""
        if "due_sendouts" in str(call[2]) and not given_back:
            given_back.append(sendout_id)
            with Session(engine) as worker:
                worker.execute(update(DueSendout).where(DueSendout.sendout_id == sendout_id).values(lease_token=None, lease_until=None))
                worker.commit()

    event.listen(engine, "after_cursor_execute", give_back)
    try:
        assert stop_resend(session, scope, resend_id, NINA, after(1)) == 0
        session.commit()
    finally:
        event.remove(engine, "after_cursor_execute", give_back)
    assert given_back == [sendout_id]
    assert set(due_of(session, scope)) == {sendout_id}, "the schedule goes on"


def test_one_that_was_given_up_without_an_attempt_ends_it(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    sendouts = [make_sendout(session, scope, webhook_id) for _ in range(2)]
    resend_id = request(session, scope)
    feed(session, scope.project_id, after(1))
    make_attempt(session, scope, webhook_id, sendouts[0], asked_by=NINA, resend_id=resend_id)
    go_out(session, scope)
    feed(session, scope.project_id, after(2))
    line = get_resend(session, scope, resend_id)
    assert (line.status, line.is_running, line.progress) == (ResendStatus.DONE, False, 100)
    assert (line.picked, line.delivered, line.failed, line.waiting, line.not_sent) == (2, 1, 0, 0, 1)


def test_sending_again_to_a_webhook_that_is_removed_meanwhile_comes_to_an_end(
    engine: Engine, session: Session, scope: ProjectScope, webhook_id: UUID
) -> None:
    for _ in range(3):
        make_sendout(session, scope, webhook_id)
    resend_id = request(session, scope, now=utc_now(), rate_per_s=1_000)
    feed(session, scope.project_id, utc_now() + timedelta(seconds=1))
    session.execute(update(Webhook).where(Webhook.id == webhook_id).values(removed_at=func.now(), is_active=False))
    session.commit()
    deliver(engine)
    line = get_resend(session, scope, resend_id)
    assert (line.status, line.picked, line.waiting, line.not_sent, line.progress) == (ResendStatus.DONE, 3, 0, 3, 100)


def test_progress_is_told_by_the_attempts(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    sendouts = [make_sendout(session, scope, webhook_id) for _ in range(4)]
    old, new = request(session, scope), request(session, scope, now=after(1))
    feed(session, scope.project_id, after(2))
    for sendout_id, status_code in zip(sendouts, (200, 204, 500, None), strict=True):
        assert get_resend(session, scope, old).progress < 100
        make_attempt(session, scope, webhook_id, sendout_id, status_code=status_code, asked_by=NINA, resend_id=old)
    go_out(session, scope)
    feed(session, scope.project_id, after(3))
    newest, oldest = list_resends(session, scope)
    assert (newest.key.id, oldest.key.id) == (new, old)
    assert (oldest.delivered, oldest.failed, oldest.waiting, oldest.progress, oldest.is_running) == (2, 2, 0, 100, False)
    assert (newest.picked, newest.delivered, newest.status, newest.progress) == (0, 0, ResendStatus.DONE, 100)
    assert list_resends(session, scope, size=1) == [newest]
    with pytest.raises(NotFound):
        get_resend(session, make_scope(session), old)
    with pytest.raises(NotFound):
        stop_resend(session, make_scope(session), old, NINA, NOW)


def test_of_too_many_it_says_that_there_are_at_least_so_many(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    make_many(session, scope, webhook_id, 10)
    resend_id = request(session, scope)
    feed(session, scope.project_id, after(1))
    for status_code in (200, 200, 200, 200, 100, 301, 500, None):
        make_attempt(session, scope, webhook_id, status_code=status_code, asked_by=NINA, resend_id=resend_id)
    line = get_resend(session, scope, resend_id, cap=3)
    assert (line.waiting, line.delivered, line.failed, line.is_exact, line.through, line.not_sent) == (3, 3, 3, False, 6, 0)
    assert line.progress == 60
    line = get_resend(session, scope, resend_id, cap=10)
    assert (line.waiting, line.delivered, line.failed, line.is_exact) == (10, 4, 4, True)


def test_what_failed_is_counted_without_a_look_at_what_was_delivered(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    make_many(session, scope, webhook_id, 1)
    resend_id = request(session, scope)
    session.execute(text(_MANY_ATTEMPTS), {"project_id": scope.project_id, "webhook_id": webhook_id, "resend_id": resend_id, "by": NINA})
    session.commit()
    session.execute(text("ANALYZE sendout_attempts"))
    # Of so few rows, reading them all may seem cheaper.
    session.execute(text("SET LOCAL enable_seqscan = off"))
    of_resend = "FROM sendout_attempts WHERE project_id = :project_id AND resend_id = :resend_id"
    for clause in ("status_code < 200", "status_code > 299", "status_code IS NULL"):
        values = {"project_id": scope.project_id, "resend_id": resend_id}
        plan = "\n".join(session.scalars(text(f"EXPLAIN SELECT resend_id {of_resend} AND {clause} LIMIT 10"), values))
        assert "ix_sendout_attempts_resend" in plan and "Filter" not in plan, plan


_MANY_ATTEMPTS = """
    INSERT INTO sendout_attempts (project_id, sendout_id, id, webhook_id, started_at, duration_ms, url, request_headers, status_code,
                                  response_headers, response_is_cut, asked_by, resend_id)
    SELECT :project_id, gen_random_uuid(), gen_random_uuid(), :webhook_id, now(), 1, '', '[]', 200, '[]', false, :by, :resend_id
    FROM generate_series(1, 5000)
"""


def test_all_that_run_are_told_of_before_those_that_have_ended(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    make_sendout(session, scope, webhook_id)
    running = [request(session, scope, now=after(number)) for number in range(5)]
    ended = [request(session, scope, now=after(10 + number)) for number in range(3)]
    for resend_id in ended:
        stop_resend(session, scope, resend_id, NINA, after(20))
    session.commit()
    assert [line.key.id for line in list_resends(session, scope, size=2)] == [*running[::-1], *ended[:0:-1]]


def test_no_more_run_at_once_than_can_be_shown(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    make_sendout(session, scope, webhook_id)
    running = [request(session, scope) for _ in range(MOST_RUNNING)]
    with pytest.raises(Conflict, match="20 are being sent again in this project already"):
        request(session, scope)
    stop_resend(session, scope, running[0], NINA, after(1))
    request(session, scope)


def test_a_second_press_is_not_a_second_wish(engine: Engine, session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    make_sendout(session, scope, webhook_id)
    resend_id = new_uuid()

    def press(session: Session, of: ProjectScope) -> bool:
        return request_resend_once(session, of, resend_id, *narrowed(of), 10, NINA, LATER)

    with Session(engine) as other, ThreadPoolExecutor(1) as threads:
        assert press(session, scope)
        second = threads.submit(press, other, scope)
        session.commit()
        assert second.result() is False
    assert not press(session, scope)
    assert [line.key.id for line in list_resends(session, scope)] == [resend_id]
    neighbour = make_scope(session)
    make_sendout(session, neighbour, make_webhook(session, neighbour))
    assert press(session, neighbour), "the id of another project's says nothing in this one"


def test_tests_are_not_sent_again_in_bulk_unless_they_are_asked_for(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    missed = make_sendout(session, scope, webhook_id)
    tested = make_sendout(session, scope, webhook_id, type=EventType.TEST)
    assert count_resendable(session, scope, *narrowed(scope), LATER).value == 1
    request(session, scope)
    feed(session, scope.project_id, after(1))
    assert set(due_of(session, scope)) == {missed}
    request(session, scope, type=EventType.TEST)
    feed(session, scope.project_id, after(2))
    assert set(due_of(session, scope)) == {missed, tested}


def test_what_makes_no_sense_is_refused(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    make_sendout(session, scope, webhook_id)
    for rate_per_s in (0, 1_001):
        with pytest.raises(InvalidInput, match="1 to 1,000"):
            request(session, scope, rate_per_s=rate_per_s)
    with pytest.raises(InvalidInput, match="nothing to send again"):
        request(session, scope, source_id=format_id(Prefix.WEBHOOK, new_uuid()))
    assert list_resends(session, scope) == []
