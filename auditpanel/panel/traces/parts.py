"""The calls, tasks and exports of a request id: the first ones, and how many there are in all. A client may use one id again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from flask import url_for
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.exports.filters import EXPORT_FIELDS
from auditpanel.exports.queries import count_exports, list_records
from auditpanel.exports.records import ExportRecord
from auditpanel.filters import Field, FilterSet, Span
from auditpanel.keyset import Count, Direction, Key, Place
from auditpanel.logs.filters import LOG_FIELDS
from auditpanel.logs.queries import count_logs, list_logs
from auditpanel.logs.values import LogLine
from auditpanel.panel.formatters import count_text
from auditpanel.tasks.filters import TASK_FIELDS
from auditpanel.tasks.queries import count_tasks, list_tasks
from auditpanel.tasks.records import TaskLine

CALLS_SHOWN = 20
TASKS_SHOWN = 20
EXPORTS_SHOWN = 20
CALL_BUDGET_S = 0.4
ALL_TIME = Span(None, None)
FROM_THE_BEGINNING = Place(Key(datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0)), Direction.NEWER)

Line = TypeVar("Line", LogLine, TaskLine, ExportRecord)


@dataclass(frozen=True, slots=True)
class Rest:
    """That not all are shown, and where they are."""

    words: str
    url: str


@dataclass(frozen=True, slots=True)
class Part(Generic[Line]):
    """`lines` are the oldest ones, oldest first."""

    lines: Sequence[Line]
    total: Count

    @property
    def is_whole(self) -> bool:
        return self.total.is_exact and self.total.value <= len(self.lines)

    def total_text(self) -> str:
        return f"{count_text(self.total.value)}{'' if self.total.is_exact else '+'}"

    def rest(self, what: str, endpoint: str, request_id: str) -> Rest | None:
        if self.is_whole:
            return None
        of_all = f"of {self.total_text()} {what}" if self.total.value > len(self.lines) else what
        return Rest(f"The first {len(self.lines)} {of_all}", f"{url_for(endpoint)}?{urlencode(_pairs(request_id))}")


def calls_of(session: Session, scope: ProjectScope, request_id: str) -> Part[LogLine]:
    filters = _filters(request_id, LOG_FIELDS)
    page = list_logs(session, scope, filters, ALL_TIME, place=FROM_THE_BEGINNING, size=CALLS_SHOWN, budget_s=CALL_BUDGET_S)
    is_whole = not page.has_more and page.looked_to is None
    return Part(page.lines[::-1], Count(len(page.lines), is_exact=True) if is_whole else count_logs(session, scope, filters, ALL_TIME))


def tasks_of(session: Session, scope: ProjectScope, request_id: str) -> Part[TaskLine]:
    filters = _filters(request_id, TASK_FIELDS)
    page = list_tasks(session, scope, filters, ALL_TIME, place=FROM_THE_BEGINNING, size=TASKS_SHOWN)
    return Part(
        page.lines[::-1], count_tasks(session, scope, filters, ALL_TIME) if page.has_more else Count(len(page.lines), is_exact=True)
    )


def exports_of(session: Session, scope: ProjectScope, request_id: str) -> Part[ExportRecord]:
    filters = _filters(request_id, EXPORT_FIELDS)
    page = list_records(session, scope, filters, ALL_TIME, place=FROM_THE_BEGINNING, size=EXPORTS_SHOWN)
    whole = Count(len(page.lines), is_exact=True)
    return Part(page.lines[::-1], count_exports(session, scope, filters, ALL_TIME) if page.has_more else whole)


def _filters(request_id: str, fields: dict[str, Field]) -> FilterSet:
    return FilterSet.parse(_pairs(request_id), fields)


def _pairs(request_id: str) -> list[tuple[str, str]]:
    return [("range", "all"), ("request_id", request_id)]
