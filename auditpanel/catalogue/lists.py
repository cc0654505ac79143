"""Lists of the catalogue as people page through them: newest first by key, never by number; and what begins with a typed text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.finding import is_findable
from auditpanel.catalogue.models import Campaign, Customer, Product, Sku, Voucher, findable

Row = TypeVar("Row", Campaign, Voucher, Customer, Product, Sku)

COUNT_CAP = 10_000
# A project has some hundreds of campaigns; whoever has more finds the older ones by their whole name.
CAMPAIGNS_SEARCHED = 10_000
FOUND_LIMIT = 100


class Direction(StrEnum):
    OLDER = "older"
    NEWER = "newer"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: beyond `id`, going that way. Ids are ordered by the time at which they were made."""

    id: UUID
    direction: Direction


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Newest first. `has_more` is whether there are further rows in the direction in which it was read."""

    rows: list[Row]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Count:
    """`is_exact` is False where counting stopped at the cap."""

    value: int
    is_exact: bool


def list_campaigns(session: Session, scope: ProjectScope, *, place: Place | None, size: int) -> Page[Campaign]:
    return _page(session, scope, Campaign, [Campaign.deleted_at.is_(None)], place, size)


def list_vouchers(session: Session, scope: ProjectScope, *, campaign_id: UUID | None, place: Place | None, size: int) -> Page[Voucher]:
    return _page(session, scope, Voucher, _of_campaign(campaign_id), place, size)


def list_customers(session: Session, scope: ProjectScope, *, place: Place | None, size: int) -> Page[Customer]:
    return _page(session, scope, Customer, [], place, size)


def list_products(session: Session, scope: ProjectScope, *, place: Place | None, size: int) -> Page[Product]:
    return _page(session, scope, Product, [], place, size)


def list_skus(session: Session, scope: ProjectScope, *, product_id: UUID | None, place: Place | None, size: int) -> Page[Sku]:
    return _page(session, scope, Sku, _of_product(product_id), place, size)


def count_campaigns(session: Session, scope: ProjectScope) -> Count:
    return _count(session, scope, Campaign, [Campaign.deleted_at.is_(None)])


def count_vouchers(session: Session, scope: ProjectScope, *, campaign_id: UUID | None) -> Count:
    return _count(session, scope, Voucher, _of_campaign(campaign_id))


def count_customers(session: Session, scope: ProjectScope) -> Count:
    return _count(session, scope, Customer, [])


def count_products(session: Session, scope: ProjectScope) -> Count:
    return _count(session, scope, Product, [])


def count_skus(session: Session, scope: ProjectScope, *, product_id: UUID | None) -> Count:
    return _count(session, scope, Sku, _of_product(product_id))


def find_campaigns(session: Session, scope: ProjectScope, typed: str) -> list[Campaign]:
    """Those whose name has the text in it, in any case of letters; newest first."""
    if not is_findable(typed):
        return []
    newest = (
        select(Campaign.id, Campaign.name)
        .where(Campaign.project_id == scope.project_id, Campaign.deleted_at.is_(None))
        .order_by(Campaign.id.desc())
        .limit(CAMPAIGNS_SEARCHED)
        .subquery()
    )
    ids = select(newest.c.id).where(newest.c.name.icontains(typed, autoescape=True)).limit(FOUND_LIMIT)
    statement = select(Campaign).where(Campaign.project_id == scope.project_id, Campaign.id.in_(ids))
    return list(session.scalars(statement.order_by(Campaign.id.desc())))


def find_vouchers(session: Session, scope: ProjectScope, typed: str) -> list[Voucher]:
    """Those whose code begins with the text."""
    return _found(session, scope, Voucher, typed, Voucher.code)


def find_customers(session: Session, scope: ProjectScope, typed: str) -> list[Customer]:
    """Those whose source id or email begins with the text."""
    return _found(session, scope, Customer, typed, Customer.source_id, Customer.email)


def find_products(session: Session, scope: ProjectScope, typed: str) -> list[Product]:
    """Those whose source id or name begins with the text."""
    return _found(session, scope, Product, typed, Product.source_id, Product.name)


def find_skus(session: Session, scope: ProjectScope, typed: str) -> list[Sku]:
    """Those whose source id or name begins with the text."""
    return _found(session, scope, Sku, typed, Sku.source_id, Sku.sku)


def product_names(session: Session, scope: ProjectScope, skus: Sequence[Sku]) -> dict[UUID, str | None]:
    """The names of the SKUs' products, else their source ids, by their ids."""
    ids = {sku.product_id for sku in skus}
    if not ids:
        return {}
    statement = select(Product.id, func.coalesce(Product.name, Product.source_id)).where(
        Product.project_id == scope.project_id, Product.id.in_(ids)
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def _of_campaign(campaign_id: UUID | None) -> list[ColumnElement[bool]]:
    return [Voucher.campaign_id == campaign_id] if campaign_id else []


def _of_product(product_id: UUID | None) -> list[ColumnElement[bool]]:
    return [Sku.product_id == product_id] if product_id else []


def _page(
    session: Session, scope: ProjectScope, model: type[Row], narrowed: list[ColumnElement[bool]], place: Place | None, size: int
) -> Page[Row]:
    statement = select(model).where(model.project_id == scope.project_id, *narrowed)
    going_newer = place is not None and place.direction is Direction.NEWER
    if place is not None:
        statement = statement.where(model.id > place.id if going_newer else model.id < place.id)
    # One row more than shown answers whether there is a further page.
    found = list(session.scalars(statement.order_by(model.id if going_newer else model.id.desc()).limit(size + 1)))
    rows = found[:size]
    return Page(rows[::-1] if going_newer else rows, has_more=len(found) > size)


def _count(session: Session, scope: ProjectScope, model: type[Row], narrowed: list[ColumnElement[bool]]) -> Count:
    rows = select(model.id).where(model.project_id == scope.project_id, *narrowed).limit(COUNT_CAP + 1)
    value = session.scalar(select(func.count()).select_from(rows.subquery())) or 0
    return Count(min(value, COUNT_CAP), is_exact=value <= COUNT_CAP)


def _found(session: Session, scope: ProjectScope, model: type[Row], typed: str, *columns: InstrumentedAttribute[object]) -> list[Row]:
    """Up to FOUND_LIMIT, in the order of the first column by which each is found: it is the order of its index."""
    if not is_findable(typed):
        return []
    found: dict[UUID, Row] = {}
    for column in columns:
        for beginning in dict.fromkeys((typed, typed.upper(), typed.lower())):
            rows = session.scalars(_beginning_with(scope, model, column, beginning))
            found |= {row.id: row for row in rows if row.id not in found}
    return list(found.values())[:FOUND_LIMIT]


def _beginning_with(scope: ProjectScope, model: type[Row], column: InstrumentedAttribute[object], beginning: str) -> Select[Row]:
    statement = select(model).where(model.project_id == scope.project_id, column.startswith(beginning, autoescape=True), *_indexed(column))
    return statement.order_by(column).limit(FOUND_LIMIT)


def _indexed(column: InstrumentedAttribute[object]) -> Iterator[ColumnElement[bool]]:
    if column.key in ("email", "name", "sku"):
        yield text(findable(column.key))  # type: ignore[misc]
