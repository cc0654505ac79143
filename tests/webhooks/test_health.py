"""How well a webhook does, told by its attempts."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.webhooks.health import health_of, health_of_day
from auditpanel.webhooks.values import SendoutStatus
from tests.tasks.making import make_scope
from tests.webhooks.sendout_making import NINA, NOW, make_attempt, make_sendout, make_webhook

HOUR = timedelta(hours=1)


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    return make_scope(session)


@pytest.fixture
def webhook_id(session: Session, scope: ProjectScope) -> UUID:
    return make_webhook(session, scope, last_delivered_at=NOW - HOUR)


def test_a_webhook_without_attempts_has_no_rate(session: Session, scope: ProjectScope) -> None:
    health = health_of(session, scope, make_webhook(session, scope), NOW)
    assert (health.day.attempts, health.day.success_rate, health.day.median_ms, health.day.p95_ms) == (0, None, None, None)
    assert (health.last_delivered_at, health.waiting.value) == (None, 0)
    assert [bucket.attempts for bucket in health.week.buckets] == [0] * 28


def test_rates_and_durations_are_those_of_the_period(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    for place in range(1, 101):
        status_code = 500 if place > 90 else 204
        make_attempt(session, scope, webhook_id, started_at=NOW - HOUR, duration_ms=float(place), status_code=status_code)
    make_attempt(session, scope, webhook_id, started_at=NOW - 30 * HOUR, status_code=None, duration_ms=10_000)
    health = health_of(session, scope, webhook_id, NOW)
    assert (health.day.attempts, health.day.delivered, health.day.success_rate) == (100, 90, 0.9)
    assert health.day.median_ms == 50.5
    assert health.day.p95_ms == pytest.approx(95.05)
    assert (health.week.attempts, health.week.delivered, health.week.is_whole) == (101, 90, True)
    assert health.last_delivered_at == NOW - HOUR


def test_attempts_by_hand_and_of_other_webhooks_do_not_count(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    make_attempt(session, scope, webhook_id, started_at=NOW - HOUR, asked_by=NINA)
    make_attempt(session, scope, make_webhook(session, scope), started_at=NOW - HOUR)
    assert health_of(session, scope, webhook_id, NOW).week.attempts == 0
    make_attempt(session, scope, webhook_id, started_at=NOW - HOUR)
    assert health_of(session, make_scope(session), webhook_id, NOW).week.attempts == 0


def test_the_bars_cover_the_period_without_a_gap_and_hold_each_attempt_once(
    session: Session, scope: ProjectScope, webhook_id: UUID
) -> None:
    edges = (timedelta(0), timedelta(microseconds=1), HOUR, 24 * HOUR, 24 * HOUR + timedelta(microseconds=1))
    for before in edges:
        make_attempt(session, scope, webhook_id, started_at=NOW - before, status_code=200 if before == HOUR else 503)
    day, week = (health_of(session, scope, webhook_id, NOW).day, health_of(session, scope, webhook_id, NOW).week)
    assert [bucket.start for bucket in day.buckets] == [NOW - hours * HOUR for hours in range(24, 0, -1)]
    assert {place: bucket.attempts for place, bucket in enumerate(day.buckets) if bucket.attempts} == {0: 1, 23: 2}
    assert (day.buckets[23].delivered, day.buckets[23].failed) == (1, 1)
    assert sum(bucket.attempts for bucket in day.buckets) == day.attempts == 3
    assert (len(week.buckets), week.buckets[0].start, sum(bucket.attempts for bucket in week.buckets)) == (28, NOW - 168 * HOUR, 4)


def test_of_too_many_attempts_the_newest_are_looked_at_and_it_says_so(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    for hours in range(1, 6):
        make_attempt(session, scope, webhook_id, started_at=NOW - hours * HOUR)
    day = health_of(session, scope, webhook_id, NOW, limit=3).day
    assert (day.is_whole, day.attempts, day.since) == (False, 3, NOW - 3 * HOUR)
    assert health_of(session, scope, webhook_id, NOW, limit=6).day.since == NOW - 24 * HOUR


def test_what_waits_for_a_retry_is_counted(session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    for status in (SendoutStatus.RETRY, SendoutStatus.RETRY, SendoutStatus.ERROR):
        make_sendout(session, scope, webhook_id, status)
    assert health_of(session, scope, webhook_id, NOW).waiting.value == 2


def test_the_last_day_alone_takes_no_look_at_the_week(engine: Engine, session: Session, scope: ProjectScope, webhook_id: UUID) -> None:
    for hours in (1, 2, 30):
        make_attempt(session, scope, webhook_id, started_at=NOW - hours * HOUR)
    looks: list[str] = []
    note = lambda *call: looks.append(call[2])  # noqa: E731
    event.listen(engine, "before_cursor_execute", note)
    try:
        health = health_of_day(session, scope, webhook_id, NOW)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len([statement for statement in looks if "FROM sendout_attempts" in statement]) == 1
    assert (health.day.attempts, health.last_delivered_at, health.waiting.value) == (2, NOW - HOUR, 0)
    assert health_of_day(session, scope, webhook_id, NOW, limit=1).day.is_whole is False
