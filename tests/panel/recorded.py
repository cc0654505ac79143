"""Recorded calls for tests of how they are shown, and what a reader of the view would see."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from auditpanel.logs.values import Headers, LogKey, LogLine, LogRecord, Message, Origin
from auditpanel.panel.bodies import BodyView, view_body
from auditpanel.panel.folding import StepKind
from auditpanel.panel.marks import Segment


def make_message(body: str | None, *, headers: Headers | None = None, size_bytes: int | None = None) -> Message:
    """`size_bytes` is given where the body was cut."""
    size = len((body or "").encode()) if size_bytes is None else size_bytes
    return Message(headers or [], body, size, is_cut=size_bytes is not None)


def make_record(
    *,
    method: str = "POST",
    path: str = "/v1/vouchers",
    query: str | None = None,
    status_code: int = 400,
    request: Message | None = None,
    response: Message | None = None,
) -> LogRecord:
    key = LogKey(datetime(2026, 11, 24, 15, 41, 59, tzinfo=UTC), UUID(int=1))
    line = LogLine(
        key=key,
        method=method,
        path=path,
        route=None,
        status_code=status_code,
        duration_ms=9.0,
        origin=Origin.API,
        channel=None,
        user=None,
        api_key=None,
        customer=None,
        client_ip=None,
        user_agent=None,
        request_id=None,
        error=None,
    )
    return LogRecord(line, query, request or make_message(None), response or make_message(None), [])


def view_json(body: str, *, found: tuple[str, ...] = (), fault: str | None = None) -> BodyView:
    return view_body(make_message(body), content_type="application/json", found=found, fault=fault)


def text_of(segments: tuple[Segment, ...]) -> str:
    return "".join(segment.text for segment in segments)


def lines_of(view: BodyView) -> list[str]:
    return ["  " * step.depth + text_of(step.segments) for step in view.steps if step.kind in (StepKind.LINE, StepKind.OPEN)]
