from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import NotFound
from auditpanel.ids import Prefix, format_id, uuid7_moment
from auditpanel.logs.models import Log, LogContent
from auditpanel.logs.queries import get_log
from auditpanel.logs.store import store_logs
from auditpanel.logs.values import LogRecord
from tests.logs.making import NOW, make_log, make_scope, store, store_one


def count(session: Session, scope: ProjectScope) -> tuple[int, int]:
    """Rows in the two tables."""
    lean, contents = (session.scalar(select(func.count()).where(table.project_id == scope.project_id)) or 0 for table in (Log, LogContent))
    return lean, contents


def read(session: Session, scope: ProjectScope, **fields: object) -> LogRecord:
    return get_log(session, scope, store_one(session, scope, **fields))


def test_a_log_comes_out_as_it_went_in(session: Session) -> None:
    scope = make_scope(session)
    record = read(
        session,
        scope,
        occurred_at="2026-11-24T16:41:59.239204+01:00",
        method="POST",
        path="/v1/vouchers/SUMMER-24",
        route="POST /v1/vouchers/{code}",
        query={"expand": ["categories", "campaign"]},
        status_code=400,
        duration_ms=9.25,
        origin="SHOPIFY",
        channel="Node.js SDK 2.9.1",
        user="nina@example.com",
        api_key="shopify-prod",
        customer="anna.w@example.com",
        client_ip="198.51.100.7",
        user_agent="node/20",
        request_id="v-1",
        request_headers={"Accept": "application/json"},
        request_body='{"order": {"amount": "12900"}}',
        response_headers=[("A", "1"), ("A", "2")],
        response_body='{"code": 400, "key": "invalid_payload"}',
        references=[{"type": "voucher", "id": "SUMMER-24"}],
    )
    line = record.line
    assert line.key.occurred_at == datetime(2026, 11, 24, 15, 41, 59, 239204, tzinfo=UTC)
    assert (line.method, line.path, line.route, line.status_code, line.duration_ms) == (
        "POST",
        "/v1/vouchers/SUMMER-24",
        "POST /v1/vouchers/{code}",
        400,
        9.25,
    )
    assert (line.origin, line.channel, line.user, line.api_key, line.customer) == (
        "SHOPIFY",
        "Node.js SDK 2.9.1",
        "nina@example.com",
        "shopify-prod",
        "anna.w@example.com",
    )
    assert (line.client_ip, line.user_agent, line.request_id, line.error) == ("198.51.100.7", "node/20", "v-1", "invalid_payload")
    assert record.query == "expand=categories&expand=campaign"
    assert record.request.headers == [("Accept", "application/json")]
    assert record.request.body == '{"order": {"amount": "12900"}}'
    assert record.response.headers == [("A", "1"), ("A", "2")]
    assert [(reference.type, reference.id) for reference in record.references] == [("voucher", "SUMMER-24")]


def test_an_id_says_the_millisecond_it_occurred_in(session: Session) -> None:
    log_id = store_one(session, make_scope(session), occurred_at="2026-11-24T15:41:59.239999Z")
    assert uuid7_moment(log_id) == datetime(2026, 11, 24, 15, 41, 59, 239000, tzinfo=UTC)
    assert format_id(Prefix.LOG, log_id).startswith("log_0")


def test_the_same_id_sent_twice_is_stored_once(session: Session) -> None:
    scope, log_id = make_scope(session), str(uuid4())
    first = store(session, scope, make_log(id=log_id))
    again = store(session, scope, make_log(id=log_id, path="/other"), make_log(id=str(uuid4())))
    assert (first.stored, again.stored, again.duplicates) == (1, 1, 1)
    assert first.ids[0] == again.ids[0]
    assert count(session, scope) == (2, 2)


def test_an_id_that_stands_twice_in_a_batch_is_stored_once(session: Session) -> None:
    scope, log_id = make_scope(session), str(uuid4())
    stored = store(session, scope, make_log(id=log_id), make_log(id=log_id))
    assert (stored.stored, stored.duplicates) == (1, 1)


def test_the_same_id_in_two_projects_is_two_logs(session: Session) -> None:
    log_id = str(uuid4())
    assert [store(session, make_scope(session), make_log(id=log_id)).stored for _ in range(2)] == [1, 1]


def test_a_log_without_id_is_stored_each_time(session: Session) -> None:
    scope = make_scope(session)
    assert store(session, scope, make_log(), make_log()).stored == 2


def test_batches_with_the_same_logs_at_once_store_each_once(session: Session, engine: Engine) -> None:
    scope = make_scope(session)
    logs = [make_log(id=str(uuid4()), occurred_at=NOW - timedelta(seconds=second)) for second in range(200)]
    stored = []

    def send(shift: int) -> None:
        with Session(engine) as own:
            stored.append(store_logs(own, scope, logs[shift:] + logs[:shift], now=NOW).stored)
            own.commit()

    threads = [threading.Thread(target=send, args=(50 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(stored) == 200
    assert len(stored) == 4
    assert count(session, scope) == (200, 200)


@pytest.mark.parametrize(
    ("occurred_at", "reason"),
    [("1999-12-31T23:59:59Z", "is before 2000"), ("2026-11-25T15:42:09Z", "more than a day ahead")],
)
def test_a_log_out_of_time_is_refused_and_the_others_are_stored(session: Session, occurred_at: str, reason: str) -> None:
    scope = make_scope(session)
    stored = store(session, scope, make_log(), make_log(occurred_at=occurred_at), make_log())
    assert stored.stored == 2
    assert [refusal.index for refusal in stored.refused] == [1]
    assert reason in stored.refused[0].reason


def test_a_missing_month_is_made(session: Session) -> None:
    scope = make_scope(session)
    assert (
        store(session, scope, make_log(occurred_at="2003-02-01T00:00:00Z"), make_log(occurred_at="2003-01-31T23:59:59.999999Z")).stored == 2
    )


def test_nothing_is_stored_before_the_commit(session: Session, engine: Engine) -> None:
    scope = make_scope(session)
    store_logs(session, scope, [make_log()], now=NOW)
    with Session(engine) as other:
        assert count(other, scope) == (0, 0)


def test_secrets_do_not_reach_the_database(session: Session) -> None:
    scope = make_scope(session)
    record = read(
        session,
        scope,
        path="/callback",
        query="token=s3cret-1&page=2",
        request_headers={"Authorization": "Bearer s3cret-2", "Cookie": "session=s3cret-3"},
        request_body='{"password": "s3cret-4", "card": "4111 1111 1111 1111"}',
        response_headers={"Set-Cookie": "session=s3cret-5"},
        response_body='{"access_token": "s3cret-6"}',
    )
    assert "s3cret" not in repr(record)
    assert "4111" not in repr(record)
    assert record.query == "token=[redacted, 8 characters]&page=2"


def test_a_projects_own_paths_are_redacted(session: Session) -> None:
    scope = make_scope(session)
    own = ProjectScope(scope.project_id, scope.name, scope.time_zone, scope.role, ("customer.phone",), scope.body_limit_bytes)
    record = read(session, own, request_body='{"customer": {"phone": "+48 600 100 200", "name": "Anna"}}')
    assert record.request.body == '{"customer": {"phone": "[redacted, 15 characters]", "name": "Anna"}}'


def test_a_body_over_the_limit_is_cut_and_keeps_its_true_size(session: Session) -> None:
    scope = make_scope(session)
    record = read(session, scope, request_body="ż" * 40_000, response_body="short")
    assert record.request.is_cut
    assert record.request.size_bytes == 80_000
    assert record.request.stored_bytes <= 64 * 1024
    assert (record.response.is_cut, record.response.size_bytes) == (False, 5)


def test_a_body_that_its_sender_has_cut_is_marked(session: Session) -> None:
    record = read(session, make_scope(session), request_body="beginning", request_size_bytes=1_000_000)
    assert (record.request.is_cut, record.request.size_bytes) == (True, 1_000_000)


def test_a_redacted_body_is_not_called_cut(session: Session) -> None:
    record = read(session, make_scope(session), request_body='{"password": "' + "x" * 500 + '"}')
    assert (record.request.is_cut, record.request.size_bytes) == (False, 516)


def test_a_secret_that_the_cut_goes_through_is_redacted_whole(session: Session) -> None:
    record = read(session, make_scope(session), request_body="x" * 65_500 + ' "password": "' + "s3cret" * 20 + '"')
    assert "s3cret" not in (record.request.body or "")


@pytest.mark.parametrize("hostile", ["a\x00b", "\ud800", "<script>alert(1)</script>", "\u202egnp.exe", "\x1b[31m", "[" * 100_000])
def test_any_text_can_be_stored(session: Session, hostile: str) -> None:
    record = read(
        session,
        make_scope(session),
        path=f"/{hostile}"[:4000],
        user=hostile[:100],
        query=hostile,
        request_headers={"X-Any": hostile},
        request_body=hostile,
        references=[{"type": "voucher", "id": hostile[:100]}],
    )
    assert record.request.body
    assert "\x00" not in repr(record)


def test_another_project_does_not_have_the_log(session: Session) -> None:
    log_id = store_one(session, make_scope(session))
    with pytest.raises(NotFound):
        get_log(session, make_scope(session), log_id)
