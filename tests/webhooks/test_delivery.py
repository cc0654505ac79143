"""From an event to the receiver and back into the database, over the whole loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote

import pytest
from sqlalchemy import text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.filters import FilterSet, Span
from auditpanel.ids import Prefix, format_id
from auditpanel.times import utc_now
from auditpanel.webhooks import resends, targets
from auditpanel.webhooks.addresses import guard_of
from auditpanel.webhooks.claiming import Claimed
from auditpanel.webhooks.delivery import UNWRITTEN_S, Delivery, Hours
from auditpanel.webhooks.events import raise_test
from auditpanel.webhooks.filters import SENDOUT_FIELDS
from auditpanel.webhooks.lanes import FIRST, MOST
from auditpanel.webhooks.ledger import Ledger, Share, Want
from auditpanel.webhooks.outcomes import Outcome
from auditpanel.webhooks.sending import Sender, Target, open_sender
from auditpanel.webhooks.values import SCHEDULE, Attempt, Message
from tests.event_loop import complete
from tests.tasks.making import make_scope
from tests.webhooks.delivering import (
    BRIEF,
    attempts,
    deliver,
    due,
    let_it_be_due,
    make_ledger,
    make_target,
    raise_many,
    sendouts,
    webhook,
)
from tests.webhooks.raising import SEAL
from tests.webhooks.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    """With nothing due but what the test makes so: the loop delivers for all projects."""
    session.execute(text("DELETE FROM due_sendouts"))
    return make_scope(session)


def test_an_event_arrives_signed_and_is_recorded_as_sent(engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver) -> None:
    target = make_target(session, scope, receiver.to("/shop?key=1"))
    raise_many(session, scope, 1)
    deliver(engine)
    [arrival] = receiver.arrivals
    arrival.verify(target.secret)
    [sendout] = sendouts(session, scope)
    assert arrival.id == format_id(Prefix.SENDOUT, sendout.id) == arrival.json["id"]
    assert (sendout.status, sendout.tries, sendout.attempts, sendout.status_code, sendout.error) == ("SENT", 1, 1, 200, None)
    assert sendout.next_attempt_at is None and sendout.sent_at == sendout.first_attempt_at and sendout.sent_at is not None
    [attempt] = attempts(session, scope)
    assert (attempt.url, attempt.status_code, attempt.response_body) == (receiver.to("/shop?key=1"), 200, "ok")
    assert due(session, scope) == []
    assert webhook(session, scope, target.webhook_id).last_delivered_at == attempt.started_at


def test_a_failure_is_tried_again_by_the_schedule_with_the_same_bytes_and_id(
    engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver
) -> None:
    make_target(session, scope, receiver.to("/shop"))
    receiver.switch("/shop", "/500")
    raise_many(session, scope, 1)
    deliver(engine)
    [sendout] = sendouts(session, scope)
    assert (sendout.status, sendout.tries, sendout.status_code, sendout.error) == ("RETRY", 1, 500, "answered 500")
    assert sendout.first_attempt_at and sendout.next_attempt_at
    assert timedelta(minutes=1) <= sendout.next_attempt_at - sendout.first_attempt_at <= timedelta(minutes=1.05)
    assert [row.due_at for row in due(session, scope)] == [sendout.next_attempt_at]
    receiver.switch("/shop", "/200")
    let_it_be_due(session, scope)
    deliver(engine)
    first, second = receiver.arrivals
    assert first.id == second.id and first.body == second.body
    [sendout] = sendouts(session, scope)
    assert (sendout.status, sendout.tries, sendout.attempts, sendout.error) == ("SENT", 2, 2, None)


def test_after_the_last_retry_it_is_given_up_and_the_webhook_is_switched_off(
    engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver
) -> None:
    target = make_target(session, scope, receiver.to("/500"))
    raise_many(session, scope, 1)
    for _ in range(SCHEDULE.attempts):
        let_it_be_due(session, scope)
        deliver(engine)
    [sendout] = sendouts(session, scope)
    assert (sendout.status, sendout.tries, sendout.next_attempt_at) == ("ERROR", 13, None)
    assert due(session, scope) == [] and len(receiver.arrivals) == len(attempts(session, scope)) == 13
    switched = webhook(session, scope, target.webhook_id)
    assert not switched.is_active and switched.switched_off_at and "used up its 13 attempts" in (switched.switched_off_reason or "")


def test_the_webhook_stays_on_where_something_else_got_through(
    engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver
) -> None:
    target = make_target(session, scope, receiver.to("/shop"))
    receiver.switch("/shop", "/500")
    raise_many(session, scope, 1)
    deliver(engine)
    receiver.switch("/shop", "/200")
    raise_many(session, scope, 1)
    deliver(engine)
    receiver.switch("/shop", "/500")
    session.execute(text("UPDATE sendouts SET tries = 12 WHERE project_id = :id AND status = 'RETRY'"), {"id": scope.project_id})
    let_it_be_due(session, scope)
    deliver(engine)
    assert sorted(sendout.status for sendout in sendouts(session, scope)) == ["ERROR", "SENT"]
    assert webhook(session, scope, target.webhook_id).is_active


def test_410_gives_up_and_switches_off_and_what_waits_is_given_up_unsent(
    engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver
) -> None:
    target = make_target(session, scope, receiver.to("/410"))
    raise_many(session, scope, 40)
    deliver(engine)
    found = sendouts(session, scope)
    assert {sendout.status for sendout in found} == {"ERROR"} and due(session, scope) == []
    assert {sendout.error for sendout in found} == {"answered 410", "the webhook is switched off"}
    # Those that were under way with the first one.
    assert len(receiver.arrivals) == len(attempts(session, scope)) <= 8
    switched = webhook(session, scope, target.webhook_id)
    assert not switched.is_active and "410 Gone" in (switched.switched_off_reason or "")


class _SlowToRecord(Ledger):
    """As a database that is busy: what is claimed meanwhile comes with the webhook as it was."""

    def record(self, outcomes: Sequence[Outcome], unsent: Sequence[Claimed]) -> None:
        time.sleep(0.3)
        super().record(outcomes, unsent)


@dataclass(frozen=True, slots=True)
class _AwayForAWhile(Ledger):
    """As a database that goes away when the first outcomes are to be written, just when more is due, and is back at the sixth try."""

    raise_more: Callable[[], None] = lambda: None
    asked: list[tuple[str, float]] = field(default_factory=list)

    def record(self, outcomes: Sequence[Outcome], unsent: Sequence[Claimed]) -> None:
        if not self.times("record"):
            self.raise_more()
        self.asked.append(("record", time.monotonic()))
        self._check_is_there()
        Ledger.record(self, outcomes, unsent)

    def claim(self, wants: Sequence[Want]) -> list[Share]:
        self.asked.append(("claim", time.monotonic()))
        self._check_is_there()
        return Ledger.claim(self, wants)

    def times(self, what: str) -> list[float]:
        return [at for asked, at in self.asked if asked == what]

    def _check_is_there(self) -> None:
        if 0 < len(self.times("record")) <= 5:
            raise OperationalError("", None, OSError("the server closed the connection"))


def test_while_the_database_is_away_nothing_is_claimed_before_outcomes_are_written(
    engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver
) -> None:
    """Their leases may have ended meanwhile: what was delivered would be claimed and sent again."""
    make_target(session, scope, receiver.to("/200"))
    raise_many(session, scope, 40)
    ledger = _AwayForAWhile(lambda: Session(engine), SEAL, utc_now, lambda: raise_many(session, scope, 40))
    deliver(engine, ledger=ledger)
    went, *_, back = ledger.times("record")[:6]
    assert back - went > 2 * UNWRITTEN_S
    assert not [at for at in ledger.times("claim") if went + UNWRITTEN_S + 0.1 < at < back]
    assert len(receiver.arrivals) == 80 and {sendout.status for sendout in sendouts(session, scope)} == {"SENT"}


def test_410_holds_for_what_is_claimed_before_it_is_written_down(
    engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver
) -> None:
    make_target(session, scope, receiver.to("/410"))
    raise_many(session, scope, 40)
    ledger = _SlowToRecord(lambda: Session(engine), SEAL, utc_now)
    deliver(engine, ledger=ledger)
    assert {sendout.status for sendout in sendouts(session, scope)} == {"ERROR"} and due(session, scope) == []
    assert len(receiver.arrivals) == len(attempts(session, scope)) <= FIRST


def test_retry_after_puts_the_next_attempt_off(engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver) -> None:
    make_target(session, scope, receiver.to("/429?retry_after=7200"))
    raise_many(session, scope, 1)
    deliver(engine)
    [sendout] = sendouts(session, scope)
    assert sendout.next_attempt_at and sendout.first_attempt_at and sendout.status == "RETRY"
    assert sendout.next_attempt_at - sendout.first_attempt_at >= timedelta(hours=2)


def test_retry_after_at_no_possible_time_leaves_the_schedule(
    engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver
) -> None:
    when = quote("Mon, 01 Jan 99999999999999999999 00:00:00 GMT")
    make_target(session, scope, receiver.to(f"/503?retry_after={when}"))
    raise_many(session, scope, 1)
    deliver(engine)
    [sendout] = sendouts(session, scope)
    assert (sendout.status, sendout.tries, sendout.attempts, sendout.error) == ("RETRY", 1, 1, "answered 503")
    [row] = due(session, scope)
    assert row.lease_token is None and row.due_at == sendout.next_attempt_at
    assert [attempt.status_code for attempt in attempts(session, scope)] == [503]


class BreakingOff(Sender):
    """For so many messages as are under way to a target at first."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._left = int(FIRST)

    async def send(self, target: Target, message: Message) -> Attempt:
        if self._left:
            self._left -= 1
            raise ArithmeticError("of the test")
        return await self._sender.send(target, message)


def test_deliveries_that_break_off_leave_their_room_to_others(
    engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver
) -> None:
    make_target(session, scope, receiver.to("/shop"))
    raise_many(session, scope, 20)

    async def run() -> None:
        async with open_sender(guard_of(allow_private=True)) as sender:
            await Delivery(make_ledger(engine), BreakingOff(sender), hours=BRIEF).run()

    complete(run())
    assert sorted(sendout.status for sendout in sendouts(session, scope)) == ["RETRY"] * 4 + ["SENT"] * 16
    # They are due again when their lease ends.
    assert len(due(session, scope)) == 4 and len(receiver.arrivals) == 16


def test_what_a_receiver_shows_of_its_secret_and_headers_is_not_stored(
    engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver
) -> None:
    target = make_target(session, scope, receiver.to("/echo"), headers=[("Authorization", "Bearer 8f3a-0e1d")])
    receiver.said = f"secret = {target.secret}"
    raise_many(session, scope, 1)
    deliver(engine)
    [attempt] = attempts(session, scope)
    stored = f"{attempt.request_headers} {attempt.response_headers} {attempt.response_body}"
    assert "secret = (left out)" in stored and target.secret not in stored and "8f3a" not in stored


def test_an_address_that_is_not_allowed_is_given_up_at_once(
    engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver
) -> None:
    target = make_target(session, scope, receiver.to("/200"))
    raise_many(session, scope, 1)
    deliver(engine, allow_private=False)
    [sendout] = sendouts(session, scope)
    assert (sendout.status, sendout.error) == ("ERROR", "the address is not allowed: 127.0.0.1 is a loopback address")
    assert receiver.arrivals == [] and len(attempts(session, scope)) == 1
    assert webhook(session, scope, target.webhook_id).is_active


def test_a_webhook_that_is_switched_off_gets_nothing_but_what_is_sent_by_hand(
    engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver
) -> None:
    target = make_target(session, scope, receiver.to("/shop"))
    targets.switch_off(session, scope, target.webhook_id, "by nina@example.com", utc_now())
    raise_many(session, scope, 3)
    deliver(engine)
    found = sendouts(session, scope)
    assert {(sendout.status, sendout.error) for sendout in found} == {("ERROR", "the webhook is switched off")}
    assert receiver.arrivals == [] and attempts(session, scope) == []
    assert resends.send_again(session, scope, found[0].id, "nina@example.com").is_new
    session.commit()
    deliver(engine)
    assert receiver.ids_at("/shop") == [format_id(Prefix.SENDOUT, found[0].id)]
    assert [sendout.status for sendout in sendouts(session, scope)] == ["SENT", "ERROR", "ERROR"]
    [attempt] = attempts(session, scope)
    assert attempt.asked_by == "nina@example.com"
    changed = webhook(session, scope, target.webhook_id)
    assert not changed.is_active and changed.last_delivered_at is None


def test_sending_again_goes_to_the_present_url_and_leaves_a_sent_one_sent_where_it_fails(
    engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver
) -> None:
    target = make_target(session, scope, receiver.to("/old"))
    raise_many(session, scope, 1)
    deliver(engine)
    targets.change_webhook(
        session,
        scope,
        SEAL,
        target.webhook_id,
        name="Shop",
        url=receiver.to("/500"),
        event_types=None,
        headers=None,
        allow_private=True,
        now=utc_now(),
    )
    [before] = sendouts(session, scope)
    resends.send_again(session, scope, before.id, "nina@example.com")
    session.commit()
    deliver(engine)
    [arrival] = receiver.at("/500")
    arrival.verify(target.secret)
    source = arrival.json["source"]
    assert isinstance(source, dict) and source["target_url"] == receiver.to("/old")
    [sendout] = sendouts(session, scope)
    assert (sendout.status, sendout.tries, sendout.attempts, sendout.status_code) == ("SENT", 1, 2, 500)
    assert due(session, scope) == []


def test_a_failed_attempt_by_hand_leaves_the_schedule_as_it_was(
    engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver
) -> None:
    make_target(session, scope, receiver.to("/500"))
    raise_many(session, scope, 1)
    deliver(engine)
    [before] = sendouts(session, scope)
    next_attempt_at = before.next_attempt_at
    resends.send_again(session, scope, before.id, "nina@example.com")
    session.commit()
    deliver(engine)
    [sendout] = sendouts(session, scope)
    assert (sendout.status, sendout.tries, sendout.attempts, sendout.next_attempt_at) == ("RETRY", 1, 2, next_attempt_at)
    [row] = due(session, scope)
    assert (row.due_at, row.asked_by, row.lease_token) == (next_attempt_at, None, None)


def test_a_test_event_that_fails_is_not_tried_again(engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver) -> None:
    target = make_target(session, scope, receiver.to("/500"))
    raise_test(session, scope, target.webhook_id, utc_now())
    session.commit()
    deliver(engine)
    [sendout] = sendouts(session, scope)
    assert (sendout.status, sendout.tries, sendout.attempts) == ("ERROR", 0, 1) and due(session, scope) == []


def test_one_that_hangs_holds_up_no_other(engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver) -> None:
    make_target(session, scope, receiver.to("/hang"))
    raise_many(session, scope, 200)
    other = make_scope(session)
    make_target(session, other, receiver.to("/other"))
    raise_many(session, other, 300)
    deliver(engine, hours=Hours(longest_s=3, linger_s=0.2), timeout_s=1.0)
    assert {sendout.status for sendout in sendouts(session, other)} == {"SENT"}
    hung = [sendout for sendout in sendouts(session, scope) if sendout.tries]
    assert {(sendout.status, sendout.error) for sendout in hung} == {("RETRY", "no answer in 1 s")}
    assert 4 <= len(receiver.at("/hang")) <= 12


def test_a_backlog_arrives_whole_once_and_is_sent_about_in_the_order_of_events(
    engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver
) -> None:
    make_target(session, scope, receiver.to("/shop"))
    raise_many(session, scope, 1_000)
    deliver(engine)
    arrived = receiver.ids_at("/shop")
    in_order = [format_id(Prefix.SENDOUT, sendout.id) for sendout in sendouts(session, scope)]
    assert sorted(arrived) == sorted(in_order)
    places = {id_: place for place, id_ in enumerate(in_order)}
    # As far apart as so many are under way at once. They arrive further apart: each connection is a thread of the receiver.
    sent = [format_id(Prefix.SENDOUT, attempt.sendout_id) for attempt in attempts(session, scope)]
    assert max(abs(place - places[id_]) for place, id_ in enumerate(sent)) <= 2 * MOST


def test_at_its_end_the_loop_waits_for_what_is_under_way(engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver) -> None:
    make_target(session, scope, receiver.to("/slow?s=0.4"))
    raise_many(session, scope, 1)
    deliver(engine, hours=Hours(longest_s=0.1))
    assert [sendout.status for sendout in sendouts(session, scope)] == ["SENT"] and len(receiver.arrivals) == 1


def test_asked_to_stop_it_ends_soon_and_leaves_the_rest_due(
    engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver
) -> None:
    make_target(session, scope, receiver.to("/hang"))
    raise_many(session, scope, 20)
    started = utc_now()
    deliver(engine, hours=Hours(closing_s=0.2), is_closing=lambda: len(receiver.arrivals) > 1)
    assert utc_now() - started < timedelta(seconds=3)
    assert {sendout.status for sendout in sendouts(session, scope)} == {"RETRY"}
    rows = due(session, scope)
    assert len(rows) == 20 and all(row.lease_token is None and row.lease_until is None and row.due_at <= utc_now() for row in rows)


def test_sending_again_in_bulk_is_fed_by_the_loop(engine: Engine, session: Session, scope: ProjectScope, receiver: Receiver) -> None:
    target = make_target(session, scope, receiver.to("/shop"))
    targets.switch_off(session, scope, target.webhook_id, "by nina@example.com", utc_now())
    raise_many(session, scope, 50)
    deliver(engine)
    resend_id = resends.request_resend(session, scope, _all(), _any_time(), 200, "nina@example.com", utc_now())
    session.commit()
    deliver(engine)
    line = resends.get_resend(session, scope, resend_id)
    assert (line.status, line.picked, line.delivered, line.failed) == ("DONE", 50, 50, 0)
    assert len(receiver.at("/shop")) == 50


def _all() -> FilterSet:
    return FilterSet.parse([("range", "all")], SENDOUT_FIELDS)


def _any_time() -> Span:
    return Span(None, None)
