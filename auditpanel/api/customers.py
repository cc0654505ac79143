"""`/v1/customers`."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from auditpanel.api import shapes
from auditpanel.api.asking import answer_with_csv, answer_with_rows
from auditpanel.api.calls import (
    name_customer,
    no_content,
    page_as_json,
    read_json,
    read_json_rows,
    read_page,
    refer,
    refuse_parameters,
    text_parameter,
)
from auditpanel.api.describing import answers, answers_csv, answers_list_of, answers_nothing, answers_task
from auditpanel.api.parameters import moment, page_of, text
from auditpanel.api.scope import current_scope
from auditpanel.catalogue import customers
from auditpanel.catalogue.bodies import CustomerBody, MetadataBody
from auditpanel.catalogue.changes import read_customer_changes
from auditpanel.catalogue.finding import Duplicate
from auditpanel.catalogue.models import Customer, Resource
from auditpanel.catalogue.reading import convert_body, read_key, read_moment
from auditpanel.catalogue.values import read_customer, read_metadata_update
from auditpanel.extensions import db
from auditpanel.ids import Prefix
from auditpanel.tasks.values import TaskType
from auditpanel.times import utc_now


def add_routes(blueprint: Blueprint) -> None:
    blueprint.get("/customers")(list_customers)
    blueprint.post("/customers")(create_customer)
    blueprint.post("/customers/importCSV")(import_customers_csv)
    blueprint.post("/customers/bulk/async")(update_customers_in_bulk)
    blueprint.post("/customers/metadata/async")(update_customers_metadata)
    blueprint.get("/customers/<customer_id>")(get_customer)
    blueprint.put("/customers/<customer_id>")(update_customer)
    blueprint.delete("/customers/<customer_id>")(delete_customer)


@answers(
    shapes.CustomerList,
    query=(
        *page_of(customers.ORDERS),
        text("email"),
        text("city"),
        text("name", "A part of the name"),
        moment("starting_after", "The time of creation behind which to go on, newest first"),
    ),
)
def list_customers() -> ResponseReturnValue:
    """A page of the customers.

    Narrowed by `email`, `city`, `name` (a part of it), `created_at[after]`, `created_at[before]`, `updated_at[…]`; with `limit`, `page`
    and `order`. `starting_after` is the time of creation behind which to go on, newest first.
    """
    refuse_parameters("segment_id")
    after = read_moment(text_parameter("starting_after"), "starting_after")
    filters = customers.CustomerFilters(text_parameter("email"), text_parameter("city"), text_parameter("name"), after)
    found = customers.list_customers(db.session(), current_scope(), filters, read_page())
    answer = page_as_json("customers", [customers.customer_as_json(row) for row in found.rows], found)
    return jsonify(answer | {"has_more": found.has_more})


@answers(shapes.Customer, body=CustomerBody)
def create_customer() -> ResponseReturnValue:
    """Create a customer; or change the one that has the `id` or `source_id` already."""
    data = read_json()
    new, body = read_customer(data), convert_body(data, CustomerBody)
    existing = _find(read_key(body.id, "id")) or _find(new.source_id)
    if existing is None:
        try:
            return _committed(customers.create_customer(db.session(), current_scope(), new))
        except Duplicate:
            # Another call has created it just now.
            existing = _named(new.source_id or "")
    customers.change_customer(db.session(), current_scope(), existing, read_customer_changes(data), now=utc_now())
    return _committed(existing)


def _find(text: str | None) -> Customer | None:
    return customers.find_customer(db.session(), current_scope(), text) if text else None


def _named(customer_id: str) -> Customer:
    customer = customers.get_customer(db.session(), current_scope(), customer_id)
    _tell(customer)
    return customer


def _committed(customer: Customer) -> ResponseReturnValue:
    shown = customers.customer_as_json(customer)
    _tell(customer)
    db.session.commit()
    return jsonify(shown)


def _tell(customer: Customer) -> None:
    refer(Prefix.CUSTOMER, customer.id)
    name_customer(customer.source_id or str(customers.customer_as_json(customer)["id"]))


@answers(shapes.Customer)
def get_customer(customer_id: str) -> ResponseReturnValue:
    """A customer by its id or source id."""
    return _committed(_named(customer_id))


@answers(shapes.Customer, body=CustomerBody)
def update_customer(customer_id: str) -> ResponseReturnValue:
    """Change what the body has. Metadata is set key by key; null clears a field."""
    customer, changes = _named(customer_id), read_customer_changes(read_json())
    customers.change_customer(db.session(), current_scope(), customer, changes, now=utc_now())
    return _committed(customer)


@answers_nothing()
def delete_customer(customer_id: str) -> ResponseReturnValue:
    """Delete a customer for good."""
    customer = _named(customer_id)
    customers.delete_customer(db.session(), current_scope(), customer)
    db.session.commit()
    return no_content()


@answers_csv(202)
def import_customers_csv() -> ResponseReturnValue:
    """Create and update customers by a CSV file, in a background task: `CUSTOMERS.IMPORT_CSV`."""
    return answer_with_csv(TaskType.CUSTOMERS_IMPORT_CSV, Resource.CUSTOMER, {})


@answers_list_of(CustomerBody)
def update_customers_in_bulk() -> ResponseReturnValue:
    """Change each customer named by its `source_id`, or create it, in a background task: `CUSTOMERS.BULK_UPDATE`."""
    return answer_with_rows(TaskType.CUSTOMERS_BULK_UPDATE, read_json_rows(), {})


@answers_task(body=MetadataBody)
def update_customers_metadata() -> ResponseReturnValue:
    """Set the same metadata for all the customers named by `source_ids`, in a background task: `CUSTOMERS.METADATA_UPDATE`."""
    asked = read_metadata_update(read_json())
    rows: list[dict[str, object]] = [{"source_id": key} for key in asked.keys]
    return answer_with_rows(TaskType.CUSTOMERS_METADATA_UPDATE, rows, {"metadata": asked.metadata})
