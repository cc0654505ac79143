from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditpanel.logs.values import LogKey, LogLine, Origin
from auditpanel.panel import formatters
from auditpanel.panel.formatters import StatusKind, Who, WhoKind

WARSAW = ZoneInfo("Europe/Warsaw")
AFTERNOON = datetime(2026, 11, 24, 16, 41, 59, 239_204, tzinfo=WARSAW)


def make_line(*, origin: Origin = Origin.API, user: str | None = None, api_key: str | None = None, customer: str | None = None) -> LogLine:
    key = LogKey(datetime(2026, 11, 24, 15, 41, 59, tzinfo=UTC), UUID(int=1))
    return LogLine(
        key=key, method="GET", path="/v1/vouchers", route=None, status_code=200, duration_ms=12.0, origin=origin, channel=None,
        user=user, api_key=api_key, customer=customer, client_ip=None, user_agent=None, request_id=None, error=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 ms"), (0.01, "< 0.1 ms"), (0.42, "0.4 ms"), (0.97, "1 ms"), (46.4, "46 ms"), (999.4, "999 ms"), (999.6, "1.00 s"),
        (3_020, "3.02 s"), (9_996, "10.0 s"), (14_204, "14.2 s"), (59_990, "1 min 0 s"), (72_000, "1 min 12 s"), (3_840_000, "1 h 4 min"),
    ],
)  # fmt: skip
def test_a_duration_reads_in_the_unit_that_fits(milliseconds: float, text: str) -> None:
    duration = formatters.format_duration(milliseconds)
    assert duration is not None
    assert duration.text == text


def test_a_duration_is_slow_exactly_where_it_is_written_in_seconds() -> None:
    for milliseconds in (998.0, 999.4, 999.5, 999.6, 1_000.0, 1_500.0):
        duration = formatters.format_duration(milliseconds)
        assert duration is not None
        assert duration.slow is duration.text.endswith(" s")


def test_the_bar_is_a_log_scale_from_1_ms_to_10_s() -> None:
    bars = [formatters.format_duration(milliseconds) for milliseconds in (1, 10, 100, 1_000, 10_000, 600_000)]
    assert [bar.bar for bar in bars if bar] == [2, 7, 14, 21, 28, 28]


def test_an_unknown_duration_stays_unknown() -> None:
    assert formatters.format_duration(None) is None


@pytest.mark.parametrize(
    ("code", "kind", "label"),
    [
        (200, StatusKind.OK, "200 OK"), (304, StatusKind.REDIRECT, "304 Not Modified"), (400, StatusKind.BAD, "400 Bad Request"),
        (499, StatusKind.BAD, "499"), (503, StatusKind.BROKEN, "503 Service Unavailable"),
    ],
)  # fmt: skip
def test_a_status_has_its_kind_and_its_words(code: int, kind: StatusKind, label: str) -> None:
    view = formatters.status_view(code)
    assert (view.text, view.kind, view.label) == (str(code), kind, label)


def test_a_path_is_split_before_its_last_segment() -> None:
    parts = formatters.split_path("/v1/campaigns/camp_0199c2f47b1e7d2/vouchers")
    assert (parts.head, parts.tail) == ("/v1/campaigns/camp_0199c2f47b1e7d2", "/vouchers")


def test_a_path_of_one_segment_is_all_tail() -> None:
    assert formatters.split_path("/health") == formatters.PathParts("", "/health")


@given(st.text(max_size=300))
def test_both_parts_of_a_path_make_the_path_and_the_tail_is_short(path: str) -> None:
    parts = formatters.split_path(path)
    assert parts.head + parts.tail == path
    assert len(parts.tail) <= formatters.PATH_TAIL_CHARACTERS


def test_a_user_goes_by_the_part_before_the_at_sign() -> None:
    line = make_line(user="nina.kowalska@example.com", api_key="checkout")
    assert formatters.who_of(line) == Who(WhoKind.USER, "nina.kowalska", "nina.kowalska@example.com")


def test_a_call_with_a_key_for_a_customer_was_made_by_the_key() -> None:
    assert formatters.who_of(make_line(api_key="checkout", customer="anna")) == Who(WhoKind.KEY, "checkout", "checkout")


def test_in_a_cockpit_the_customer_is_the_one_who_acts() -> None:
    line = make_line(origin=Origin.CUSTOMER_COCKPIT, api_key="cockpit", customer="anna@example.com")
    assert formatters.who_of(line) == Who(WhoKind.CUSTOMER, "anna@example.com", "anna@example.com")


def test_nobody_known_is_nobody() -> None:
    assert formatters.who_of(make_line()) is None


def test_a_day_near_by_is_named() -> None:
    today = date(2026, 11, 24)
    days = (date(2026, 11, 24), date(2026, 11, 23), date(2026, 11, 22), date(2026, 11, 25))
    assert [formatters.day_heading(day, today) for day in days] == [
        "Today, Tue 24 Nov 2026", "Yesterday, Mon 23 Nov 2026", "Sun 22 Nov 2026", "Wed 25 Nov 2026",
    ]  # fmt: skip


def test_the_first_day_there_is_has_no_yesterday_and_still_reads() -> None:
    assert formatters.date_words(date.min) == "Mon 1 Jan 1"


def test_a_clock_keeps_its_milliseconds_and_its_offset() -> None:
    parts = formatters.clock_parts(AFTERNOON)
    assert (parts.clock, parts.milliseconds, parts.iso) == ("16:41:59", ".239", "2026-11-24T16:41:59.239204+01:00")


def test_a_moment_is_cut_to_milliseconds_and_never_rounded_into_the_next_second() -> None:
    assert formatters.moment_words(AFTERNOON.replace(microsecond=999_999)) == "Tue 24 Nov 2026, 16:41:59.999"


def test_the_times_covered_name_days_only_where_they_differ() -> None:
    earlier = AFTERNOON.replace(minute=40)
    assert formatters.covers_text(AFTERNOON, earlier) == "16:41:59 to 16:40:59"
    assert formatters.covers_text(AFTERNOON, earlier.replace(day=23)) == "Tue 24 Nov 2026, 16:41:59 to Mon 23 Nov 2026, 16:40:59"


def test_a_count_that_reached_its_cap_says_so() -> None:
    assert formatters.capped_count_text(9_999, 10_000) == "9,999"
    assert formatters.capped_count_text(10_000, 10_000) == "10,000+"


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("aa_01a20d3d4d387c06a1f8d3be209871c4", "aa_…9871c4"), ("whs_01a20d3d4d387c06a1f8d3be209871c4", "whs_…9871c4"),
        ("v-01a20d3d4d387c06a1f8d3be209871c4", "v-…9871c4"), ("SUMMER-24", "SUMMER-24"),
    ],
)  # fmt: skip
def test_an_id_keeps_its_prefix_and_its_end(text: str, short: str) -> None:
    assert formatters.shorten_id(text) == short


@pytest.mark.parametrize(
    ("name", "initials"), [("Nina Kowalska", "NK"), ("nina.kowalska@example.com", "NK"), ("Cher", "C"), ("Ana de Armas", "AA"), ("", "?")]
)
def test_initials_are_two_letters_at_most(name: str, initials: str) -> None:
    assert formatters.initials_of(name) == initials
