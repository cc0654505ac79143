"""The products of a project: created, found by id or source id, listed, changed, deleted, shown as the public API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.changes import Changes, merged
from auditpanel.catalogue.finding import (
    Listed,
    Orders,
    PageAsked,
    ResourceNotFound,
    id_or_none,
    is_findable,
    list_page,
    lock,
    refusing_duplicates,
)
from auditpanel.catalogue.models import Product, Sku
from auditpanel.catalogue.moments import iso_moment
from auditpanel.catalogue.skus import sku_as_json
from auditpanel.catalogue.values import NewProduct
from auditpanel.ids import Prefix, format_id, new_uuid

Json = dict[str, object]

# Ids are ordered by time, and the primary key has them in order.
ORDERS: Orders = {"created_at": (Product.id,), "updated_at": (Product.updated_at, Product.id), "name": (Product.name, Product.id)}


def create_product(session: Session, scope: ProjectScope, new: NewProduct) -> Product:
    """Raises Duplicate where the source id is taken."""
    values = asdict(new)
    product = Product(project_id=scope.project_id, id=new_uuid(), metadata_=values.pop("metadata"), **values)
    with refusing_duplicates(session, f"Product with source_id {new.source_id} already exists"):
        session.add(product)
    session.refresh(product)
    return product


def find_product(session: Session, scope: ProjectScope, id_or_source_id: str) -> Product | None:
    if not is_findable(id_or_source_id):
        return None
    product_id = id_or_none(Prefix.PRODUCT, id_or_source_id)
    by_source = Product.source_id == id_or_source_id
    named = or_(by_source, Product.id == product_id) if product_id else by_source
    statement = select(Product).where(Product.project_id == scope.project_id, named)
    # One product's source id may be written like another's id: the id decides.
    return session.scalar(statement.order_by(by_source.is_(True)).limit(1))


def get_product(session: Session, scope: ProjectScope, id_or_source_id: str) -> Product:
    product = find_product(session, scope, id_or_source_id)
    if product is None:
        raise ResourceNotFound("product", id_or_source_id)
    return product


def list_products(session: Session, scope: ProjectScope, asked: PageAsked) -> Listed[Product]:
    statement = select(Product).where(
        Product.project_id == scope.project_id, *asked.created.clauses(Product.created_at), *asked.updated.clauses(Product.updated_at)
    )
    return list_page(session, statement, asked, ORDERS)


def change_product(session: Session, product: Product, changes: Changes, *, now: datetime) -> None:
    """Raises Duplicate where the new source id is taken."""
    lock(session, product, "product")
    with refusing_duplicates(session, f"Product with source_id {changes.columns.get('source_id')} already exists"):
        for name, value in changes.columns.items():
            setattr(product, name, value)
        product.metadata_ = merged(product.metadata_, changes)
        product.updated_at = now


def delete_product(session: Session, scope: ProjectScope, product: Product) -> None:
    """With its SKUs."""
    session.execute(delete(Sku).where(Sku.project_id == scope.project_id, Sku.product_id == product.id))
    session.execute(delete(Product).where(Product.project_id == scope.project_id, Product.id == product.id))


def product_as_json(product: Product, skus: Sequence[Sku] | None = None) -> Json:
    """With its SKUs where they are given."""
    as_json: Json = {
        "id": format_id(Prefix.PRODUCT, product.id),
        "source_id": product.source_id,
        "name": product.name,
        "price": product.price,
        "attributes": product.attributes,
        "image_url": product.image_url,
        "metadata": product.metadata_,
        "created_at": iso_moment(product.created_at),
        "updated_at": iso_moment(product.updated_at),
        "object": "product",
    }
    if skus is not None:
        as_json["skus"] = {"object": "list", "data_ref": "data", "data": [sku_as_json(sku) for sku in skus], "total": len(skus)}
    return as_json
