"""`/projects/<project id>/catalogue/products/`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar
from uuid import UUID

from flask import url_for
from wtforms import StringField

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue import cells, lists, products
from auditpanel.catalogue.cells import Convert
from auditpanel.catalogue.changes import Changes, read_product_changes
from auditpanel.catalogue.lists import Count, Page, Place
from auditpanel.catalogue.models import Product, Resource
from auditpanel.catalogue.skus import skus_of
from auditpanel.catalogue.values import read_product
from auditpanel.extensions import db
from auditpanel.ids import Prefix
from auditpanel.panel.catalogue import skus
from auditpanel.panel.catalogue.forms import EXACT, PLAIN, UNIT_HINT, Initial, RecordForm, read_cell
from auditpanel.panel.catalogue.kind import Json
from auditpanel.panel.catalogue.metadata import line_of
from auditpanel.panel.catalogue.showing import Act, Cell, Column, Fact, Related, Row, moment_cell, moment_fact
from auditpanel.panel.catalogue.views import RecordsView, count_words
from auditpanel.panel.catalogue.worth import money_words
from auditpanel.panel.formatters import shorten_id
from auditpanel.times import utc_now

SKUS_SHOWN = 20
TEXTS = ("source_id", "name", "image_url")


class ProductForm(RecordForm):
    shown: ClassVar[Sequence[str]] = ("source_id", "name", "price", "image_url", "attributes")

    source_id = StringField("Source id", description="The id that the shop has for it; no two products have the same", render_kw=EXACT)
    name = StringField("Name", render_kw=PLAIN)
    price = StringField("Price", description=UNIT_HINT, render_kw=EXACT)
    image_url = StringField("Address of the picture", render_kw=EXACT)
    attributes = StringField("Attributes", description="Names that its SKUs give values, separated by commas: color, size", render_kw=EXACT)


class ProductsView(RecordsView[Product]):
    resource = Resource.PRODUCT
    prefix = Prefix.PRODUCT
    one, many, title = "product", "products", "Products"
    search_words = "The beginning of a source id or a name"
    columns: ClassVar[Sequence[Column]] = (
        Column("Product"),
        Column("Source id", "kind"),
        Column("Price", "worth number"),
        Column("Created", "created"),
    )

    def get(self, scope: ProjectScope, record_id: str) -> Product:
        return products.get_product(db.session(), scope, record_id)

    def page(self, scope: ProjectScope, place: Place | None, within: UUID | None, size: int) -> Page[Product]:
        return lists.list_products(db.session(), scope, place=place, size=size)

    def count(self, scope: ProjectScope, within: UUID | None) -> Count:
        return lists.count_products(db.session(), scope)

    def search(self, scope: ProjectScope, typed: str) -> list[Product]:
        return lists.find_products(db.session(), scope, typed)

    def name_of(self, record: Product) -> str:
        return record.name or record.source_id or shorten_id(self.id_of(record))

    def rows(self, scope: ProjectScope, records: Sequence[Product]) -> list[Sequence[Cell]]:
        return [
            (
                Cell(self.name_of(product)),
                Cell(product.source_id or "", "Source id", is_exact=True),
                Cell("" if product.price is None else money_words(product.price), "Price"),
                moment_cell(product.created_at, scope.time_zone),
            )
            for product in records
        ]

    def facts(self, scope: ProjectScope, record: Product) -> list[Fact]:
        zone = scope.time_zone
        return [
            Fact("Price", "Not told" if record.price is None else money_words(record.price)),
            Fact("Source id", record.source_id or "None", is_exact=bool(record.source_id), copy=bool(record.source_id)),
            Fact("Product id", self.id_of(record), is_exact=True, copy=True),
            Fact("Attributes", ", ".join(str(name) for name in record.attributes) or "None"),
            Fact("Picture", record.image_url or "None", is_exact=bool(record.image_url)),
            moment_fact("Created", record.created_at, zone),
            moment_fact("Updated", record.updated_at, zone, missing="Never"),
        ]

    def as_json(self, scope: ProjectScope, record: Product) -> Json:
        return products.product_as_json(record, skus_of(db.session(), scope, [record])[record.id])

    def related(self, scope: ProjectScope, record: Product) -> Related:
        newest = lists.list_skus(db.session(), scope, product_id=record.id, place=None, size=SKUS_SHOWN).rows
        within = self.id_of(record)
        total = count_words(lists.count_skus(db.session(), scope, product_id=record.id))
        return Related(
            title="SKUs",
            columns=skus.COLUMNS_OF_PRODUCT,
            rows=[Row(skus.url_of(sku), skus.cells_of_product(scope, sku)) for sku in newest],
            more_url=url_for("skus.index", product=within),
            more_words=f"All of its SKUs: {total}",
            new_url=url_for("skus.new", product=within),
            new_words="New SKU of it",
        )

    def acts(self, scope: ProjectScope, record: Product) -> list[Act]:
        return [self.delete_act(record, "Its SKUs are deleted too, and it cannot be undone. Its logs stay.")]

    def new_form(self) -> RecordForm:
        return ProductForm()

    def create(self, scope: ProjectScope, form: RecordForm, metadata: Json) -> Product:
        body = _read(form.given("price", "attributes")) | form.given(*TEXTS) | {"metadata": metadata}
        return products.create_product(db.session(), scope, read_product(body))

    def edit_form(self, scope: ProjectScope, record: Product) -> tuple[RecordForm, Initial]:
        initial = {name: getattr(record, name) or "" for name in TEXTS}
        initial["price"] = "" if record.price is None else str(record.price)
        initial["attributes"] = line_of(record.attributes)
        return ProductForm(data=initial), initial

    def change(self, scope: ProjectScope, record: Product, form: RecordForm, initial: Initial, metadata: Changes) -> str:
        body = _read(form.changed(initial, "price", "attributes")) | form.changed(initial, *TEXTS) | {"metadata": metadata.metadata}
        read = read_product_changes(body)
        changes = Changes(read.columns, read.metadata, unset_metadata=metadata.unset_metadata)
        products.change_product(db.session(), scope, record, changes, now=utc_now())
        return ""

    def delete(self, scope: ProjectScope, record: Product) -> str:
        products.delete_product(db.session(), scope, record)
        return self.url_to("index")


def _read(texts: Json) -> Json:
    converts: Mapping[str, Convert] = {"price": cells.amount, "attributes": cells.words}
    return {name: None if text is None else read_cell(converts[name], str(text), name) for name, text in texts.items()}
