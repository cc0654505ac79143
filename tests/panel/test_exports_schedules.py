"""Exports by the clock: made from the dialog of an export, changed, switched off, removed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.config import Settings
from auditpanel.exports.schedules import Schedule, list_schedules, request_due_exports
from auditpanel.exports.values import Exported, Format, Packing, Period
from tests.pages import shown_text
from tests.panel.exports_made import Desk, filled, make_desk


@pytest.fixture
def desk(app: Flask, session: Session, engine: Engine, settings: Settings) -> Desk:
    return make_desk(app, session, engine, settings, role=Role.OPERATOR)


def schedule_url(desk: Desk, **filters: str) -> str:
    return desk.new_url(Exported.CUSTOMER, **filters).replace("/new?", "/schedules/new?")


def make(desk: Desk, **fields: object) -> Schedule:
    answer = desk.send(schedule_url(desk, search="customer"), **({"name": "Every morning"} | fields))
    assert answer.status_code == 302, shown_text(answer)
    return schedules(desk)[-1]


def schedules(desk: Desk) -> list[Schedule]:
    desk.session.rollback()
    return list_schedules(desk.session, desk.scope)


def test_what_was_chosen_in_the_dialog_is_taken_along(desk: Desk) -> None:
    dialog = desk.visitor.get(desk.new_url(Exported.LOG, only="errors"))
    (url,) = re.findall(r'formaction="([^"]+)"', dialog.text)
    chosen = filled(dialog) | {"format": "ndjson", "gzip": "on", "field": ["id", "path"]}
    form = desk.visitor.client.post(url.replace("&amp;", "&"), data=chosen)
    assert form.status_code == 200 and not schedules(desk)
    made = desk.visitor.client.post(url.replace("&amp;", "&"), data=filled(form) | {"period": "weekly", "weekday": "4", "at": "05:30"})
    assert made.status_code == 302
    (schedule,) = schedules(desk)
    assert (schedule.exported, schedule.layout.format, schedule.layout.packing) == (Exported.LOG, Format.NDJSON, Packing.GZIP)
    assert schedule.layout.fields == ("id", "path") and schedule.words == "Errors only, last 24 hours"
    assert (schedule.timing.period, schedule.timing.words) == (Period.WEEKLY, "Every Friday at 05:30")


def test_the_list_says_when_each_is_due_in_project_time(desk: Desk) -> None:
    schedule = make(desk, period="monthly", day="31", at="23:15", keep_days="90")
    page = shown_text(desk.visitor.get(f"{desk.base}schedules/"))
    due = schedule.next_run_at.astimezone(desk.scope.time_zone)
    assert "Every month on day 31 at 23:15" in page and f"{due:%H:%M}" == "23:15" and f"{due.day} {due:%b %Y}, 23:15" in page
    assert "Every morning" in page and "90 days" in page and desk.email in page and "Source id or email begins with customer" in page


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"name": " "}, "Name"),
        ({"at": "25:00"}, "is no time of a day; write hours and minutes, like 06:00"),
        ({"period": "hourly"}, "Choose one of daily, weekly, monthly."),
        ({"period": "monthly", "day": "32"}, "is not a number from 1 to 31"),
        ({"period": "weekly", "weekday": "7"}, "is not a number from 0 to 6"),
        ({"keep_days": "0"}, "0 is not a number of days from 1 to 3,650"),
        ({"keep_days": "x"}, "is not a whole number"),
        ({"format": "xlsx", "gzip": "on"}, "Xlsx is compressed already"),
    ],
)
def test_what_cannot_be_is_told_and_what_was_typed_stays(desk: Desk, fields: dict[str, str], words: str) -> None:
    answer = desk.send(schedule_url(desk), **({"name": "Mine", "day": "17"} | fields))
    assert answer.status_code == 400 and words in shown_text(answer) and not schedules(desk)
    assert all(f'value="{value}"' in answer.text or name in ("period", "name", "weekday", "gzip") for name, value in fields.items())


def test_one_is_changed_in_the_same_form(desk: Desk) -> None:
    schedule = make(desk, format="parquet", field=["id"])
    url = f"{desk.base}schedules/{schedule.id}"
    moved = desk.send(url, move="down:id", name="Another")
    assert moved.status_code == 200 and 'value="Another"' in moved.text and schedules(desk) == [schedule]
    assert desk.send(url, name="Another", at="07:45").status_code == 302
    (changed,) = schedules(desk)
    assert (changed.id, changed.name, changed.timing.hour, changed.timing.minute) == (schedule.id, "Another", 7, 45)
    assert (changed.layout, changed.filters) == (schedule.layout, schedule.filters)


def test_one_is_switched_off_and_on_and_removed(desk: Desk) -> None:
    schedule = make(desk)
    page, url = f"{desk.base}schedules/", f"{desk.base}schedules/{schedule.id}"
    desk.visitor.post(f"{url}/switch", page=page)
    assert not schedules(desk)[0].is_active and "Switched off" in desk.visitor.get(page).text
    desk.visitor.post(f"{url}/switch", page=page)
    assert schedules(desk)[0].is_active
    desk.visitor.post(f"{url}/remove", page=page)
    assert not schedules(desk) and "Nothing is exported by the clock yet" in desk.visitor.get(page).text
    assert desk.visitor.post(f"{url}/remove", page="/account").status_code == 404


def test_viewers_see_them_and_change_nothing(desk: Desk) -> None:
    schedule = make(desk)
    viewer, page = desk.other(Role.VIEWER).visitor, f"{desk.base}schedules/"
    shown = viewer.get(page)
    assert "Every morning" in shown.text and "Switch off" not in shown.text and "By the clock" not in viewer.get(desk.new_url()).text
    assert viewer.get(schedule_url(desk)).status_code == 403
    for rest in ("", "/switch", "/remove"):
        assert viewer.post(f"{page}{schedule.id}{rest}", page="/account").status_code == 403
    assert schedules(desk) == [schedule]


def test_what_a_schedule_has_exported_leads_to_it(desk: Desk) -> None:
    schedule = make(desk)
    asked = request_due_exports(lambda: Session(desk.engine), schedule.next_run_at + timedelta(seconds=1))
    (export_id,) = (export for project, export in asked if project == desk.scope.project_id)
    page = desk.visitor.get(desk.url(export_id))
    assert "Scheduled by" in page.text and "Every morning" in page.text and f'href="{desk.base}schedules/"' in page.text
    desk.visitor.post(f"{desk.base}schedules/{schedule.id}/remove", page=f"{desk.base}schedules/")
    assert "a schedule that was removed since" in desk.visitor.get(desk.url(export_id)).text


def test_a_range_that_stands_still_is_told(desk: Desk) -> None:
    page = desk.visitor.get(schedule_url(desk, created_after="2026-11-01"))
    assert "The range does not move." in page.text
