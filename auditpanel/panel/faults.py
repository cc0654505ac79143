"""Which property a refused call was refused for, as far as the answer tells."""

from __future__ import annotations

import re

import msgspec

from auditpanel.panel.json_lines import JsonLines, Line, NotJson, read_json
from auditpanel.panel.marks import SegmentKind

# In this order: the first says more than the next.
ANSWER_FIELDS = ("details", "message", "error")

_PATH = r"(?P<path>[A-Za-z_][\w-]*(?:\.[\w-]+|\[\d+\])*)"
_MENTIONS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:property|field|parameter|attribute|key)\s+[`'\"]?[$]?\.?{_PATH}",
        rf"[$]\.?{_PATH}",
        rf"(?<![\w.])\.{_PATH}",
        rf"[`'\"]{_PATH}[`'\"]\s+(?:must|is|should|has|cannot|can't|may|was)\b",
        rf"^{_PATH}(?::|\s+(?:must|is|should|has|cannot|can't|may|was)\b)",
    )
)
# A message is a sentence or two. What is longer is a page or a stack trace, and its first words name the property if any do.
_MESSAGE_LIMIT = 2_000


def fault_of(response_body: str | None) -> str | None:
    """The property path that an answer complains of, such as `order.amount`; None where it names none."""
    answer = _read(response_body)
    if answer is None:
        return None
    for name in ANSWER_FIELDS:
        for line in answer.lines:
            path = _mentioned_path(_string_value(answer, line)) if line.key == name else None
            if path is not None:
                return path
    return None


def telling_field(response_body: str | None) -> str | None:
    """The field of an answer that says most about a failure: `details`, else `message`, else `error`."""
    answer = _read(response_body)
    if answer is None:
        return None
    present = {line.key for line in answer.lines if line.depth == 1 and _says_something(answer, line)}
    return next((name for name in ANSWER_FIELDS if name in present), None)


def find_property(json: JsonLines, path: str) -> int | None:
    """The line of a property. A path that leaves out its beginning (`amount`) is taken where only one property fits."""
    wanted = [part for part in re.findall(r"[^.\[\]]+", path) if part != "$"]
    ends = [(index, _climb(json, index, wanted)) for index in range(len(json.lines))] if wanted else []
    fitting = [(index, start) for index, start in ends if start is not None]
    whole = [index for index, start in fitting if json.lines[start].depth == 1]
    if whole:
        return whole[0]
    return fitting[0][0] if len(fitting) == 1 else None


def _climb(json: JsonLines, index: int, wanted: list[str]) -> int | None:
    """The line of the path's first part, when the path leads from there to the given line."""
    here: int | None = index
    for depth, part in enumerate(reversed(wanted)):
        if here is None or not _is_named(json, json.lines[here], part):
            return None
        if depth < len(wanted) - 1:
            here = json.lines[here].parent
    return here


def _is_named(json: JsonLines, line: Line, part: str) -> bool:
    if line.parent is None or line.closes is not None:
        return False
    in_array = json.lines[line.parent].bracket == "["
    return str(line.place) == part if in_array else line.key == part


def _read(body: str | None) -> JsonLines | None:
    try:
        return read_json(body or "")
    except NotJson:
        return None


def _string_value(json: JsonLines, line: Line) -> str:
    token = json.value_token(line)
    if token is None or token.kind is not SegmentKind.STRING:
        return ""
    written = json.text[token.start : token.end]
    try:
        return msgspec.json.decode(written.encode(errors="replace"), type=str)
    except msgspec.DecodeError:
        return written.strip('"')


def _mentioned_path(message: str) -> str | None:
    matches = (mention.search(message[:_MESSAGE_LIMIT]) for mention in _MENTIONS)
    return next((match["path"] for match in matches if match), None)


def _says_something(json: JsonLines, line: Line) -> bool:
    token = json.value_token(line)
    return token is None or json.text[token.start : token.end] not in ("null", '""')
