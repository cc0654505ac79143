"""The products of a project: created, found by id or source id, listed, changed, deleted, shown as the public API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.changes import Changes
from auditpanel.catalogue.entries import EntryKind, change_entry, create_entry, find_entry, get_entry
from auditpanel.catalogue.finding import Listed, Orders, PageAsked, list_page
from auditpanel.catalogue.happenings import Records, changing, deleting, raise_created
from auditpanel.catalogue.models import Product, Sku
from auditpanel.catalogue.moments import iso_moment
from auditpanel.catalogue.skus import sku_as_json, skus_of
from auditpanel.catalogue.values import NewProduct
from auditpanel.ids import Prefix, format_id, new_uuid

Json = dict[str, object]

PRODUCTS = EntryKind(Product, Prefix.PRODUCT, "product", "Product")
# Ids are ordered by time, and the primary key has them in order.
ORDERS: Orders = {"created_at": (Product.id,), "updated_at": (Product.updated_at, Product.id), "name": (Product.name, Product.id)}


def create_product(session: Session, scope: ProjectScope, new: NewProduct) -> Product:
    """Raises Duplicate where the source id is taken, InvalidInput where the metadata is not as its schema asks for."""
    values = asdict(new)
    product = Product(project_id=scope.project_id, id=new_uuid(), metadata_=values.pop("metadata"), **values)
    created = create_entry(session, PRODUCTS, product)
    raise_created(session, scope, PRODUCT_EVENTS, Product.id, [created.id])
    return created


def find_product(session: Session, scope: ProjectScope, id_or_source_id: str) -> Product | None:
    return find_entry(session, scope, PRODUCTS, id_or_source_id)


def get_product(session: Session, scope: ProjectScope, id_or_source_id: str) -> Product:
    return get_entry(session, scope, PRODUCTS, id_or_source_id)


def list_products(session: Session, scope: ProjectScope, asked: PageAsked) -> Listed[Product]:
    statement = select(Product).where(
        Product.project_id == scope.project_id, *asked.created.clauses(Product.created_at), *asked.updated.clauses(Product.updated_at)
    )
    return list_page(session, statement, asked, ORDERS)


def change_product(session: Session, scope: ProjectScope, product: Product, changes: Changes, *, now: datetime) -> None:
    """Raises Duplicate where the new source id is taken, InvalidInput where the metadata is not as its schema asks for."""
    with changing(session, scope, PRODUCT_EVENTS, Product.id == product.id):
        change_entry(session, PRODUCTS, product, changes, now=now)


def delete_product(session: Session, scope: ProjectScope, product: Product) -> None:
    """With its SKUs."""
    with deleting(session, scope, PRODUCT_EVENTS, Product.id == product.id):
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


def _shown(session: Session, scope: ProjectScope, products: Sequence[Product]) -> list[Json]:
    skus = skus_of(session, scope, products)
    return [product_as_json(product, skus[product.id]) for product in products]


PRODUCT_EVENTS = Records("product", Product, _shown)
