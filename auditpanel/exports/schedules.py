"""Exports that are asked for again and again by the clock: made, changed, and asked for when they are due.

Whoever makes one due moves its next time in the same statement that finds the old one, so that of two who try, one asks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import parse_qsl
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, Role
from auditpanel.accounts.names import clean_name
from auditpanel.accounts.scope import ProjectScope, scope_of_project
from auditpanel.errors import AuditpanelError, NotFound
from auditpanel.exports.layouts import still_valid
from auditpanel.exports.models import ExportSchedule
from auditpanel.exports.store import NewExport, check_keep_days, record_refused_export, request_export, written_filters
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.timing import Timing
from auditpanel.exports.values import Exported, Format, Layout, Packing, Period
from auditpanel.filters import FilterSet, Match, Range, Span, TimeRange
from auditpanel.ids import new_request_id, new_uuid
from auditpanel.tasks.values import Asker

ORIGIN = "DASHBOARD"
CHANNEL = "schedule"
# Of a schedule whose own filters are not read yet.
_UNREAD = FilterSet(Match.ALL, TimeRange(Range.ALL), ())


@dataclass(frozen=True, slots=True)
class NewSchedule:
    """Raises InvalidInput, fields `name`, `keep_days`."""

    name: str
    exported: Exported
    filters: FilterSet
    layout: Layout
    timing: Timing
    keep_days: int

    def __post_init__(self) -> None:
        clean_name(self.name, what="the schedule")
        check_keep_days(self.keep_days)


@dataclass(frozen=True, slots=True)
class Schedule:
    """`filters` as a query string; `words` are theirs. `next_run_at` is that of an active one, or of one that is switched on again."""

    id: UUID
    name: str
    created_by: str
    exported: Exported
    filters: str
    words: str
    layout: Layout
    timing: Timing
    keep_days: int
    is_active: bool
    next_run_at: datetime


def create_schedule(session: Session, scope: ProjectScope, new: NewSchedule, *, by: str, now: datetime) -> UUID:
    """Due the next time that its timing says. The caller commits."""
    schedule = ExportSchedule(project_id=scope.project_id, id=new_uuid(), created_at=now, created_by=by, is_active=True)
    _write(schedule, new)
    schedule.next_run_at = new.timing.next_after(now, scope.time_zone)
    session.add(schedule)
    session.flush()
    return schedule.id


def change_schedule(session: Session, scope: ProjectScope, schedule_id: UUID, new: NewSchedule, now: datetime) -> None:
    """Where its timing stays, so does its next time: one that is due just now is not passed over. Raises NotFound."""
    schedule = _locked(session, scope, schedule_id)
    before = _timing(schedule)
    _write(schedule, new)
    if new.timing != before:
        schedule.next_run_at = new.timing.next_after(now, scope.time_zone)
    session.flush()


def follow_time_zone(session: Session, scope: ProjectScope, now: datetime) -> None:
    """The project's clock has been changed to `scope.time_zone`: times to come are those of that clock. What is due already stays due."""
    to_come = (ExportSchedule.project_id == scope.project_id, ExportSchedule.is_active, ExportSchedule.next_run_at > now)
    statement = select(ExportSchedule).where(*to_come).order_by(ExportSchedule.id).with_for_update()
    for schedule in session.scalars(statement, execution_options={"populate_existing": True}):
        schedule.next_run_at = _timing(schedule).next_after(now, scope.time_zone)
    session.flush()


def switch_schedule_on(session: Session, scope: ProjectScope, schedule_id: UUID, now: datetime) -> None:
    """What was missed meanwhile is not made up for. Raises NotFound."""
    schedule = _locked(session, scope, schedule_id)
    schedule.is_active, schedule.next_run_at = True, _timing(schedule).next_after(now, scope.time_zone)
    session.flush()


def switch_schedule_off(session: Session, scope: ProjectScope, schedule_id: UUID) -> None:
    """Raises NotFound."""
    _locked(session, scope, schedule_id).is_active = False
    session.flush()


def delete_schedule(session: Session, scope: ProjectScope, schedule_id: UUID) -> None:
    """Its exports stay. Does nothing where there is none."""
    session.execute(delete(ExportSchedule).where(ExportSchedule.project_id == scope.project_id, ExportSchedule.id == schedule_id))


def list_schedules(session: Session, scope: ProjectScope) -> list[Schedule]:
    """By name."""
    statement = select(ExportSchedule).where(ExportSchedule.project_id == scope.project_id)
    found = session.scalars(statement.order_by(ExportSchedule.name, ExportSchedule.id), execution_options={"populate_existing": True})
    return [_read(schedule) for schedule in found]


def get_schedule(session: Session, scope: ProjectScope, schedule_id: UUID) -> Schedule:
    """Raises NotFound."""
    statement = select(ExportSchedule).where(ExportSchedule.project_id == scope.project_id, ExportSchedule.id == schedule_id)
    found = session.scalar(statement, execution_options={"populate_existing": True})
    if found is None:
        raise _no_such_schedule()
    return _read(found)


def request_due_exports(open_session: Callable[[], Session], now: datetime) -> list[tuple[UUID, UUID]]:
    """Ask for what is due, each in a transaction of its own; project and export ids, to be enqueued.

    However often one was missed while nothing ran, it is asked for once.
    """
    with open_session() as session:
        due = select(ExportSchedule.project_id, ExportSchedule.id).where(ExportSchedule.is_active, ExportSchedule.next_run_at <= now)
        found = session.execute(due.order_by(ExportSchedule.next_run_at)).all()
    requested = []
    for project_id, schedule_id in found:
        try:
            with open_session() as session:
                export_id = _request(session, project_id, schedule_id, now)
                session.commit()
        except Exception:
            # The others are not to wait for it; it stays due, and is tried again.
            logging.getLogger(__name__).exception("scheduled export %s could not be asked for", schedule_id)
            continue
        if export_id is not None:
            requested.append((project_id, export_id))
    return requested


def _request(session: Session, project_id: UUID, schedule_id: UUID, now: datetime) -> UUID | None:
    """None where another has asked a moment ago, or it was refused."""
    # A change of its time zone waits, or is known here: the next time is by the one or the other.
    project = session.get_one(Project, project_id, with_for_update={"read": True})
    schedule = session.scalar(select(ExportSchedule).where(ExportSchedule.project_id == project_id, ExportSchedule.id == schedule_id))
    scope = scope_of_project(project, Role.OPERATOR)
    if schedule is None or not _claim(session, schedule, _timing(schedule).next_after(now, scope.time_zone), now):
        return None
    asker = Asker(new_request_id(), ORIGIN, CHANNEL, user=schedule.created_by)
    new = NewExport(Exported(schedule.exported), _UNREAD, Span(None, None), _layout(schedule), {}, schedule.keep_days, schedule.id)
    try:
        new = _as_meant(new, schedule.filters, scope, now)
        return request_export(session, scope, new, asker=asker, now=now)
    except AuditpanelError as error:
        filters, words = schedule.filters, schedule.words
        record_refused_export(session, scope, new, filters=filters, words=words, asker=asker, error=error, now=now)
        return None


def _claim(session: Session, schedule: ExportSchedule, next_run_at: datetime, now: datetime) -> bool:
    due = (
        ExportSchedule.project_id == schedule.project_id,
        ExportSchedule.id == schedule.id,
        ExportSchedule.is_active,
        ExportSchedule.next_run_at == schedule.next_run_at,
        ExportSchedule.next_run_at <= now,
    )
    claim = update(ExportSchedule).where(*due).values(next_run_at=next_run_at).returning(ExportSchedule.id)
    return session.scalar(claim, execution_options={"synchronize_session": False}) is not None


def _as_meant(new: NewExport, filters: str, scope: ProjectScope, now: datetime) -> NewExport:
    """With the filters, and their range as it is meant now. Raises InvalidInput where a filter or a field has gone since it was saved."""
    subject = SUBJECTS[new.exported]
    read = subject.read_filters(parse_qsl(filters))
    span = read.range.resolve(now, scope.time_zone)
    return replace(new, filters=read, span=span, layout=still_valid(subject, new.layout))


def _write(schedule: ExportSchedule, new: NewSchedule) -> None:
    layout, timing = new.layout, new.timing
    schedule.name = clean_name(new.name, what="the schedule")
    schedule.exported, schedule.filters, schedule.words = new.exported, written_filters(new.filters), new.filters.words
    schedule.fields, schedule.order, schedule.time_zone = list(layout.fields), layout.order, layout.time_zone
    schedule.format, schedule.packing, schedule.has_bom = layout.format, layout.packing, layout.has_bom
    schedule.period, schedule.weekday, schedule.day = timing.period, timing.weekday, timing.day
    schedule.hour, schedule.minute, schedule.keep_days = timing.hour, timing.minute, new.keep_days


def _read(schedule: ExportSchedule) -> Schedule:
    return Schedule(
        schedule.id,
        schedule.name,
        schedule.created_by,
        Exported(schedule.exported),
        schedule.filters,
        schedule.words,
        _layout(schedule),
        _timing(schedule),
        schedule.keep_days,
        schedule.is_active,
        schedule.next_run_at,
    )


def _layout(schedule: ExportSchedule) -> Layout:
    format, packing = Format(schedule.format), Packing(schedule.packing)
    return Layout(tuple(schedule.fields), schedule.order, format, packing, schedule.has_bom, schedule.time_zone)


def _timing(schedule: ExportSchedule) -> Timing:
    return Timing(Period(schedule.period), schedule.hour, schedule.minute, schedule.weekday, schedule.day)


def _locked(session: Session, scope: ProjectScope, schedule_id: UUID) -> ExportSchedule:
    statement = select(ExportSchedule).where(ExportSchedule.project_id == scope.project_id, ExportSchedule.id == schedule_id)
    found = session.scalar(statement.with_for_update(), execution_options={"populate_existing": True})
    if found is None:
        raise _no_such_schedule()
    return found


def _no_such_schedule() -> NotFound:
    return NotFound("There is no such scheduled export in this project. It may have been deleted.")
