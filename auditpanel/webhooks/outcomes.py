"""What an attempt means for its sendout and its webhook: sent, tried again when, or given up. Rules alone, nothing is written here.

An attempt by hand ("send again") leaves the schedule as it stands: where it fails, the sendout keeps its status, and what was to come
of the schedule still comes. It counts neither for the webhook nor against it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from random import Random

import msgspec
from msgspec import structs

from auditpanel.times import day_words
from auditpanel.webhooks.claiming import Claimed
from auditpanel.webhooks.values import SCHEDULE, Answer, Attempt, Headers, RetrySchedule, SendoutStatus

GONE = 410
# Statuses at which `Retry-After` says when the target takes more.
BUSY = (429, 503)
LONGEST_WAIT = timedelta(hours=24)
UNREADABLE = "the answer could not be read"


@dataclass(frozen=True, slots=True)
class SwitchOff:
    """Of the webhook, with the reason for its page; not where something was delivered to it since `unless_delivered_since`."""

    reason: str
    unless_delivered_since: datetime | None = None


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What a sendout becomes. `due_at` is when its next attempt is due; None: no more is to come of itself.

    `attempt` is None where it was given up without one.
    """

    claimed: Claimed
    attempt: Attempt | None
    status: SendoutStatus
    tries: int
    first_attempt_at: datetime | None
    next_attempt_at: datetime | None
    due_at: datetime | None
    error: str | None
    switch_off: SwitchOff | None = None

    @property
    def ends_target(self) -> bool:
        """Nothing more is to go to the webhook, whatever else was delivered to it."""
        return self.switch_off is not None and self.switch_off.unless_delivered_since is None

    @property
    def counts_as_delivery(self) -> bool:
        return self.attempt is not None and self.attempt.delivered and self.claimed.asked_by is None


@dataclass(frozen=True, slots=True)
class Rules:
    schedule: RetrySchedule = SCHEDULE
    random: Random = field(default_factory=Random)

    def outcome(self, claimed: Claimed, attempt: Attempt) -> Outcome:
        """There is one, whatever was answered: an attempt that is not written down is made again at the end of each lease."""
        try:
            return self._decide(claimed, attempt)
        except Exception:
            logging.getLogger(__name__).exception("sendout %s: what was answered is taken for a failure", claimed.message.id)
            return self._decide(claimed, structs.replace(attempt, answer=None, error=UNREADABLE))

    def _decide(self, claimed: Claimed, attempt: Attempt) -> Outcome:
        if claimed.asked_by is not None:
            return _by_hand(claimed, attempt)
        first_attempt_at = claimed.first_attempt_at or attempt.started_at
        tries = claimed.tries + 1
        if attempt.delivered:
            return Outcome(claimed, attempt, SendoutStatus.SENT, tries, first_attempt_at, None, None, None)
        next_at = None if _is_over(attempt) else self._next_attempt(attempt, first_attempt_at, tries)
        status = SendoutStatus.RETRY if next_at else SendoutStatus.ERROR
        switch_off = None if next_at else _switch_off(attempt, first_attempt_at, tries)
        return Outcome(claimed, attempt, status, tries, first_attempt_at, next_at, next_at, failure_words(attempt), switch_off)

    def _next_attempt(self, attempt: Attempt, first_attempt_at: datetime, tries: int) -> datetime | None:
        ended_at = attempt.started_at + timedelta(milliseconds=attempt.duration_ms)
        next_at = self.schedule.next_attempt(first_attempt_at, tries, attempt.started_at, self.random)
        asked = _retry_after(attempt, ended_at)
        return next_at and (max(next_at, asked) if asked else next_at)


def given_up(claimed: Claimed, reason: str) -> Outcome:
    """Without an attempt. One by hand, to a webhook that was removed, leaves the status as it is."""
    status = SendoutStatus.ERROR if claimed.asked_by is None else claimed.status
    if status is SendoutStatus.RETRY:
        status = SendoutStatus.ERROR
    return Outcome(claimed, None, status, claimed.tries, claimed.first_attempt_at, None, None, reason)


def without_answer(outcome: Outcome) -> Outcome:
    """The same, where what the target answered cannot be stored: its status alone."""
    attempt = outcome.attempt
    if attempt is None or attempt.answer is None:
        return outcome
    bare = Answer(attempt.answer.status_code, [], "", attempt.answer.size_bytes, is_cut=True)
    return structs.replace(outcome, attempt=structs.replace(attempt, answer=bare))


def failure_words(attempt: Attempt) -> str:
    return attempt.error or (f"answered {attempt.answer.status_code}" if attempt.answer else "no answer")


def _by_hand(claimed: Claimed, attempt: Attempt) -> Outcome:
    if attempt.delivered:
        return Outcome(claimed, attempt, SendoutStatus.SENT, claimed.tries, claimed.first_attempt_at, None, None, None)
    goes_on = claimed.status is SendoutStatus.RETRY
    next_at = (claimed.next_attempt_at or attempt.started_at) if goes_on else None
    return Outcome(claimed, attempt, claimed.status, claimed.tries, claimed.first_attempt_at, next_at, next_at, failure_words(attempt))


def _is_over(attempt: Attempt) -> bool:
    return attempt.is_final or (attempt.answer is not None and attempt.answer.status_code == GONE)


def _switch_off(attempt: Attempt, first_attempt_at: datetime, tries: int) -> SwitchOff | None:
    on = day_words(attempt.started_at.astimezone(UTC).date())
    if attempt.answer is not None and attempt.answer.status_code == GONE:
        return SwitchOff(f"The target answered 410 Gone on {on}.")
    if attempt.is_final:
        return None
    return SwitchOff(
        f"A message used up its {tries} attempts on {on}, and nothing else got through meanwhile. The last one: {failure_words(attempt)}.",
        unless_delivered_since=first_attempt_at,
    )


def _retry_after(attempt: Attempt, ended_at: datetime) -> datetime | None:
    """Seconds or an HTTP date; what is neither is passed over, and what is too far away is taken for the longest wait."""
    if attempt.answer is None or attempt.answer.status_code not in BUSY:
        return None
    value = _header(attempt.answer.headers, "retry-after")
    if value.isascii() and value.isdigit():
        return ended_at + min(timedelta(seconds=int(value[:9])), LONGEST_WAIT)
    try:
        asked = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        # The latter for years, hours and zones without end.
        return None
    return min(asked if asked.tzinfo else asked.replace(tzinfo=UTC), ended_at + LONGEST_WAIT)


def _header(headers: Headers, name: str) -> str:
    return next((value.strip() for key, value in headers if key.lower() == name), "")
