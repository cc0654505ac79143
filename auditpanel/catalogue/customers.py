"""The customers of a project: created, found by id or source id, listed, changed, deleted, shown as the public API shows them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select, text
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
from auditpanel.catalogue.models import Customer, findable
from auditpanel.catalogue.moments import iso_moment
from auditpanel.catalogue.values import NewCustomer
from auditpanel.ids import Prefix, format_id, new_uuid

Json = dict[str, object]

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
    """Raises Duplicate where the source id is taken."""
    values = asdict(new)
    customer = Customer(project_id=scope.project_id, id=new_uuid(), metadata_=values.pop("metadata"), **values)
    with refusing_duplicates(session, f"Customer with source_id {new.source_id} already exists"):
        session.add(customer)
    session.refresh(customer)
    return customer


def find_customer(session: Session, scope: ProjectScope, id_or_source_id: str) -> Customer | None:
    if not is_findable(id_or_source_id):
        return None
    customer_id = id_or_none(Prefix.CUSTOMER, id_or_source_id)
    by_source = Customer.source_id == id_or_source_id
    named = or_(by_source, Customer.id == customer_id) if customer_id else by_source
    statement = select(Customer).where(Customer.project_id == scope.project_id, named)
    # One customer's source id may be written like another's id: the id decides.
    return session.scalar(statement.order_by(by_source.is_(True)).limit(1))


def get_customer(session: Session, scope: ProjectScope, id_or_source_id: str) -> Customer:
    customer = find_customer(session, scope, id_or_source_id)
    if customer is None:
        raise ResourceNotFound("customer", id_or_source_id)
    return customer


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


def change_customer(session: Session, customer: Customer, changes: Changes, *, now: datetime) -> None:
    """Raises Duplicate where the new source id is taken."""
    lock(session, customer, "customer")
    with refusing_duplicates(session, f"Customer with source_id {changes.columns.get('source_id')} already exists"):
        for name, value in changes.columns.items():
            setattr(customer, name, value)
        customer.metadata_ = merged(customer.metadata_, changes)
        customer.updated_at = now


def delete_customer(session: Session, scope: ProjectScope, customer: Customer) -> None:
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
