"""The body of a message, made of what is stored of the event and the sendout: the same bytes in each attempt, however long after."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from auditpanel.ids import Prefix, format_id
from auditpanel.times import iso_milliseconds
from auditpanel.webhooks.values import Message

_encode = msgspec.json.Encoder().encode


class MessageParts(msgspec.Struct, frozen=True, gc=False):
    """`project` and `webhook` are ids as people see them, `created_at` is the event's, `data` its JSON as stored.

    `target_url` is the webhook's when the event happened.
    """

    project: str
    webhook: str
    sendout_id: UUID
    event_id: UUID
    created_at: datetime
    type: str
    entity_id: str | None
    request_id: str | None
    channel: str | None
    user: str | None
    api_key: str | None
    target_url: str
    data: str


class _Source(msgspec.Struct, gc=False):
    id: str
    object: str
    target_url: str


class _EventSource(msgspec.Struct, gc=False):
    channel: str | None
    user: str | None
    api_key: str | None


class _Event(msgspec.Struct, gc=False):
    id: str
    type: str
    created_at: str
    entity_id: str | None
    group_id: str | None
    event_source: _EventSource


class _Body(msgspec.Struct, gc=False):
    """The fields in the order in which they are written."""

    id: str
    project_id: str
    created_at: str
    type: str
    data: msgspec.Raw
    source: _Source
    event: _Event


def message_of(parts: MessageParts) -> Message:
    id = format_id(Prefix.SENDOUT, parts.sendout_id)
    created_at = iso_milliseconds(parts.created_at)
    body = _Body(
        id,
        parts.project,
        created_at,
        parts.type,
        msgspec.Raw(parts.data.encode()),
        _Source(parts.webhook, "webhook", parts.target_url),
        _Event(
            format_id(Prefix.EVENT, parts.event_id),
            parts.type,
            created_at,
            parts.entity_id,
            parts.request_id,
            _EventSource(parts.channel, parts.user, parts.api_key),
        ),
    )
    return Message(id, _encode(body))
