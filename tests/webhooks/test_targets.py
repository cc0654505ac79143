from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import Conflict, InvalidInput, NotFound, Unavailable
from auditpanel.ids import Prefix, parse_id
from auditpanel.keyset import Count
from auditpanel.webhooks import targets
from auditpanel.webhooks.events import raise_test
from auditpanel.webhooks.missed import find_missed
from auditpanel.webhooks.models import Webhook
from auditpanel.webhooks.sealing import Seal
from auditpanel.webhooks.target_records import Missed, NewWebhook, rotation_of
from auditpanel.webhooks.targets import MOST_WEBHOOKS
from auditpanel.webhooks.values import GRACE, SCHEDULE, Headers, SendoutStatus
from tests.logs.making import make_scope
from tests.webhooks.raising import CALLER, NOW, SEAL, URL, make_webhook, raise_one
from tests.webhooks.sendout_making import make_many

HOUR = timedelta(hours=1)
HEADERS: Headers = [("Authorization", "Bearer 8f3a")]


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    return make_scope(session)


def create(session: Session, scope: ProjectScope, **changed: object) -> NewWebhook:
    fields: dict[str, object] = {"name": "Shop", "url": URL, "event_types": None, "headers": [], "allow_private": False, "now": NOW}
    return targets.create_webhook(session, scope, SEAL, **(fields | changed))  # type: ignore[arg-type]


def change(session: Session, scope: ProjectScope, webhook_id: UUID, **changed: object) -> None:
    fields: dict[str, object] = {"name": "Shop", "url": URL, "event_types": None, "headers": None, "allow_private": False, "now": NOW}
    targets.change_webhook(session, scope, SEAL, webhook_id, **(fields | changed))  # type: ignore[arg-type]


def stored(session: Session, webhook_id: UUID) -> Webhook:
    return session.scalars(select(Webhook).where(Webhook.id == webhook_id), execution_options={"populate_existing": True}).one()


def test_a_webhook_is_read_as_it_was_made(session: Session, scope: ProjectScope) -> None:
    made = create(session, scope, name=" The  shop ", url=f" {URL} ", event_types=["voucher.created", "order.paid", "voucher.created"])
    record = targets.get_webhook(session, scope, made.webhook_id)
    assert (record.line.name, record.line.url, record.line.event_types) == ("The shop", URL, ["voucher.created", "order.paid"])
    assert (record.line.is_active, record.line.created_at, record.has_headers) == (True, NOW, False)
    assert parse_id(Prefix.WEBHOOK, made.id) == made.webhook_id and record.line.id == made.id
    assert targets.list_webhooks(session, scope) == [record.line]


def test_a_webhook_without_a_name_is_called_by_its_host(session: Session, scope: ProjectScope) -> None:
    made = create(session, scope, name="")
    assert targets.get_webhook(session, scope, made.webhook_id).line.name == "shop.example.com"


def test_webhooks_are_listed_by_name(session: Session, scope: ProjectScope) -> None:
    for name in ("Warehouse", "Billing", "Shop"):
        make_webhook(session, scope, name=name)
    assert [line.name for line in targets.list_webhooks(session, scope)] == ["Billing", "Shop", "Warehouse"]


def test_secret_and_headers_lie_sealed_and_open_for_those_who_may_read_them(session: Session, scope: ProjectScope) -> None:
    made = create(session, scope, headers=HEADERS)
    row = stored(session, made.webhook_id)
    assert row.sealed_headers is not None and b"8f3a" not in row.sealed_headers and made.secret.encode() not in row.sealed_secret
    assert targets.read_secret(session, scope, SEAL, made.webhook_id) == made.secret
    assert targets.read_headers(session, scope, SEAL, made.webhook_id) == HEADERS
    assert made.secret not in repr(made)
    with pytest.raises(Unavailable):
        targets.read_secret(session, scope, Seal.of("another"), made.webhook_id)


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({"name": "x" * 81}, "name", "give the webhook a name"),
        ({"url": "ftp://shop.example.com"}, "url", "neither http nor https"),
        ({"url": "http://127.0.0.1/"}, "url", "loopback"),
        ({"url": "https://nina:secret@shop.example.com/"}, "url", "user or password"),
        ({"event_types": []}, "event_types", "choose 1 to 100 event types, or all"),
        ({"event_types": ["voucher"]}, "event_types", '"voucher" is not an event type'),
        ({"event_types": ["Voucher.Created"]}, "event_types", "small letters"),
        ({"headers": [("Host", "x")]}, "headers", '"Host" is set by the panel itself'),
    ],
)
@pytest.mark.parametrize("way", ["create", "change"])
def test_bad_input_is_refused_by_field_and_changes_nothing(
    session: Session, scope: ProjectScope, way: str, fields: dict[str, object], field: str, says: str
) -> None:
    webhook_id = make_webhook(session, scope)
    session.commit()
    with pytest.raises(InvalidInput) as refused:
        create(session, scope, **fields) if way == "create" else change(session, scope, webhook_id, **fields)
    assert refused.value.field == field and says in refused.value.reason
    session.rollback()
    assert [(line.name, line.url) for line in targets.list_webhooks(session, scope)] == [("Shop", URL)]


def test_a_private_address_is_taken_where_the_operator_allows_them(session: Session, scope: ProjectScope) -> None:
    made = create(session, scope, url="http://127.0.0.1:9000/hook", allow_private=True)
    assert targets.get_webhook(session, scope, made.webhook_id).line.url == "http://127.0.0.1:9000/hook"


def test_a_change_leaves_the_secret_and_headers_that_it_does_not_name(session: Session, scope: ProjectScope) -> None:
    made = create(session, scope, headers=HEADERS)
    change(session, scope, made.webhook_id, name="Store", url="https://store.example.com/", event_types=["order.paid"], now=NOW + HOUR)
    record = targets.get_webhook(session, scope, made.webhook_id)
    assert (record.line.name, record.line.url, record.line.event_types) == ("Store", "https://store.example.com/", ["order.paid"])
    assert (record.updated_at, record.has_headers) == (NOW + HOUR, True)
    assert targets.read_secret(session, scope, SEAL, made.webhook_id) == made.secret
    change(session, scope, made.webhook_id, headers=[])
    assert targets.read_headers(session, scope, SEAL, made.webhook_id) == []


def test_after_a_rotation_the_secret_before_is_kept_for_the_grace(session: Session, scope: ProjectScope) -> None:
    made = create(session, scope)
    second = targets.rotate_secret(session, scope, SEAL, made.webhook_id, NOW + HOUR)
    row = stored(session, made.webhook_id)
    assert row.sealed_previous_secret is not None and SEAL.open(row.sealed_previous_secret) == made.secret
    assert targets.read_secret(session, scope, SEAL, made.webhook_id) == second != made.secret
    assert targets.get_webhook(session, scope, made.webhook_id).previous_secret_until == NOW + HOUR + GRACE
    targets.rotate_secret(session, scope, SEAL, made.webhook_id, NOW + 2 * HOUR)
    row = stored(session, made.webhook_id)
    assert row.sealed_previous_secret is not None and SEAL.open(row.sealed_previous_secret) == second


def test_a_second_press_does_not_rotate_a_second_time(engine: Engine, session: Session, scope: ProjectScope) -> None:
    made = create(session, scope)
    session.commit()
    seen = rotation_of(targets.get_webhook(session, scope, made.webhook_id).previous_secret_until)

    def press(session: Session) -> str:
        return targets.rotate_secret(session, scope, SEAL, made.webhook_id, NOW + HOUR, seen=seen)

    with Session(engine) as other, ThreadPoolExecutor(1) as threads:
        second_secret = press(session)
        # It has looked at the same page, and waits for the first one at the lock.
        again = threads.submit(press, other)
        session.commit()
        with pytest.raises(Conflict, match="rotated meanwhile"):
            again.result()
    row = stored(session, made.webhook_id)
    assert row.sealed_previous_secret is not None and SEAL.open(row.sealed_previous_secret) == made.secret
    assert targets.read_secret(session, scope, SEAL, made.webhook_id) == second_secret


def test_a_project_has_so_many_webhooks_at_most(session: Session, scope: ProjectScope) -> None:
    made = create(session, scope)
    for _ in range(MOST_WEBHOOKS - 1):
        session.add(Webhook(project_id=scope.project_id, name="Shop", url=URL, sealed_secret=b""))
    session.flush()
    with pytest.raises(InvalidInput, match="100 webhooks at most; remove one") as refused:
        create(session, scope)
    assert refused.value.field is None
    create(session, make_scope(session))
    targets.remove_webhook(session, scope, made.webhook_id, NOW)
    create(session, scope)


def test_a_webhook_that_is_off_says_since_when_and_why_and_keeps_the_first_reason(session: Session, scope: ProjectScope) -> None:
    webhook_id = make_webhook(session, scope)
    targets.switch_off(session, scope, webhook_id, "answered 410 Gone", NOW)
    targets.switch_off(session, scope, webhook_id, "by nina@example.com", NOW + HOUR)
    line = targets.get_webhook(session, scope, webhook_id).line
    assert (line.is_active, line.switched_off_at, line.switched_off_reason) == (False, NOW, "answered 410 Gone")
    targets.switch_on(session, scope, webhook_id)
    line = targets.get_webhook(session, scope, webhook_id).line
    assert (line.is_active, line.switched_off_at, line.switched_off_reason) == (True, None, None)


def give_up(session: Session, scope: ProjectScope, minutes: int, *, tries: int = 0) -> None:
    """An event so many minutes after NOW, whose sendout was tried so often and then given up."""
    at = NOW + timedelta(minutes=minutes)
    (sendout,) = raise_one(session, scope, now=at)
    sendout.status, sendout.tries, sendout.next_attempt_at = SendoutStatus.ERROR, tries, None
    sendout.first_attempt_at = at if tries else None
    session.flush()


def test_switching_on_tells_what_was_given_up_while_it_was_off(session: Session, scope: ProjectScope) -> None:
    webhook_id = make_webhook(session, scope)
    stored(session, webhook_id).last_delivered_at = NOW + timedelta(minutes=20)
    give_up(session, scope, 0, tries=SCHEDULE.attempts)
    # Failed before the last one that got through, and its next try fell into the time when the webhook was off.
    give_up(session, scope, 10, tries=3)
    raise_one(session, scope, now=NOW + timedelta(minutes=15))
    give_up(session, scope, 25, tries=SCHEDULE.attempts)
    targets.switch_off(session, scope, webhook_id, "by nina@example.com", NOW + timedelta(minutes=30))
    give_up(session, scope, 40)
    raise_test(session, scope.entered_by(CALLER), webhook_id, NOW + timedelta(minutes=45))
    missed = targets.switch_on(session, scope, webhook_id)
    assert missed == Missed(Count(3, is_exact=True), NOW + timedelta(minutes=10))


def test_a_webhook_that_never_got_anything_has_missed_all_of_it(session: Session, scope: ProjectScope) -> None:
    webhook_id = make_webhook(session, scope)
    give_up(session, scope, -40 * 60, tries=SCHEDULE.attempts)
    give_up(session, scope, 0)
    targets.switch_off(session, scope, webhook_id, "nothing got through", NOW)
    missed = targets.switch_on(session, scope, webhook_id)
    assert missed == Missed(Count(2, is_exact=True), NOW - 40 * HOUR)


def test_what_one_that_never_got_anything_missed_is_looked_for_within_a_month(session: Session, scope: ProjectScope) -> None:
    webhook_id = make_webhook(session, scope)
    give_up(session, scope, -31 * 24 * 60)
    give_up(session, scope, -29 * 24 * 60)
    targets.switch_off(session, scope, webhook_id, "nothing got through", NOW)
    assert targets.switch_on(session, scope, webhook_id) == Missed(Count(1, is_exact=True), NOW - 29 * 24 * HOUR)


def test_where_looking_takes_too_long_it_may_have_missed_some(session: Session, scope: ProjectScope) -> None:
    webhook_id = make_webhook(session, scope)
    make_many(session, scope, webhook_id, 50_000)
    targets.switch_off(session, scope, webhook_id, "nothing got through", NOW)
    line = targets.get_webhook(session, scope, webhook_id).line
    assert find_missed(session, scope, line, budget_s=0.001) == Missed(Count(0, is_exact=False), NOW - 30 * 24 * HOUR)


def test_deliveries_do_not_wait_while_it_is_looked_for_what_was_missed(engine: Engine, session: Session, scope: ProjectScope) -> None:
    webhook_id = make_webhook(session, scope)
    targets.switch_off(session, scope, webhook_id, "nothing got through", NOW)
    session.commit()
    order: list[str] = []

    def note(*call: object) -> None:
        statement = str(call[2])
        if "FROM sendouts" in statement or "FOR UPDATE" in statement:
            order.append("look" if "FROM sendouts" in statement else "lock")

    event.listen(engine, "before_cursor_execute", note)
    try:
        targets.switch_on(session, scope, webhook_id)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert order and order[-1] == "lock" and "look" in order


def test_what_an_earlier_time_off_cost_is_not_told_again(session: Session, scope: ProjectScope) -> None:
    webhook_id = make_webhook(session, scope)
    give_up(session, scope, -48 * 60)
    stored(session, webhook_id).last_delivered_at = NOW
    targets.switch_off(session, scope, webhook_id, "by nina@example.com", NOW + HOUR)
    assert targets.switch_on(session, scope, webhook_id) == Missed(Count(0, is_exact=True), None)


def test_switching_on_what_is_on_missed_nothing(session: Session, scope: ProjectScope) -> None:
    webhook_id = make_webhook(session, scope)
    give_up(session, scope, 0)
    assert targets.switch_on(session, scope, webhook_id) == Missed(Count(0, is_exact=True), None)


def test_a_removed_webhook_is_in_no_list_and_cannot_be_changed_but_its_sendouts_find_it(session: Session, scope: ProjectScope) -> None:
    webhook_id = make_webhook(session, scope, headers=HEADERS)
    targets.remove_webhook(session, scope, webhook_id, NOW + HOUR)
    assert targets.list_webhooks(session, scope) == []
    record = targets.get_webhook(session, scope, webhook_id)
    assert (record.removed_at, record.line.is_active, record.has_headers) == (NOW + HOUR, False, False)
    for act in acts(session, scope, webhook_id):
        with pytest.raises(NotFound, match="no such webhook"):
            act()


def test_a_webhook_of_another_project_is_not_found(session: Session, scope: ProjectScope) -> None:
    foreign = make_webhook(session, make_scope(session))
    for webhook_id in (foreign, uuid4()):
        with pytest.raises(NotFound, match="no such webhook"):
            targets.get_webhook(session, scope, webhook_id)
        for act in acts(session, scope, webhook_id):
            with pytest.raises(NotFound, match="no such webhook"):
                act()


def acts(session: Session, scope: ProjectScope, webhook_id: UUID) -> list[Callable[[], object]]:
    return [
        lambda: change(session, scope, webhook_id),
        lambda: targets.rotate_secret(session, scope, SEAL, webhook_id, NOW),
        lambda: targets.read_secret(session, scope, SEAL, webhook_id),
        lambda: targets.read_headers(session, scope, SEAL, webhook_id),
        lambda: targets.switch_off(session, scope, webhook_id, "why", NOW),
        lambda: targets.switch_on(session, scope, webhook_id),
        lambda: targets.remove_webhook(session, scope, webhook_id, NOW),
        lambda: raise_test(session, scope.entered_by(CALLER), webhook_id, NOW),
    ]
