"""`exports/schedules/`: exports that the clock asks for. Members see them; operators and admins make and change them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from werkzeug.datastructures import MultiDict

from auditpanel.accounts.models import Role
from auditpanel.accounts.projects import get_project
from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import InvalidInput
from auditpanel.exports.schedules import (
    NewSchedule,
    Schedule,
    change_schedule,
    create_schedule,
    delete_schedule,
    get_schedule,
    list_schedules,
    switch_schedule_off,
    switch_schedule_on,
)
from auditpanel.exports.timing import WEEKDAYS, Timing
from auditpanel.exports.values import Period
from auditpanel.extensions import db
from auditpanel.filters import Range
from auditpanel.panel.exports.asking import Wanted, by_field, chips_of, given_pairs, new_url, read_wanted, wanted
from auditpanel.panel.exports.choices import Choices, Option
from auditpanel.panel.exports.showing import FORMAT_LABELS
from auditpanel.panel.list_controls import Chip
from auditpanel.panel.login import logged_in
from auditpanel.panel.moments import ShownMoment, show_moment
from auditpanel.panel.scope import current_scope, require_role
from auditpanel.panel.tasks.showing import counted
from auditpanel.panel.views import PanelView, done
from auditpanel.times import utc_now

PERIOD_LABELS = {Period.DAILY: "Every day", Period.WEEKLY: "Every week", Period.MONTHLY: "Every month"}
EARLY = "06:00"
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """The URLs of acts are empty for those who may only look."""

    name: str
    label: str
    words: str
    timing: str
    format: str
    kept: str
    by: str
    next_run: ShownMoment | None
    change_url: str
    switch_url: str
    remove_url: str
    dialog_id: str


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields of the form beside those of the file, as they were typed."""

    name: str
    period: str
    weekday: str
    day: str
    at: str
    keep_days: str

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> Typed:
        return cls(*(form.get(name, "").strip() for name in cls.__dataclass_fields__))

    def timing(self) -> Timing:
        """Raises InvalidInput, whose field is that of the form."""
        if self.period not in list(Period):
            raise InvalidInput(f"choose one of {', '.join(Period)}", field="period")
        clock = _CLOCK.fullmatch(self.at)
        if clock is None:
            raise InvalidInput(f'"{self.at[:20]}" is no time of a day; write hours and minutes, like {EARLY}', field="at")
        period = Period(self.period)
        weekday = _number(self.weekday, "weekday") if period is Period.WEEKLY else None
        day = _number(self.day, "day") if period is Period.MONTHLY else None
        return Timing(period, int(clock[1]), int(clock[2]), weekday, day)


@dataclass(frozen=True, slots=True)
class SchedulePage:
    """`is_fixed`: the range does not move with the clock, so each file will have the same rows."""

    title: str
    button: str
    label: str
    chips: list[Chip]
    choices: Choices
    example: str
    typed: Typed
    periods: list[Option]
    weekdays: list[Option]
    zone: str
    is_fixed: bool
    action: str
    back_url: str
    errors: dict[str, str]


class ExportSchedules(PanelView):
    @expose("/schedules/")
    def schedules(self) -> ResponseReturnValue:
        scope = current_scope()
        may_change = scope.role.includes(Role.OPERATOR)
        rows = [_row(schedule, scope, may_change=may_change) for schedule in list_schedules(db.session(), scope)]
        return render_template("exports/schedules.html", rows=rows, may_change=may_change, zone=scope.time_zone.key)

    @expose("/schedules/new", methods=["GET", "POST"])
    def new_schedule(self) -> ResponseReturnValue:
        """The dialog of an export leads here by a POST, with what was chosen in it and without a name."""
        scope = _scope_to_change()
        if request.method == "GET" and "exported" not in request.args:
            return redirect(url_for("exports.new"))
        asked = read_wanted(db.session(), scope, given_pairs())
        choices = _choices(asked, scope)
        if request.method == "GET" or "name" not in request.form:
            typed = Typed(asked.exported.label, Period.DAILY, "0", "1", EARLY, str(get_project(db.session(), scope.project_id).export_days))
            return _form_page(scope, asked, choices, typed, None)
        return _take(scope, asked, choices, None)

    @expose("/schedules/<uuid:schedule_id>", methods=["GET", "POST"])
    def edit_schedule(self, schedule_id: UUID) -> ResponseReturnValue:
        scope = _scope_to_change()
        schedule = get_schedule(db.session(), scope, schedule_id)
        asked = wanted(db.session(), scope, schedule.exported, parse_qsl(schedule.filters))
        if request.method == "POST":
            return _take(scope, asked, _choices(asked, scope), schedule)
        choices = Choices.of_layout(asked.subject, scope.time_zone, schedule.layout)
        return _form_page(scope, asked, choices, _typed_of(schedule), schedule)

    @expose("/schedules/<uuid:schedule_id>/switch", methods=["POST"])
    def switch_schedule(self, schedule_id: UUID) -> ResponseReturnValue:
        scope = _scope_to_change()
        schedule = get_schedule(db.session(), scope, schedule_id)
        if schedule.is_active:
            switch_schedule_off(db.session(), scope, schedule_id)
        else:
            switch_schedule_on(db.session(), scope, schedule_id, utc_now())
        db.session.commit()
        return done(f"{schedule.name} is switched {'off' if schedule.is_active else 'on'}.", "exports.schedules")

    @expose("/schedules/<uuid:schedule_id>/remove", methods=["POST"])
    def remove_schedule(self, schedule_id: UUID) -> ResponseReturnValue:
        scope = _scope_to_change()
        name = get_schedule(db.session(), scope, schedule_id).name
        delete_schedule(db.session(), scope, schedule_id)
        db.session.commit()
        return done(f"{name} is removed. What it has exported stays until it expires.", "exports.schedules")


def _scope_to_change() -> ProjectScope:
    scope = current_scope()
    require_role(scope, Role.OPERATOR)
    return scope


def _choices(asked: Wanted, scope: ProjectScope) -> Choices:
    if request.method == "POST":
        return Choices.read(asked.subject, scope.time_zone, request.form)
    return Choices.usual(asked.subject, scope.time_zone)


def _take(scope: ProjectScope, asked: Wanted, choices: Choices, changed: Schedule | None) -> ResponseReturnValue:
    """Make or change what the form says; or give the form back, where a field was moved or something is wrong."""
    typed = Typed.read(request.form)
    if "move" in request.form:
        return _form_page(scope, asked, choices, typed, changed)
    try:
        new = NewSchedule(
            typed.name, asked.exported, asked.filters, choices.layout(), typed.timing(), _number(typed.keep_days, "keep_days")
        )
        if changed:
            change_schedule(db.session(), scope, changed.id, new, utc_now())
        else:
            create_schedule(db.session(), scope, new, by=logged_in().email, now=utc_now())
    except InvalidInput as error:
        db.session.rollback()
        return _form_page(scope, asked, choices, typed, changed, error)
    db.session.commit()
    flash(f"{typed.name} is saved: {new.timing.words[:1].lower()}{new.timing.words[1:]}, in project time.")
    return redirect(url_for("exports.schedules"))


def _form_page(
    scope: ProjectScope, asked: Wanted, choices: Choices, typed: Typed, changed: Schedule | None, error: InvalidInput | None = None
) -> ResponseReturnValue:
    own_url = url_for("exports.edit_schedule", schedule_id=changed.id) if changed else None
    page = SchedulePage(
        title=f"Change {changed.name}" if changed else f"Export {asked.exported.label} by the clock",
        button="Save" if changed else "Make the schedule",
        label=asked.exported.label,
        chips=list(chips_of(asked, scope)),
        choices=choices,
        example=choices.example(utc_now()),
        typed=typed,
        periods=[Option(period, label, period == typed.period) for period, label in PERIOD_LABELS.items()],
        weekdays=[Option(str(number), name, str(number) == typed.weekday) for number, name in enumerate(WEEKDAYS)],
        zone=scope.time_zone.key,
        is_fixed=asked.filters.range.kind is Range.CUSTOM,
        action=own_url or new_url(asked.exported, asked.query, page="exports.new_schedule"),
        back_url=url_for("exports.schedules") if changed else asked.list_url,
        errors=_errors(error),
    )
    return render_template("exports/schedule.html", page=page), 400 if error else 200


def _errors(error: InvalidInput | None) -> dict[str, str]:
    if error is None:
        return {}
    return {("at" if name in ("hour", "minute") else name): text for name, text in by_field(error).items()}


def _typed_of(schedule: Schedule) -> Typed:
    timing = schedule.timing
    weekday, day = (str(value if value is not None else usual) for value, usual in ((timing.weekday, 0), (timing.day, 1)))
    return Typed(schedule.name, timing.period, weekday, day, f"{timing.hour:02}:{timing.minute:02}", str(schedule.keep_days))


def _number(text: str, field: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise InvalidInput(f'"{text[:20]}" is not a whole number; write one, like 30', field=field)
    return int(text)


def _row(schedule: Schedule, scope: ProjectScope, *, may_change: bool) -> ScheduleRow:
    urls = {
        name: url_for(f"exports.{page}", schedule_id=schedule.id) if may_change else ""
        for name, page in (("change_url", "edit_schedule"), ("switch_url", "switch_schedule"), ("remove_url", "remove_schedule"))
    }
    return ScheduleRow(
        name=schedule.name,
        label=schedule.exported.label,
        words=schedule.words,
        timing=schedule.timing.words,
        format=FORMAT_LABELS[schedule.layout.format],
        kept=counted(schedule.keep_days, "day"),
        by=schedule.created_by,
        next_run=show_moment(schedule.next_run_at, scope.time_zone) if schedule.is_active else None,
        dialog_id=f"remove-{schedule.id.hex}",
        **urls,
    )
