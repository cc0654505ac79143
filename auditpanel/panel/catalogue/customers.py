"""`/projects/<project id>/catalogue/customers/`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from wtforms import EmailField, StringField, TextAreaField

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue import customers, lists
from auditpanel.catalogue.changes import Changes, read_customer_changes
from auditpanel.catalogue.lists import Count, Page, Place
from auditpanel.catalogue.models import Customer, Resource
from auditpanel.catalogue.values import read_customer
from auditpanel.extensions import db
from auditpanel.ids import Prefix
from auditpanel.panel.catalogue.forms import EXACT, PLAIN, Initial, RecordForm
from auditpanel.panel.catalogue.kind import Json
from auditpanel.panel.catalogue.showing import Act, Cell, Column, Fact, moment_cell, moment_fact
from auditpanel.panel.catalogue.views import RecordsView
from auditpanel.panel.formatters import shorten_id
from auditpanel.panel.logs.record import filtered
from auditpanel.times import day_words, utc_now

PERSON = ("source_id", "name", "email", "phone", "description", "birthdate")
ADDRESS = ("line_1", "line_2", "postal_code", "city", "state", "country")


class CustomerForm(RecordForm):
    shown: ClassVar[Sequence[str]] = (*PERSON, *ADDRESS)
    places = {"birthday": "birthdate", "address.": ""}

    source_id = StringField("Source id", description="The id that the shop has for them; no two customers have the same", render_kw=EXACT)
    name = StringField("Name", render_kw=PLAIN)
    email = EmailField("Email", render_kw=PLAIN)
    phone = StringField("Phone", render_kw=PLAIN)
    description = TextAreaField("Description", render_kw={"rows": 3})
    birthdate = StringField("Birthdate", description="Like 1990-02-28", render_kw=EXACT)
    line_1 = StringField("Address, first line", render_kw=PLAIN)
    line_2 = StringField("Address, second line", render_kw=PLAIN)
    postal_code = StringField("Postal code", render_kw=PLAIN)
    city = StringField("City", render_kw=PLAIN)
    state = StringField("State", render_kw=PLAIN)
    country = StringField("Country", render_kw=PLAIN)


class CustomersView(RecordsView[Customer]):
    resource = Resource.CUSTOMER
    prefix = Prefix.CUSTOMER
    one, many, title = "customer", "customers", "Customers"
    search_words = "The beginning of a source id or an email"
    columns: ClassVar[Sequence[Column]] = (
        Column("Customer"),
        Column("Email", "kind"),
        Column("Source id", "kind"),
        Column("City", "worth"),
        Column("Created", "created"),
    )

    def get(self, scope: ProjectScope, record_id: str) -> Customer:
        return customers.get_customer(db.session(), scope, record_id)

    def page(self, scope: ProjectScope, place: Place | None, within: UUID | None, size: int) -> Page[Customer]:
        return lists.list_customers(db.session(), scope, place=place, size=size)

    def count(self, scope: ProjectScope, within: UUID | None) -> Count:
        return lists.count_customers(db.session(), scope)

    def search(self, scope: ProjectScope, typed: str) -> list[Customer]:
        return lists.find_customers(db.session(), scope, typed)

    def name_of(self, record: Customer) -> str:
        return record.name or record.email or record.source_id or shorten_id(self.id_of(record))

    def rows(self, scope: ProjectScope, records: Sequence[Customer]) -> list[Sequence[Cell]]:
        return [
            (
                Cell(self.name_of(customer)),
                Cell(customer.email or "", "Email"),
                Cell(customer.source_id or "", "Source id", is_exact=True),
                Cell(_line(customer, "city"), "City"),
                moment_cell(customer.created_at, scope.time_zone),
            )
            for customer in records
        ]

    def facts(self, scope: ProjectScope, record: Customer) -> list[Fact]:
        zone = scope.time_zone
        address = ", ".join(filter(None, (_line(record, name) for name in ADDRESS)))
        return [
            Fact("Name", record.name or "Not told"),
            Fact("Email", record.email or "Not told", copy=bool(record.email)),
            Fact("Phone", record.phone or "Not told"),
            Fact("Birthdate", day_words(record.birthdate) if record.birthdate else "Not told"),
            Fact("Source id", record.source_id or "None", is_exact=bool(record.source_id), copy=bool(record.source_id)),
            Fact("Customer id", self.id_of(record), is_exact=True, copy=True),
            Fact("Address", address or "Not told"),
            Fact("Description", record.description or "None"),
            moment_fact("Created", record.created_at, zone),
            moment_fact("Updated", record.updated_at, zone, missing="Never"),
        ]

    def as_json(self, scope: ProjectScope, record: Customer) -> Json:
        return customers.customer_as_json(record)

    def acts(self, scope: ProjectScope, record: Customer) -> list[Act]:
        return [self.delete_act(record, "It cannot be undone. Logs of calls that were about them stay.")]

    def logs_url(self, record: Customer) -> str | None:
        return filtered(customer=record.source_id) if record.source_id else None

    def new_form(self) -> RecordForm:
        return CustomerForm()

    def create(self, scope: ProjectScope, form: RecordForm, metadata: Json) -> Customer:
        body = form.given(*PERSON) | {"metadata": metadata}
        if address := form.given(*ADDRESS):
            body["address"] = address
        return customers.create_customer(db.session(), scope, read_customer(body))

    def edit_form(self, scope: ProjectScope, record: Customer) -> tuple[RecordForm, Initial]:
        initial = {name: getattr(record, name) or "" for name in PERSON if name != "birthdate"}
        initial["birthdate"] = record.birthdate.isoformat() if record.birthdate else ""
        initial |= {name: _line(record, name) for name in ADDRESS}
        return CustomerForm(data=initial), initial

    def change(self, scope: ProjectScope, record: Customer, form: RecordForm, initial: Initial, metadata: Changes) -> str:
        body = form.changed(initial, *PERSON) | {"metadata": metadata.metadata}
        if form.changed(initial, *ADDRESS):
            body["address"] = form.given(*ADDRESS) or None
        read = read_customer_changes(body)
        changes = Changes(read.columns, read.metadata, unset_metadata=metadata.unset_metadata)
        customers.change_customer(db.session(), scope, record, changes, now=utc_now())
        return ""

    def delete(self, scope: ProjectScope, record: Customer) -> str:
        customers.delete_customer(db.session(), scope, record)
        return self.url_to("index")


def _line(customer: Customer, name: str) -> str:
    value = (customer.address or {}).get(name)
    return value if isinstance(value, str) else ""
