from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import timedelta
from threading import Thread
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session, sessionmaker

from auditpanel.accounts.scope import Caller, ProjectScope
from auditpanel.ids import Prefix, format_id, uuid7_moment
from auditpanel.webhooks import targets
from auditpanel.webhooks.events import after_raising, raise_events, raise_test, sendout_id, wanted
from auditpanel.webhooks.models import DueSendout, Event, Sendout
from auditpanel.webhooks.values import EventType, NewEvent, SendoutStatus
from tests.logs.making import make_scope
from tests.webhooks.raising import CALLER, NOW, URL, make_event, make_webhook, raise_one


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    return make_scope(session)


def events_of(session: Session, scope: ProjectScope) -> Sequence[Event]:
    return session.scalars(select(Event).where(Event.project_id == scope.project_id).order_by(Event.created_at)).all()


def sendouts_of(session: Session, scope: ProjectScope) -> Sequence[Sendout]:
    return session.scalars(select(Sendout).where(Sendout.project_id == scope.project_id).order_by(Sendout.created_at)).all()


def due_of(session: Session, scope: ProjectScope) -> Sequence[DueSendout]:
    return session.scalars(select(DueSendout).where(DueSendout.project_id == scope.project_id).order_by(DueSendout.created_at)).all()


def test_an_event_is_kept_with_what_set_it_off_and_a_sendout_for_each_webhook_that_wants_it(session: Session, scope: ProjectScope) -> None:
    everything, vouchers = make_webhook(session, scope), make_webhook(session, scope, "voucher.created", url=f"{URL}/vouchers")
    make_webhook(session, scope, "customer.created")
    event = make_event(code="ZIMA-ź", amount=10)
    assert raise_events(session, scope.entered_by(CALLER), [event], NOW) == 2
    (kept,) = events_of(session, scope)
    assert (kept.id, kept.created_at, kept.type, kept.entity_id) == (event.id, NOW, "voucher.created", "v_1")
    assert (kept.request_id, kept.channel, kept.user, kept.api_key) == (CALLER.request_id, "API", "nina@example.com", "shop")
    assert kept.data == '{"code":"ZIMA-ź","amount":10}'
    found = {sendout.webhook_id: sendout for sendout in sendouts_of(session, scope)}
    assert {id: sendout.target_url for id, sendout in found.items()} == {everything: URL, vouchers: f"{URL}/vouchers"}
    for webhook_id, sendout in found.items():
        assert (sendout.status, sendout.tries, sendout.attempts, sendout.created_at) == (SendoutStatus.RETRY, 0, 0, NOW)
        assert (sendout.type, sendout.request_id, sendout.event_id) == ("voucher.created", CALLER.request_id, event.id)
        assert sendout.id == sendout_id(event.id, webhook_id, NOW) and uuid7_moment(sendout.id) == NOW


def test_a_sendout_is_due_at_once_by_the_clock_of_the_database_whatever_that_of_the_event_says(
    session: Session, scope: ProjectScope
) -> None:
    webhook_id = make_webhook(session, scope)
    (sendout,) = raise_one(session, scope, now=NOW + timedelta(days=3_650))
    (due,) = due_of(session, scope)
    assert (due.sendout_id, due.webhook_id, due.created_at) == (sendout.id, webhook_id, sendout.created_at)
    assert due.due_at == sendout.next_attempt_at == session.scalar(select(func.now()))
    assert (due.lease_token, due.asked_by, due.resend_id) == (None, None, None)


def test_what_no_webhook_wants_is_not_kept(session: Session, scope: ProjectScope) -> None:
    make_webhook(session, scope, "voucher.created")
    assert raise_one(session, scope, make_event("order.paid")) == []
    assert events_of(session, scope) == []
    assert raise_events(session, scope.entered_by(CALLER), [], NOW) == 0


def test_what_webhooks_want_is_known_before_anything_is_raised(session: Session, scope: ProjectScope) -> None:
    assert not wanted(session, scope)
    make_webhook(session, scope, "voucher.created")
    assert wanted(session, scope)
    assert [wanted(session, scope).wants(type) for type in ("voucher.created", "order.paid")] == [True, False]
    make_webhook(session, scope)
    assert wanted(session, scope).wants("order.paid")


def test_webhooks_of_other_projects_get_nothing(session: Session, scope: ProjectScope) -> None:
    other = make_scope(session)
    make_webhook(session, other)
    assert not wanted(session, scope)
    assert raise_one(session, scope) == [] and sendouts_of(session, other) == []


def test_a_webhook_that_is_off_gets_its_sendouts_and_one_that_was_removed_none(session: Session, scope: ProjectScope) -> None:
    off, removed = make_webhook(session, scope), make_webhook(session, scope)
    targets.switch_off(session, scope, off, "by nina@example.com", NOW)
    targets.remove_webhook(session, scope, removed, NOW)
    assert [sendout.webhook_id for sendout in raise_one(session, scope)] == [off]
    assert len(due_of(session, scope)) == 1


def test_an_event_raised_twice_is_sent_once_also_when_its_moment_differs(session: Session, scope: ProjectScope) -> None:
    make_webhook(session, scope)
    event, other = make_event(), make_event()
    assert raise_events(session, scope.entered_by(CALLER), [event, event], NOW) == 1
    session.commit()
    assert raise_events(session, scope, [other, event], NOW + timedelta(seconds=5)) == 1
    assert [kept.id for kept in events_of(session, scope)] == [event.id, other.id]
    assert len(sendouts_of(session, scope)) == len(due_of(session, scope)) == 2


def test_two_that_raise_the_same_events_at_once_make_them_once(engine: Engine, session: Session, scope: ProjectScope) -> None:
    make_webhook(session, scope)
    session.commit()
    events = [make_event() for _ in range(200)]
    made: list[int] = []

    def raise_them(order: Sequence[NewEvent]) -> None:
        with Session(engine) as own:
            made.append(raise_events(own, scope, order, NOW))
            own.commit()

    threads = [Thread(target=raise_them, args=(order,)) for order in (events, events[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(made) == len(sendouts_of(session, scope)) == 200


def test_an_event_about_no_object_and_set_off_by_no_call_is_raised_like_any(session: Session, scope: ProjectScope) -> None:
    make_webhook(session, scope)
    assert raise_events(session, scope, [NewEvent("stock.counted", None, {"said": '100 %\x00 \\ "{}"'})], NOW) == 1
    (kept,) = events_of(session, scope)
    assert (kept.entity_id, kept.request_id, kept.user) == (None, None, None)
    assert json.loads(kept.data) == {"said": '100 %\x00 \\ "{}"'}


def test_events_of_one_call_go_out_in_their_order(session: Session, scope: ProjectScope) -> None:
    make_webhook(session, scope)
    events = [make_event(number=number) for number in range(50)]
    raise_events(session, scope.entered_by(CALLER), events, NOW)
    assert [due.sendout_id for due in due_of(session, scope)] == [sendout.id for sendout in sendouts_of(session, scope)]
    assert [sendout.event_id for sendout in sendouts_of(session, scope)] == [event.id for event in events]


def test_nothing_is_raised_where_the_transaction_is_rolled_back(session: Session, scope: ProjectScope) -> None:
    make_webhook(session, scope)
    session.commit()
    raise_one(session, scope)
    session.rollback()
    assert not events_of(session, scope) and not sendouts_of(session, scope) and not due_of(session, scope)


def test_two_thousand_events_for_two_webhooks_are_raised_in_a_moment(session: Session, scope: ProjectScope) -> None:
    make_webhook(session, scope), make_webhook(session, scope)
    events = [make_event(code=f"SUMMER-{number}", metadata={"a": "b" * 500}) for number in range(2_000)]
    before = time.perf_counter()
    assert raise_events(session, scope.entered_by(CALLER), events, NOW) == 4_000
    session.commit()
    # 0.1 s on an idle machine; one statement for each event would take several.
    assert time.perf_counter() - before < 2


def test_a_test_goes_to_one_webhook_by_hand_and_is_never_tried_again_by_itself(session: Session, scope: ProjectScope) -> None:
    make_webhook(session, scope)
    webhook_id = make_webhook(session, scope, "customer.created")
    targets.switch_off(session, scope, webhook_id, "by nina@example.com", NOW)
    made = raise_test(session, scope.entered_by(CALLER), webhook_id, NOW)
    (sendout,), (due,), (event,) = sendouts_of(session, scope), due_of(session, scope), events_of(session, scope)
    assert (sendout.id, sendout.webhook_id, sendout.type) == (made, webhook_id, EventType.TEST)
    assert (sendout.status, sendout.next_attempt_at, sendout.error) == (SendoutStatus.ERROR, None, "the test has no answer yet")
    assert (due.sendout_id, due.asked_by) == (made, "nina@example.com")
    assert json.loads(event.data)["id"] == event.entity_id == format_id(Prefix.WEBHOOK, webhook_id)


@pytest.mark.parametrize(("caller", "says"), [(Caller(api_key="shop"), "shop"), (Caller(), "Not told")])
def test_a_test_says_who_asked_for_it(session: Session, scope: ProjectScope, caller: Caller, says: str) -> None:
    raise_test(session, scope.entered_by(caller), make_webhook(session, scope), NOW)
    assert [due.asked_by for due in due_of(session, scope)] == [says]


def test_the_same_event_and_webhook_make_the_same_sendout() -> None:
    event, webhook = UUID(int=1), UUID(int=2)
    assert sendout_id(event, webhook, NOW) == sendout_id(event, webhook, NOW)
    assert len({sendout_id(event, webhook, NOW), sendout_id(webhook, event, NOW), sendout_id(event, webhook, NOW + timedelta(1))}) == 3


def test_a_delivery_follows_each_commit_that_raised_something_and_nothing_else(
    engine: Engine, session: Session, scope: ProjectScope
) -> None:
    make_webhook(session, scope, "voucher.created")
    session.commit()
    sessions, delivered = sessionmaker(engine), []
    after_raising(sessions, lambda: delivered.append(len(events_of(session, scope))))
    with sessions() as own:
        raise_one(own, scope, make_event("order.paid"))
        own.commit()
        raise_one(own, scope)
        own.rollback()
        own.commit()
        assert delivered == []
        with own.begin_nested():
            raise_one(own, scope)
        with own.begin_nested():
            own.execute(select(func.now()))
        assert delivered == []
        own.commit()
        own.execute(select(func.now()))
        own.commit()
        # With what was committed by then.
        assert delivered == [1]
