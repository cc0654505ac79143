"""Two webhooks: one that gets what it is sent, and one whose receiver went down four hours ago and was taken away two hours later.

Nobody is written to. The messages are raised, claimed and recorded as those of a worker, but what the receivers answered is made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.demo.calls import REDEMPTION
from auditpanel.demo.catalogue import Stock
from auditpanel.logs.values import NewLog
from auditpanel.tasks.values import Asker
from auditpanel.times import iso_milliseconds
from auditpanel.webhooks.claiming import Claimed, Source, claim
from auditpanel.webhooks.events import raise_events
from auditpanel.webhooks.outcomes import Outcome, Rules, given_up
from auditpanel.webhooks.recording import record
from auditpanel.webhooks.sealing import Seal
from auditpanel.webhooks.sending import Target
from auditpanel.webhooks.signing import Signer, SigningKey
from auditpanel.webhooks.targets import create_webhook
from auditpanel.webhooks.values import TIMEOUT_S, Answer, Attempt, EventType, Headers, NewEvent

Json = dict[str, object]

# The shop raises these itself, the panel never does: the webhook that is on wants nothing else, so that no worker has anything to send.
REDEEMED = "redemption.succeeded"
LOYALTY_URL, LOYALTY_EVENTS = "https://loyalty.acme-shop.example/events", (REDEEMED,)
BACKEND_URL = "https://hooks.acme-shop.example/voucherify"
# Not of what is created: an import would make hundreds of sendouts.
BACKEND_EVENTS = (
    REDEEMED,
    EventType.VOUCHER_UPDATED,
    EventType.CAMPAIGN_VOUCHERS_GENERATED,
    EventType.TASK_FINISHED,
    EventType.TASK_FAILED,
)
AGE = timedelta(days=38)
TOLD_OF, TOLD_FOR = "checkout", timedelta(hours=24)
DOWN, GONE = timedelta(hours=4), timedelta(hours=2)
# Of the time that it was down.
BUSY_FOR, SILENT_FOR = timedelta(minutes=45), timedelta(minutes=80)
OTHERWISE_SILENT = 0.06


def make_sendouts(
    session: Session, scope: ProjectScope, seal: Seal, calls: Sequence[NewLog], stock: Stock, random: Random, now: datetime
) -> None:
    told = sorted((call for call in calls if _is_told(call, now)), key=lambda call: call.occurred_at)
    outage = Outage(now - DOWN, next(call.occurred_at for call in told if call.occurred_at >= now - GONE), random)

    def receiver(name: str, url: str, event_types: Sequence[str], outage: Outage | None) -> Receiver:
        made = create_webhook(
            session, scope, seal, name=name, url=url, event_types=event_types, headers=[], allow_private=False, now=now - AGE
        )
        return Receiver(url, Source(scope.project_id, made.webhook_id), Signer(SigningKey.of(made.secret)), random, outage)

    receivers = (
        receiver("Loyalty app", LOYALTY_URL, LOYALTY_EVENTS, None),
        receiver("Shop backend", BACKEND_URL, BACKEND_EVENTS, outage),
    )
    for call in told:
        raise_events(session, _entered_by(scope, call), [_event_of(call, stock)], call.occurred_at)
    for each in receivers:
        # Round by round: the first attempts, what became due again by their outcome, and so on.
        while claimed := claim(session, each.source, size=len(told)):
            record(session, [each.outcome(one) for one in claimed], outage.gone_at)


@dataclass(frozen=True, slots=True)
class Outage:
    """At `gone_at` it ends with a 410 Gone, which switches the webhook off: nothing is sent after that."""

    down_at: datetime
    gone_at: datetime
    random: Random

    def answer(self, at: datetime) -> Answer | str:
        """Or why there was none."""
        if at >= self.gone_at:
            return GONE_ANSWER
        if at < self.down_at:
            return SILENT if self.random.random() < OTHERWISE_SILENT else TAKEN
        if at < self.down_at + BUSY_FOR:
            return BUSY
        return SILENT if at < self.down_at + SILENT_FOR else UNRESOLVED


@dataclass(frozen=True, slots=True)
class Receiver:
    """Of what a webhook is sent. Without an outage it takes all."""

    url: str
    source: Source
    signer: Signer
    random: Random
    outage: Outage | None

    def outcome(self, claimed: Claimed) -> Outcome:
        at = claimed.next_attempt_at if claimed.tries and claimed.next_attempt_at else claimed.created_at
        if self.outage and at > self.outage.gone_at:
            return given_up(claimed, "the webhook is switched off")
        return Rules(random=self.random).outcome(claimed, self._attempt(claimed, at))

    def _attempt(self, claimed: Claimed, at: datetime) -> Attempt:
        message, started_at = claimed.message, at + timedelta(milliseconds=self.random.uniform(30, 160))
        length = ("Content-Length", str(len(message.body)))
        headers = [*Target(self.url, [], self.signer).shown, length, *self.signer.headers(message, started_at)]
        answer, duration_ms = self.outage.answer(at) if self.outage else TAKEN, round(self.random.lognormvariate(4.4, 0.4), 3)
        if isinstance(answer, Answer):
            return Attempt(self.url, started_at, duration_ms, headers, answer)
        return Attempt(self.url, started_at, SILENT_MS if answer == SILENT else duration_ms, headers, error=answer)


def _made_answer(status_code: int, content_type: str, body: str, headers: Headers | None = None) -> Answer:
    size_bytes = len(body.encode())
    told = [("Server", "nginx"), ("Content-Type", content_type), ("Content-Length", str(size_bytes)), *(headers or [])]
    return Answer(status_code, told, body, size_bytes, is_cut=False)


TAKEN = _made_answer(200, "application/json", '{"received":true}')
BUSY = _made_answer(
    503,
    "text/html",
    "<html><head><title>Maintenance</title></head><body><h1>We are back in a moment</h1></body></html>",
    [("Retry-After", "120")],
)
GONE_ANSWER = _made_answer(410, "application/json", '{"error":"gone","message":"This address was taken out of service."}')
SILENT_MS = TIMEOUT_S * 1000 + 1.4
SILENT, UNRESOLVED = f"no answer in {TIMEOUT_S:g} s", "the name does not resolve"


def _is_told(call: NewLog, now: datetime) -> bool:
    return call.api_key == TOLD_OF and call.route == REDEMPTION and call.status_code == 200 and call.occurred_at > now - TOLD_FOR


def _entered_by(scope: ProjectScope, call: NewLog) -> ProjectScope:
    return scope.entered_by(Asker(str(call.request_id), call.origin, call.channel, call.user, call.api_key).caller)


def _event_of(call: NewLog, stock: Stock) -> NewEvent:
    """A card's balance is another afterwards; else it is the redemption that counts."""
    code, customer = (reference.id for reference in call.references)
    voucher, at = stock.vouchers[code], iso_milliseconds(call.occurred_at)
    if voucher["type"] != "DISCOUNT_VOUCHER":
        return NewEvent(EventType.VOUCHER_UPDATED, str(voucher["id"]), voucher | {"updated_at": at})
    id = f"r_{str(call.request_id)[2:]}"
    data: Json = {
        "object": "redemption",
        "id": id,
        "date": at,
        "result": "SUCCESS",
        "voucher": voucher,
        "customer": stock.customers[customer],
    }
    return NewEvent(REDEEMED, id, data)
