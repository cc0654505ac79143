"""What one request set off, told short."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.ids import new_request_id
from auditpanel.webhooks.models import Sendout
from auditpanel.webhooks.queries import attempts_of
from auditpanel.webhooks.traced import ANSWER_READ, COUNTED_MOST, answers_of, trace_sendouts, webhooks_of
from auditpanel.webhooks.values import SendoutStatus
from tests.tasks.making import make_scope
from tests.webhooks.sendout_making import NOW, make_attempt, make_sendout, make_webhook


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    return make_scope(session)


def test_the_sendouts_of_a_request_are_counted_by_webhook_type_and_status(session: Session, scope: ProjectScope) -> None:
    request_id, shop, crm = new_request_id(), make_webhook(session, scope), make_webhook(session, scope)
    for number, status in enumerate((SendoutStatus.SENT, SendoutStatus.SENT, SendoutStatus.ERROR)):
        at = NOW + timedelta(seconds=number)
        sendout_id = make_sendout(session, scope, shop, status, created_at=at, request_id=request_id, sent_at=at)
        session.execute(update(Sendout).where(Sendout.id == sendout_id).values(duration_ms=10.0 * (number + 1), attempts=number + 1))
    make_sendout(session, scope, crm, SendoutStatus.RETRY, type="voucher.updated", request_id=request_id)
    make_sendout(session, scope, crm, request_id=new_request_id())
    traced = trace_sendouts(session, scope, request_id)
    assert traced.is_whole and traced.total == 4
    of_shop = next(group for group in traced.groups if group.webhook_id == shop)
    assert (of_shop.sent, of_shop.retry, of_shop.error, of_shop.sent_at_once) == (2, 0, 1, 1)
    assert of_shop.median_ms == 15.0
    assert (of_shop.first_at, of_shop.last_at, of_shop.sent_until) == (NOW, NOW + timedelta(seconds=2), NOW + timedelta(seconds=1))
    of_crm = next(group for group in traced.groups if group.webhook_id == crm)
    assert of_crm.retry == 1 and of_crm.next_at is not None and of_crm.median_ms is None
    assert [(share.type, share.count) for share in traced.events] == [("voucher.created", 3), ("voucher.updated", 1)]


def test_an_event_that_went_to_two_webhooks_is_one_event(session: Session, scope: ProjectScope) -> None:
    request_id = new_request_id()
    ids = [make_sendout(session, scope, make_webhook(session, scope), request_id=request_id) for _ in range(2)]
    first = session.scalar(text("SELECT event_id FROM sendouts WHERE id = :id"), {"id": ids[0]})
    session.execute(update(Sendout).where(Sendout.id == ids[1]).values(event_id=first))
    traced = trace_sendouts(session, scope, request_id)
    assert traced.total == 2 and [share.count for share in traced.events] == [1]


def test_a_trace_that_takes_too_long_says_that_it_is_not_whole(session: Session, scope: ProjectScope) -> None:
    request_id, webhook_id = new_request_id(), make_webhook(session, scope)
    statement = """
        INSERT INTO sendouts (project_id, created_at, id, event_id, webhook_id, type, target_url, request_id, status, tries, attempts)
        SELECT :project_id, now(), gen_random_uuid(), gen_random_uuid(), :webhook_id, 'voucher.created', '', :request_id, 'SENT', 1, 1
        FROM generate_series(1, 40000)
    """
    session.execute(text(statement), {"project_id": scope.project_id, "webhook_id": webhook_id, "request_id": request_id})
    assert trace_sendouts(session, scope, request_id).total == 40_000
    slow = trace_sendouts(session, scope, request_id, budget_s=0.001)
    # Whether a millisecond suffices for the first of them, nobody can tell.
    assert not slow.is_whole and slow.total in (0, COUNTED_MOST)
    session.rollback()


def test_a_removed_webhook_has_its_name_still(session: Session, scope: ProjectScope) -> None:
    webhook_id = make_webhook(session, scope, is_removed=True)
    assert webhooks_of(session, scope, [webhook_id])[webhook_id].is_removed
    assert webhooks_of(session, make_scope(session), [webhook_id]) == {}


def test_of_an_answer_the_beginning_is_read(session: Session, scope: ProjectScope) -> None:
    webhook_id = make_webhook(session, scope)
    sendout_id = make_sendout(session, scope, webhook_id)
    silent_id = make_sendout(session, scope, webhook_id)
    make_attempt(session, scope, webhook_id, sendout_id, status_code=503, response_body="x" * 10_000)
    make_attempt(session, scope, webhook_id, silent_id, status_code=None)
    attempts = [attempt for made in attempts_of(session, scope, [sendout_id, silent_id]).values() for attempt in made]
    assert answers_of(session, scope, attempts) == {sendout_id: "x" * ANSWER_READ}
    assert answers_of(session, make_scope(session), attempts) == {}
