"""The list of background tasks as its template shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from itertools import groupby

from flask import url_for
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.filters import Field, FilterSet, Params, Span
from auditpanel.panel import list_controls
from auditpanel.panel.formatters import count_text, covers_text, day_heading
from auditpanel.panel.list_controls import Asked, Chip, Choice, ListUrls, Times
from auditpanel.panel.task_views import TaskRow, task_row
from auditpanel.tasks.filters import TASK_FIELDS
from auditpanel.tasks.queries import count_shares, count_tasks, list_tasks
from auditpanel.tasks.records import Count, Direction, Place, Shares, TaskKey, TaskLine, TaskPage

PAGE_SIZE = 50
ONLY = TASK_FIELDS["only"]
NOTHING = Shares(0, 0, 0, 0, is_exact=True)


@dataclass(frozen=True, slots=True)
class Day:
    words: str
    rows: list[TaskRow]


@dataclass(frozen=True, slots=True)
class Empty:
    title: str
    all_url: str | None


@dataclass(frozen=True, slots=True)
class TaskListPage:
    """`is_running`: something on it moves by itself. `start_url` is None for those who may not start anything."""

    filters: FilterSet
    fields: list[Field]
    chips: list[Chip]
    range_choices: list[Choice]
    times: Times
    times_choices: list[Choice]
    match_choices: list[Choice]
    switch: list[Choice]
    urls: ListUrls
    errors: dict[str, str]
    typed: dict[str, str]
    notes: tuple[str, ...]
    after_hint: str
    before_hint: str
    days: list[Day]
    shown: int
    total_text: str
    covers: str
    newer_url: str | None
    older_url: str | None
    reload_url: str
    empty: Empty | None
    is_running: bool
    start_url: str | None

    def hidden_except(self, names: Sequence[str]) -> Params:
        return self.urls.hidden_except(names)


def read_request(pairs: Params) -> Asked:
    return list_controls.read_asked(pairs, TASK_FIELDS)


def build_list(session: Session, scope: ProjectScope, asked: Asked, now: datetime) -> TaskListPage:
    filters, place = asked.filters, _place_of(asked)
    span, zone = list_controls.resolve_span(asked, now, scope.time_zone), list_controls.zone_shown(asked.times, scope.time_zone)
    urls = ListUrls(url_for("tasks.index"), filters, asked.times)
    found, shares, total = TaskPage([], has_more=False), NOTHING, Count(0, is_exact=True)
    if not asked.errors:
        found = list_tasks(session, scope, filters, span, place=place, size=PAGE_SIZE)
        shares = count_shares(session, scope, filters, span)
        total = _total(session, scope, filters, span, shares)
    after_hint, before_hint = list_controls.span_hints(span, zone)
    return TaskListPage(
        filters=filters,
        fields=[field for field in TASK_FIELDS.values() if not field.always],
        chips=list_controls.chips(urls),
        range_choices=list_controls.range_choices(urls),
        times=asked.times,
        times_choices=list_controls.times_choices(urls),
        match_choices=list_controls.match_choices(urls),
        switch=_switch(urls, shares),
        urls=urls,
        errors=asked.errors,
        typed=asked.typed,
        notes=span.notes,
        after_hint=after_hint,
        before_hint=before_hint,
        days=_days(found.lines, urls, zone, now),
        shown=len(found.lines),
        total_text=count_words(total),
        covers=_covers(found.lines, zone),
        newer_url=_newer_url(urls, place, found),
        older_url=_older_url(urls, place, found),
        reload_url=urls.to(),
        empty=None if found.lines or asked.errors else _empty(urls),
        is_running=any(not line.is_ended for line in found.lines),
        start_url=url_for("tasks.start") if scope.role.includes(Role.OPERATOR) else None,
    )


def task_url(line: TaskLine, urls: ListUrls) -> str:
    return replace(urls, base=url_for("tasks.show", task_id=line.id)).to()


def count_words(count: Count) -> str:
    return count_text(count.value) + ("" if count.is_exact else "+")


def _place_of(asked: Asked) -> Place | None:
    if asked.before:
        return Place(TaskKey.from_cursor(asked.before), Direction.OLDER)
    return Place(TaskKey.from_cursor(asked.after), Direction.NEWER) if asked.after else None


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


def _days(lines: Sequence[TaskLine], urls: ListUrls, zone: tzinfo, now: datetime) -> list[Day]:
    today = now.astimezone(zone).date()
    days = groupby(lines, key=lambda line: line.created_at.astimezone(zone).date())
    return [Day(day_heading(day, today), [task_row(line, zone, url=task_url(line, urls)) for line in of_day]) for day, of_day in days]


def _covers(lines: Sequence[TaskLine], zone: tzinfo) -> str:
    return covers_text(lines[0].created_at.astimezone(zone), lines[-1].created_at.astimezone(zone)) if lines else ""


def _newer_url(urls: ListUrls, place: Place | None, found: TaskPage) -> str | None:
    if place is None:
        return None
    if place.direction is Direction.NEWER and not found.has_more:
        return urls.to()
    first = found.lines[0].key if found.lines else place.key
    return urls.to(extra=[("after", first.cursor)])


def _older_url(urls: ListUrls, place: Place | None, found: TaskPage) -> str | None:
    going_forward = place is not None and place.direction is Direction.NEWER
    if not found.lines or not (going_forward or found.has_more):
        return None
    return urls.to(extra=[("before", found.lines[-1].key.cursor)])


def _empty(urls: ListUrls) -> Empty:
    ever = FilterSet.parse([("range", "all")], TASK_FIELDS)
    all_url = None if urls.filters.params == ever.params else replace(urls, filters=ever).to()
    number = len(urls.filters.conditions)
    if not number:
        return Empty(f"No background tasks: {urls.filters.range.words}", all_url)
    how = "the filter" if number == 1 else f"{'any' if urls.filters.match == 'any' else 'all'} of the {number} filters"
    return Empty(f"No background task matches {how}", all_url)
