"""Lists of the public API: pages by number, counted, and neither for longer than a while."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.finding import Listed, PageAsked, list_page
from auditpanel.catalogue.models import Voucher
from auditpanel.catalogue.vouchers import ORDERS
from auditpanel.errors import Unavailable
from tests.logs.making import make_scope

# What takes a second for each row.
SLOW = text("pg_sleep(1) IS NOT NULL")


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    return make_scope(session)


def fill(session: Session, scope: ProjectScope, count: int) -> None:
    for number in range(count):
        session.add(Voucher(project_id=scope.project_id, code=f"C{number}", type="DISCOUNT_VOUCHER", discount={}))
        session.flush()


def listed(session: Session, scope: ProjectScope, **asked: object) -> Listed[Voucher]:
    matching = select(Voucher).where(Voucher.project_id == scope.project_id)
    return list_page(session, matching, PageAsked(**asked), ORDERS)  # type: ignore[arg-type]


def codes(page: Listed[Voucher]) -> list[str]:
    return [voucher.code for voucher in page.rows]


def test_pages_cover_the_list_and_each_tells_the_same_total(session: Session, scope: ProjectScope) -> None:
    fill(session, scope, 5)
    pages = [listed(session, scope, limit=2, page=number, order="created_at") for number in (1, 2, 3, 4)]
    assert [codes(page) for page in pages] == [["C0", "C1"], ["C2", "C3"], ["C4"], []]
    assert [page.total for page in pages] == [5, 5, 5, 5] and all(page.total_is_exact for page in pages)
    assert [page.has_more for page in pages] == [True, True, False, False]


def test_a_list_with_nothing_in_it_has_a_total_of_none(session: Session, scope: ProjectScope) -> None:
    page = listed(session, scope)
    assert (page.rows, page.total, page.total_is_exact, page.has_more) == ([], 0, True, False)


def test_a_page_that_takes_too_long_says_what_to_ask_for_instead(session: Session, scope: ProjectScope) -> None:
    fill(session, scope, 3)
    matching = select(Voucher).where(Voucher.project_id == scope.project_id, SLOW)
    with pytest.raises(Unavailable, match="takes longer than 0.02 s to read. Ask for an earlier page or another order"):
        list_page(session, matching, PageAsked(), ORDERS, page_budget_s=0.02)


def test_a_count_that_takes_too_long_leaves_the_page_and_says_that_there_are_at_least_so_many(
    session: Session, scope: ProjectScope
) -> None:
    fill(session, scope, 5)
    slow_later = text("(code IN ('C3', 'C4') OR pg_sleep(0.2) IS NOT NULL)")
    matching = select(Voucher).where(Voucher.project_id == scope.project_id, slow_later)
    page = list_page(session, matching, PageAsked(limit=1), ORDERS, count_budget_s=0.02)
    assert codes(page) == ["C4"] and page.has_more
    assert (page.total, page.total_is_exact) == (2, False)
