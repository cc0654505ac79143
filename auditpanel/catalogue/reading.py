"""Reading a body of the public API: its types first, then what types do not say. Every refusal names the field and what would be right."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from typing import TypeVar

import msgspec
from msgspec import UnsetType

from auditpanel.errors import InvalidInput

Json = dict[str, object]
Body = TypeVar("Body", bound=msgspec.Struct)

# An entry of PostgreSQL's index holds 2,704 bytes, and a character may have four.
KEY_LIMIT = 500
TEXT_LIMIT = 10_000
DEPTH_LIMIT = 20
INTEGER_LIMIT = 2**31 - 1
BIGINT_LIMIT = 2**63 - 1

_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at `(?:key in )?\$\.?(?P<place>.*)`)?", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(?P<expected>[^`]*)`(?P<more>.*?)(?:, got `(?P<got>[^`]*)`)?")
_UNKNOWN_VALUE = re.compile(r"Invalid (?:enum )?value (.*)", re.DOTALL)
_MISSING_FIELD = re.compile(r"Object missing required field `(.*)`")
_KINDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
_DISCOUNTS = "AMOUNT, PERCENT, UNIT or FIXED"
_VALUES = (
    ("discount.type", _DISCOUNTS),
    ("voucher.type", "DISCOUNT_VOUCHER, GIFT_VOUCHER or LOYALTY_CARD"),
    ("campaign.type", "AUTO_UPDATE, STATIC or STANDALONE"),
    ("discount.effect", "APPLY_TO_ORDER or APPLY_TO_ITEMS; for units ADD_MISSING_ITEMS, ADD_NEW_ITEMS, ADD_MANY_ITEMS or ADD_SAME_ITEMS"),
    ("gift.effect", "APPLY_TO_ORDER or APPLY_TO_ITEMS"),
)


def convert_body(data: object, kind: type[Body]) -> Body:
    """Raises InvalidInput with the path of the first field whose type is wrong, and for what cannot be stored at all."""
    try:
        body = msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise _explained(error, kind) from None
    check_storable(data, "")
    return body


def _explained(error: msgspec.ValidationError, kind: type[msgspec.Struct]) -> InvalidInput:
    message = _MESSAGE.fullmatch(str(error))
    if message is None:
        return InvalidInput(str(error))
    place = message["place"] or ""
    return InvalidInput(_in_words(message["what"], f"{kind.__name__.removesuffix('Body').lower()}.{place}"), field=place or None)


def _in_words(what: str, place: str) -> str:
    """`place` begins with what the body is about, as in `voucher.discount.type`."""
    if missing := _MISSING_FIELD.fullmatch(what):
        return f'"{missing[1]}" is missing' + _hint(f"{place.rstrip('.')}.{missing[1]}")
    if value := _UNKNOWN_VALUE.fullmatch(what):
        return f"{value[1][:80]} is not known" + _hint(place)
    if expected := _EXPECTED.fullmatch(what):
        wanted = " or ".join(dict.fromkeys(_KINDS.get(name, name) for name in expected["expected"].split(" | ")))
        got = "a number with a point" if expected["got"] == "float" else _KINDS.get(expected["got"] or "", expected["got"])
        return f"expected {wanted}{expected['more']}" + (f", got {got}" if got else "")
    return what[:1].lower() + what[1:]


def _hint(place: str) -> str:
    values = next((values for name, values in _VALUES if place.endswith(name)), None)
    return f"; write {values}" if values else ""


def check_storable(value: object, place: str, depth: int = 0) -> None:
    """What PostgreSQL's JSON cannot hold: NUL, halves of surrogate pairs, numbers without end; and nesting without end."""
    if isinstance(value, str):
        _check_characters(value, place)
    elif isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(f"{value} is no number that JSON has", field=place or None)
    elif isinstance(value, dict | list):
        if depth >= DEPTH_LIMIT:
            raise InvalidInput(f"is nested too deeply; {DEPTH_LIMIT} levels at most", field=place or None)
        items = value.items() if isinstance(value, dict) else ((str(index), item) for index, item in enumerate(value))
        for name, item in items:
            _check_characters(name, place)
            check_storable(item, f"{place}.{name[:80]}" if place else name[:80], depth + 1)


def _check_characters(text: str, place: str) -> None:
    if "\x00" in text:
        raise InvalidInput("a NUL character is in it, which no stored text has; take it out", field=place or None)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput("half of a character is in it (a lone surrogate); send the text as UTF-8", field=place or None) from None


def given(value: object) -> bool:
    return value is not None and not isinstance(value, UnsetType)


def read_text(value: str | UnsetType | None, field: str, *, limit: int = TEXT_LIMIT) -> str | None:
    """Without spaces around it; an empty one is none."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if len(text) > limit:
        raise InvalidInput(f"has {len(text):,} characters; at most {limit:,} are taken", field=field)
    return text or None


def read_key(value: str | UnsetType | None, field: str) -> str | None:
    """A text that records are found by: code, source id, name of a campaign."""
    return read_text(value, field, limit=KEY_LIMIT)


def read_moment(text: str | UnsetType | None, field: str) -> datetime | None:
    """ISO 8601; a day alone is its beginning, and a time without an offset is UTC, as in the public API."""
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        shown = f'"{text.strip()[:60]}" is not a date in ISO 8601; write it like 2026-11-25T08:30:00Z or 2026-11-25'
        raise InvalidInput(shown, field=field) from None


def read_day(text: str | UnsetType | None, field: str) -> date | None:
    """The day of an ISO 8601 date; a time after it is taken and dropped."""
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        return datetime.fromisoformat(text.strip()).date()
    except ValueError:
        raise InvalidInput(f'"{text.strip()[:60]}" is not a day; write it like 1990-02-28', field=field) from None


def check_order(start: datetime | None, end: datetime | None) -> None:
    if start and end and end <= start:
        raise InvalidInput(f"{end:%Y-%m-%dT%H:%M:%SZ} is not after start_date, {start:%Y-%m-%dT%H:%M:%SZ}", field="expiration_date")


def read_whole(value: int | UnsetType | None, field: str, *, lowest: int = 0, highest: int = BIGINT_LIMIT) -> int | None:
    if isinstance(value, UnsetType) or value is None:
        return None
    if not lowest <= value <= highest:
        raise InvalidInput(f"{_shown(value)} is out of range; write a whole number from {lowest:,} to {highest:,}", field=field)
    return value


def check_amount(value: int | float | UnsetType | None, field: str, *, highest: float = 1e15) -> None:
    if isinstance(value, int | float) and not 0 <= value <= highest:
        raise InvalidInput(f"{_shown(value)} is out of range; write a number from 0 to {highest:,.0f}", field=field)


def _shown(number: int | float) -> str:
    return f"{number:.15g}" if abs(number) < 10**18 else "the number"
