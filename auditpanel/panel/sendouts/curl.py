"""A sendout's message as a cURL command: what the last attempt sent, without the secrets in it."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit
from uuid import UUID

from auditpanel.logs.marks import redacted
from auditpanel.logs.values import LogKey, LogLine, LogRecord, Message, Origin
from auditpanel.panel.curl import as_curl
from auditpanel.webhooks.custom_headers import LEFT_OUT
from auditpanel.webhooks.records import SendoutRecord
from auditpanel.webhooks.values import Headers

_BEFORE_ANY_ATTEMPT: Headers = [("Content-Type", "application/json")]
_NOWHERE = LogKey(datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))


def sendout_as_curl(record: SendoutRecord) -> str:
    """`record` as it may be shown. The values of a webhook's own headers become shell variables: they are not stored with attempts."""
    last = record.attempts[0] if record.attempts else None
    url = urlsplit(last.line.url if last else record.line.target_url)
    headers = [_unknown(name, value) for name, value in last.request_headers] if last else _BEFORE_ANY_ATTEMPT
    size = len(record.payload.encode())
    call = LogRecord(_line(url.path or "/"), url.query, Message(headers, record.payload, size, False), Message([], None, None, False), [])
    return as_curl(call, f"{url.scheme}://{url.netloc}")


def _unknown(name: str, value: str) -> tuple[str, str]:
    return name, redacted(value) if value == LEFT_OUT else value


def _line(path: str) -> LogLine:
    """Of the call as a log would have it, no more than a command needs."""
    return LogLine(
        key=_NOWHERE,
        method="POST",
        path=path,
        route=None,
        status_code=0,
        duration_ms=None,
        origin=Origin.DASHBOARD,
        channel=None,
        user=None,
        api_key=None,
        customer=None,
        client_ip=None,
        user_agent=None,
        request_id=None,
        error=None,
    )
