"""Lists of the catalogue as people page through them: newest first by key, never by number; and what begins with a typed text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from auditpanel import keyset
from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.finding import is_findable
from auditpanel.catalogue.models import Campaign, Customer, Product, Sku, Voucher, findable
from auditpanel.keyset import COUNT_CAP as COUNT_CAP
from auditpanel.keyset import Count as Count
from auditpanel.keyset import Direction as Direction
from auditpanel.keyset import count_rows, in_order
from auditpanel.tables import Model

Row = TypeVar("Row", Campaign, Voucher, Customer, Product, Sku)

# A project has some hundreds of campaigns; whoever has more finds the older ones by their whole name.
CAMPAIGNS_SEARCHED = 10_000
FOUND_LIMIT = 100
Searched = InstrumentedAttribute[str] | InstrumentedAttribute[str | None]
# Whose beginnings are looked for, by kind of record.
SEARCHED: Mapping[type[Model], Sequence[Searched]] = {
    Voucher: (Voucher.code,),
    Customer: (Customer.source_id, Customer.email),
    Product: (Product.source_id, Product.name),
    Sku: (Sku.source_id, Sku.sku),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: beyond `id`, going that way. Ids are ordered by the time at which they were made."""

    id: UUID
    direction: Direction


class Page(keyset.Page[Row], Generic[Row]):
    @property
    def rows(self) -> list[Row]:
        return self.lines


def list_campaigns(session: Session, scope: ProjectScope, *, place: Place | None, size: int) -> Page[Campaign]:
    return _page(session, scope, Campaign, [Campaign.deleted_at.is_(None)], place, size)


def list_vouchers(session: Session, scope: ProjectScope, *, campaign_id: UUID | None, place: Place | None, size: int) -> Page[Voucher]:
    return _page(session, scope, Voucher, of_campaign(campaign_id), place, size)


def list_customers(session: Session, scope: ProjectScope, *, place: Place | None, size: int) -> Page[Customer]:
    return _page(session, scope, Customer, [], place, size)


def list_products(session: Session, scope: ProjectScope, *, place: Place | None, size: int) -> Page[Product]:
    return _page(session, scope, Product, [], place, size)


def list_skus(session: Session, scope: ProjectScope, *, product_id: UUID | None, place: Place | None, size: int) -> Page[Sku]:
    return _page(session, scope, Sku, of_product(product_id), place, size)


def count_campaigns(session: Session, scope: ProjectScope) -> Count:
    return _count(session, scope, Campaign, [Campaign.deleted_at.is_(None)])


def count_vouchers(session: Session, scope: ProjectScope, *, campaign_id: UUID | None) -> Count:
    return _count(session, scope, Voucher, of_campaign(campaign_id))


def count_customers(session: Session, scope: ProjectScope) -> Count:
    return _count(session, scope, Customer, [])


def count_products(session: Session, scope: ProjectScope) -> Count:
    return _count(session, scope, Product, [])


def count_skus(session: Session, scope: ProjectScope, *, product_id: UUID | None) -> Count:
    return _count(session, scope, Sku, of_product(product_id))


def find_campaigns(session: Session, scope: ProjectScope, typed: str) -> list[Campaign]:
    """Those whose name has the text in it, in any case of letters; newest first."""
    if not is_findable(typed):
        return []
    statement = select(Campaign).where(Campaign.project_id == scope.project_id, campaigns_named(scope, typed, limit=FOUND_LIMIT))
    return list(session.scalars(statement.order_by(Campaign.id.desc())))


def campaigns_named(scope: ProjectScope, typed: str, *, limit: int | None = None) -> ColumnElement[bool]:
    newest = (
        select(Campaign.id, Campaign.name)
        .where(Campaign.project_id == scope.project_id, Campaign.deleted_at.is_(None))
        .order_by(Campaign.id.desc())
        .limit(CAMPAIGNS_SEARCHED)
        .subquery()
    )
    return Campaign.id.in_(select(newest.c.id).where(newest.c.name.icontains(typed, autoescape=True)).limit(limit))


def find_vouchers(session: Session, scope: ProjectScope, typed: str) -> list[Voucher]:
    """Those whose code begins with the text."""
    return _found(session, scope, Voucher, typed)


def find_customers(session: Session, scope: ProjectScope, typed: str) -> list[Customer]:
    """Those whose source id or email begins with the text."""
    return _found(session, scope, Customer, typed)


def find_products(session: Session, scope: ProjectScope, typed: str) -> list[Product]:
    """Those whose source id or name begins with the text."""
    return _found(session, scope, Product, typed)


def find_skus(session: Session, scope: ProjectScope, typed: str) -> list[Sku]:
    """Those whose source id or name begins with the text."""
    return _found(session, scope, Sku, typed)


def product_names(session: Session, scope: ProjectScope, skus: Sequence[Sku]) -> dict[UUID, str | None]:
    """The names of the SKUs' products, else their source ids, by their ids."""
    ids = {sku.product_id for sku in skus}
    if not ids:
        return {}
    statement = select(Product.id, func.coalesce(Product.name, Product.source_id)).where(
        Product.project_id == scope.project_id, Product.id.in_(ids)
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def of_campaign(campaign_id: UUID | None) -> list[ColumnElement[bool]]:
    return [Voucher.campaign_id == campaign_id] if campaign_id else []


def of_product(product_id: UUID | None) -> list[ColumnElement[bool]]:
    return [Sku.product_id == product_id] if product_id else []


def _page(
    session: Session, scope: ProjectScope, model: type[Row], narrowed: list[ColumnElement[bool]], place: Place | None, size: int
) -> Page[Row]:
    statement = select(model).where(model.project_id == scope.project_id, *narrowed)
    direction = place.direction if place else Direction.OLDER
    if place is not None:
        statement = statement.where(model.id < place.id if direction is Direction.OLDER else model.id > place.id)
    return Page.of(session.scalars(in_order(statement, direction, model.id).limit(size + 1)).all(), direction, size)


def _count(session: Session, scope: ProjectScope, model: type[Row], narrowed: list[ColumnElement[bool]]) -> Count:
    return count_rows(session, select(model.id).where(model.project_id == scope.project_id, *narrowed))


def _found(session: Session, scope: ProjectScope, model: type[Row], typed: str) -> list[Row]:
    """Up to FOUND_LIMIT, in the order of the first column by which each is found: it is the order of its index."""
    if not is_findable(typed):
        return []
    found: dict[UUID, Row] = {}
    for column in SEARCHED[model]:
        for begins in beginning_with(column, typed):
            statement = select(model).where(model.project_id == scope.project_id, begins).order_by(column).limit(FOUND_LIMIT)
            found |= {row.id: row for row in session.scalars(statement) if row.id not in found}
    return list(found.values())[:FOUND_LIMIT]


def beginning_with(column: Searched, typed: str) -> list[ColumnElement[bool]]:
    """In each of the cases of letters that it is looked for; an index serves one at a time."""
    beginnings = dict.fromkeys((typed, typed.upper(), typed.lower()))
    return [and_(column.startswith(beginning, autoescape=True), *_indexed(column)) for beginning in beginnings]


def _indexed(column: Searched) -> Iterator[ColumnElement[bool]]:
    if column.key in ("email", "name", "sku"):
        # Without the table's name before it, as the index has it.
        yield text(findable(column.key))  # type: ignore[misc]
