"""How many are under way to one target: found out by what it answers."""

from __future__ import annotations

from auditpanel.ids import new_uuid
from auditpanel.times import utc_now
from auditpanel.webhooks.claiming import Claimed, Source
from auditpanel.webhooks.lanes import AHEAD_BYTES, AHEAD_TIMES, CLAIM_TO_GIVE_UP, FIRST, LEAST, MOST, MOST_OF_SLOW, Lane
from auditpanel.webhooks.sealing import new_secret
from auditpanel.webhooks.sending import Target, TargetState
from auditpanel.webhooks.signing import Signer, SigningKey
from auditpanel.webhooks.values import Answer, Attempt, Message, SendoutStatus


def make_lane(state: TargetState = TargetState.ON) -> Lane:
    target = Target("http://shop.example.com", [], Signer(SigningKey.of(new_secret())), state)
    return Lane(Source(new_uuid(), new_uuid()), target)


def make_claimed(lane: Lane, size_bytes: int) -> Claimed:
    message = Message("whs_1", b"x" * size_bytes)
    return Claimed(lane.source, new_uuid(), message, new_uuid(), utc_now(), SendoutStatus.RETRY, 0, None, None, None, None)


def go(lane: Lane, times: int, *, duration_s: float, is_answered: bool = True) -> None:
    answer = Answer(200, [], "", 0, is_cut=False) if is_answered else None
    for _ in range(times):
        number = lane.begin(0)
        lane.end(number, Attempt("", utc_now(), duration_s * 1000, [], answer, None if is_answered else "no answer in 10 s"))


def test_a_target_that_answers_quickly_gets_more_and_more() -> None:
    lane = make_lane()
    assert lane.allowed(0) == FIRST
    go(lane, 20, duration_s=0.01)
    assert lane.allowed(0) > 20
    go(lane, 500, duration_s=0.01)
    assert lane.allowed(0) == MOST and lane.wanted(0) == AHEAD_TIMES * MOST and not lane.is_slow


def test_of_long_messages_fewer_are_claimed_ahead() -> None:
    lane = make_lane()
    go(lane, 500, duration_s=0.01)
    lane.take_in([make_claimed(lane, 256 * 1024)], 0)
    assert lane.wanted(0) == AHEAD_BYTES // (256 * 1024) - 1


def test_a_target_that_hangs_gets_next_to_none_and_nothing_is_claimed_ahead() -> None:
    lane = make_lane()
    go(lane, 100, duration_s=0.01)
    go(lane, 64, duration_s=10, is_answered=False)
    assert lane.allowed(0) == LEAST and lane.is_slow and lane.wanted(0) == LEAST


def test_a_target_that_is_slow_and_answers_all_the_same_gets_some() -> None:
    lane = make_lane()
    go(lane, 100, duration_s=3)
    assert lane.allowed(0) == MOST_OF_SLOW and lane.is_slow


def test_one_that_comes_back_is_quick_again() -> None:
    lane = make_lane()
    go(lane, 10, duration_s=10, is_answered=False)
    go(lane, 60, duration_s=0.01)
    assert lane.allowed(0) > 30 and not lane.is_slow


def test_while_attempts_are_out_for_long_no_more_than_some_go_after_them() -> None:
    lane = make_lane()
    go(lane, 500, duration_s=0.01)
    for _ in range(20):
        lane.begin(100)
    assert lane.allowed(100.5) == MOST and lane.allowed(102) == MOST_OF_SLOW


def test_what_broke_off_leaves_its_room_and_tells_nothing_of_the_target() -> None:
    lane = make_lane()
    lane.end(lane.begin(0), None)
    assert lane.room(0) == lane.allowed(0) == FIRST and not lane.is_slow


def test_what_is_to_be_given_up_is_claimed_in_bulk() -> None:
    assert make_lane(TargetState.OFF).wanted(0) == CLAIM_TO_GIVE_UP
