"""A log as lists have it: its columns, and a page of such lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from auditpanel.keyset import Count, Page
from auditpanel.logs.caused import CausedByCall
from auditpanel.logs.models import Log
from auditpanel.logs.values import LogKey, LogLine, Origin

LINE_COLUMNS = (
    Log.occurred_at,
    Log.id,
    Log.method,
    Log.path,
    Log.route,
    Log.status_code,
    Log.duration_ms,
    Log.origin,
    Log.channel,
    Log.user,
    Log.api_key,
    Log.customer,
    Log.client_ip,
    Log.user_agent,
    Log.request_id,
    Log.error,
)


@dataclass(frozen=True)
class LogPage(Page[LogLine]):
    """`looked_to` is set where the budget ended the search: what lies beyond it has not been looked at.

    `counts` are of the FilterSets that were to be counted too, `caused` is by request id; None where one statement did not do for all.
    """

    looked_to: LogKey | None = None
    counts: tuple[Count, ...] | None = None
    caused: dict[str, CausedByCall] | None = None


def line_of(row: Sequence[Any]) -> LogLine:
    occurred_at, log_id, method, path, route, status_code, duration_ms, origin, *rest = row
    return LogLine(LogKey(occurred_at, log_id), method, path, route, status_code, duration_ms, Origin(origin), *rest)
