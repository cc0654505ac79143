"""Lists, counts, the record and the trace of sendouts."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import NotFound, Unavailable
from auditpanel.ids import Prefix, format_id, new_uuid
from auditpanel.webhooks.queries import (
    attempts_of,
    count_sendouts,
    count_types,
    count_webhooks,
    get_sendout,
    list_attempts,
    list_sendouts,
    status_counts,
)
from auditpanel.webhooks.records import Direction, Place, SendoutKey
from auditpanel.webhooks.resends import send_again
from auditpanel.webhooks.values import SendoutStatus
from tests.tasks.making import make_scope
from tests.webhooks.sendout_making import NINA, NOW, make_attempt, make_many, make_sendout, make_webhook, narrowed

SENT, RETRY, ERROR = SendoutStatus.SENT, SendoutStatus.RETRY, SendoutStatus.ERROR


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    return make_scope(session)


@pytest.fixture
def webhook_id(session: Session, scope: ProjectScope) -> UUID:
    return make_webhook(session, scope)


def find(session: Session, scope: ProjectScope, **params: str) -> list[UUID]:
    filters, span = narrowed(scope, **params)
    found = [line.key.id for line in list_sendouts(session, scope, filters, span).lines]
    assert count_sendouts(session, scope, filters, span).value == len(found)
    return found


def test_the_newest_sendout_comes_first_and_no_other_project_is_seen(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    old, new = (make_sendout(session, scope, webhook_id, created_at=NOW - timedelta(hours=hours)) for hours in (2, 1))
    stranger = make_scope(session)
    foreign = make_sendout(session, stranger, make_webhook(session, stranger))
    assert find(session, scope) == [new, old]
    with pytest.raises(NotFound):
        get_sendout(session, scope, foreign)
    assert list_attempts(session, scope, foreign) == []


def test_sendouts_are_found_by_each_of_their_filters(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    other_webhook = make_webhook(session, scope)
    sent = make_sendout(session, scope, webhook_id, SENT, type="customer.updated", sent_at=NOW, request_id="v-1")
    waits = make_sendout(session, scope, webhook_id, RETRY, created_at=NOW - timedelta(minutes=1), target_url="https://a.example/50%_off")
    failed = make_sendout(session, scope, other_webhook, ERROR, created_at=NOW - timedelta(days=2))
    assert find(session, scope, status="sent") == find(session, scope, only="sent") == [sent]
    assert find(session, scope, status="RETRY,ERROR") == [waits, failed]
    assert find(session, scope, id=format_id(Prefix.SENDOUT, waits)) == [waits]
    assert find(session, scope, id=format_id(Prefix.SENDOUT, UUID(int=2**128 - 1))) == []
    assert find(session, scope, type="customer.updated,none") == [sent]
    assert find(session, scope, request_id="v-1") == [sent]
    assert find(session, scope, source_id=format_id(Prefix.WEBHOOK, other_webhook)) == [failed]
    assert find(session, scope, url_contains="50%_o") == [waits]
    assert find(session, scope, range="24h") == [sent, waits]
    assert find(session, scope, created_before="2026-11-23") == [failed]


def test_the_sendout_date_is_read_in_project_time_and_ends_before_its_end(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    first, second = (make_sendout(session, scope, webhook_id, SENT, sent_at=NOW + timedelta(hours=hours)) for hours in (0, 1))
    make_sendout(session, scope, webhook_id, ERROR)
    assert find(session, scope, sent_after="2026-11-24 16:42:08", sent_before="2026-11-24 17:42:08") == [first]
    assert find(session, scope, sent_after="2026-11-24 16:42:09") == [second]
    assert set(find(session, scope, sent_before="2026-11-24")) == {first, second}


def test_under_any_the_ends_of_the_sendout_date_stay_together(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    early = make_sendout(session, scope, webhook_id, SENT, sent_at=NOW)
    make_sendout(session, scope, webhook_id, SENT, sent_at=NOW + timedelta(days=3))
    failed = make_sendout(session, scope, webhook_id, ERROR)
    found = find(session, scope, match="any", sent_after="2026-11-24", sent_before="2026-11-24", status="ERROR")
    assert set(found) == {early, failed}
    assert find(session, scope, match="any", only="error", sent_after="2026-11-24", status="ERROR") == [failed]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seconds=st.lists(st.integers(0, 3), max_size=8), size=st.integers(1, 4))
def test_paging_visits_each_sendout_once_whatever_the_times(session: Session, seconds: list[int], size: int) -> None:
    scope = make_scope(session)
    webhook_id = make_webhook(session, scope)
    sendouts = {make_sendout(session, scope, webhook_id, created_at=NOW + timedelta(seconds=second)) for second in seconds}
    filters, span = narrowed(scope)
    for direction in Direction:
        seen: list[UUID] = []
        edge = SendoutKey(NOW + timedelta(days=1 if direction is Direction.OLDER else -1), UUID(int=0))
        has_more = True
        while has_more:
            page = list_sendouts(session, scope, filters, span, place=Place(edge, direction), size=size)
            assert page.lines == sorted(page.lines, key=lambda line: (line.created_at, line.key.id), reverse=True)
            seen += [line.key.id for line in page.lines]
            has_more = page.has_more
            edge = page.lines[-1 if direction is Direction.OLDER else 0].key if page.lines else edge
        assert len(seen) == len(sendouts) and set(seen) == sendouts


def test_a_count_stops_at_its_cap(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    for _ in range(3):
        make_sendout(session, scope, webhook_id)
    count = count_sendouts(session, scope, *narrowed(scope), cap=2)
    assert (count.value, count.is_exact) == (2, False)


def test_a_list_that_takes_too_long_says_what_to_do(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    make_many(session, scope, webhook_id, 30_000)
    rare = narrowed(scope, url_contains="nowhere")
    with pytest.raises(Unavailable, match="shorter range"):
        list_sendouts(session, scope, *rare, budget_s=0.001)
    assert not count_sendouts(session, scope, *rare, budget_s=0.001).is_exact
    assert find(session, scope, url_contains="nowhere") == []


def test_the_counts_of_the_switch_pass_over_the_switch_itself(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    for status, number in ((SENT, 1), (RETRY, 2), (ERROR, 3)):
        for _ in range(number):
            make_sendout(session, scope, webhook_id, status)
    make_sendout(session, scope, webhook_id, ERROR, type="customer.updated")
    counts = status_counts(session, scope, *narrowed(scope, only="sent", type="voucher.created"))
    assert (counts.sent.value, counts.retry.value, counts.error.value) == (1, 2, 3)


def test_types_and_webhooks_are_counted_the_most_frequent_first(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    for type_ in ("voucher.created", "customer.updated", "voucher.created"):
        make_sendout(session, scope, webhook_id, type=type_)
    assert count_types(session, scope, *narrowed(scope)) == [("voucher.created", 2), ("customer.updated", 1)]
    assert count_webhooks(session, scope, *narrowed(scope, type="voucher.created")) == [(webhook_id, 2)]
    assert count_types(session, scope, *narrowed(scope, only="sent")) == []


def test_a_record_has_its_event_its_payload_and_its_attempts(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    sendout_id = make_sendout(session, scope, webhook_id, request_id="v-1", data='{"a":1.50}')
    make_attempt(session, scope, webhook_id, sendout_id, started_at=NOW, status_code=None)
    make_attempt(
        session,
        scope,
        webhook_id,
        sendout_id,
        started_at=NOW + timedelta(seconds=60),
        status_code=503,
        asked_by=NINA,
        response_headers=[["Server", "nginx"]],
        response_body="busy",
    )
    record = get_sendout(session, scope, sendout_id)
    assert (record.event.user, record.event.request_id) == (NINA, "v-1")
    assert '"data":{"a":1.50}' in record.payload
    payload = msgspec.json.decode(record.payload)
    assert (payload["id"], payload["source"]["id"], payload["event"]["group_id"]) == (record.line.id, record.line.source_id, "v-1")
    newest, oldest = record.attempts
    assert (newest.line.status_code, newest.line.asked_by, newest.response_headers) == (503, NINA, [("Server", "nginx")])
    assert (newest.response_body, newest.response_is_cut, oldest.response_body) == ("busy", False, None)
    assert (oldest.line.error, oldest.line.delivered) == ("no answer in 10 s", False)


def test_no_such_sendout_is_told_whatever_the_id(session: Session, scope: ProjectScope) -> None:
    for sendout_id in (new_uuid(), UUID(int=0), UUID(int=2**128 - 1)):
        with pytest.raises(NotFound):
            get_sendout(session, scope, sendout_id)


def test_who_sends_it_again_is_on_its_line_until_the_outcome_is_known(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    sendout_id = make_sendout(session, scope, webhook_id)
    send_again(session, scope, sendout_id, NINA)
    (line,) = list_sendouts(session, scope, *narrowed(scope)).lines
    assert (line.is_under_way, line.asked_by) == (True, NINA)
    make_sendout(session, scope, webhook_id, RETRY)
    assert [line.is_under_way for line in list_sendouts(session, scope, *narrowed(scope, only="retry")).lines] == [False]


def test_the_attempts_of_a_page_are_told_in_their_order_and_of_many_the_newest(
    session: Session, scope: ProjectScope, webhook_id: UUID
) -> None:
    first, second = (make_sendout(session, scope, webhook_id) for _ in range(2))
    for status_code in (500, 200):
        make_attempt(session, scope, webhook_id, second, started_at=NOW + timedelta(seconds=1000 - status_code), status_code=status_code)
    attempts = attempts_of(session, scope, [first, second])
    assert attempts[first] == []
    assert [attempt.status_code for attempt in attempts[second]] == [500, 200]
    newest = attempts_of(session, scope, [first, second], most=1)
    assert [attempt.status_code for attempt in newest[second]] == [200] and newest[first] == []
    assert attempts_of(session, scope, []) == {}


def test_a_page_of_the_list_is_one_statement_however_many_there_are(
    engine: Engine, session: Session, scope: ProjectScope, webhook_id: UUID
) -> None:
    for _ in range(5):
        make_sendout(session, scope, webhook_id)
    statements: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        list_sendouts(session, scope, *narrowed(scope))
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len([statement for statement in statements if statement.startswith("SELECT")]) == 1
