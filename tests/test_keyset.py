"""Keys, places, pages and counts of lists; that a list read by them has each record once is tested with the lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import and_, column
from sqlalchemy.types import DateTime, Uuid

from auditpanel.errors import InvalidInput
from auditpanel.filters import Field, FilterSet, Span, read_text
from auditpanel.keyset import Clause, Count, Direction, Key, Meanings, Order, Page, Place, clauses_of

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
KEY = Key(NOON, UUID("0199c2f47b1e7d21a1f6e8407cd4c44b"))
ORDER = Order(column("project_id", Uuid()), column("created_at", DateTime(timezone=True)), column("id", Uuid()))
FIELDS = {
    "only": Field("only", "Only", read_text, always=True),
    "who": Field("who", "Who is", read_text),
    "type": Field("type", "Type is", read_text, commas=True),
}
MEANINGS: Meanings = {
    "only": lambda value: column("state") == value,
    "who": lambda value: column("who") == value,
    "type": lambda value: column("type") == value,
}


def in_sql(clauses: list[Clause], *, values: bool = False) -> str:
    return str(and_(*clauses).compile(compile_kwargs={"literal_binds": values}))


# What is stored is of our time; a cursor has 17 digits, which reach into the year 5138.
@given(at=st.datetimes(max_value=datetime(5000, 1, 1), timezones=st.just(UTC)), id=st.uuids())
def test_a_cursor_is_read_back_as_the_same_key(at: datetime, id: UUID) -> None:
    assert Key.from_cursor(Key(at, id).cursor) == Key(at, id)


@pytest.mark.parametrize(
    "text", ["", "x", KEY.cursor + "0", KEY.cursor.upper(), "-" + "9" * 17 + "-" + "0" * 32, "1-" + "g" * 32, "1" * 99]
)
def test_a_cursor_that_no_page_gave_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(InvalidInput, match="take the cursor of the page before") as refused:
        Key.from_cursor(text)
    assert refused.value.field == "cursor"


@pytest.mark.parametrize(
    ("found", "direction", "lines", "has_more"),
    [
        ([9, 8, 7], Direction.OLDER, [9, 8], True),
        ([9, 8], Direction.OLDER, [9, 8], False),
        ([1, 2, 3], Direction.NEWER, [2, 1], True),
        ([1], Direction.NEWER, [1], False),
        ([], Direction.NEWER, [], False),
    ],
)
def test_a_page_is_newest_first_whichever_way_it_was_read(found: list[int], direction: Direction, lines: list[int], has_more: bool) -> None:
    assert Page.of(found, direction, 2) == Page(lines, has_more)


def test_a_page_of_a_named_type_can_be_made() -> None:
    assert Page[int]([1], has_more=False) == Page([1], has_more=False)


def test_a_count_is_exact_up_to_its_cap() -> None:
    assert Count.of(5, 5) == Count(5, is_exact=True)
    assert Count.of(6, 5) == Count(5, is_exact=False)


def test_the_time_alone_narrows_as_much_as_the_pair_does() -> None:
    older, newer = (in_sql(ORDER.beyond(Place(KEY, direction))) for direction in Direction)
    assert older.startswith("created_at <= ") and "(created_at, id) < " in older
    assert newer.startswith("created_at >= ") and "(created_at, id) > " in newer
    older, newer = (in_sql(ORDER.up_to(KEY, direction)) for direction in Direction)
    assert older.startswith("created_at >= ") and "(created_at, id) >= " in older
    assert newer.startswith("created_at <= ") and "(created_at, id) <= " in newer
    assert ORDER.beyond(None) == []


def test_a_span_holds_its_start_and_not_its_end() -> None:
    found = in_sql(ORDER.within(KEY.id, Span(NOON, NOON + timedelta(hours=1))))
    assert "project_id = " in found and "created_at >= " in found and "created_at < " in found
    assert "created_at" not in in_sql(ORDER.within(KEY.id, Span(None, None)))


def test_values_are_alternatives_and_the_match_mode_joins_fields() -> None:
    chosen = [("only", "o"), ("who", "w"), ("type", "a,b")]
    joined_by_and = clauses_of(FilterSet.parse(chosen, FIELDS), MEANINGS)
    assert in_sql(joined_by_and, values=True) == "state = 'o' AND who = 'w' AND (type = 'a' OR type = 'b')"
    joined_by_or = clauses_of(FilterSet.parse([*chosen, ("match", "any")], FIELDS), MEANINGS)
    assert in_sql(joined_by_or, values=True) == "state = 'o' AND (who = 'w' OR type = 'a' OR type = 'b')"
    assert clauses_of(FilterSet.parse([], FIELDS), MEANINGS) == []
