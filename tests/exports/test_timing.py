"""When a scheduled export is due, on clocks that are put forward and back too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditpanel.errors import InvalidInput
from auditpanel.exports.timing import Timing
from auditpanel.exports.values import Period

WARSAW = ZoneInfo("Europe/Warsaw")
DAILY, WEEKLY, MONTHLY = Period.DAILY, Period.WEEKLY, Period.MONTHLY


def next_after(timing: Timing, wall: str, zone: ZoneInfo = WARSAW) -> str:
    moment = datetime.fromisoformat(wall).replace(tzinfo=zone).astimezone(UTC)
    return timing.next_after(moment, zone).astimezone(zone).strftime("%Y-%m-%d %H:%M %z")


@pytest.mark.parametrize(
    ("timing", "wall", "due"),
    [
        (Timing(DAILY, 6, 30), "2026-11-24 06:29", "2026-11-24 06:30 +0100"),
        (Timing(DAILY, 6, 30), "2026-11-24 06:30", "2026-11-25 06:30 +0100"),
        (Timing(WEEKLY, 0, weekday=0), "2026-11-24 12:00", "2026-11-30 00:00 +0100"),
        (Timing(WEEKLY, 6, weekday=1), "2026-11-24 05:00", "2026-11-24 06:00 +0100"),
        (Timing(WEEKLY, 6, weekday=1), "2026-11-24 07:00", "2026-12-01 06:00 +0100"),
        (Timing(MONTHLY, 6, day=1), "2026-11-24 07:00", "2026-12-01 06:00 +0100"),
        (Timing(MONTHLY, 6, day=31), "2026-11-24 07:00", "2026-11-30 06:00 +0100"),
        (Timing(MONTHLY, 6, day=31), "2027-01-31 07:00", "2027-02-28 06:00 +0100"),
        (Timing(MONTHLY, 6, day=29), "2028-02-01 07:00", "2028-02-29 06:00 +0100"),
        # The clock is put forward at 02:00 on the 28th, and back at 03:00 on the 25th.
        (Timing(DAILY, 2, 30), "2027-03-28 01:59", "2027-03-28 03:30 +0200"),
        (Timing(DAILY, 2, 30), "2027-03-28 03:30", "2027-03-29 02:30 +0200"),
        (Timing(DAILY, 2, 30), "2026-10-25 01:00", "2026-10-25 02:30 +0200"),
        (Timing(DAILY, 6), "2027-03-27 06:00", "2027-03-28 06:00 +0200"),
    ],
)
def test_the_next_time_on_the_projects_clock(timing: Timing, wall: str, due: str) -> None:
    assert next_after(timing, wall) == due


def test_a_time_that_comes_twice_is_meant_once() -> None:
    first = Timing(DAILY, 2, 30).next_after(datetime(2026, 10, 24, 23, tzinfo=UTC), WARSAW)
    assert (first, Timing(DAILY, 2, 30).next_after(first, WARSAW)) == (
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 26, 1, 30, tzinfo=UTC),
    )


TIMINGS = st.one_of(
    st.builds(Timing, st.just(DAILY), st.integers(0, 23), st.integers(0, 59)),
    st.builds(Timing, st.just(WEEKLY), st.integers(0, 23), st.integers(0, 59), weekday=st.integers(0, 6)),
    st.builds(Timing, st.just(MONTHLY), st.integers(0, 23), st.integers(0, 59), day=st.integers(1, 31)),
)
LONGEST = {DAILY: timedelta(days=1), WEEKLY: timedelta(days=7), MONTHLY: timedelta(days=31)}


@given(
    TIMINGS,
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(["UTC", "Europe/Warsaw", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns"]),
)
def test_it_is_always_later_never_far_and_never_between(timing: Timing, moment: datetime, zone_name: str) -> None:
    zone = ZoneInfo(zone_name)
    due = timing.next_after(moment, zone)
    # Two hours more: a clock may be put back meanwhile, or a time be skipped.
    assert moment < due <= moment + LONGEST[timing.period] + timedelta(hours=2)
    assert timing.next_after(due - timedelta(microseconds=1), zone) == due
    assert timing.next_after(due, zone) > due


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"period": DAILY, "hour": 24}, "hour"),
        ({"period": DAILY, "hour": 6, "minute": 60}, "minute"),
        ({"period": WEEKLY, "hour": 6}, "weekday"),
        ({"period": WEEKLY, "hour": 6, "weekday": 7}, "weekday"),
        ({"period": MONTHLY, "hour": 6, "day": 0}, "day"),
    ],
)
def test_a_time_that_there_is_not_is_refused_by_its_field(given: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Timing(**given)  # type: ignore[arg-type]
    assert caught.value.field == field


def test_it_is_told_in_words() -> None:
    assert Timing(DAILY, 6, 5).words == "Every day at 06:05"
    assert Timing(WEEKLY, 6, weekday=4).words == "Every Friday at 06:00"
    assert Timing(MONTHLY, 23, 59, day=31).words == "Every month on day 31 at 23:59"
