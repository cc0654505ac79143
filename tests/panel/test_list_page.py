"""What is around every list: the pager, the days, the words of an empty one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from auditpanel.filters import FilterSet
from auditpanel.ids import Prefix
from auditpanel.keyset import Count, Direction, Key, Page, Place
from auditpanel.panel.list_controls import ListUrls, Times, read_asked
from auditpanel.panel.list_page import Listing, count_words, days_of, empty_title, newer_url, older_url, place_of, record_urls
from auditpanel.tasks.filters import TASK_FIELDS
from tests.tasks.making import NOW

WARSAW = ZoneInfo("Europe/Warsaw")


@dataclass(frozen=True, slots=True)
class Line:
    key: Key


NEW, OLD = (Line(Key(NOW - timedelta(hours=hours), UUID(int=hours))) for hours in (1, 2))
EDGE = Key(NOW, UUID(int=9))
URLS = ListUrls("/list", FilterSet.parse([("status", "DONE")], TASK_FIELDS), Times.UTC)
STATE = "status=DONE&times=utc"
BEFORE_OLD, AFTER_NEW = f"/list?{STATE}&before={OLD.key.cursor}", f"/list?{STATE}&after={NEW.key.cursor}"
FIRST, NONE = f"/list?{STATE}", None
OLDER, NEWER = Place(EDGE, Direction.OLDER), Place(EDGE, Direction.NEWER)


@pytest.mark.parametrize(
    ("place", "has_more", "newer", "older"),
    [
        (None, False, NONE, NONE),
        (None, True, NONE, BEFORE_OLD),
        (OLDER, True, AFTER_NEW, BEFORE_OLD),
        (OLDER, False, AFTER_NEW, NONE),
        (NEWER, True, AFTER_NEW, BEFORE_OLD),
        # Nothing is newer than this page: the first page has these and, by now, perhaps more.
        (NEWER, False, FIRST, BEFORE_OLD),
    ],
)
def test_the_pager_leads_where_there_is_more(place: Place | None, has_more: bool, newer: str | None, older: str | None) -> None:
    found = Page([NEW, OLD], has_more)
    assert (newer_url(URLS, place, found), older_url(URLS, place, found)) == (newer, older)


def test_behind_the_oldest_the_pager_leads_back_and_before_the_newest_nowhere() -> None:
    nothing: Page[Line] = Page([], has_more=False)
    assert newer_url(URLS, OLDER, nothing) == f"/list?{STATE}&after={EDGE.cursor}"
    assert newer_url(URLS, NEWER, nothing) is None
    assert older_url(URLS, OLDER, nothing) is None


@pytest.mark.parametrize(("name", "place"), [("before", OLDER), ("after", NEWER)])
def test_the_place_in_an_url_is_read_back(name: str, place: Place) -> None:
    assert place_of(read_asked([(name, EDGE.cursor)], TASK_FIELDS)) == place


def test_a_list_without_a_place_begins_at_the_newest() -> None:
    assert place_of(read_asked([], TASK_FIELDS)) is None


def test_the_days_of_a_list_are_those_of_the_zone_that_is_shown() -> None:
    lines = [Line(Key(datetime(2026, 11, day, hour, tzinfo=UTC), UUID(int=hour))) for day, hour in ((24, 1), (23, 23), (23, 22))]
    asked = read_asked([("times", "utc")], TASK_FIELDS)
    listing = Listing(asked, TASK_FIELDS, URLS, asked.filters.range.resolve(NOW, WARSAW), UTC, None, NOW)
    assert [day.rows for day in days_of(listing, lines, lambda line: line.key.id.int)] == [[1], [23, 22]]


def test_a_records_page_keeps_the_state_of_its_list() -> None:
    url_of = record_urls(URLS, "/list/aa_", Prefix.ASYNC_ACTION)
    assert url_of("aa_0199c2f4") == f"/list/aa_0199c2f4?{STATE}"


def test_a_count_says_whether_there_are_more() -> None:
    assert [count_words(Count(value, is_exact)) for value, is_exact in ((612, True), (10_000, False), (0, True), (0, False))] == [
        "612",
        "10,000+",
        "0",
        None,
    ]


@pytest.mark.parametrize(
    ("params", "title"),
    [
        ([], "No calls: last 24 hours"),
        ([("status", "DONE")], "No call matches the filter"),
        ([("status", "DONE"), ("who", "nina")], "No call matches all of the 2 filters"),
        ([("status", "DONE"), ("who", "nina"), ("match", "any")], "No call matches any of the 2 filters"),
    ],
)
def test_an_empty_list_says_what_it_looked_for(params: list[tuple[str, str]], title: str) -> None:
    assert empty_title(FilterSet.parse(params, TASK_FIELDS), one="call", many="calls") == title
