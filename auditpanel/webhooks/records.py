"""What comes out of the store of sendouts: a line of a list, a sendout with everything, what was sent again in bulk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from auditpanel.ids import Prefix, format_id
from auditpanel.keyset import Count, Key, Page
from auditpanel.keyset import Direction as Direction
from auditpanel.keyset import Place as Place
from auditpanel.webhooks.values import Headers, SendoutStatus


class SendoutKey(Key, frozen=True):
    """Where a sendout stands in its project: by the time of its event."""

    @property
    def created_at(self) -> datetime:
        return self.at


@dataclass(frozen=True, slots=True)
class SendoutLine:
    """A sendout as lists show it. `tries` are the attempts of the schedule, `attempts` all.

    `status_code`, `duration_ms` and `error` are those of the last attempt. `asked_by` is who has asked for an attempt that is still to
    come or under way; None where nobody has.
    """

    key: SendoutKey
    event_id: UUID
    webhook_id: UUID
    type: str
    target_url: str
    request_id: str | None
    status: SendoutStatus
    tries: int
    attempts: int
    first_attempt_at: datetime | None
    next_attempt_at: datetime | None
    sent_at: datetime | None
    status_code: int | None
    duration_ms: float | None
    error: str | None
    asked_by: str | None

    @property
    def id(self) -> str:
        return format_id(Prefix.SENDOUT, self.key.id)

    @property
    def created_at(self) -> datetime:
        return self.key.created_at

    @property
    def source_id(self) -> str:
        """The webhook's."""
        return format_id(Prefix.WEBHOOK, self.webhook_id)

    @property
    def is_under_way(self) -> bool:
        """Somebody has sent it again, and the outcome is not known yet."""
        return self.asked_by is not None


SendoutPage = Page[SendoutLine]


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """An attempt as the trace tells it. It has a status code, or an error in words; `asked_by` is None for one of the schedule."""

    id: UUID
    sendout_id: UUID
    started_at: datetime
    duration_ms: float
    url: str
    status_code: int | None
    error: str | None
    asked_by: str | None
    resend_id: UUID | None

    @property
    def delivered(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """An attempt with what was sent and answered. `response_size_bytes` as far as it was read; where it is cut, there was more."""

    line: AttemptLine
    request_headers: Headers
    response_headers: Headers
    response_body: str | None
    response_size_bytes: int | None
    response_is_cut: bool


@dataclass(frozen=True, slots=True)
class EventRecord:
    """What happened. `data` is JSON, the object as the API shows it."""

    id: UUID
    created_at: datetime
    type: str
    entity_id: str | None
    request_id: str | None
    channel: str | None
    user: str | None
    api_key: str | None
    data: str


@dataclass(frozen=True, slots=True)
class SendoutRecord:
    """A sendout with everything. `payload` is the body of its message, exactly as it is signed and sent, with nothing redacted.

    `attempts` are the newest, newest first; `line.attempts` says how many there are.
    """

    line: SendoutLine
    event: EventRecord
    payload: str
    attempts: list[AttemptRecord]


@dataclass(frozen=True, slots=True)
class StatusCounts:
    """How many sendouts of a list are sent, waiting, given up."""

    sent: Count
    retry: Count
    error: Count


@dataclass(frozen=True, slots=True)
class Again:
    """What became of the wish to send one again. Where it is not `is_new`, an attempt is under way already, and nothing was done.

    `asked_by` is who asked for the attempt; None for one of the schedule that is being made at this moment.
    """

    is_new: bool
    asked_by: str | None

    @property
    def words(self) -> str:
        if self.is_new:
            return "It is being sent again."
        asker = f"{self.asked_by} has sent it again a moment ago" if self.asked_by else "an attempt of the schedule is being made right now"
        return f"An attempt is under way already: {asker}. Nothing more was done."


class ResendStatus(StrEnum):
    """RUNNING: there is more to pick, or what was picked waits for its attempt. DONE: all of it is through. STOPPED: by somebody."""

    RUNNING = "RUNNING"
    DONE = "DONE"
    STOPPED = "STOPPED"


@dataclass(frozen=True, slots=True)
class ResendLine:
    """Sending again in bulk, and how far it is. `total` was counted when it was asked for.

    `picked` have been made due; of them `waiting` are due still, `delivered` and `failed` have had their attempt. The others were not
    sent: their webhook was removed meanwhile. Where these three are not exact, there are too many to be counted: at least so many.
    """

    key: Key
    updated_at: datetime
    filters: str
    words: str
    since: datetime | None
    until: datetime
    asked_by: str
    rate_per_s: int
    total: int
    picked: int
    status: ResendStatus
    stopped_by: str | None
    waiting: int
    delivered: int
    failed: int
    is_exact: bool

    @property
    def id(self) -> str:
        return format_id(Prefix.RESEND, self.key.id)

    @property
    def is_running(self) -> bool:
        """Its numbers may still change."""
        return self.status is ResendStatus.RUNNING or self.waiting > 0

    @property
    def through(self) -> int:
        """Of how many it is known what became of them."""
        return max(0, self.picked - self.waiting) if self.is_exact else self.delivered + self.failed

    @property
    def not_sent(self) -> int:
        """How many were given up without an attempt; 0 as long as that cannot be told."""
        return max(0, self.picked - self.delivered - self.failed) if self.is_exact and not self.is_running else 0

    @property
    def progress(self) -> int:
        """In percent. 100 is only said of one whose every attempt has an outcome."""
        if not self.is_running:
            return 100
        return min(99, self.through * 100 // self.total) if self.total else 0
