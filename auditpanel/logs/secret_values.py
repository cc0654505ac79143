"""Finds the values of secret keys in text of any notation and puts marks in their place; all else stays byte for byte.

Bodies arrive as JSON (also inside the strings of other JSON, or cut anywhere), forms, XML, multipart or plain text, and nothing says
which. So one pattern finds the secret keys themselves, whatever is around them, and what follows a key tells how its value ends.
JSON stays JSON: a number or an object becomes a string that holds the mark. `null`, `true`, `false` and empty strings hide nothing
and stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote_plus

from auditpanel.logs.json_text import Quoting, level_of_run
from auditpanel.logs.marks import REDACTED, redacted
from auditpanel.logs.secret_names import SECRET_NAME, is_secret_key

_QUOTE = r"\\*+[\"']|%22|&quot;"
_SPACE = r"(?:\s++|\\++[nrt]|\+|%20)*+"
_SEPARATOR = rf"{_SPACE}(?P<separator>:|=>?|%3[AaDd]){_SPACE}"
_KEY = re.compile(rf"(?P<name>{SECRET_NAME})(?:\]|%5[Dd])?+(?P<quote>{_QUOTE})?+{_SEPARATOR}")
# A key with an escape for a printable ASCII character can only mean to be overlooked; it has to be decoded to be judged.
_HIDING = re.compile(r"\\u00[2-7]")
_ESCAPED_KEY = re.compile(
    rf'(?<!\\)\\*+"(?P<name>(?:[^"\\]++|\\++u[0-9a-fA-F]{{4}})++)(?P<quote>\\*+"){_SEPARATOR}',
)
_OPENING = re.compile(_QUOTE)
_LINE = re.compile(r'[^\r\n"\\<]*+')
_TAG = re.compile(r"<(?P<name>[A-Za-z_][\w:.-]*+)(?:\s[^<>]*+)?>")
_TAG_IN_JSON = re.compile(r'<(?P<name>[A-Za-z_][\w:.-]*+)(?:\s(?:[^<>"\\]++|\\.)*+)?>')
_STRING_REST = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)
_CHARACTERS = re.compile(r"(?:<!\[CDATA\[)?+[^<]*+")
_CHARACTERS_IN_JSON = re.compile(r'(?:<!\[CDATA\[)?+(?:[^<"\\]++|\\.)*+', re.DOTALL)
# So many elements without an end are looked for to the end of the text; hostile text could hold a million.
_SEARCHES_FOR_END = 16
# One part up to its content. The counts keep the work for each part bounded.
_PART = re.compile(
    r'(?i:content-disposition:\s?form-data;)\s?name="?(?P<name>[^"\r\n;]{1,200}+)"?[^\r\n]{0,500}+\r?\n(?:[^\r\n]{1,500}+\r?\n){0,8}\r?\n'
)
_PARAMETER = re.compile(r"[^&]++")
_EQUALS = re.compile("=")
# With each of its characters percent-encoded; what is before that cannot matter.
_LONGEST_NAME = 200
_HEADER_NAMES = ("authorization", "cookie", "cookies")


def _bare(stops: str) -> re.Pattern[str]:
    # Marks hold spaces; one at the beginning belongs to the value, so that a value behind it is not overlooked.
    return re.compile(rf"(?:{REDACTED.pattern}|[^{stops}])*+")


_SCALAR = _bare(r"\s,\]}\"'\\")
_BARE_IN_JSON = _bare(r"\s&;<\"\\")
_BARE = _bare(r"\s&;<\"")


@dataclass(frozen=True, slots=True)
class _Value:
    start: int
    end: int
    # What has to be put around the mark, so that JSON stays JSON.
    quote: str = ""


def hide_values(text: str, *, in_json: bool) -> str:
    """Marks the values of secret keys. `in_json`: whether the whole text is JSON, where every quote of level 0 is a string's border."""
    return _replace(text, _values(text, in_json))


def hide_elements(text: str, *, in_json: bool) -> str:
    """The same for elements of XML. In JSON an element must not reach over the end of its string."""
    return _replace(text, _elements(text, in_json))


def hide_parts(text: str) -> str:
    """The same for the parts of a multipart form."""
    return _replace(text, _parts(text))


def hide_parameters(query: str) -> str:
    """The same for `name=value&…`, where a value may hold anything but `&` and the names may be percent-encoded."""
    return _PARAMETER.sub(_parameter, query)


def mark_values(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Marks whole JSON values, strings with their quotes."""
    return _replace(text, (_whole_value(text, *span) for span in spans))


def _replace(text: str, values: Iterator[_Value]) -> str:
    pieces: list[str] = []
    done = 0
    for value in values:
        pieces += (text[done : value.start], value.quote, redacted(text[value.start : value.end]), value.quote)
        done = value.end
    pieces.append(text[done:])
    return "".join(pieces)


def _whole_value(text: str, start: int, end: int) -> _Value:
    if text[start] != '"':
        return _Value(start, end, '"')
    return _Value(start + 1, end - 1 if end - start > 1 and text[end - 1] == '"' else end)


def _values(text: str, in_json: bool) -> Iterator[_Value]:
    done = 0
    for key in _keys(text):
        if key.start() >= done and (value := _value_of(key, in_json)) is not None:
            done = value.end
            yield value


def _keys(text: str) -> Iterable[re.Match[str]]:
    if not _HIDING.search(text):
        return _KEY.finditer(text)
    hidden = [key for key in _ESCAPED_KEY.finditer(text) if "\\" in key["name"] and is_secret_key(_unescaped(key["name"]))]
    return sorted([*_KEY.finditer(text), *hidden], key=lambda key: key.end())


def _unescaped(name: str) -> str:
    return re.sub(r"\\+u([0-9a-fA-F]{4})", lambda escape: chr(int(escape[1], 16)), name)


def _value_of(key: re.Match[str], in_json: bool) -> _Value | None:
    text, at, quote = key.string, key.end(), key["quote"]
    opening = _OPENING.match(text, at)
    if opening and in_json and not quote and opening[0] == '"':
        # Not a value's beginning but the end of the string that the name stands in: "…/?token=".
        return None
    if opening:
        start = opening.end()
        value = _Value(start, _quoting(opening[0], in_json).string_end(text, start))
    elif text.startswith(("{", "["), at) and not REDACTED.match(text, at) and _may_open(quote, in_json):
        end = _quoting(quote or '"', in_json).container_end(text, at)
        # Without quotes it may as well be a word that begins with a bracket.
        value = _Value(at, end, quote) if quote else _Value(at, _end_of(_unquoted(key, in_json), text, end))
    elif quote and quote != "%22":
        value = _Value(at, _end_of(_SCALAR, text, at), quote)
        if text[at : value.end] in ("null", "true", "false", "None", "True", "False"):
            return None
    else:
        value = _Value(at, _end_of(_unquoted(key, in_json), text, at))
    return value if value.end > value.start else None


def _unquoted(key: re.Match[str], in_json: bool) -> re.Pattern[str]:
    """What a value without quotes is made of: of a header the whole line, else a word."""
    if key["name"].lower() in _HEADER_NAMES and key["separator"] == ":":
        return _LINE
    return _BARE_IN_JSON if in_json else _BARE


def _may_open(quote: str | None, in_json: bool) -> bool:
    """Whether a bracket behind the key is an object's or array's; behind a bare name inside a JSON string it may be anything."""
    return quote[-1] in "\"'" if quote else not in_json


def _quoting(quote: str, in_json: bool) -> Quoting:
    mark = quote.lstrip("\\")
    return Quoting(mark, level_of_run(len(quote) - len(mark)) if mark in "\"'" else 0, in_json)


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _elements(text: str, in_json: bool) -> Iterator[_Value]:
    done = searches = 0
    room = -1 if in_json else len(text)
    for tag in (_TAG_IN_JSON if in_json else _TAG).finditer(text):
        start = tag.end()
        if tag.start() < done or tag[0].endswith("/>") or not is_secret_key(tag["name"]):
            continue
        if start > room:
            room = _end_of(_STRING_REST, text, start)
        closing = _closing(text, tag["name"], start, room) if searches < _SEARCHES_FOR_END else -1
        searches += closing < 0
        if closing >= 0:
            done = closing
        elif room == len(text) and (in_json or text.startswith("<")):
            # The text was cut in this element.
            done = room
        else:
            done = _end_of(_CHARACTERS_IN_JSON if in_json else _CHARACTERS, text, start)
        if text[start:done].strip():
            yield _Value(start, done)


def _closing(text: str, name: str, start: int, room: int) -> int:
    """Where the element's end tag is, its slash perhaps escaped as JSON may have it, or -1."""
    found = text.find(f"</{name}", start, room)
    return found if found >= 0 else text.find(f"<\\/{name}", start, room)


def _parts(text: str) -> Iterator[_Value]:
    boundary = text[: _next(text, "\n", 0)].rstrip("\r") if text.startswith("--") else "--"
    done = 0
    for part in _PART.finditer(text):
        if part.start() < done or not is_secret_key(part["name"]):
            continue
        done = _next(text, f"\n{boundary}", part.end())
        end = done - 1 if text[done - 1] == "\r" and done < len(text) else done
        if end > part.end():
            yield _Value(part.end(), end)


def _parameter(pair: re.Match[str]) -> str:
    text = pair[0]
    # At each `=`, as a value may hold a query of its own: to=/login?token=….
    for equals in _EQUALS.finditer(text):
        name = unquote_plus(text[max(0, equals.start() - _LONGEST_NAME) : equals.start()])
        if equals.end() < len(text) and is_secret_key(name):
            return f"{text[: equals.end()]}{redacted(text[equals.end() :])}"
    return text


def _next(text: str, what: str, at: int) -> int:
    """Where `what` comes next, else the end of the text."""
    found = text.find(what, at)
    return found if found >= 0 else len(text)
