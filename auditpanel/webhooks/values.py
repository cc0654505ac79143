"""What webhook sendouts are made of: statuses, the schedule of retries, events, and what became of an attempt."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from uuid import UUID

import msgspec

from auditpanel.ids import new_uuid

Json = dict[str, object]
Headers = list[tuple[str, str]]

# An attempt that takes longer is a failure.
TIMEOUT_S = 10.0
# Of an answer, so much is kept.
RESPONSE_LIMIT_BYTES = 64 * 1024
# After a rotation, messages are signed with both secrets for so long.
GRACE = timedelta(hours=24)


class SendoutStatus(StrEnum):
    """SENT: the target answered 2xx. RETRY: an attempt is due, the first or the next. ERROR: given up."""

    SENT = "SENT"
    RETRY = "RETRY"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """When a failed message is tried again: so many seconds after its first attempt. After the last one it is given up.

    One that is late, as after hours without workers or a long `Retry-After`, comes `least_pause_s` after the attempt before it at the
    earliest: the rest of the schedule is not used up in a moment.
    """

    # Doubling from one minute, as the platform's public documents promise its receivers; the last one completes 24 h.
    after_s: tuple[int, ...] = (60, 120, 240, 480, 960, 1_920, 3_840, 7_680, 15_360, 30_720, 61_440, 86_400)
    # Messages that failed together do not all come back in the same moment: each up to so much of its pause later.
    jitter: float = 0.05
    least_pause_s: int = 60

    def __post_init__(self) -> None:
        if any(later <= earlier for earlier, later in zip((0, *self.after_s), self.after_s, strict=False)):
            raise ValueError(f"after_s: each has to be later than the one before, got {self.after_s}")

    @property
    def attempts(self) -> int:
        """With the first one."""
        return len(self.after_s) + 1

    def next_attempt(self, first_attempt_at: datetime, tries: int, last_attempt_at: datetime, random: Random) -> datetime | None:
        """After `tries` attempts, the first and the last of which began at these moments; None where it is given up."""
        if tries >= self.attempts:
            return None
        after_s = self.after_s[tries - 1]
        pause_s = after_s - (self.after_s[tries - 2] if tries > 1 else 0)
        later = self.jitter * random.random()
        return max(
            first_attempt_at + timedelta(seconds=after_s + pause_s * later),
            last_attempt_at + timedelta(seconds=self.least_pause_s * (1 + later)),
        )


SCHEDULE = RetrySchedule()


class EventType(StrEnum):
    """What the platform raises. Other services raise types of their own by `POST /v1/events`."""

    VOUCHER_CREATED = "voucher.created"
    VOUCHER_UPDATED = "voucher.updated"
    VOUCHER_ENABLED = "voucher.enabled"
    VOUCHER_DISABLED = "voucher.disabled"
    VOUCHER_DELETED = "voucher.deleted"
    CUSTOMER_CREATED = "customer.created"
    CUSTOMER_UPDATED = "customer.updated"
    CUSTOMER_DELETED = "customer.deleted"
    PRODUCT_CREATED = "product.created"
    PRODUCT_UPDATED = "product.updated"
    PRODUCT_DELETED = "product.deleted"
    CAMPAIGN_CREATED = "campaign.created"
    CAMPAIGN_UPDATED = "campaign.updated"
    CAMPAIGN_ENABLED = "campaign.enabled"
    CAMPAIGN_DISABLED = "campaign.disabled"
    CAMPAIGN_DELETED = "campaign.deleted"
    CAMPAIGN_VOUCHERS_GENERATED = "campaign.vouchers.generation.completed"
    TASK_FINISHED = "async_action.finished"
    TASK_FAILED = "async_action.failed"
    EXPORT_READY = "export.ready"
    # Sent by hand from a webhook's page, to that webhook alone.
    TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something that happened to one object. `data` is the object, as the API shows it.

    An event with the id of one that is there already is raised once.
    """

    type: str
    entity_id: str | None
    data: Json
    id: UUID = field(default_factory=new_uuid)


# What there is of each message on its way is a Struct: made in a fifth of the time of a frozen dataclass.
class Message(msgspec.Struct, frozen=True, gc=False):
    """One event on its way to one webhook: what all attempts have in common. `body` is the exact bytes that are signed and sent.

    `id` is what `webhook-id` says: the same in every attempt, so that a receiver can drop a repetition.
    """

    id: str
    body: bytes


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What the target answered. `size_bytes` of the body as far as it was read; where `is_cut`, there was more."""

    status_code: int
    headers: Headers
    body: str
    size_bytes: int
    is_cut: bool


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One try to deliver a message: it has an answer, or an error in words for the reader ("no answer in 10 s").

    `request_headers` are those that were sent, the values of the webhook's own left out. Where `is_final`, no retry can help: the
    address is not allowed.
    """

    url: str
    started_at: datetime
    duration_ms: float
    request_headers: Headers
    answer: Answer | None = None
    error: str | None = None
    is_final: bool = False

    @property
    def delivered(self) -> bool:
        return self.answer is not None and 200 <= self.answer.status_code < 300
