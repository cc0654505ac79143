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

from auditpanel.errors import Conflict, InvalidInput, NotFound
from auditpanel.ids import Prefix, parse_id

Row = TypeVar("Row")
# What a list can be ordered by: the name of the API, and the columns that make the order whole.
Orders = Mapping[str, Sequence[InstrumentedAttribute[object]]]

PAGE_SIZE = 10
LARGEST_PAGE = 100
LAST_PAGE = 1_000


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
    rows: list[Row]
    total: int


def list_page(session: Session, matching: Select[Row], asked: PageAsked, orders: Orders) -> Listed[Row]:
    """A page of what the statement selects, and how many there are in all."""
    name = asked.order.removeprefix("-")
    if name not in orders:
        known = ", ".join(f"{order}, -{order}" for order in orders)
        raise InvalidInput(f'"{asked.order[:60]}" is no order of this list; write one of {known}', field="order")
    columns = [column.desc() if asked.order.startswith("-") else column.asc() for column in orders[name]]
    page = matching.order_by(*columns).limit(asked.limit).offset((asked.page - 1) * asked.limit)
    total = session.scalar(select(func.count()).select_from(matching.subquery()))
    return Listed(list(session.scalars(page)), total or 0)


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
