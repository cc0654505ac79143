"""What a project's metadata schema asks of metadata, in the words of the public API: type, array, optional, eq, ne, bounds and lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from auditpanel.errors import InvalidInput

Definition = Mapping[str, object]
Schema = Mapping[str, Definition]

TYPES = ("string", "number", "boolean", "date", "datetime", "object", "geopoint", "image_url")
SHOWN_CHARACTERS = 80
SHOWN_CHOICES = 10

# A rule of a definition, what it compares, and how it is told.
_BOUNDS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "lt": (lambda value, bound: value < bound, "below"),
    "lte": (lambda value, bound: value <= bound, "at most"),
    "gt": (lambda value, bound: value > bound, "above"),
    "gte": (lambda value, bound: value >= bound, "at least"),
}
_LENGTHS: Mapping[str, tuple[Callable[[int, float], bool], str]] = {
    "maxLength": (lambda length, bound: length <= bound, "at most"),
    "minLength": (lambda length, bound: length >= bound, "at least"),
    "exactLength": (lambda length, bound: length == bound, "exactly"),
}
RULES = ("eq", "ne", *_BOUNDS, *_LENGTHS)


def needed_keys(schema: Schema) -> tuple[str, ...]:
    """Those that each record has to have."""
    return tuple(key for key, definition in schema.items() if definition.get("optional") is False and not definition.get("deleted"))


def check_whole(metadata: Mapping[str, object], schema: Schema) -> None:
    """Of a new record: nothing that is needed is missing either. Raises InvalidInput with the property's name."""
    check_given(metadata, schema)
    for key in needed_keys(schema):
        if metadata.get(key) is None:
            raise InvalidInput("is missing; the project's metadata schema asks for it", field=_field(key))


def check_given(metadata: Mapping[str, object], schema: Schema, *, unset: Iterable[str] = ()) -> None:
    """Of a change, which sets some keys and takes others off."""
    needed = needed_keys(schema) if schema else ()
    for key in (*(key for key, value in metadata.items() if value is None), *unset):
        if key in needed:
            raise InvalidInput("cannot be taken off; the project's metadata schema asks for it", field=_field(key))
    for key, definition in schema.items():
        value = metadata.get(key)
        if value is not None and (wrong := what_is_wrong(value, definition)):
            raise InvalidInput(f"{_shown(value)} {wrong}", field=_field(key))


def has_rules(definition: Definition) -> bool:
    """Whether it asks for more than a type."""
    return any(definition.get(rule) is not None for rule in RULES)


def rules_in_words(definition: Definition) -> list[str]:
    """What it asks for beside the type, each on its own."""
    words = ["in each new record"] if definition.get("optional") is False else []
    for rule, start in (("eq", "one of"), ("ne", "none of")):
        choices = definition.get(rule)
        if isinstance(choices, list) and choices:
            words.append(f"{start} {_shown_choices(choices)}")
    words += [f"{start} {_shown(definition[rule])}" for rule, (_, start) in _BOUNDS.items() if _is_number(definition.get(rule))]
    words += [f"{start} {_shown(definition[rule])} characters" for rule, (_, start) in _LENGTHS.items() if _is_number(definition.get(rule))]
    return words


def what_is_wrong(value: object, definition: Definition) -> str | None:
    """To stand behind the value; None where it is right."""
    if definition.get("deleted"):
        return None
    if not definition.get("array"):
        return _wrong_item(value, definition)
    if not isinstance(value, list):
        return "is not a list; write its values in brackets, separated by commas"
    found = ((item, _wrong_item(item, definition)) for item in value)
    return next((f"has {_shown(item)} in it, which {wrong}" for item, wrong in found if wrong), None)


def _wrong_item(value: object, definition: Definition) -> str | None:
    is_right, wrong = _TYPES.get(str(definition.get("type") or "string"), _TYPES["object"])
    if not is_right(value):
        return wrong
    return _wrong_choice(value, definition) or _wrong_number(value, definition) or _wrong_length(value, definition)


def _wrong_choice(value: object, definition: Definition) -> str | None:
    allowed, forbidden = definition.get("eq"), definition.get("ne")
    if isinstance(allowed, list) and allowed and not _stands_in(value, allowed):
        return f"is not one of the values that are taken; write {_shown_choices(allowed)}"
    if isinstance(forbidden, list) and _stands_in(value, forbidden):
        return "is a value that is not taken; write another one"
    return None


def _stands_in(value: object, choices: Iterable[object]) -> bool:
    # To Python, 1 is True.
    return any(value == choice and isinstance(value, bool) == isinstance(choice, bool) for choice in choices)


def _wrong_number(value: object, definition: Definition) -> str | None:
    if not _is_number(value):
        return None
    for rule, (holds, words) in _BOUNDS.items():
        bound = definition.get(rule)
        if _is_number(bound) and not holds(value, bound):  # type: ignore[arg-type]
            return f"is out of bounds; write a number {words} {_shown(bound)}"
    return None


def _wrong_length(value: object, definition: Definition) -> str | None:
    if not isinstance(value, str):
        return None
    for rule, (holds, words) in _LENGTHS.items():
        bound = definition.get(rule)
        if _is_number(bound) and not holds(len(value), bound):  # type: ignore[arg-type]
            return f"has {len(value):,} characters; write {words} {_shown(bound)}"
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_moment(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value) is not None
    except ValueError:
        return False


def _is_place(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 2 or not all(map(_is_number, value)):
        return False
    return bool(abs(value[0]) <= 90 and abs(value[1]) <= 180)


def _is_address(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://"))


_TYPES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "string": (lambda value: isinstance(value, str), "is not a text; write it in quotes"),
    "number": (_is_number, "is not a number; write it like 1500 or 12.5, without quotes"),
    "boolean": (lambda value: isinstance(value, bool), "is neither true nor false; write one of them, without quotes"),
    "date": (_is_moment, "is not a day in ISO 8601; write it like 1990-02-28"),
    "datetime": (_is_moment, "is not a date in ISO 8601; write it like 2026-11-25T08:30:00Z or 2026-11-25"),
    "geopoint": (_is_place, "is not a place; write latitude and longitude, like [52.2297, 21.0122]"),
    "image_url": (_is_address, "is not the address of an image; write it like https://example.com/picture.png"),
    # Types of the project's own are objects too.
    "object": (lambda value: isinstance(value, dict), 'is not an object; write it like {"color": "blue"}'),
}


def check_definition(definition: Definition) -> None:
    """Raises InvalidInput for a type or rule that could not be held to."""
    if definition.get("type") not in TYPES:
        raise InvalidInput(f'"{str(definition.get("type"))[:60]}" is no type of metadata; write one of {", ".join(TYPES)}', field="type")
    for rule in ("eq", "ne"):
        choices = definition.get(rule)
        if choices is not None and not isinstance(choices, list):
            raise InvalidInput('is not a list; write it like ["summer", "winter"]', field=rule)
        item = {"type": definition["type"]}
        for choice in choices or ():
            if wrong := _wrong_item(choice, item):
                raise InvalidInput(f"{_shown(choice)} {wrong}", field=rule)
    for rule in (*_BOUNDS, *_LENGTHS):
        bound = definition.get(rule)
        if bound is not None and (not isinstance(bound, int) or isinstance(bound, bool) or (rule in _LENGTHS and bound < 0)):
            raise InvalidInput(f"{_shown(bound)} is not a whole number", field=rule)
    for low, high in (("gte", "lte"), ("minLength", "maxLength")):
        least, most = definition.get(low), definition.get(high)
        if isinstance(least, int) and isinstance(most, int) and least > most:
            raise InvalidInput(f"{most} is below {least}, the least that is taken", field=high)


def _field(key: str) -> str:
    return f"metadata.{key[:SHOWN_CHARACTERS]}"


def _shown_choices(choices: Sequence[object]) -> str:
    more = " …" if len(choices) > SHOWN_CHOICES else ""
    return f"{', '.join(map(_shown, choices[:SHOWN_CHOICES]))}{more}"


def _shown(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"
