"""A count that has reached its cap is not counted again for a while."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from auditpanel.filters import FilterSet, Span
from auditpanel.keyset import COUNT_CAP
from auditpanel.logs import capped
from auditpanel.logs.capped import CAPPED_FOR_S, CappedCounts
from auditpanel.logs.filters import LOG_FIELDS
from auditpanel.logs.queries import Count, list_logs
from tests.logs.making import make_log, make_scope, store

EVERYTHING, FAILURES = (FilterSet.parse([("range", "all"), *pairs], LOG_FIELDS) for pairs in ([], [("result", "failure")]))
ONE, OTHER = UUID(int=1), UUID(int=2)


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_cap_holds_for_a_while_for_its_project_and_filters_alone() -> None:
    clock = Clock()
    counts = CappedCounts(clock)
    counts.note(ONE, EVERYTHING)
    assert counts.holds(ONE, EVERYTHING)
    assert not counts.holds(OTHER, EVERYTHING)
    assert not counts.holds(ONE, FAILURES)
    clock.now_s = CAPPED_FOR_S
    assert not counts.holds(ONE, EVERYTHING)


def test_the_caps_noted_longest_ago_give_way() -> None:
    counts = CappedCounts(Clock())
    counts.note(ONE, EVERYTHING)
    for number in range(capped.KEPT):
        counts.note(UUID(int=10 + number), EVERYTHING)
    assert not counts.holds(ONE, EVERYTHING)
    assert counts.holds(UUID(int=10), EVERYTHING)


def test_a_page_says_the_same_of_a_count_that_it_has_not_counted_again(session: Session) -> None:
    scope = make_scope(session)
    store(session, scope, *(make_log() for _ in range(COUNT_CAP + 1)), *(make_log(status_code=500) for _ in range(3)))
    pages = [list_logs(session, scope, EVERYTHING, Span(None, None), counted=[EVERYTHING, FAILURES]) for _ in range(2)]
    assert [page.counts for page in pages] == [(Count(COUNT_CAP, is_exact=False), Count(3, is_exact=True))] * 2
    store(session, scope, make_log(status_code=500))
    fresh = list_logs(session, scope, EVERYTHING, Span(None, None), counted=[EVERYTHING, FAILURES])
    assert fresh.counts == (Count(COUNT_CAP, is_exact=False), Count(4, is_exact=True))
