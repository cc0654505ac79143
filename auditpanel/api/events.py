"""`POST /v1/events`: what happened in another service, for the webhooks of the project."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from msgspec import UNSET, Meta, Struct, UnsetType

from auditpanel.api.calls import read_json
from auditpanel.api.scope import current_scope
from auditpanel.catalogue.reading import convert_body, read_key
from auditpanel.errors import InvalidInput
from auditpanel.extensions import db
from auditpanel.ids import Prefix, format_id, new_uuid
from auditpanel.times import utc_now
from auditpanel.webhooks.event_types import checked_type
from auditpanel.webhooks.events import raise_events
from auditpanel.webhooks.values import EventType, NewEvent

Json = dict[str, object]

MOST_EVENTS = 1_000
# Each webhook that wants it is sent all of it, with each attempt.
DATA_LIMIT_BYTES = 256 * 1024


class EventBody(Struct, kw_only=True):
    """`data` is what happened, sent on as it is. With an `id`, an event that is sent here twice is raised once."""

    type: str
    data: Json
    entity_id: str | UnsetType | None = UNSET
    id: Annotated[str, Meta(extra_json_schema={"format": "uuid"})] | UnsetType | None = UNSET


def add_routes(blueprint: Blueprint) -> None:
    blueprint.post("/events")(create_events)


def create_events() -> ResponseReturnValue:
    """Raise an event, or a list of up to 1,000, for the webhooks that want it.

    Answers after the commit: a sendout that is counted here will be delivered, or end as an error with its attempts to show. One bad event
    and none is raised.
    """
    events = _read_events(read_json())
    sendouts = raise_events(db.session(), current_scope(), events, now=utc_now())
    db.session.commit()
    return jsonify(ids=[format_id(Prefix.EVENT, event.id) for event in events], sendouts=sendouts), 202


def _read_events(body: object) -> list[NewEvent]:
    if not isinstance(body, list):
        return [_read_event(body, "")]
    if not 1 <= len(body) <= MOST_EVENTS:
        raise InvalidInput(f"{len(body):,} events came; send 1 to {MOST_EVENTS:,} in one call", field="body")
    return [_read_event(item, f"[{index}]") for index, item in enumerate(body)]


def _read_event(item: object, place: str) -> NewEvent:
    try:
        return _checked(item)
    except InvalidInput as error:
        raise InvalidInput(error.reason, field=".".join(filter(None, (place, error.field))) or "body") from None


def _checked(item: object) -> NewEvent:
    if not isinstance(item, dict):
        raise InvalidInput("expected an object with type and data")
    if unknown := next((name for name in item if name not in EventBody.__struct_fields__), None):
        raise InvalidInput(f'unknown field "{unknown[:80]}"; the fields are {", ".join(EventBody.__struct_fields__)}')
    body = convert_body(item, EventBody)
    type_ = checked_type(body.type, field="type")
    if type_ == EventType.TEST:
        raise InvalidInput(f'"{type_}" is what the panel calls the test of a webhook; choose another name', field="type")
    _check_size(body.data)
    return NewEvent(type_, read_key(body.entity_id, "entity_id"), body.data, _read_id(body.id))


def _check_size(data: Json) -> None:
    if (size := len(msgspec.json.encode(data))) > DATA_LIMIT_BYTES:
        raise InvalidInput(f"has {size:,} bytes as JSON; at most {DATA_LIMIT_BYTES:,} are taken, so send a link to the rest", field="data")


def _read_id(text: str | UnsetType | None) -> UUID:
    """As a UUID, or as the answer has it, `evt_…`."""
    if not isinstance(text, str):
        return new_uuid()
    try:
        return UUID(text.removeprefix(Prefix.EVENT))
    except ValueError:
        shown = f'"{text[:60]}" is not a UUID; write one like 0199c2f4-7b1e-7d21-a1f6-e8407cd4c44b, or leave it out'
        raise InvalidInput(shown, field="id") from None
