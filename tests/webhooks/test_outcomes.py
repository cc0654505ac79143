"""What an attempt means: the rules, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from auditpanel.ids import new_uuid
from auditpanel.webhooks.claiming import Claimed, Source
from auditpanel.webhooks.outcomes import Outcome, Rules, given_up
from auditpanel.webhooks.values import SCHEDULE, Answer, Attempt, Headers, Message, SendoutStatus

FIRST = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
RULES = Rules(random=Random(1))


def make_claimed(
    *, tries: int = 0, status: SendoutStatus = SendoutStatus.RETRY, asked_by: str | None = None, next_at: datetime | None = FIRST
) -> Claimed:
    source = Source(new_uuid(), new_uuid())
    message = Message("whs_0199c2f47b1e7d21a1f6e8407cd4c44b", b"{}")
    first_attempt_at = FIRST if tries else None
    return Claimed(source, new_uuid(), message, new_uuid(), FIRST, status, tries, first_attempt_at, next_at, asked_by, None)


def answered(status_code: int, *, headers: Headers | None = None, at: datetime = FIRST) -> Attempt:
    return Attempt("http://shop.example.com", at, 100, [], Answer(status_code, headers or [], "", 0, is_cut=False))


def failed(words: str = "connection refused", *, is_final: bool = False, at: datetime = FIRST) -> Attempt:
    return Attempt("http://shop.example.com", at, 100, [], error=words, is_final=is_final)


def outcome(claimed: Claimed, attempt: Attempt) -> Outcome:
    return RULES.outcome(claimed, attempt)


@pytest.mark.parametrize("status_code", [200, 201, 204, 299])
def test_2xx_is_sent(status_code: int) -> None:
    made = outcome(make_claimed(), answered(status_code))
    assert (made.status, made.tries, made.due_at, made.error) == (SendoutStatus.SENT, 1, None, None) and made.counts_as_delivery


@pytest.mark.parametrize("status_code", [300, 302, 304, 400, 404, 429, 500, 503])
def test_any_other_answer_is_tried_again(status_code: int) -> None:
    made = outcome(make_claimed(), answered(status_code))
    assert (made.status, made.error, made.switch_off) == (SendoutStatus.RETRY, f"answered {status_code}", None)


class FailingOnce(Random):
    """Stands for whatever nobody has thought of."""

    has_failed = False

    def random(self) -> float:
        if not self.has_failed:
            self.has_failed = True
            raise ArithmeticError("of the test")
        return super().random()


def test_what_nobody_has_thought_of_is_a_failed_attempt_and_tried_again() -> None:
    made = Rules(random=FailingOnce(1)).outcome(make_claimed(), answered(503))
    assert (made.status, made.tries, made.error) == (SendoutStatus.RETRY, 1, "the answer could not be read")
    assert made.attempt and made.attempt.answer is None and made.due_at and made.due_at > FIRST


@pytest.mark.parametrize("tries", range(1, SCHEDULE.attempts))
def test_however_late_attempts_come_they_keep_a_minute_between_them(tries: int) -> None:
    at = FIRST + timedelta(hours=30)
    due_at = outcome(make_claimed(tries=tries), failed(at=at)).due_at
    if tries + 1 < SCHEDULE.attempts:
        assert due_at and timedelta(seconds=60) <= due_at - at <= timedelta(seconds=63)
    else:
        assert due_at is None


@pytest.mark.parametrize("tries", range(SCHEDULE.attempts - 1))
def test_retries_come_by_the_schedule_counted_from_the_first_attempt(tries: int) -> None:
    at = FIRST + timedelta(seconds=(0, *SCHEDULE.after_s)[tries])
    made = outcome(make_claimed(tries=tries), failed(at=at))
    after_s = SCHEDULE.after_s[tries]
    assert made.due_at and made.due_at == made.next_attempt_at
    assert after_s <= (made.due_at - FIRST).total_seconds() <= after_s * 1.05


def test_after_the_last_retry_it_is_given_up_and_speaks_against_the_webhook() -> None:
    made = outcome(make_claimed(tries=12), failed())
    assert (made.status, made.tries, made.due_at) == (SendoutStatus.ERROR, 13, None)
    assert made.switch_off and made.switch_off.unless_delivered_since == FIRST and "connection refused" in made.switch_off.reason


def test_410_switches_off_whatever_was_delivered() -> None:
    made = outcome(make_claimed(), answered(410))
    assert (made.status, made.due_at) == (SendoutStatus.ERROR, None)
    assert made.switch_off and made.switch_off.unless_delivered_since is None
    assert made.switch_off.reason == "The target answered 410 Gone on 24 Nov 2026."


def test_an_address_that_is_not_allowed_is_given_up_and_does_not_speak_against_the_webhook() -> None:
    made = outcome(make_claimed(), failed("the address is not allowed: …", is_final=True))
    assert (made.status, made.due_at, made.switch_off) == (SendoutStatus.ERROR, None, None)


@pytest.mark.parametrize("status_code", [429, 503])
@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("7200", timedelta(hours=2)),
        ("Tue, 24 Nov 2026 17:00:00 GMT", timedelta(hours=3)),
        ("999999999999", timedelta(hours=24)),
        ("Wed, 24 Nov 2027 17:00:00 GMT", timedelta(hours=24)),
        # Sooner than the schedule, or nothing that could be read: the schedule stands.
        ("5", timedelta(minutes=1)),
        ("soon", timedelta(minutes=1)),
        ("-5", timedelta(minutes=1)),
        ("Tue, 99 Nov 2026 17:00:00 GMT", timedelta(minutes=1)),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", timedelta(minutes=1)),
        ("Tue, 24 Nov 2026 99999999999999999999:00:00 GMT", timedelta(minutes=1)),
        ("Tue, 24 Nov 2026 17:00:00 +9999999999999999", timedelta(minutes=1)),
    ],
)
def test_retry_after_is_the_earliest_time(status_code: int, value: str, wait: timedelta) -> None:
    made = outcome(make_claimed(), answered(status_code, headers=[("Retry-After", value)]))
    assert made.due_at and wait <= made.due_at - FIRST <= wait * 1.05 + timedelta(seconds=1)
    assert made.error == f"answered {status_code}"


def test_retry_after_on_another_status_is_passed_over() -> None:
    made = outcome(make_claimed(), answered(500, headers=[("Retry-After", "7200")]))
    assert made.due_at and made.due_at - FIRST < timedelta(minutes=2)


def test_one_by_hand_that_arrives_ends_the_schedule_and_does_not_count() -> None:
    made = outcome(make_claimed(tries=3, asked_by="nina@example.com"), answered(200))
    assert (made.status, made.tries, made.next_attempt_at, made.due_at) == (SendoutStatus.SENT, 3, None, None)
    assert not made.counts_as_delivery


def test_one_by_hand_that_fails_leaves_the_schedule() -> None:
    next_at = FIRST + timedelta(hours=2)
    made = outcome(make_claimed(tries=7, asked_by="nina@example.com", next_at=next_at), failed())
    assert (made.status, made.tries, made.next_attempt_at, made.due_at) == (SendoutStatus.RETRY, 7, next_at, next_at)


@pytest.mark.parametrize("status", [SendoutStatus.SENT, SendoutStatus.ERROR])
def test_one_by_hand_that_fails_after_the_end_leaves_the_status(status: SendoutStatus) -> None:
    made = outcome(make_claimed(tries=1, status=status, asked_by="nina@example.com", next_at=None), answered(410))
    assert (made.status, made.due_at, made.switch_off, made.error) == (status, None, None, "answered 410")


def test_given_up_without_an_attempt_keeps_what_was_tried() -> None:
    made = given_up(make_claimed(tries=2), "the webhook is switched off")
    assert (made.status, made.tries, made.attempt, made.due_at) == (SendoutStatus.ERROR, 2, None, None)
    assert given_up(make_claimed(status=SendoutStatus.SENT, asked_by="nina"), "the webhook was removed").status is SendoutStatus.SENT
