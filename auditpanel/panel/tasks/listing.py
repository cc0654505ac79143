"""The list of background tasks as its template shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from flask import url_for
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.filters import FilterSet, Params, Span
from auditpanel.ids import Prefix
from auditpanel.keyset import Count
from auditpanel.panel.formatters import count_text
from auditpanel.panel.list_controls import Asked, Choice, ListUrls, read_asked
from auditpanel.panel.list_page import PAGE_SIZE, Empty, Listing, ListPage, count_words, days_of, empty_title, record_urls
from auditpanel.panel.tasks.showing import TaskRow, task_row
from auditpanel.tasks.filters import TASK_FIELDS
from auditpanel.tasks.queries import count_shares, count_tasks, list_tasks
from auditpanel.tasks.records import Shares, TaskLine, TaskPage

ONLY = TASK_FIELDS["only"]
NOTHING = Shares(0, 0, 0, 0, is_exact=True)


@dataclass(frozen=True, kw_only=True)
class TaskListPage(ListPage[TaskLine, TaskRow]):
    """`is_running`: something on it moves by itself. `start_url` is None for those who may not start anything."""

    is_running: bool
    start_url: str | None


def read_request(pairs: Params) -> Asked:
    return read_asked(pairs, TASK_FIELDS)


def build_list(session: Session, scope: ProjectScope, asked: Asked, now: datetime) -> TaskListPage:
    listing = Listing.of(asked, TASK_FIELDS, scope, url_for("tasks.index"), now)
    found, shares, total = TaskPage([], has_more=False), NOTHING, Count(0, is_exact=True)
    if not listing.is_refused:
        found = list_tasks(session, scope, listing.filters, listing.span, place=listing.place, size=PAGE_SIZE)
        shares = count_shares(session, scope, listing.filters, listing.span)
        total = _total(session, scope, listing.filters, listing.span, shares)
    return TaskListPage(
        listing=listing,
        found=found,
        days=days_of(listing, found.lines, _row_of(listing)),
        switch=_switch(listing.urls, shares),
        total_text=count_words(total),
        empty=None if found.lines or listing.is_refused else _empty(listing),
        is_running=any(not line.is_ended for line in found.lines),
        start_url=url_for("tasks.start") if scope.role.includes(Role.OPERATOR) else None,
    )


def _row_of(listing: Listing) -> Callable[[TaskLine], TaskRow]:
    url_of = record_urls(listing.urls, url_for("tasks.show", task_id=Prefix.ASYNC_ACTION), Prefix.ASYNC_ACTION)
    return lambda line: task_row(line, listing.zone, url=url_of(line.id))


def task_url(line: TaskLine, urls: ListUrls) -> str:
    return replace(urls, base=url_for("tasks.show", task_id=line.id)).to()


def _total(session: Session, scope: ProjectScope, filters: FilterSet, span: Span, shares: Shares) -> Count:
    if not shares.is_exact:
        return count_tasks(session, scope, filters, span)
    by_choice = {"look": shares.look, "running": shares.running, "done": shares.done}
    return Count(next((by_choice[value] for value in filters.values(ONLY.name)), shares.all), is_exact=True)


def _switch(urls: ListUrls, shares: Shares) -> list[Choice]:
    chosen = next(iter(urls.filters.values(ONLY.name)), "")
    more = "" if shares.is_exact else "+"
    choices = (("", "All", shares.all), ("look", "Needs a look", shares.look), ("running", "Running", shares.running))
    return [
        Choice(
            label,
            urls.to(urls.filters.with_condition(ONLY, value) if value else urls.filters.without(ONLY.name)),
            chosen == value,
            value,
            count_text=f"{count_text(count)}{more}",
            look="bad" if value == "look" and count else "faint",
        )
        for value, label, count in (*choices, ("done", "Done", shares.done))
    ]


def _empty(listing: Listing) -> Empty:
    everything = listing.everything
    shows_all = listing.filters.params == everything.params
    title = empty_title(listing.filters, one="background task", many="background tasks")
    return Empty(title, None if shows_all else listing.urls.to(everything))
