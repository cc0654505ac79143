"""`/v1/products`."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from auditpanel.api import shapes
from auditpanel.api.asking import answer_with_csv, answer_with_rows
from auditpanel.api.calls import no_content, page_as_json, read_json, read_json_rows, read_page, refer
from auditpanel.api.describing import answers, answers_csv, answers_list_of, answers_nothing, answers_task
from auditpanel.api.parameters import page_of
from auditpanel.api.scope import current_scope
from auditpanel.catalogue import products
from auditpanel.catalogue.bodies import MetadataBody, ProductBody
from auditpanel.catalogue.changes import read_product_changes
from auditpanel.catalogue.finding import Duplicate
from auditpanel.catalogue.models import Product, Resource
from auditpanel.catalogue.reading import convert_body, read_key
from auditpanel.catalogue.skus import skus_of
from auditpanel.catalogue.values import read_metadata_update, read_product
from auditpanel.extensions import db
from auditpanel.ids import Prefix
from auditpanel.tasks.values import TaskType
from auditpanel.times import utc_now


def add_routes(blueprint: Blueprint) -> None:
    blueprint.get("/products")(list_products)
    blueprint.post("/products")(create_product)
    blueprint.post("/products/importCSV")(import_products_csv)
    blueprint.post("/products/bulk/async")(update_products_in_bulk)
    blueprint.post("/products/metadata/async")(update_products_metadata)
    blueprint.get("/products/<product_id>")(get_product)
    blueprint.put("/products/<product_id>")(update_product)
    blueprint.delete("/products/<product_id>")(delete_product)


@answers(shapes.ProductList, query=page_of(products.ORDERS, after="start_date", before="end_date"))
def list_products() -> ResponseReturnValue:
    """A page of the products with their SKUs. `start_date` and `end_date` narrow by the time of creation; with `limit`, `page`, `order`."""
    asked = read_page(created_after="start_date", created_before="end_date")
    found = products.list_products(db.session(), current_scope(), asked)
    skus = skus_of(db.session(), current_scope(), found.rows)
    return jsonify(page_as_json("products", [products.product_as_json(row, skus[row.id]) for row in found.rows], found))


@answers(shapes.Product, body=ProductBody)
def create_product() -> ResponseReturnValue:
    """Create a product; or change the one that has the `id` or `source_id` already."""
    data = read_json()
    new, body = read_product(data), convert_body(data, ProductBody)
    existing = _find(read_key(body.id, "id")) or _find(new.source_id)
    if existing is None:
        try:
            return _committed(products.create_product(db.session(), current_scope(), new))
        except Duplicate:
            # Another call has created it just now.
            existing = named_product(new.source_id or "")
    products.change_product(db.session(), current_scope(), existing, read_product_changes(data), now=utc_now())
    return _committed(existing)


def _find(text: str | None) -> Product | None:
    return products.find_product(db.session(), current_scope(), text) if text else None


def named_product(product_id: str) -> Product:
    product = products.get_product(db.session(), current_scope(), product_id)
    refer(Prefix.PRODUCT, product.id)
    return product


def _committed(product: Product) -> ResponseReturnValue:
    shown = products.product_as_json(product, skus_of(db.session(), current_scope(), [product])[product.id])
    refer(Prefix.PRODUCT, product.id)
    db.session.commit()
    return jsonify(shown)


@answers(shapes.Product)
def get_product(product_id: str) -> ResponseReturnValue:
    """A product by its id or source id, with its SKUs."""
    return _committed(named_product(product_id))


@answers(shapes.Product, body=ProductBody)
def update_product(product_id: str) -> ResponseReturnValue:
    """Change what the body has. Metadata is set key by key; null clears a field."""
    product, changes = named_product(product_id), read_product_changes(read_json())
    products.change_product(db.session(), current_scope(), product, changes, now=utc_now())
    return _committed(product)


@answers_nothing()
def delete_product(product_id: str) -> ResponseReturnValue:
    """Delete a product with its SKUs for good."""
    products.delete_product(db.session(), current_scope(), named_product(product_id))
    db.session.commit()
    return no_content()


@answers_csv(200)
def import_products_csv() -> ResponseReturnValue:
    """Create and update products by a CSV file, in a background task: `PRODUCTS.IMPORT_CSV`."""
    return answer_with_csv(TaskType.PRODUCTS_IMPORT_CSV, Resource.PRODUCT, {}, status=200)


@answers_list_of(ProductBody)
def update_products_in_bulk() -> ResponseReturnValue:
    """Change each product named by its `source_id`, or create it, in a background task: `PRODUCTS.BULK_UPDATE`."""
    return answer_with_rows(TaskType.PRODUCTS_BULK_UPDATE, read_json_rows(), {})


@answers_task(body=MetadataBody)
def update_products_metadata() -> ResponseReturnValue:
    """Set the same metadata for all the products named by `source_ids`, in a background task: `PRODUCTS.METADATA_UPDATE`."""
    asked = read_metadata_update(read_json())
    rows: list[dict[str, object]] = [{"source_id": key} for key in asked.keys]
    return answer_with_rows(TaskType.PRODUCTS_METADATA_UPDATE, rows, {"metadata": asked.metadata})
