from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditpanel.errors import InvalidInput
from auditpanel.filters import FilterSet, Match, Range
from auditpanel.logs.filters import LOG_FIELDS

WARSAW = ZoneInfo("Europe/Warsaw")
NOW = datetime(2026, 11, 24, 15, 42, 8, tzinfo=UTC)


def parse(query: str) -> FilterSet:
    return FilterSet.parse(parse_qsl(query, keep_blank_values=True), LOG_FIELDS)


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20).filter(str.strip)
conditions = st.one_of(
    *(
        st.tuples(st.just(field.name), st.sampled_from([value for value, _ in field.choices]))
        for field in LOG_FIELDS.values()
        if field.choices and field.several
    ),
    st.tuples(st.sampled_from(["route", "path_contains", "user", "api_key", "customer", "request_id", "request_text", "body_text"]), texts),
    st.tuples(st.just("status"), st.sampled_from(["404", "5xx", "2XX"])),
)
ranges = st.one_of(
    st.sampled_from([[("range", str(kind))] for kind in Range]),
    st.just([("created_after", "2026-11-24"), ("created_before", "24 Nov 2026 16:00")]),
)


@given(pairs=st.lists(conditions, max_size=6), span=ranges, match=st.sampled_from([[], [("match", "all")], [("match", "any")]]))
def test_a_filter_set_read_from_its_own_url_is_the_same(
    pairs: list[tuple[str, str]], span: list[tuple[str, str]], match: list[tuple[str, str]]
) -> None:
    filters = FilterSet.parse([*pairs, *span, *match], LOG_FIELDS)
    assert parse(urlencode(filters.params)) == filters


def test_a_list_shows_the_last_24_hours_unless_it_is_told_otherwise() -> None:
    filters = parse("")
    assert filters.range.kind is Range.DAY
    assert filters.range.resolve(NOW, WARSAW).start == datetime(2026, 11, 23, 15, 42, 8, tzinfo=UTC)


def test_any_with_nothing_chosen_shows_all_there_is() -> None:
    assert parse("match=any").range.resolve(NOW, WARSAW).start is None


def test_switching_between_all_and_any_keeps_a_chosen_range() -> None:
    assert parse("range=7d&status=404").matching(Match.ANY).range.kind is Range.WEEK
    assert parse("").matching(Match.ANY).matching(Match.ALL) == parse("")


def test_typed_dates_are_read_in_project_time() -> None:
    span = parse("created_after=2026-11-24&created_before=2026-11-24").range.resolve(NOW, WARSAW)
    assert (span.start, span.end) == (datetime(2026, 11, 23, 23, tzinfo=UTC), datetime(2026, 11, 24, 23, tzinfo=UTC))


def test_today_and_yesterday_are_days_of_the_project() -> None:
    late = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    assert parse("range=today").range.resolve(late, WARSAW).start == datetime(2026, 11, 24, 23, tzinfo=UTC)
    assert parse("range=yesterday").range.resolve(late, WARSAW).end == datetime(2026, 11, 24, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "Last 24 hours"),
        ("only=errors&origin=SHOPIFY,api&path_contains=/v1", "Errors only, origin is Shopify or API, path contains /v1, last 24 hours"),
        ("match=any&status=404&min_duration_ms=1000.0", "Status is 404 or duration above 1000 ms, all time"),
        ("created_after=2026-11-24+12:00&method=post", "Method is POST, from 2026-11-24 12:00"),
    ],
)
def test_filters_read_as_one_phrase(query: str, words: str) -> None:
    assert parse(query).words == words


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("origin=SHOPFY", "origin", "is not one of DASHBOARD"),
        ("status=6xx", "status", "write a code like 404"),
        ("min_duration_ms=fast", "min_duration_ms", "write milliseconds"),
        ("min_duration_ms=nan", "min_duration_ms", "write milliseconds"),
        ("match=some", "match", "is not one of all, any"),
        ("range=1y", "range", "is not one of 1h, 24h"),
        ("colour=red", "colour", "there are match, range, created_after"),
        ("match=all&match=any", "match", "write it once"),
        ("path_contains=a%00b", "path_contains", "NUL"),
        ("path_contains=" + "x" * 1001, "path_contains", "1000 at most"),
        ("&".join(f"status={code}" for code in range(400, 421)), "status", "20 at most"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused_by_its_name(query: str, field: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(query)
    assert refused.value.field == field
    assert words in refused.value.reason


def test_a_range_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(InvalidInput, match="created_before"):
        parse("created_after=2026-11-24&created_before=2026-11-23").range.resolve(NOW, WARSAW)
