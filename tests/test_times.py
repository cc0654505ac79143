from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditpanel.errors import InvalidInput
from auditpanel.times import ClockChange, Edge, clock_change, iso_milliseconds, iso_utc, moment_of, parse_typed, start_of_day, zone_named

WARSAW = ZoneInfo("Europe/Warsaw")
NEW_YORK = ZoneInfo("America/New_York")
# Zones with unusual changes: at midnight, of half an hour, a day left out.
ZONES = [WARSAW, NEW_YORK] + [
    ZoneInfo(name) for name in ("America/Havana", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo", "UTC")
]
zones = st.sampled_from(ZONES)
days = st.dates(date(2001, 1, 1), date(2037, 12, 30))
walls = st.datetimes(datetime(2001, 1, 1), datetime(2037, 12, 30))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone", "edge", "expected", "note"),
    [
        (
            "2026-03-29 02:30",
            WARSAW,
            Edge.START,
            "2026-03-29T01:30",
            "02:30 on 29 Mar 2026 does not exist in Europe/Warsaw: read as 03:30.",
        ),
        ("2026-03-29 02:30", WARSAW, Edge.END, "2026-03-29T01:30", "02:30 on 29 Mar 2026 does not exist in Europe/Warsaw: read as 03:30."),
        (
            "2026-03-08 02:15",
            NEW_YORK,
            Edge.START,
            "2026-03-08T07:15",
            "02:15 on 8 Mar 2026 does not exist in America/New_York: read as 03:15.",
        ),
        ("2026-10-25 02:30", WARSAW, Edge.START, "2026-10-25T00:30", "read as the first, +02:00"),
        ("2026-10-25 02:30", WARSAW, Edge.END, "2026-10-25T01:30", "read as the second, +01:00"),
        ("2026-11-01 01:30", NEW_YORK, Edge.START, "2026-11-01T05:30", "read as the first, -04:00"),
        ("2026-11-01 01:30", NEW_YORK, Edge.END, "2026-11-01T06:30", "read as the second, -05:00"),
        ("2026-10-25 02:30+02:00", WARSAW, Edge.END, "2026-10-25T00:30", None),
        ("2026-10-25T02:30:00Z", WARSAW, Edge.START, "2026-10-25T02:30", None),
        ("24 Nov 2026 16:42:08", WARSAW, Edge.START, "2026-11-24T15:42:08", None),
        ("24 november 2026, 6:42", WARSAW, Edge.START, "2026-11-24T05:42", None),
        ("2026-11-24T16:42:08.123456", WARSAW, Edge.START, "2026-11-24T15:42:08.123456", None),
    ],
)
def test_a_typed_time_is_read_as_the_readme_states(text: str, zone: ZoneInfo, edge: Edge, expected: str, note: str | None) -> None:
    moment = parse_typed(text, zone, edge)
    assert moment.at == utc(expected)
    assert (note in moment.note) if note and moment.note else moment.note is note


@pytest.mark.parametrize(
    ("day", "zone", "start", "end"),
    [
        ("2026-03-29", WARSAW, "2026-03-28T23:00", "2026-03-29T22:00"),
        ("2026-10-25", WARSAW, "2026-10-24T22:00", "2026-10-25T23:00"),
        ("2026-03-08", NEW_YORK, "2026-03-08T05:00", "2026-03-09T04:00"),
        ("2026-11-01", NEW_YORK, "2026-11-01T04:00", "2026-11-02T05:00"),
    ],
)
def test_a_day_with_a_clock_change_has_its_23_or_25_hours(day: str, zone: ZoneInfo, start: str, end: str) -> None:
    assert parse_typed(day, zone, Edge.START).at == utc(start)
    assert parse_typed(day, zone, Edge.END).at == utc(end)


@given(day=days, zone=zones)
def test_days_follow_each_other_without_gap_or_overlap(day: date, zone: ZoneInfo) -> None:
    text, following = day.isoformat(), (day + timedelta(days=1)).isoformat()
    assert parse_typed(text, zone, Edge.END).at == parse_typed(following, zone, Edge.START).at
    assert parse_typed(text, zone, Edge.START).at <= parse_typed(text, zone, Edge.END).at


@given(day=days, zone=zones)
def test_the_first_moment_of_a_day_is_on_that_day_and_the_one_before_is_not(day: date, zone: ZoneInfo) -> None:
    start = start_of_day(day, zone)
    shown = start.astimezone(zone).date()
    # A day that a zone left out (Samoa, 30 Dec 2011) has no moment: it begins where the next one does.
    assert shown == day or shown == day + timedelta(days=1)
    assert (start - timedelta(microseconds=1)).astimezone(zone).date() < shown


@given(wall=walls, zone=zones)
def test_a_time_that_exists_is_shown_again_as_it_was_typed(wall: datetime, zone: ZoneInfo) -> None:
    for edge in Edge:
        shown = moment_of(wall, zone, edge).at.astimezone(zone).replace(tzinfo=None)
        if clock_change(wall, zone) is ClockChange.SKIPPED:
            assert shown > wall
        else:
            assert shown == wall


@given(moment=st.datetimes(datetime(2001, 1, 1), datetime(2037, 12, 30), timezones=st.just(UTC)), zone=zones)
def test_a_range_typed_from_and_to_a_shown_time_holds_that_time(moment: datetime, zone: ZoneInfo) -> None:
    shown = moment.astimezone(zone).replace(tzinfo=None).isoformat()
    assert parse_typed(shown, zone, Edge.START).at <= moment <= parse_typed(shown, zone, Edge.END).at


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2025-02-30", "Feb 2025 has 28 days"),
        ("31-02-2026", "is not a date; write a day as"),
        ("2026-13-01", "is not a date"),
        ("2026-11-24 25:00", "write hours to 23"),
        ("yesterday", "is not a date"),
        ("30 Foo 2026", "is not a date"),
        ("9999-12-31", "is too far away"),
        ("0000-01-01", "is not a date"),
    ],
)
def test_what_is_no_date_is_refused_with_what_would_be_right(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        parse_typed(text, WARSAW, Edge.END)


@given(text=st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert parse_typed(text, NEW_YORK, Edge.END).at.tzinfo is UTC
    except InvalidInput as error:
        assert "write" in error.reason


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(InvalidInput, match="Europe/Warsaw"):
        zone_named("Europe/Warszawa")


def test_utc_is_written_with_microseconds_and_z() -> None:
    assert iso_utc(datetime(2026, 11, 24, 16, 41, 59, tzinfo=WARSAW)) == "2026-11-24T15:41:59.000000Z"


@pytest.mark.parametrize(("microsecond", "shown"), [(0, "000"), (7, "000"), (120_000, "120"), (239_999, "239")])
def test_a_moment_is_shown_to_the_millisecond_wherever_its_clock_stands(microsecond: int, shown: str) -> None:
    moment = datetime(2026, 11, 24, 17, 41, 59, microsecond, tzinfo=timezone(timedelta(hours=2)))
    assert iso_milliseconds(moment) == f"2026-11-24T15:41:59.{shown}Z"
