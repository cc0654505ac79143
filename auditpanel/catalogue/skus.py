"""The SKUs of a project's products: created, found by id or source id, listed, changed, deleted, shown as the public API shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.changes import Changes
from auditpanel.catalogue.entries import EntryKind, change_entry, create_entry, find_entry, get_entry
from auditpanel.catalogue.finding import Listed, Orders, PageAsked, ResourceNotFound, list_page
from auditpanel.catalogue.models import Product, Sku
from auditpanel.catalogue.moments import iso_moment
from auditpanel.catalogue.values import NewSku
from auditpanel.ids import Prefix, format_id, new_uuid

Json = dict[str, object]

SKUS = EntryKind(Sku, Prefix.SKU, "sku", "SKU")
# Of a product that is shown with its SKUs.
SKUS_SHOWN = 500
ORDERS: Orders = {"created_at": (Sku.id,), "updated_at": (Sku.updated_at, Sku.id)}


def create_sku(session: Session, scope: ProjectScope, product: Product, new: NewSku) -> Sku:
    """Raises Duplicate where the source id is taken, InvalidInput where the metadata is not as its schema asks for."""
    values = asdict(new)
    sku = Sku(project_id=scope.project_id, id=new_uuid(), product_id=product.id, metadata_=values.pop("metadata"), **values)
    return create_entry(session, SKUS, sku)


def find_sku(session: Session, scope: ProjectScope, id_or_source_id: str) -> Sku | None:
    return find_entry(session, scope, SKUS, id_or_source_id)


def get_sku(session: Session, scope: ProjectScope, id_or_source_id: str) -> Sku:
    return get_entry(session, scope, SKUS, id_or_source_id)


def get_sku_of(session: Session, scope: ProjectScope, product: Product, id_or_source_id: str) -> Sku:
    """One that belongs to another product is not found here."""
    sku = get_sku(session, scope, id_or_source_id)
    if sku.product_id != product.id:
        raise ResourceNotFound("sku", id_or_source_id)
    return sku


def list_skus(session: Session, scope: ProjectScope, product: Product, asked: PageAsked) -> Listed[Sku]:
    statement = select(Sku).where(
        Sku.project_id == scope.project_id,
        Sku.product_id == product.id,
        *asked.created.clauses(Sku.created_at),
        *asked.updated.clauses(Sku.updated_at),
    )
    return list_page(session, statement, asked, ORDERS)


def skus_of(session: Session, scope: ProjectScope, products: Iterable[Product]) -> dict[UUID, list[Sku]]:
    """The SKUs of some products, by the products' ids, oldest first."""
    by_product: dict[UUID, list[Sku]] = {product.id: [] for product in products}
    if by_product:
        statement = select(Sku).where(Sku.project_id == scope.project_id, Sku.product_id.in_(by_product))
        for sku in session.scalars(statement.order_by(Sku.id).limit(SKUS_SHOWN * len(by_product))):
            by_product[sku.product_id].append(sku)
    return by_product


def change_sku(session: Session, sku: Sku, changes: Changes, *, now: datetime) -> None:
    """Raises Duplicate where the new source id is taken, InvalidInput where the metadata is not as its schema asks for."""
    change_entry(session, SKUS, sku, changes, now=now)


def delete_sku(session: Session, scope: ProjectScope, sku: Sku) -> None:
    session.execute(delete(Sku).where(Sku.project_id == scope.project_id, Sku.id == sku.id))


def sku_as_json(sku: Sku) -> Json:
    return {
        "id": format_id(Prefix.SKU, sku.id),
        "source_id": sku.source_id,
        "product_id": format_id(Prefix.PRODUCT, sku.product_id),
        "sku": sku.sku,
        "price": sku.price,
        "currency": sku.currency,
        "attributes": sku.attributes,
        "image_url": sku.image_url,
        "metadata": sku.metadata_,
        "created_at": iso_moment(sku.created_at),
        "updated_at": iso_moment(sku.updated_at),
        "object": "sku",
    }
