"""What msgspec finds wrong with a log, in the words of the person who sends it: which field, what was expected, what came."""

from __future__ import annotations

import re
from difflib import get_close_matches

import msgspec

from auditpanel.errors import InvalidInput
from auditpanel.logs.values import NewLog, Origin, Reference

# As in: Expected `int`, got `str` - at `$.references[0].id`
_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at `(?:key in )?\$\.?(?P<place>.*)`)?", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(?P<expected>[^`]*)`(?P<more>.*?)(?:, got `(?P<got>[^`]*)`)?")
_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING_FIELD = re.compile(r"Object missing required field `(.*)`")
_UNKNOWN_VALUE = re.compile(r"Invalid enum value (.*)", re.DOTALL)

_KINDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number with a point",
    "bool": "true or false",
    "null": "null",
    "object": "an object",
    "array": "a list",
    "datetime": "a date and time in text",
    "uuid": "a UUID in text",
}


def explain(error: msgspec.ValidationError) -> str:
    """One line, as in `status_code: expected a whole number, got a text`."""
    return explained(error).details


def explained(error: msgspec.ValidationError) -> InvalidInput:
    message = _MESSAGE.fullmatch(str(error))
    if message is None:
        return InvalidInput(str(error))
    # msgspec writes [...] for "some key of an object".
    place = (message["place"] or "").replace("[...]", ".*")
    return InvalidInput(_in_words(message["what"], place), field=place or None)


def _in_words(what: str, place: str) -> str:
    if unknown := _UNKNOWN_FIELD.fullmatch(what):
        return _unknown_field(unknown[1], Reference if place.startswith("references") else NewLog)
    if missing := _MISSING_FIELD.fullmatch(what):
        return f'required field "{missing[1]}" is missing'
    if expected := _EXPECTED.fullmatch(what):
        return _mismatch(expected["expected"], expected["more"], expected["got"])
    if value := _UNKNOWN_VALUE.fullmatch(what):
        return f"{value[1][:80]} is not known; expected one of {', '.join(Origin)}"
    return _PHRASES.get(what, what[:1].lower() + what[1:])


_PHRASES = {
    "Invalid RFC3339 encoded datetime": "not a date with a time; write ISO 8601 with an offset or Z, like 2026-11-24T14:05:00.123Z",
    "Invalid UUID": "not a UUID; write one like 0199c2f4-7b1e-7d21-a1f6-e8407cd4c44b, or leave it out",
    "Number out of range": "the number is out of range",
}


def _unknown_field(name: str, of: type[msgspec.Struct]) -> str:
    closest = get_close_matches(name.lower()[:80], of.__struct_fields__, n=1)
    hint = f'did you mean "{closest[0]}"?' if closest else f"the fields are {', '.join(of.__struct_fields__)}"
    return f'unknown field "{name[:80]}"; {hint}'


def _mismatch(expected: str, more: str, got: str | None) -> str:
    # A number with a point where a whole one is wanted would read "expected a number, got a number".
    kind = "a number with a point" if got == "float" else _KINDS.get(got or "", got)
    wanted = " or ".join(_KINDS.get(name, name) for name in expected.split(" | "))
    return f"expected {wanted}{more}" + (f", got {kind}" if got else "")
