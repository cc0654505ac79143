"""The webhook sendouts that a request caused, beside its log and its task: how many there are of each status, and where they are listed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import url_for
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.filters import FilterSet, Params, Span
from auditpanel.keyset import Count
from auditpanel.panel.list_page import count_words
from auditpanel.panel.tasks.showing import CausedView, TaskPill, caused_view
from auditpanel.tasks.records import Caused
from auditpanel.webhooks.filters import SENDOUT_FIELDS
from auditpanel.webhooks.queries import status_counts


@dataclass(frozen=True, slots=True)
class CausedSendouts:
    """Those of one status. `text` is `1,280 webhook sendouts`."""

    pill: TaskPill
    text: str
    url: str
    is_one: bool

    @property
    def is_error(self) -> bool:
        return self.pill.kind == "broken"


def sendouts_url(request_id: str, **values: str) -> str:
    """Of the list of a request's sendouts, narrowed by the values too."""
    return f"{url_for('sendouts.index')}?{urlencode([*_pairs(request_id), *values.items()])}"


def caused_sendouts(session: Session, scope: ProjectScope, request_id: str) -> Iterator[CausedSendouts]:
    """What needs a look first."""
    counts = status_counts(session, scope, FilterSet.parse(_pairs(request_id), SENDOUT_FIELDS), Span(None, None))
    shown = (("error", "broken", "Error", counts.error), ("retry", "retry", "Retry", counts.retry), ("sent", "ok", "Sent", counts.sent))
    for only, kind, word, count in shown:
        if count.value:
            is_one = count.is_exact and count.value == 1
            text = f"{count_words(count)} webhook sendout{'' if is_one else 's'}"
            yield CausedSendouts(TaskPill(kind, word), text, sendouts_url(request_id, only=only), is_one)


def caused_by_call(tasks: Caused | None, failed: Count | None) -> CausedView | None:
    """For a row of the list of logs: what became of the tasks of a call, and how many of its sendouts were given up."""
    view = caused_view(tasks) if tasks else None
    if failed is None:
        return view
    number = count_words(failed) or ""
    is_one = failed.is_exact and failed.value == 1
    words = f"{number} webhook sendout{' was' if is_one else 's were'} given up"
    if view is None or view.kind not in ("broken", "warn"):
        return CausedView("broken", number, words[:1].upper() + words[1:])
    return CausedView("broken", "" if view.kind == "broken" else number, f"{view.words}; {words}")


def _pairs(request_id: str) -> Params:
    return [("range", "all"), ("request_id", request_id)]
