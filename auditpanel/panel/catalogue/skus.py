"""`/projects/<project id>/catalogue/skus/`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import ClassVar
from uuid import UUID

from flask import request, url_for
from wtforms import StringField

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue import cells, lists, skus
from auditpanel.catalogue.cells import Convert
from auditpanel.catalogue.changes import Changes, read_sku_changes
from auditpanel.catalogue.lists import Count, Page, Place
from auditpanel.catalogue.models import Product, Resource, Sku
from auditpanel.catalogue.products import find_product, get_product
from auditpanel.catalogue.values import read_sku
from auditpanel.errors import InvalidInput
from auditpanel.extensions import db
from auditpanel.ids import Prefix, format_id
from auditpanel.panel.catalogue.forms import EXACT, PLAIN, UNIT_HINT, Initial, RecordForm, attributes_text_area, read_cell
from auditpanel.panel.catalogue.kind import Json
from auditpanel.panel.catalogue.showing import Act, Cell, Column, Fact, Within, moment_cell, moment_fact
from auditpanel.panel.catalogue.views import RecordsView
from auditpanel.panel.catalogue.worth import money_words
from auditpanel.panel.formatters import shorten_id
from auditpanel.times import utc_now

COLUMNS_OF_PRODUCT = (Column("SKU"), Column("Source id", "kind"), Column("Price", "worth number"), Column("Created", "created"))
TEXTS = ("source_id", "sku", "image_url")


class SkuForm(RecordForm):
    shown: ClassVar[Sequence[str]] = ("source_id", "sku", "price", "currency", "image_url", "attributes")

    source_id = StringField("Source id", description="The id that the shop has for it; no two SKUs have the same", render_kw=EXACT)
    sku = StringField("Name", description="Like Shirt, blue, M", render_kw=PLAIN)
    price = StringField("Price", description=UNIT_HINT, render_kw=EXACT)
    currency = StringField("Currency", description="Its three letters, like EUR", render_kw={"maxlength": 3, **EXACT})
    image_url = StringField("Address of the picture", render_kw=EXACT)
    attributes = attributes_text_area('An object in JSON, like {"color": "blue", "size": "M"}')


class NewSkuForm(SkuForm):
    shown: ClassVar[Sequence[str]] = ("product", *SkuForm.shown)

    product = StringField("Product", description="Its id or source id", render_kw=EXACT)


class SkusView(RecordsView[Sku]):
    resource = Resource.SKU
    prefix = Prefix.SKU
    one, many, title = "SKU", "SKUs", "SKUs"
    search_words = "The beginning of a source id or a name"
    columns: ClassVar[Sequence[Column]] = (
        Column("SKU"),
        Column("Source id", "kind"),
        Column("Product", "kind"),
        Column("Price", "worth number"),
        Column("Created", "created"),
    )

    def get(self, scope: ProjectScope, record_id: str) -> Sku:
        return skus.get_sku(db.session(), scope, record_id)

    def find_within(self, scope: ProjectScope) -> tuple[UUID, Within] | None:
        if not request.args.get("product"):
            return None
        product = get_product(db.session(), scope, request.args["product"])
        product_id = format_id(Prefix.PRODUCT, product.id)
        name = product.name or product.source_id or product_id
        return product.id, Within("Product is", name, url_for("products.show", record_id=product_id), self.url_to("index"))

    def page(self, scope: ProjectScope, place: Place | None, within: UUID | None, size: int) -> Page[Sku]:
        return lists.list_skus(db.session(), scope, product_id=within, place=place, size=size)

    def count(self, scope: ProjectScope, within: UUID | None) -> Count:
        return lists.count_skus(db.session(), scope, product_id=within)

    def search(self, scope: ProjectScope, typed: str) -> list[Sku]:
        return lists.find_skus(db.session(), scope, typed)

    def name_of(self, record: Sku) -> str:
        return _name(record)

    def rows(self, scope: ProjectScope, records: Sequence[Sku]) -> list[Sequence[Cell]]:
        names = lists.product_names(db.session(), scope, records)
        return [
            (
                Cell(_name(sku)),
                Cell(sku.source_id or "", "Source id", is_exact=True),
                Cell(names.get(sku.product_id) or shorten_id(_product_id(sku)), "Product", _product_url(sku)),
                Cell(_price(sku), "Price"),
                moment_cell(sku.created_at, scope.time_zone),
            )
            for sku in records
        ]

    def facts(self, scope: ProjectScope, record: Sku) -> list[Fact]:
        zone = scope.time_zone
        product = lists.product_names(db.session(), scope, [record]).get(record.product_id)
        return [
            Fact("Product", product or _product_id(record), _product_url(record)),
            Fact("Price", _price(record) or "Not told"),
            Fact("Currency", record.currency or "Not told"),
            Fact("Attributes", ", ".join(f"{name}: {value}" for name, value in record.attributes.items()) or "None"),
            Fact("Source id", record.source_id or "None", is_exact=bool(record.source_id), copy=bool(record.source_id)),
            Fact("SKU id", self.id_of(record), is_exact=True, copy=True),
            Fact("Picture", record.image_url or "None", is_exact=bool(record.image_url)),
            moment_fact("Created", record.created_at, zone),
            moment_fact("Updated", record.updated_at, zone, missing="Never"),
        ]

    def as_json(self, scope: ProjectScope, record: Sku) -> Json:
        return skus.sku_as_json(record)

    def acts(self, scope: ProjectScope, record: Sku) -> list[Act]:
        return [self.delete_act(record, "It cannot be undone. Its product and its logs stay.")]

    def new_form(self) -> RecordForm:
        return NewSkuForm(data={"product": request.args.get("product", "")})

    def create(self, scope: ProjectScope, form: RecordForm, metadata: Json) -> Sku:
        product = self._product(scope, form.text("product"))
        body = _read(form.given("price", "currency", "attributes")) | form.given(*TEXTS) | {"metadata": metadata}
        sku = skus.create_sku(db.session(), scope, product, read_sku(body))
        self.refer_to_other(Resource.PRODUCT, Prefix.PRODUCT, product.id)
        return sku

    def _product(self, scope: ProjectScope, text: str | None) -> Product:
        product = find_product(db.session(), scope, text) if text else None
        if product is None:
            shown = f'"{text[:60]}" is no product of this project' if text else "say which product it belongs to"
            raise InvalidInput(f"{shown}; write its id or source id", field="product")
        return product

    def edit_form(self, scope: ProjectScope, record: Sku) -> tuple[RecordForm, Initial]:
        initial = {name: getattr(record, name) or "" for name in (*TEXTS, "currency")}
        initial["price"] = "" if record.price is None else str(record.price)
        initial["attributes"] = json.dumps(record.attributes, ensure_ascii=False) if record.attributes else ""
        return SkuForm(data=initial), initial

    def change(self, scope: ProjectScope, record: Sku, form: RecordForm, initial: Initial, metadata: Changes) -> str:
        body = _read(form.changed(initial, "price", "currency", "attributes")) | form.changed(initial, *TEXTS)
        read = read_sku_changes(body | {"metadata": metadata.metadata})
        changes = Changes(read.columns, read.metadata, unset_metadata=metadata.unset_metadata)
        skus.change_sku(db.session(), record, changes, now=utc_now())
        return ""

    def delete(self, scope: ProjectScope, record: Sku) -> str:
        skus.delete_sku(db.session(), scope, record)
        return self.url_to("index")


def url_of(sku: Sku) -> str:
    return url_for("skus.show", record_id=format_id(Prefix.SKU, sku.id))


def cells_of_product(scope: ProjectScope, sku: Sku) -> Sequence[Cell]:
    """An SKU's row on the page of its product: COLUMNS_OF_PRODUCT."""
    return (
        Cell(_name(sku)),
        Cell(sku.source_id or "", "Source id", is_exact=True),
        Cell(_price(sku), "Price"),
        moment_cell(sku.created_at, scope.time_zone),
    )


def _name(sku: Sku) -> str:
    return sku.sku or sku.source_id or shorten_id(format_id(Prefix.SKU, sku.id))


def _price(sku: Sku) -> str:
    return "" if sku.price is None else money_words(sku.price, sku.currency)


def _product_id(sku: Sku) -> str:
    return format_id(Prefix.PRODUCT, sku.product_id)


def _product_url(sku: Sku) -> str:
    return url_for("products.show", record_id=_product_id(sku))


def _read(texts: Json) -> Json:
    converts: Mapping[str, Convert] = {"price": cells.amount, "currency": cells.currency, "attributes": cells.thing}
    return {name: None if text is None else read_cell(converts[name], str(text), name) for name, text in texts.items()}
