"""What happens in a project, on its way to the webhooks that want to know: events are raised in the transaction that changes the data.

Their source is the caller of the scope. `after_raising` sees to their delivery.

An event is written only where a webhook wants it, with a sendout for each of them. Webhooks that are switched off get theirs too: they
end as given up when their turn comes, so that what was missed can be sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import event as hooks
from sqlalchemy import func, select
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from auditpanel.accounts.scope import ProjectScope
from auditpanel.ids import Prefix, format_id, uuid7_at
from auditpanel.webhooks.models import DueSendout, Sendout, Webhook
from auditpanel.webhooks.target_records import no_such_webhook
from auditpanel.webhooks.values import EventType, Json, NewEvent, SendoutStatus

Opened = TypeVar("Opened", bound=Session)

_encode = msgspec.json.Encoder().encode
# Left in a session's `info` while a transaction in which events were raised is open.
_RAISED = "webhooks.raised"

# In each statement the rows come as arrays, a column each. One that has an event already waits here for a transaction which is raising
# the same, so they come in one order for everybody.
_INSERT_EVENTS = """
    INSERT INTO events (project_id, id, created_at, type, entity_id, request_id, channel, user_name, api_key, data)
    SELECT %(project_id)s, id, created_at, type, entity_id, %(request_id)s, %(channel)s, %(user_name)s, %(api_key)s, data
    FROM unnest(CAST(%(ids)b AS uuid[]), CAST(%(moments)b AS timestamptz[]), CAST(%(types)b AS text[]), CAST(%(entities)b AS text[]),
                CAST(%(data)b AS text[])) AS given (id, created_at, type, entity_id, data)
    ON CONFLICT DO NOTHING
    RETURNING id
"""
# The database's clock says when something is due, so that an event whose own clock runs ahead does not wait.
_INSERT_SENDOUTS = """
    INSERT INTO sendouts (project_id, created_at, id, event_id, webhook_id, type, target_url, request_id, status, tries, attempts,
                          next_attempt_at)
    SELECT %(project_id)s, created_at, id, event_id, webhook_id, type, target_url, %(request_id)s, %(status)s, 0, 0, now()
    FROM unnest(CAST(%(moments)b AS timestamptz[]), CAST(%(ids)b AS uuid[]), CAST(%(events)b AS uuid[]), CAST(%(webhooks)b AS uuid[]),
                CAST(%(types)b AS text[]), CAST(%(urls)b AS text[])) AS given (created_at, id, event_id, webhook_id, type, target_url)
"""
_INSERT_DUE = """
    INSERT INTO due_sendouts (project_id, sendout_id, created_at, webhook_id, due_at)
    SELECT %(project_id)s, id, created_at, webhook_id, now()
    FROM unnest(CAST(%(ids)b AS uuid[]), CAST(%(moments)b AS timestamptz[]), CAST(%(webhooks)b AS uuid[]))
         AS given (id, created_at, webhook_id)
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook as an event sees it. `event_types` None: it wants all."""

    id: UUID
    url: str
    event_types: frozenset[str] | None

    def wants(self, type: str) -> bool:
        return self.event_types is None or type in self.event_types


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the webhooks of a project want to know. It is false where there is none: then nothing is to be raised at all."""

    targets: tuple[Target, ...]

    def __bool__(self) -> bool:
        return bool(self.targets)

    def wants(self, type: str) -> bool:
        return any(target.wants(type) for target in self.targets)

    def of(self, type: str) -> list[Target]:
        return [target for target in self.targets if target.wants(type)]


@dataclass(frozen=True, slots=True)
class _Raised:
    """An event with the moment that is its own: in one call each is a microsecond after the one before, and so goes out after it."""

    event: NewEvent
    created_at: datetime


@dataclass(frozen=True, slots=True)
class _NewSendout:
    raised: _Raised
    target: Target
    id: UUID


def wanted(session: Session, scope: ProjectScope) -> Wanted:
    """One look, for an operation that changes many records: of what nobody wants, it need not make JSON."""
    statement = select(Webhook.id, Webhook.url, Webhook.event_types).where(
        Webhook.project_id == scope.project_id, Webhook.removed_at.is_(None)
    )
    return Wanted(tuple(Target(id, url, None if types is None else frozenset(types)) for id, url, types in session.execute(statement)))


def raise_events(session: Session, scope: ProjectScope, events: Sequence[NewEvent], now: datetime) -> int:
    """Write them with their sendouts; how many of these are new. The caller commits.

    An event whose id is there already, in the project or earlier in `events`, is passed over.
    """
    if not events:
        return 0
    chosen = wanted(session, scope)
    distinct: dict[UUID, NewEvent] = {}
    for event in events:
        if chosen.wants(event.type):
            distinct.setdefault(event.id, event)
    if not distinct:
        return 0
    raised = [_Raised(event, now + timedelta(microseconds=place)) for place, event in enumerate(distinct.values())]
    new = _insert_events(session, scope, raised)
    sendouts = [
        _NewSendout(each, target, sendout_id(each.event.id, target.id, each.created_at))
        for each in raised
        if each.event.id in new
        for target in chosen.of(each.event.type)
    ]
    if sendouts:
        _insert_sendouts(session, scope, sendouts)
        session.info[_RAISED] = True
    return len(sendouts)


def raise_test(session: Session, scope: ProjectScope, webhook_id: UUID, now: datetime) -> UUID:
    """A test event to one webhook, on or off; the id of its sendout. The caller commits.

    It goes out once and counts neither for the webhook nor against it. So its sendout stands as given up from the beginning, with an
    attempt by hand to come: one that fails leaves it so. Raises NotFound.
    """
    target = next((target for target in wanted(session, scope).targets if target.id == webhook_id), None)
    if target is None:
        raise no_such_webhook()
    data: Json = {"object": "webhook", "id": format_id(Prefix.WEBHOOK, target.id), "message": "A test: nothing has happened."}
    event = NewEvent(EventType.TEST, format_id(Prefix.WEBHOOK, target.id), data)
    sendout = _NewSendout(_Raised(event, now), target, sendout_id(event.id, target.id, now))
    _insert_events(session, scope, [sendout.raised])
    session.add_all(_by_hand(scope, sendout))
    session.flush()
    session.info[_RAISED] = True
    return sendout.id


def after_raising(sessions: sessionmaker[Opened] | scoped_session[Opened], deliver: Callable[[], None]) -> None:
    """Has `deliver` called after each commit of such a session in whose transaction events were raised."""

    def look(session: Session, *, is_committed: bool) -> None:
        # A savepoint's end is announced in the same way.
        if not session.in_nested_transaction() and session.info.pop(_RAISED, False) and is_committed:
            deliver()

    hooks.listen(sessions, "after_commit", lambda session: look(session, is_committed=True))
    hooks.listen(sessions, "after_rollback", lambda session: look(session, is_committed=False))


def sendout_id(event_id: UUID, webhook_id: UUID, created_at: datetime) -> UUID:
    """`created_at` is the event's. The same event makes the same id for a webhook, whoever asks."""
    return uuid7_at(created_at, event_id.bytes + webhook_id.bytes)


def _insert_events(session: Session, scope: ProjectScope, raised: Sequence[_Raised]) -> set[UUID]:
    """Gives the ids of those that are new."""
    in_order = sorted(raised, key=lambda each: each.event.id)
    values = {
        "project_id": scope.project_id,
        "request_id": scope.caller.request_id,
        "channel": scope.caller.channel,
        "user_name": scope.caller.user,
        "api_key": scope.caller.api_key,
        "ids": [each.event.id for each in in_order],
        "moments": [each.created_at for each in in_order],
        "types": [str(each.event.type) for each in in_order],
        "entities": [each.event.entity_id for each in in_order],
        "data": [_encode(each.event.data).decode() for each in in_order],
    }
    return {id for (id,) in _execute(session, _INSERT_EVENTS, values)}


def _insert_sendouts(session: Session, scope: ProjectScope, sendouts: Sequence[_NewSendout]) -> None:
    same = {
        "project_id": scope.project_id,
        "ids": [sendout.id for sendout in sendouts],
        "moments": [sendout.raised.created_at for sendout in sendouts],
        "webhooks": [sendout.target.id for sendout in sendouts],
    }
    own = {
        "events": [sendout.raised.event.id for sendout in sendouts],
        "types": [str(sendout.raised.event.type) for sendout in sendouts],
        "urls": [sendout.target.url for sendout in sendouts],
        "request_id": scope.caller.request_id,
        "status": str(SendoutStatus.RETRY),
    }
    _execute(session, _INSERT_SENDOUTS, same | own)
    _execute(session, _INSERT_DUE, same)


def _execute(session: Session, statement: str, values: Mapping[str, object]) -> list[tuple[UUID]]:
    """By psycopg itself, for `%b`: 2,000 events took 98 ms with their arrays in text, as SQLAlchemy has them sent, and 50 ms in binary."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def _by_hand(scope: ProjectScope, sendout: _NewSendout) -> tuple[Sendout, DueSendout]:
    created_at = sendout.raised.created_at
    row = Sendout(
        project_id=scope.project_id,
        created_at=created_at,
        id=sendout.id,
        event_id=sendout.raised.event.id,
        webhook_id=sendout.target.id,
        type=sendout.raised.event.type,
        target_url=sendout.target.url,
        request_id=scope.caller.request_id,
        status=SendoutStatus.ERROR,
        tries=0,
        attempts=0,
        error="the test has no answer yet",
    )
    due = DueSendout(
        project_id=scope.project_id,
        sendout_id=sendout.id,
        created_at=created_at,
        webhook_id=sendout.target.id,
        due_at=func.now(),
        asked_by=scope.caller.name,
    )
    return row, due
