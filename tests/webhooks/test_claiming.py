"""Of many workers one gets a sendout, and what it does is written once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from msgspec import structs
from sqlalchemy import text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import Unavailable
from auditpanel.ids import new_uuid
from auditpanel.times import utc_now
from auditpanel.webhooks import claiming, resends, targets
from auditpanel.webhooks.claiming import LEASE, Claimed, Source
from auditpanel.webhooks.ledger import Ledger, Want
from auditpanel.webhooks.outcomes import Rules
from auditpanel.webhooks.recording import record
from auditpanel.webhooks.sealing import Seal
from auditpanel.webhooks.sending import TargetState
from auditpanel.webhooks.values import Answer, Attempt
from tests.tasks.making import make_scope
from tests.webhooks.delivering import attempts, due, let_it_be_due, make_ledger, make_target, raise_many, sendouts, source_of, webhook


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    return make_scope(session)


@pytest.fixture
def source(session: Session, scope: ProjectScope) -> Source:
    target = make_target(session, scope, "http://shop.example.com/webhooks")
    raise_many(session, scope, 30)
    return source_of(scope, target.webhook_id)


def claim(session: Session, source: Source, *, size: int = 10) -> list[Claimed]:
    taken = claiming.claim(session, source, size=size)
    session.commit()
    return taken


def attempted(status_code: int = 200, *, body: str = "ok") -> Attempt:
    answer = Answer(status_code, [("Content-Type", "text/plain")], body, len(body), is_cut=False)
    return Attempt("http://shop.example.com/webhooks", utc_now(), 12.5, [("webhook-id", "whs_1")], answer)


def write(session: Session, claimed: list[Claimed], attempt: Attempt) -> None:
    record(session, [Rules().outcome(one, attempt) for one in claimed], utc_now())
    session.commit()


def test_of_many_workers_at_once_each_gets_others(engine: Engine, source: Source) -> None:
    together = threading.Barrier(8)

    def take(_: int) -> list[UUID]:
        with Session(engine) as session:
            together.wait()
            return [one.sendout_id for one in claim(session, source, size=3)]

    with ThreadPoolExecutor(8) as pool:
        taken = [sendout_id for share in pool.map(take, range(8)) for sendout_id in share]
    assert len(taken) == len(set(taken)) == 24


def test_the_oldest_come_first(session: Session, scope: ProjectScope, source: Source) -> None:
    first, second = claim(session, source), claim(session, source)
    ids = [sendout.id for sendout in sendouts(session, scope)]
    assert [one.sendout_id for one in first + second] == ids[:20]


def test_what_somebody_clicked_for_comes_before_a_backlog(session: Session, scope: ProjectScope, source: Source) -> None:
    newest = sendouts(session, scope)[-1]
    assert resends.send_again(session, scope, newest.id, "nina@example.com").is_new
    session.execute(text("UPDATE due_sendouts SET due_at = now() - interval '1 day' WHERE asked_by IS NULL"))
    session.commit()
    taken = claim(session, source, size=2)
    assert [one.asked_by for one in taken].count("nina@example.com") == 1
    assert taken[-1].sendout_id == newest.id


def test_the_claims_read_their_indexes(session: Session, source: Source) -> None:
    # For a table as small as this one any way is as good.
    session.execute(text("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off"))
    values = {"project_id": source.project_id, "webhook_id": source.webhook_id, "size": 5, "lease": timedelta(0), "token": new_uuid()}
    plan = "\n".join(session.scalars(text("EXPLAIN " + str(claiming.CLAIM)), values))
    assert "ix_due_sendouts_by_hand" in plan and "ix_due_sendouts_webhook" in plan


def test_what_is_claimed_comes_up_again_when_the_lease_ends(session: Session, scope: ProjectScope, source: Source) -> None:
    taken = claim(session, source, size=30)
    assert claim(session, source) == [] and source not in claiming.due_sources(session)
    assert all(row.lease_until and LEASE - timedelta(seconds=5) < row.lease_until - utc_now() <= LEASE for row in due(session, scope))
    let_it_be_due(session, scope)
    again = claim(session, source, size=30)
    assert {one.message for one in again} == {one.message for one in taken}


def test_what_a_dead_worker_held_comes_before_the_rest_of_a_backlog(session: Session, source: Source) -> None:
    held = claim(session, source, size=10)
    session.execute(text("UPDATE due_sendouts SET lease_until = now() WHERE lease_until IS NOT NULL"))
    session.commit()
    assert [one.message for one in claim(session, source, size=10)] == [one.message for one in held]


def test_no_index_has_an_entry_for_a_lease(session: Session) -> None:
    indexes = list(session.scalars(text("SELECT indexdef FROM pg_indexes WHERE tablename = 'due_sendouts'")))
    assert len(indexes) == 4 and not any("lease" in index for index in indexes)


def test_what_is_given_back_is_due_at_once(session: Session, source: Source) -> None:
    taken = claim(session, source, size=30)
    claiming.give_back(session, taken[:5])
    session.commit()
    assert [one.message for one in claim(session, source, size=30)] == [one.message for one in taken[:5]]


def test_an_outcome_that_is_written_twice_stands_once(session: Session, scope: ProjectScope, source: Source) -> None:
    taken = claim(session, source, size=3)
    outcomes = [Rules().outcome(one, attempted()) for one in taken]
    for _ in range(2):
        record(session, outcomes, utc_now())
        session.commit()
    assert [(sendout.status, sendout.attempts) for sendout in sendouts(session, scope)][:3] == [("SENT", 1)] * 3
    assert len(attempts(session, scope)) == 3 and len(due(session, scope)) == 27


def test_who_has_lost_the_lease_leaves_its_attempt_and_changes_nothing_else(session: Session, scope: ProjectScope, source: Source) -> None:
    lost = claim(session, source, size=1)
    let_it_be_due(session, scope)
    taken = claim(session, source, size=30)
    write(session, lost, attempted(500))
    [sendout] = [one for one in sendouts(session, scope) if one.id == lost[0].sendout_id]
    assert (sendout.status, sendout.tries, sendout.attempts) == ("RETRY", 0, 1)
    write(session, [one for one in taken if one.message == lost[0].message], attempted(200))
    [sendout] = [one for one in sendouts(session, scope) if one.id == lost[0].sendout_id]
    assert (sendout.status, sendout.tries, sendout.attempts) == ("SENT", 1, 2) and len(attempts(session, scope)) == 2


@pytest.mark.parametrize("lost_comes", ["first", "last"])
def test_of_two_outcomes_in_one_batch_the_one_that_holds_the_lease_counts(
    session: Session, scope: ProjectScope, source: Source, lost_comes: str
) -> None:
    [lost] = claim(session, source, size=1)
    let_it_be_due(session, scope)
    [taken] = [one for one in claim(session, source, size=30) if one.message == lost.message]
    rules = Rules()
    outcomes = [rules.outcome(lost, attempted(410)), rules.outcome(taken, attempted(200))]
    record(session, outcomes if lost_comes == "first" else outcomes[::-1], utc_now())
    session.commit()
    [sendout] = [one for one in sendouts(session, scope) if one.id == lost.sendout_id]
    assert (sendout.status, sendout.status_code, sendout.attempts, sendout.error) == ("SENT", 200, 2, None)
    assert sorted(attempt.status_code or 0 for attempt in attempts(session, scope)) == [200, 410]
    assert webhook(session, scope, source.webhook_id).is_active


def test_attempts_of_two_lost_leases_are_both_counted(session: Session, scope: ProjectScope, source: Source) -> None:
    lost: list[Claimed] = []
    for _ in range(3):
        lost.append(claim(session, source, size=1)[0])
        let_it_be_due(session, scope)
    write(session, lost[:2], attempted(500))
    [sendout] = [one for one in sendouts(session, scope) if one.id == lost[0].sendout_id]
    assert (sendout.status, sendout.tries, sendout.attempts) == ("RETRY", 0, 2)


@pytest.mark.parametrize("gone_comes", ["first", "last"])
def test_410_switches_off_whatever_else_is_given_up_in_the_same_batch(
    session: Session, scope: ProjectScope, source: Source, gone_comes: str
) -> None:
    delivered, gone, given_up = claim(session, source, size=3)
    used_up = structs.replace(given_up, tries=12, first_attempt_at=utc_now() - timedelta(days=1))
    write(session, [delivered], attempted(200))
    rules = Rules()
    outcomes = [rules.outcome(gone, attempted(410)), rules.outcome(used_up, attempted(500))]
    record(session, outcomes if gone_comes == "first" else outcomes[::-1], utc_now())
    session.commit()
    switched = webhook(session, scope, source.webhook_id)
    assert not switched.is_active and "410 Gone" in (switched.switched_off_reason or "")


def test_an_answer_that_cannot_be_stored_is_left_out_and_holds_up_no_other(engine: Engine, session: Session, scope: ProjectScope) -> None:
    target = make_target(session, scope, "http://shop.example.com/webhooks")
    raise_many(session, scope, 2)
    bad, good = claim(session, source_of(scope, target.webhook_id))
    rules = Rules()
    outcomes = [rules.outcome(bad, attempted(body="\x00")), rules.outcome(good, attempted(body="fine"))]
    make_ledger(engine).record(outcomes, [])
    assert {sendout.status for sendout in sendouts(session, scope)} == {"SENT"}
    assert {attempt.response_body for attempt in attempts(session, scope)} == {"", "fine"}


def test_a_share_comes_with_the_webhook_as_it_is_now(engine: Engine, session: Session, scope: ProjectScope, source: Source) -> None:
    [share] = make_ledger(engine).claim([Want(source, 5)])
    assert share.target.state is TargetState.ON and share.is_full and len(share.claimed) == 5
    targets.switch_off(session, scope, source.webhook_id, "by nina@example.com", utc_now())
    session.commit()
    [share] = make_ledger(engine).claim([Want(source, 50)])
    assert share.target.state is TargetState.OFF and not share.is_full
    let_it_be_due(session, scope)
    targets.remove_webhook(session, scope, source.webhook_id, utc_now())
    session.commit()
    [share] = make_ledger(engine).claim([Want(source, 5)])
    assert share.target.state is TargetState.REMOVED


def test_with_another_secret_key_the_target_says_why_it_cannot_sign(engine: Engine, source: Source) -> None:
    [share] = Ledger(lambda: Session(engine), Seal.of("another"), utc_now).claim([Want(source, 1)])
    assert isinstance(share.target.signer, Unavailable) and "SECRET_KEY" in str(share.target.signer)


def test_the_last_delivery_never_goes_back(session: Session, scope: ProjectScope, source: Source) -> None:
    first, second = claim(session, source, size=2)
    later = attempted()
    write(session, [first], later)
    write(session, [second], structs.replace(later, started_at=later.started_at - timedelta(seconds=9)))
    assert webhook(session, scope, source.webhook_id).last_delivered_at == later.started_at


def test_many_due_make_the_look_around_no_slower_than_it_has_to_be(session: Session, source: Source) -> None:
    # What the planner knows of a small table changes from test to test.
    session.execute(text("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off"))
    plan = "\n".join(session.scalars(text("EXPLAIN " + str(claiming.DUE_SOURCES))))
    assert "ix_due_sendouts_webhook" in plan and "Limit" in plan
