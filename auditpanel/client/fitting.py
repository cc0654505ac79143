"""What the panel would refuse is cut to what it takes: a log with an end missing is better than none."""

from __future__ import annotations

import re

from .capture import Log

# In characters and in entries, as `POST /v1/logs` has them.
_TEXT_LIMITS = {
    "path": 4_096,
    "query": 8_192,
    "route": 512,
    "channel": 512,
    "user": 512,
    "api_key": 512,
    "customer": 512,
    "client_ip": 512,
    "user_agent": 1_024,
    "request_id": 128,
}
_LIST_LIMITS = {"request_headers": 200, "response_headers": 200, "references": 100}
_METHOD = re.compile(r"[A-Z-]{1,16}")


def fitted(log: Log) -> Log:
    fits = {name: _fitted(name, value) for name, value in log.items()}
    # The panel's dash for "no method that could be read".
    fits["method"] = log["method"] if _METHOD.fullmatch(str(log["method"])) else "-"
    return fits


def _fitted(name: str, value: object) -> object:
    limit = _TEXT_LIMITS.get(name)
    if limit is not None and isinstance(value, str) and len(value) > limit:
        return value[: limit - 1] + "…"
    if isinstance(value, list) and name in _LIST_LIMITS:
        return value[: _LIST_LIMITS[name]]
    return value
