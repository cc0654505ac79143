"""How a recorded request or answer is shown: its headers, its query, its body."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl

from auditpanel.logs.values import Headers, LogRecord, Message
from auditpanel.panel.faults import fault_of, find_property, telling_field
from auditpanel.panel.folding import Step, StepKind, fold
from auditpanel.panel.json_lines import DEPTH_LIMIT, JsonLines, NotJson, Stop, read_json
from auditpanel.panel.marks import TEXT_MARKS, FoundSpans, Segment, SegmentKind, find_texts, split_marks, split_span

# A form with more fields than this is no form that a person reads; it is shown as text.
FORM_LIMIT = 1_000


class BodyKind(StrEnum):
    JSON = "json"
    FORM = "form"
    TEXT = "text"
    NONE = "none"


class RawEncoding(StrEnum):
    """How the text to copy is written into the page: as it is, or as a JSON string where HTML cannot hold it unchanged."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Field:
    name: tuple[Segment, ...]
    value: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class FieldsView:
    """Names and values in the order in which they came. `count` is in words: `14, 2 redacted`."""

    fields: tuple[Field, ...]
    count: str


@dataclass(frozen=True, slots=True)
class RawText:
    """The stored text to copy. None where `BodyView.text` shows it unchanged already, so that it need not be in the page twice."""

    text: str | None
    encoding: RawEncoding = RawEncoding.TEXT


@dataclass(frozen=True, slots=True)
class BodyView:
    """`steps` are the lines of JSON, `fields` those of a form, `text` the rest of it, or all of it. `note` stands between them.

    `cut` says by how much the stored body is shorter than the real one: `Cut at 64 KiB of 212 KiB`.
    """

    kind: BodyKind
    steps: tuple[Step, ...] = ()
    fields: tuple[Field, ...] = ()
    text: tuple[Segment, ...] = ()
    note: str | None = None
    cut: str | None = None
    raw: RawText | None = None

    @property
    def can_fold(self) -> bool:
        return sum(step.kind in (StepKind.OPEN, StepKind.MORE) for step in self.steps) > 1


@dataclass(frozen=True, slots=True)
class MessageView:
    """One side of a call. `name` (`request`, `response`) begins the ids of its elements; `summary` is `application/json, 418 bytes`."""

    name: str
    summary: tuple[Segment, ...]
    headers: FieldsView
    query: FieldsView | None
    body: BodyView


def view_request(record: LogRecord, *, found: Sequence[str] = ()) -> MessageView:
    fault = fault_of(record.response.body) if record.line.failed else None
    return _view_message("request", record.request, view_query(record.query), found, fault)


def view_response(record: LogRecord, *, found: Sequence[str] = ()) -> MessageView:
    fault = telling_field(record.response.body) if record.line.failed else None
    return _view_message("response", record.response, None, found, fault)


def _view_message(name: str, message: Message, query: FieldsView | None, found: Sequence[str], fault: str | None) -> MessageView:
    content_type = find_content_type(message.headers)
    body = view_body(message, content_type=content_type, found=found, fault=fault)
    size = message.stored_bytes if message.size_bytes is None else message.size_bytes
    facts = [content_type.partition(";")[0].strip()] if content_type else []
    if body.kind is not BodyKind.NONE:
        facts.append(format_size(size))
    return MessageView(name, split_marks(", ".join(facts)), view_headers(message.headers), query, body)


def find_content_type(headers: Headers) -> str | None:
    return next((value for name, value in headers if name.lower() == "content-type"), None)


def view_headers(headers: Headers) -> FieldsView:
    return _view_fields(headers)


def view_query(query_text: str | None) -> FieldsView | None:
    pairs = parse_qsl((query_text or "").removeprefix("?"), keep_blank_values=True)
    return _view_fields(pairs) if pairs else None


def _view_fields(pairs: Iterable[tuple[str, str]]) -> FieldsView:
    fields = tuple(Field(split_marks(name), split_marks(value)) for name, value in pairs)
    redacted = sum(any(segment.kind is SegmentKind.REDACTED for segment in field.value) for field in fields)
    return FieldsView(fields, f"{len(fields)}, {redacted} redacted" if redacted else str(len(fields)))


def view_body(message: Message, *, content_type: str | None, found: Sequence[str] = (), fault: str | None = None) -> BodyView:
    """`found`: texts to mark, whatever their case. `fault`: path of the property whose line gets the red edge, `order.amount`."""
    text, cut = message.body, describe_cut(message)
    if not text:
        return BodyView(BodyKind.NONE, note=_describe_missing(message))
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded" and text.count("&") < FORM_LIMIT:
        return _view_form(text, found, cut)
    is_json = media_type == "application/json" or media_type.endswith("+json")
    if not is_json and text.lstrip("\ufeff \t\r\n")[:1] not in ("{", "["):
        return _view_text(text, found, cut)
    try:
        lines = read_json(text)
    except NotJson as reason:
        return _view_text(text, found, cut, note=_describe_break(text, reason) if is_json else None)
    return _view_json(lines, found, cut, fault)


def _view_json(lines: JsonLines, found: Sequence[str], cut: str | None, fault: str | None) -> BodyView:
    spans = find_texts(lines.text, found)
    fault_line = None if fault is None else find_property(lines, fault)
    return BodyView(
        BodyKind.JSON,
        steps=fold(lines, found=spans, fault_line=fault_line),
        text=_rest(lines, spans),
        note=_describe_stop(lines),
        cut=cut,
        raw=_raw(lines.text),
    )


def _view_form(text: str, found: Sequence[str], cut: str | None) -> BodyView:
    pairs = parse_qsl(text, keep_blank_values=True)
    fields = tuple(Field(split_marks(name, found), split_marks(value, found)) for name, value in pairs)
    return BodyView(BodyKind.FORM, fields=fields, cut=cut, raw=_raw(text))


def _view_text(text: str, found: Sequence[str], cut: str | None, *, note: str | None = None) -> BodyView:
    segments = split_marks(text, found)
    shown_unchanged = all(segment.kind is SegmentKind.PLAIN for segment in segments) and "\r" not in text
    return BodyView(BodyKind.TEXT, text=segments, note=note, cut=cut, raw=RawText(None) if shown_unchanged else _raw(text))


def _rest(lines: JsonLines, spans: FoundSpans) -> tuple[Segment, ...]:
    return tuple(split_span(lines.text, lines.stopped_at, len(lines.text), found=spans, marks=TEXT_MARKS))


def _raw(text: str) -> RawText:
    # An HTML parser turns \r\n and \r into \n, and other control characters are not allowed in a page.
    marks = (match for match in TEXT_MARKS.finditer(text) if match["redacted"] is None)
    if "\r" in text or next(marks, None):
        return RawText(json.dumps(text).replace("\x7f", "\\u007f"), RawEncoding.JSON)
    return RawText(text)


def _describe_stop(lines: JsonLines) -> str | None:
    rest = format_size(len(lines.text[lines.stopped_at :].encode(errors="replace")))
    match lines.stop:
        case Stop.TOO_LONG:
            return f"Shown as lines: the first {len(lines.lines):,}. The other {rest} follow as text."
        case Stop.TOO_DEEP:
            return f"Nested deeper than {DEPTH_LIMIT} levels. From there on, {rest} follow as text."
        case Stop.END:
            return None


def _describe_break(text: str, reason: NotJson) -> str:
    line = text.count("\n", 0, reason.position) + 1
    column = reason.position - text.rfind("\n", 0, reason.position)
    return f"Not valid JSON from line {line}, column {column} on, so it is shown as text."


def _describe_missing(message: Message) -> str:
    if message.size_bytes:
        return f"The body of {format_size(message.size_bytes)} was not stored."
    return "No body." if message.size_bytes == 0 or message.body == "" else "No body was recorded."


def describe_cut(message: Message) -> str | None:
    """`Cut at 64 KiB of 212 KiB`, or None where the whole body is stored."""
    stored, size = message.stored_bytes, message.size_bytes
    if message.body is None or not message.is_cut:
        return None
    # Marks longer than the secrets in their place can make a cut body longer than the one that was sent.
    if size is None or size <= stored:
        return f"Cut at {format_size(stored)}"
    at, of = format_size(stored), format_size(size)
    return f"Cut at {stored:,} of {size:,} bytes" if at == of else f"Cut at {at} of {of}"


def format_size(size_bytes: int) -> str:
    """418 bytes, 64 KiB, 1.4 MiB: a decimal only below 10."""
    if size_bytes < 1024:
        return f"{size_bytes} byte" if size_bytes == 1 else f"{size_bytes} bytes"
    size = float(size_bytes)
    for unit in ("KiB", "MiB", "GiB"):
        size /= 1024
        if size < 1023.5 or unit == "GiB":
            break
    return f"{size:.1f}".removesuffix(".0") + f" {unit}" if size < 9.95 else f"{size:.0f} {unit}"
