"""When a scheduled export is due: daily, weekly or monthly at a time on the project's clock."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from auditpanel.errors import InvalidInput
from auditpanel.exports.values import Period
from auditpanel.times import Edge, moment_of

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Timing:
    """`weekday` (0 is Monday) is of a weekly one, `day` (1 to 31) of a monthly one; a month that has no such day takes its last.

    Raises InvalidInput that names the field.
    """

    period: Period
    hour: int
    minute: int = 0
    weekday: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        _check("hour", self.hour, 0, 23)
        _check("minute", self.minute, 0, 59)
        if self.period is Period.WEEKLY:
            _check("weekday", self.weekday, 0, 6)
        elif self.period is Period.MONTHLY:
            _check("day", self.day, 1, 31)

    def next_after(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The first time behind `moment`, in UTC.

        A time that the clock skips is read with the offset before the change; of one that comes twice, the first is meant, once.
        """
        day = moment.astimezone(zone).date()
        while True:
            if self._is_on(day):
                due = moment_of(datetime.combine(day, time(self.hour, self.minute)), zone, Edge.START).at
                if due > moment:
                    return due
            day += timedelta(days=1)

    @property
    def words(self) -> str:
        """`Every Monday at 06:00`"""
        at = f"at {self.hour:02}:{self.minute:02}"
        if self.period is Period.DAILY:
            return f"Every day {at}"
        if self.period is Period.WEEKLY:
            return f"Every {WEEKDAYS[self.weekday or 0]} {at}"
        return f"Every month on day {self.day} {at}"

    def _is_on(self, day: date) -> bool:
        if self.period is Period.WEEKLY:
            return day.weekday() == self.weekday
        if self.period is Period.MONTHLY:
            return day.day == min(self.day or 1, monthrange(day.year, day.month)[1])
        return True


def _check(field: str, value: int | None, lowest: int, highest: int) -> None:
    if value is None or not lowest <= value <= highest:
        shown = "nothing" if value is None else f'"{value}"'
        raise InvalidInput(f"{shown} is not a number from {lowest} to {highest}; write one", field=field)
