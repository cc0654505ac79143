"""The customers of a project: created, found by id or source id, listed, changed, deleted, shown as the public API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.changes import Changes
from auditpanel.catalogue.entries import EntryKind, change_entry, create_entry, find_entry, get_entry
from auditpanel.catalogue.finding import Listed, Orders, PageAsked, list_page
from auditpanel.catalogue.happenings import Records, changing, deleting, raise_created
from auditpanel.catalogue.models import Customer, findable
from auditpanel.catalogue.moments import iso_moment
from auditpanel.catalogue.values import NewCustomer
from auditpanel.ids import Prefix, format_id, new_uuid

Json = dict[str, object]

CUSTOMERS = EntryKind(Customer, Prefix.CUSTOMER, "customer", "Customer")
ORDERS: Orders = {
    # Ids are ordered by time, and the primary key has them in order.
    "created_at": (Customer.id,),
    "updated_at": (Customer.updated_at, Customer.id),
    "source_id": (Customer.source_id, Customer.id),
}


@dataclass(frozen=True, slots=True)
class CustomerFilters:
    """`created_before` is where the page before ended, in the public API's `starting_after`."""

    email: str | None = None
    city: str | None = None
    name: str | None = None
    created_before: datetime | None = None


def create_customer(session: Session, scope: ProjectScope, new: NewCustomer) -> Customer:
    """Raises Duplicate where the source id is taken, InvalidInput where the metadata is not as its schema asks for."""
    values = asdict(new)
    customer = Customer(project_id=scope.project_id, id=new_uuid(), metadata_=values.pop("metadata"), **values)
    created = create_entry(session, CUSTOMERS, customer)
    raise_created(session, scope, CUSTOMER_EVENTS, Customer.id, [created.id])
    return created


def find_customer(session: Session, scope: ProjectScope, id_or_source_id: str) -> Customer | None:
    return find_entry(session, scope, CUSTOMERS, id_or_source_id)


def get_customer(session: Session, scope: ProjectScope, id_or_source_id: str) -> Customer:
    return get_entry(session, scope, CUSTOMERS, id_or_source_id)


def list_customers(session: Session, scope: ProjectScope, filters: CustomerFilters, asked: PageAsked) -> Listed[Customer]:
    statement = select(Customer).where(
        Customer.project_id == scope.project_id, *asked.created.clauses(Customer.created_at), *asked.updated.clauses(Customer.updated_at)
    )
    if filters.email is not None:
        statement = statement.where(Customer.email == filters.email, text(findable("customers.email")))
    if filters.city is not None:
        statement = statement.where(Customer.address["city"].astext == filters.city)
    if filters.name is not None:
        statement = statement.where(Customer.name.icontains(filters.name, autoescape=True))
    if filters.created_before is not None:
        statement = statement.where(Customer.created_at < filters.created_before)
    return list_page(session, statement, asked, ORDERS)


def change_customer(session: Session, scope: ProjectScope, customer: Customer, changes: Changes, *, now: datetime) -> None:
    """Raises Duplicate where the new source id is taken, InvalidInput where the metadata is not as its schema asks for."""
    with changing(session, scope, CUSTOMER_EVENTS, Customer.id == customer.id):
        change_entry(session, CUSTOMERS, customer, changes, now=now)


def delete_customer(session: Session, scope: ProjectScope, customer: Customer) -> None:
    with deleting(session, scope, CUSTOMER_EVENTS, Customer.id == customer.id):
        session.execute(delete(Customer).where(Customer.project_id == scope.project_id, Customer.id == customer.id))


def customer_as_json(customer: Customer) -> Json:
    return {
        "id": format_id(Prefix.CUSTOMER, customer.id),
        "source_id": customer.source_id,
        "name": customer.name,
        "email": customer.email,
        "phone": customer.phone,
        "description": customer.description,
        "birthday": customer.birthdate.isoformat() if customer.birthdate else None,
        "birthdate": customer.birthdate.isoformat() if customer.birthdate else None,
        "address": customer.address,
        "metadata": customer.metadata_,
        "system_metadata": {},
        "created_at": iso_moment(customer.created_at),
        "updated_at": iso_moment(customer.updated_at),
        "object": "customer",
    }


def _shown(session: Session, scope: ProjectScope, customers: Sequence[Customer]) -> list[Json]:
    return [customer_as_json(customer) for customer in customers]


CUSTOMER_EVENTS = Records("customer", Customer, _shown)
