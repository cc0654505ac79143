"""What lists and records of the catalogue have in common: pages, spans of time, what is said where nothing or too much is found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from psycopg.errors import UniqueViolation
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from sqlalchemy.orm import InstrumentedAttribute, Session

from auditpanel.catalogue.models import Campaign, Customer, Product, Sku, Voucher
from auditpanel.errors import Conflict, InvalidInput, NotFound, Unavailable
from auditpanel.ids import Prefix, parse_id
from auditpanel.time_limit import TimeIsUp, execute_within

Row = TypeVar("Row", Campaign, Voucher, Customer, Product, Sku)
# What a list can be ordered by: the name of the API, and the columns that make the order whole. The order by creation is by id.
Orders = Mapping[str, Sequence[InstrumentedAttribute[object]]]

DEFAULT_ORDER = "created_at"
PAGE_SIZE = 10
LARGEST_PAGE = 100
LAST_PAGE = 1_000
# Page 1,000 of 300,000 vouchers takes 0.2 s in the order that suits it least, and their count 0.04 s.
PAGE_BUDGET_S = 2.0
COUNT_BUDGET_S = 1.0


class ResourceNotFound(NotFound):
    """In the words of the public API."""

    title = "Resource not found"

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"Cannot find {kind} with id {text[:200]}")


class Duplicate(Conflict):
    title = "Duplicate resource key"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Both ends are left out: before and after a moment."""

    after: datetime | None = None
    before: datetime | None = None

    def clauses(self, column: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None]) -> list[ColumnElement[bool]]:
        ends = []
        if self.after is not None:
            ends.append(column > self.after)
        if self.before is not None:
            ends.append(column < self.before)
        return ends


@dataclass(frozen=True, slots=True)
class PageAsked:
    """`page` counts from 1. `order` is the name of a field, with a minus for the last first."""

    limit: int = PAGE_SIZE
    page: int = 1
    order: str = "-created_at"
    created: Bounds = Bounds()
    updated: Bounds = Bounds()


@dataclass(frozen=True, slots=True)
class Listed(Generic[Row]):
    """`total` is how many there are in all; where it is not exact, at least so many: to count them took too long."""

    rows: list[Row]
    total: int
    total_is_exact: bool
    has_more: bool


def list_page(
    session: Session,
    matching: Select[Row],
    asked: PageAsked,
    orders: Orders,
    *,
    page_budget_s: float = PAGE_BUDGET_S,
    count_budget_s: float = COUNT_BUDGET_S,
) -> Listed[Row]:
    """A page of what the statement selects, and how many there are in all. Raises Unavailable where the page takes too long."""
    passed = (asked.page - 1) * asked.limit
    key = orders[DEFAULT_ORDER][-1]
    ids = matching.with_only_columns(key).order_by(*_order_of(asked, orders)).offset(passed)
    try:
        # The ids first: rows that are passed over, or sorted, are carried along without their content.
        found = [row[0] for row in execute_within(session, ids.limit(asked.limit + 1), page_budget_s)]
    except TimeIsUp:
        raise Unavailable(
            f"The list takes longer than {page_budget_s:g} s to read. Ask for an earlier page or another order, or for less at once: "
            "narrow it by the time of creation, and go on from the last one that you have got."
        ) from None
    shown, has_more = found[: asked.limit], len(found) > asked.limit
    rows = {row.id: row for row in session.scalars(matching.where(key.in_(shown)))} if shown else {}
    seen = passed + len(found)
    # The last page says how many there are; one beyond the end says nothing.
    total = seen if not has_more and (found or not passed) else _count(session, matching, count_budget_s)
    return Listed([rows[id_] for id_ in shown if id_ in rows], seen if total is None else total, total is not None, has_more)


def _order_of(asked: PageAsked, orders: Orders) -> list[ColumnElement[object]]:
    name = asked.order.removeprefix("-")
    if name not in orders:
        known = ", ".join(f"{order}, -{order}" for order in orders)
        raise InvalidInput(f'"{asked.order[:60]}" is no order of this list; write one of {known}', field="order")
    return [column.desc() if asked.order.startswith("-") else column.asc() for column in orders[name]]


def _count(session: Session, matching: Select[Row], budget_s: float) -> int | None:
    """None where the time was not enough."""
    try:
        return int(execute_within(session, select(func.count()).select_from(matching.subquery()), budget_s)[0][0])
    except TimeIsUp:
        return None


def id_or_none(prefix: Prefix, text: str) -> UUID | None:
    """The id, where the text is one: records can be named by other keys too."""
    try:
        return parse_id(prefix, text)
    except InvalidInput:
        return None


def lock(session: Session, row: object, kind: str) -> None:
    """Read it again for a change, so that what others have changed meanwhile is not lost. Raises ResourceNotFound if it is gone."""
    try:
        session.refresh(row, with_for_update=True)
    except InvalidRequestError:
        raise ResourceNotFound(kind, "that was just deleted") from None


@contextmanager
def refusing_duplicates(session: Session, details: str) -> Iterator[None]:
    """Raises Duplicate where what is flushed inside has a key that is taken; the transaction goes on without it."""
    try:
        with session.begin_nested():
            yield
    except IntegrityError as error:
        if isinstance(error.orig, UniqueViolation):
            raise Duplicate(details) from None
        raise


def is_findable(text: str) -> bool:
    """Whether PostgreSQL can compare with the text at all: it knows no NUL and no half of a character."""
    return "\x00" not in text and text == text.encode("utf-8", "ignore").decode()
