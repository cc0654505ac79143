"""`/v1/skus` and `/v1/products/{id}/skus`."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from auditpanel.api import shapes
from auditpanel.api.asking import answer_with_csv
from auditpanel.api.calls import no_content, page_as_json, read_json, read_page, refer
from auditpanel.api.describing import answers, answers_csv, answers_nothing
from auditpanel.api.parameters import page_of
from auditpanel.api.products import named_product
from auditpanel.api.scope import current_scope
from auditpanel.catalogue import skus
from auditpanel.catalogue.bodies import SkuBody
from auditpanel.catalogue.changes import read_sku_changes
from auditpanel.catalogue.models import Product, Resource, Sku
from auditpanel.catalogue.reading import convert_body, read_key
from auditpanel.catalogue.values import read_sku
from auditpanel.extensions import db
from auditpanel.ids import Prefix
from auditpanel.tasks.values import TaskType
from auditpanel.times import utc_now


def add_routes(blueprint: Blueprint) -> None:
    blueprint.post("/skus/importCSV")(import_skus_csv)
    blueprint.get("/skus/<sku_id>")(get_sku)
    blueprint.get("/products/<product_id>/skus")(list_skus)
    blueprint.post("/products/<product_id>/skus")(create_sku)
    blueprint.put("/products/<product_id>/skus/<sku_id>")(update_sku)
    blueprint.delete("/products/<product_id>/skus/<sku_id>")(delete_sku)


@answers(shapes.SkuList, query=page_of(skus.ORDERS, after="start_date", before="end_date"))
def list_skus(product_id: str) -> ResponseReturnValue:
    """A page of the product's SKUs. `start_date` and `end_date` narrow by the time of creation; with `limit`, `page`, `order`."""
    asked = read_page(created_after="start_date", created_before="end_date")
    found = skus.list_skus(db.session(), current_scope(), named_product(product_id), asked)
    return jsonify(page_as_json("skus", [skus.sku_as_json(row) for row in found.rows], found))


@answers(shapes.Sku, body=SkuBody)
def create_sku(product_id: str) -> ResponseReturnValue:
    """Create a SKU of the product; or change the one of it that has the `id` or `source_id` already."""
    product, data = named_product(product_id), read_json()
    new, body = read_sku(data), convert_body(data, SkuBody)
    existing = _find(product, read_key(body.id, "id")) or _find(product, new.source_id)
    if existing is None:
        return _committed(skus.create_sku(db.session(), current_scope(), product, new))
    skus.change_sku(db.session(), existing, read_sku_changes(data), now=utc_now())
    return _committed(existing)


def _find(product: Product, text: str | None) -> Sku | None:
    """One that belongs to another product is not changed: it is a duplicate there."""
    found = skus.find_sku(db.session(), current_scope(), text) if text else None
    return found if found is not None and found.product_id == product.id else None


def _committed(sku: Sku) -> ResponseReturnValue:
    shown = skus.sku_as_json(sku)
    refer(Prefix.SKU, sku.id)
    db.session.commit()
    return jsonify(shown)


@answers(shapes.Sku)
def get_sku(sku_id: str) -> ResponseReturnValue:
    """A SKU by its id or source id."""
    return _committed(skus.get_sku(db.session(), current_scope(), sku_id))


@answers(shapes.Sku, body=SkuBody)
def update_sku(product_id: str, sku_id: str) -> ResponseReturnValue:
    """Change what the body has. Metadata is set key by key; null clears a field."""
    sku = skus.get_sku_of(db.session(), current_scope(), named_product(product_id), sku_id)
    skus.change_sku(db.session(), sku, read_sku_changes(read_json()), now=utc_now())
    return _committed(sku)


@answers_nothing()
def delete_sku(product_id: str, sku_id: str) -> ResponseReturnValue:
    """Delete a SKU for good."""
    sku = skus.get_sku_of(db.session(), current_scope(), named_product(product_id), sku_id)
    skus.delete_sku(db.session(), current_scope(), sku)
    refer(Prefix.SKU, sku.id)
    db.session.commit()
    return no_content()


@answers_csv(200)
def import_skus_csv() -> ResponseReturnValue:
    """Create and update SKUs by a CSV file, in a background task: `SKUS.IMPORT_CSV`."""
    return answer_with_csv(TaskType.SKUS_IMPORT_CSV, Resource.SKU, {}, status=200)
