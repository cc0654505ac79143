"""What a cell of a CSV file says: numbers, dates, yes and no, lists, objects. An empty cell never comes here: it says nothing.

Units are those of the public API: amounts are whole numbers in the currency's smallest unit (1500 is 15.00). A cell such as "15.00" could
mean 15 or 1500 of them, so an amount with a point or comma is refused instead of guessed.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache

import msgspec

from auditpanel.catalogue.metadata_rules import has_rules, what_is_wrong
from auditpanel.catalogue.reading import BIGINT_LIMIT, INTEGER_LIMIT, KEY_LIMIT, TEXT_LIMIT, check_storable
from auditpanel.errors import InvalidInput

Convert = Callable[[str], object]

AMOUNT_LIMIT = 10**15

_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_SWITCHES = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_POINT = re.compile(r"\s*([+-]?\d{1,2}(?:\.\d+)?)\s*,\s*([+-]?\d{1,3}(?:\.\d+)?)\s*", re.ASCII)


class Wrong(ValueError):
    """What is wrong with a cell, to stand behind its value, and what would be right."""


def text(cell: str) -> str:
    if len(cell) > TEXT_LIMIT:
        raise Wrong(f"has {len(cell):,} characters; at most {TEXT_LIMIT:,} are taken")
    return cell


def key(cell: str) -> str:
    if len(cell) > KEY_LIMIT:
        raise Wrong(f"has {len(cell):,} characters; at most {KEY_LIMIT:,} are taken")
    return cell


def currency(cell: str) -> str:
    if len(cell) != 3 or not cell.isalpha():
        raise Wrong("is not a currency; write its three letters, like EUR")
    return cell.upper()


@lru_cache(maxsize=4096)
def amount(cell: str) -> int:
    if _WHOLE.fullmatch(cell) and 0 <= int(cell) <= AMOUNT_LIMIT:
        return int(cell)
    if re.fullmatch(r"\d{1,13}[.,]\d\d", cell, re.ASCII):
        raise Wrong(f"is not in the currency's smallest unit; write {int(cell[:-3] + cell[-2:])} for {cell[:-3]}.{cell[-2:]}")
    raise Wrong("is not a whole number in the currency's smallest unit; write it like 1500 for 15.00")


@lru_cache(maxsize=4096)
def percent(cell: str) -> int | float:
    digits = cell.removesuffix("%").rstrip()
    if _NUMBER.fullmatch(digits) and 0 <= float(digits) <= 100:
        return _plain(float(digits))
    raise Wrong("is not a percentage; write a number from 0 to 100, like 10 or 12.5")


@lru_cache(maxsize=4096)
def whole(cell: str) -> int:
    if _WHOLE.fullmatch(cell) and 0 <= int(cell) <= BIGINT_LIMIT:
        return int(cell)
    raise Wrong("is not a whole number from 0; write it like 100")


@lru_cache(maxsize=4096)
def limit(cell: str) -> int:
    if _WHOLE.fullmatch(cell) and 1 <= int(cell) <= INTEGER_LIMIT:
        return int(cell)
    raise Wrong(f"is not a whole number from 1 to {INTEGER_LIMIT:,}; write it like 1, and nothing for no limit")


def number(cell: str) -> int | float:
    if _WHOLE.fullmatch(cell):
        return int(cell)
    if _NUMBER.fullmatch(cell) and math.isfinite(float(cell)):
        return _plain(float(cell)) if "." not in cell else float(cell)
    raise Wrong("is not a number; write it like 1500 or 12.5, with a point and without spaces")


def _plain(value: float) -> int | float:
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def switch(cell: str) -> bool:
    try:
        return _SWITCHES[cell.lower()]
    except KeyError:
        raise Wrong("is neither yes nor no; write true or false (yes, no, 1 and 0 are taken too)") from None


def moment(cell: str) -> datetime:
    """A day alone is its beginning, and a time without an offset is UTC, as in the public API."""
    try:
        read = datetime.fromisoformat(cell)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Wrong("is not a date in ISO 8601; write it like 2026-11-25T08:30:00Z or 2026-11-25") from None


def written(moment: datetime) -> str:
    """As people write it: `2026-11-25T08:30:00Z`, with a fraction only where there is one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=4096)
def day(cell: str) -> date:
    try:
        return datetime.fromisoformat(cell).date()
    except ValueError:
        raise Wrong("is not a day in ISO 8601; write it like 1990-02-28") from None


def words(cell: str) -> list[str]:
    """Separated by commas; one that has a comma itself stands in quotes."""
    return [part.strip() for part in next(csv.reader([cell], skipinitialspace=True)) if part.strip()]


def thing(cell: str) -> dict[str, object]:
    """An object in JSON. The public templates write it with single quotes, which is taken where there are no others in it."""
    readable = cell.replace("'", '"') if '"' not in cell else cell
    try:
        value = msgspec.json.decode(readable)
        check_storable(value, "")
    except (msgspec.DecodeError, InvalidInput, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Wrong('is not an object in JSON; write it like {"color": "blue"}')
    return value


def _iso_moment(cell: str) -> str:
    return moment(cell).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _iso_day(cell: str) -> str:
    return day(cell).isoformat()


def _image_url(cell: str) -> str:
    if not cell.startswith(("https://", "http://")):
        raise Wrong("is not the address of an image; write it like https://example.com/picture.png")
    return text(cell)


def _place(cell: str) -> list[float]:
    parts = _POINT.fullmatch(cell)
    if parts is None or abs(float(parts[1])) > 90 or abs(float(parts[2])) > 180:
        raise Wrong("is not a place; write latitude and longitude, like 52.2297,21.0122")
    return [float(parts[1]), float(parts[2])]


_BY_TYPE: dict[str, Convert] = {
    "string": text,
    "number": number,
    "boolean": switch,
    "date": _iso_day,
    "datetime": _iso_moment,
    "image_url": _image_url,
    "geopoint": _place,
}


def metadata_converter(definition: Mapping[str, object] | None) -> Convert:
    """By the project's metadata schema, with its rules. Without a definition a cell stays a text; types of the project's own are objects.

    Values of an array are separated by commas, as in the public API; objects and places in an array stand in a JSON list.
    """
    if definition is None:
        return text
    convert = _typed_converter(definition)
    if not has_rules(definition):
        return convert

    def checked(cell: str) -> object:
        value = convert(cell)
        if wrong := what_is_wrong(value, definition):
            raise Wrong(wrong)
        return value

    return checked


def _typed_converter(definition: Mapping[str, object]) -> Convert:
    kind = str(definition.get("type") or "string")
    convert = _BY_TYPE.get(kind, thing)
    if not definition.get("array"):
        return convert
    return _list_in_json if convert in (thing, _place) else lambda cell: [convert(word) for word in words(cell)]


def _list_in_json(cell: str) -> object:
    try:
        value = msgspec.json.decode(cell)
        check_storable(value, "")
    except (msgspec.DecodeError, InvalidInput, RecursionError):
        value = None
    if not isinstance(value, list):
        raise Wrong('is not a list in JSON; write it like [{"color": "blue"}, {"color": "red"}]')
    return value
