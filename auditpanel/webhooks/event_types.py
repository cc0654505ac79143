"""Names of event types: those of the platform (`values.EventType`), and others that services raise."""

from __future__ import annotations

import re
from collections.abc import Sequence

from auditpanel.errors import InvalidInput

MOST_TYPES = 100
TYPE_CHARACTERS = 120

_TYPE = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")


def checked_type(text: str, *, field: str) -> str:
    """Raises InvalidInput where it is none."""
    if len(text) > TYPE_CHARACTERS or not _TYPE.fullmatch(text):
        raise InvalidInput(
            f'"{text[:80]}" is not an event type; write small letters, digits and _ in parts with points between, like order.created',
            field=field,
        )
    return text


def checked_choice(types: Sequence[str] | None) -> list[str] | None:
    """What a webhook is sent; None is all. Raises InvalidInput, field `event_types`."""
    if types is None:
        return None
    if not 1 <= len(types) <= MOST_TYPES:
        raise InvalidInput(f"choose 1 to {MOST_TYPES} event types, or all", field="event_types")
    return list(dict.fromkeys(checked_type(text.strip(), field="event_types") for text in types))
