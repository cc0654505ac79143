"""Exports by the clock: each due one is asked for once, whoever asks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import sleep
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project
from auditpanel.accounts.projects import change_project
from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import InvalidInput, NotFound
from auditpanel.exports.layouts import checked_layout
from auditpanel.exports.models import Export, ExportSchedule
from auditpanel.exports.queries import get_export
from auditpanel.exports.schedules import (
    NewSchedule,
    change_schedule,
    create_schedule,
    delete_schedule,
    follow_time_zone,
    get_schedule,
    list_schedules,
    request_due_exports,
    switch_schedule_off,
    switch_schedule_on,
)
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.timing import Timing
from auditpanel.exports.values import Exported, ExportStatus, Period
from tests.tasks.making import make_scope

# Six in the morning in Warsaw.
SIX = datetime(2026, 11, 24, 5, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    """With nothing due but what the test makes so."""
    session.execute(text("DELETE FROM export_schedules"))
    session.commit()
    return make_scope(session, "Europe/Warsaw")


def new_schedule(*params: tuple[str, str], name: str = "Failed calls") -> NewSchedule:
    subject = SUBJECTS[Exported.LOG]
    filters = subject.read_filters(params or (("range", "yesterday"), ("result", "failure")))
    return NewSchedule(name, Exported.LOG, filters, checked_layout(subject), Timing(Period.DAILY, 6), keep_days=14)


def make_schedule(session: Session, scope: ProjectScope, new: NewSchedule | None = None, *, now: datetime = SIX - DAY / 2) -> UUID:
    schedule_id = create_schedule(session, scope, new or new_schedule(), by="nina@example.com", now=now)
    session.commit()
    return schedule_id


def request(engine: Engine, now: datetime) -> list[tuple[UUID, UUID]]:
    return request_due_exports(lambda: Session(engine), now)


def exports_of(session: Session, scope: ProjectScope, schedule_id: UUID) -> list[UUID]:
    session.rollback()
    return list(session.scalars(select(Export.id).where(Export.project_id == scope.project_id, Export.schedule_id == schedule_id)))


def test_a_schedule_is_read_back_as_it_was_made(session: Session, scope: ProjectScope) -> None:
    new = new_schedule()
    schedule = get_schedule(session, scope, make_schedule(session, scope, new))
    assert (schedule.name, schedule.created_by, schedule.exported) == ("Failed calls", "nina@example.com", Exported.LOG)
    assert (schedule.layout, schedule.timing, schedule.keep_days, schedule.words) == (new.layout, new.timing, 14, new.filters.words)
    assert schedule.is_active and schedule.next_run_at == SIX
    assert list_schedules(session, scope) == [schedule]


def test_what_is_due_is_asked_for_with_the_range_as_it_is_meant_then(engine: Engine, session: Session, scope: ProjectScope) -> None:
    schedule_id = make_schedule(session, scope)
    assert request(engine, SIX - timedelta(seconds=1)) == []
    ((project_id, export_id),) = request(engine, SIX)
    record = get_export(session, scope, export_id)
    assert project_id == scope.project_id and record.line.schedule_id == schedule_id
    assert (record.span.start, record.span.end) == (SIX - timedelta(hours=30), SIX - timedelta(hours=6)), "yesterday in Warsaw"
    assert (record.line.who, record.line.channel, record.keep_days) == ("nina@example.com", "schedule", 14)
    assert get_schedule(session, scope, schedule_id).next_run_at == SIX + DAY
    assert request(engine, SIX + timedelta(minutes=1)) == []
    assert exports_of(session, scope, schedule_id) == [export_id]


def test_two_clocks_ask_once(engine: Engine, session: Session, scope: ProjectScope) -> None:
    for _ in range(3):
        make_schedule(session, scope)
    with ThreadPoolExecutor(8) as pool:
        asked = [each for found in pool.map(lambda _: request(engine, SIX), range(8)) for each in found]
    assert len(asked) == len(set(asked)) == 3
    assert session.scalar(select(func.count()).select_from(Export).where(Export.project_id == scope.project_id)) == 3


def test_days_on_which_nothing_ran_are_made_up_for_once(engine: Engine, session: Session, scope: ProjectScope) -> None:
    schedule_id = make_schedule(session, scope)
    assert len(request(engine, SIX + 9 * DAY + timedelta(hours=2))) == 1
    assert get_schedule(session, scope, schedule_id).next_run_at == SIX + 10 * DAY


def test_a_schedule_that_is_off_is_not_asked_for_nor_made_up_for(engine: Engine, session: Session, scope: ProjectScope) -> None:
    schedule_id = make_schedule(session, scope)
    switch_schedule_off(session, scope, schedule_id)
    session.commit()
    assert request(engine, SIX + DAY) == []
    switch_schedule_on(session, scope, schedule_id, SIX + 3 * DAY)
    session.commit()
    assert request(engine, SIX + 3 * DAY) == []
    assert len(request(engine, SIX + 4 * DAY)) == 1


def test_a_changed_schedule_is_due_by_its_new_time(session: Session, scope: ProjectScope) -> None:
    schedule_id = make_schedule(session, scope)
    changed = replace(new_schedule(("range", "7d"), name="All"), timing=Timing(Period.MONTHLY, 0, day=1), keep_days=90)
    change_schedule(session, scope, schedule_id, changed, SIX)
    session.commit()
    schedule = get_schedule(session, scope, schedule_id)
    assert (schedule.name, schedule.words, schedule.keep_days) == ("All", "Last 7 days", 90)
    assert schedule.next_run_at == datetime(2026, 11, 30, 23, tzinfo=UTC)


def test_a_change_that_leaves_the_timing_does_not_pass_over_what_is_due(engine: Engine, session: Session, scope: ProjectScope) -> None:
    schedule_id = make_schedule(session, scope)
    change_schedule(session, scope, schedule_id, new_schedule(name="Renamed"), SIX + timedelta(seconds=20))
    session.commit()
    assert get_schedule(session, scope, schedule_id).next_run_at == SIX
    assert len(request(engine, SIX + timedelta(seconds=30))) == 1


def test_times_to_come_follow_the_clock_of_the_project(engine: Engine, session: Session, scope: ProjectScope) -> None:
    now = SIX - timedelta(hours=1)
    to_come, due, off = make_schedule(session, scope), make_schedule(session, scope), make_schedule(session, scope)
    switch_schedule_off(session, scope, off)
    session.execute(update(ExportSchedule).where(ExportSchedule.id == due).values(next_run_at=now - timedelta(minutes=1)))
    new_york = replace(scope, time_zone=ZoneInfo("America/New_York"))
    follow_time_zone(session, new_york, now)
    session.commit()
    assert get_schedule(session, scope, to_come).next_run_at == datetime(2026, 11, 24, 11, tzinfo=UTC)
    assert get_schedule(session, scope, due).next_run_at == now - timedelta(minutes=1), "due already"
    assert get_schedule(session, scope, off).next_run_at == SIX, "until it is switched on"


def test_what_is_asked_for_while_the_zone_changes_is_due_again_by_the_new_one(
    engine: Engine, session: Session, scope: ProjectScope
) -> None:
    schedule_id = make_schedule(session, scope)
    project = session.get_one(Project, scope.project_id)
    change_project(session, project, name=project.name, time_zone="America/New_York")
    follow_time_zone(session, replace(scope, time_zone=ZoneInfo("America/New_York")), SIX)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(request, engine, SIX)
        while not _is_somebody_waiting(engine):
            assert not asking.done(), "it should wait for the new zone"
            sleep(0.01)
        session.commit()
        assert len(asking.result()) == 1
    assert get_schedule(session, scope, schedule_id).next_run_at == datetime(2026, 11, 24, 11, tzinfo=UTC)


def _is_somebody_waiting(engine: Engine) -> bool:
    with engine.connect() as connection:
        return bool(connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("filters", "range=yesterday&shoe_size=38", "shoe_size: there is no such filter"),
        ("filters", "range=fortnight", '"fortnight" is not one of'),
        ("fields", ["id", "shoe_size"], '"shoe_size" is no field of api_log'),
        ("order", "-shoe_size", '"-shoe_size" is no order of api_log'),
    ],
)
def test_what_is_no_filter_or_field_any_more_ends_as_a_failed_export_and_is_not_tried_forever(
    engine: Engine, session: Session, scope: ProjectScope, column: str, value: object, words: str
) -> None:
    schedule_id = make_schedule(session, scope)
    session.execute(update(ExportSchedule).where(ExportSchedule.id == schedule_id).values({column: value}))
    session.commit()
    assert request(engine, SIX) == [] and request(engine, SIX + timedelta(minutes=1)) == []
    (export_id,) = exports_of(session, scope, schedule_id)
    record, schedule = get_export(session, scope, export_id), get_schedule(session, scope, schedule_id)
    assert record.line.status is ExportStatus.ERROR and words in (record.line.error or "")
    assert (record.filters, record.line.words) == (schedule.filters, schedule.words)
    assert schedule.next_run_at == SIX + DAY


def test_a_schedule_of_the_catalogue_keeps_the_range_that_lists_of_records_have_by_themselves(
    engine: Engine, session: Session, scope: ProjectScope
) -> None:
    subject = SUBJECTS[Exported.CUSTOMER]
    filters = subject.read_filters([("range", "24h")])
    new = NewSchedule("New customers", Exported.CUSTOMER, filters, checked_layout(subject), Timing(Period.DAILY, 6), keep_days=14)
    make_schedule(session, scope, new)
    ((_, export_id),) = request(engine, SIX)
    record = get_export(session, scope, export_id)
    assert (record.span.start, record.line.words) == (SIX - DAY, "Last 24 hours")


def test_an_export_that_is_refused_is_a_failed_one_that_says_why(engine: Engine, session: Session, scope: ProjectScope) -> None:
    schedule_id = make_schedule(session, scope)
    # A range that was fine when it was saved, and is none in the project's new time zone.
    broken = urlencoded("created_after=2026-03-29 02:30&created_before=2026-03-29 03:30")
    session.execute(text("UPDATE export_schedules SET filters = :filters WHERE id = :id"), {"filters": broken, "id": schedule_id})
    session.commit()
    assert request(engine, SIX) == []
    (export_id,) = exports_of(session, scope, schedule_id)
    line = get_export(session, scope, export_id).line
    assert line.status is ExportStatus.ERROR and line.error and "created_before" in line.error
    assert get_schedule(session, scope, schedule_id).next_run_at == SIX + DAY


def urlencoded(query: str) -> str:
    return query.replace(" ", "+").replace(":", "%3A")


def test_the_exports_of_a_deleted_schedule_stay(engine: Engine, session: Session, scope: ProjectScope) -> None:
    schedule_id = make_schedule(session, scope)
    ((_, export_id),) = request(engine, SIX)
    delete_schedule(session, scope, schedule_id)
    session.commit()
    assert get_export(session, scope, export_id).line.schedule_id == schedule_id
    assert list_schedules(session, scope) == [] and request(engine, SIX + DAY) == []


def test_a_strangers_schedule_is_not_there(session: Session, scope: ProjectScope) -> None:
    schedule_id, stranger = make_schedule(session, scope), make_scope(session)
    delete_schedule(session, stranger, schedule_id)
    for tried in (schedule_id, uuid4()):
        with pytest.raises(NotFound):
            get_schedule(session, stranger, tried)
        with pytest.raises(NotFound):
            change_schedule(session, stranger, tried, new_schedule(), SIX)
        with pytest.raises(NotFound):
            switch_schedule_off(session, stranger, tried)
    assert get_schedule(session, scope, schedule_id)


def test_a_schedule_without_a_name_is_refused() -> None:
    with pytest.raises(InvalidInput, match="name: give the schedule a name"):
        new_schedule(name=" ")
