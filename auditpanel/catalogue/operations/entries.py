"""Customers, products and SKUs, stored batch by batch: changed where they are there, else created."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.customers import CUSTOMER_EVENTS
from auditpanel.catalogue.happenings import Subject, changing, raise_created
from auditpanel.catalogue.metadata_rules import needed_keys
from auditpanel.catalogue.models import Customer, Product, Resource, Sku
from auditpanel.catalogue.operations.rows import Row, Step, refused
from auditpanel.catalogue.operations.schemas import schema_of
from auditpanel.catalogue.operations.unnesting import RowChange, change_rows, insert_rows
from auditpanel.catalogue.products import PRODUCT_EVENTS
from auditpanel.catalogue.row_cells import WrongRow, check_needed
from auditpanel.catalogue.rows import Entry
from auditpanel.errors import InvalidInput
from auditpanel.ids import Prefix, format_id, new_uuid, parse_id
from auditpanel.tasks.values import Outcome, Refused, TaskInput

Json = dict[str, object]
Stored = type[Customer] | type[Product] | type[Sku]
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Kind:
    """`empty` is what a new one has in all the columns that its row says nothing of; `events` is None where nothing is raised of it."""

    events: Subject | None
    resource: Resource
    model: Stored
    prefix: Prefix
    empty: Json


CUSTOMERS = Kind(
    CUSTOMER_EVENTS,
    Resource.CUSTOMER,
    Customer,
    Prefix.CUSTOMER,
    dict.fromkeys(("name", "email", "phone", "description", "birthdate", "address")),
)
PRODUCTS = Kind(
    PRODUCT_EVENTS, Resource.PRODUCT, Product, Prefix.PRODUCT, {"name": None, "price": None, "image_url": None, "attributes": []}
)
SKUS = Kind(
    None,
    Resource.SKU,
    Sku,
    Prefix.SKU,
    {"product_id": None, "sku": None, "price": None, "currency": None, "image_url": None, "attributes": {}},
)


@dataclass(slots=True)
class Target:
    """What one record is to be like after the batch: its rows, each laid over the one before."""

    id: UUID
    source_id: str | None
    is_new: bool
    fields: Json = field(default_factory=dict)
    metadata: Json = field(default_factory=dict)

    def lay_over(self, entry: Entry) -> None:
        address = self.fields.get("address")
        self.fields |= entry.fields
        if address and self.fields["address"]:
            self.fields["address"] = address | self.fields["address"]  # type: ignore[operator]
        self.metadata |= entry.metadata


class Targets:
    """Finds the record that each row is about."""

    def __init__(self, session: Session, scope: ProjectScope, kind: Kind, entries: Iterable[Entry]) -> None:
        self._kind = kind
        entries = list(entries)
        ids = [entry.id for entry in entries if entry.id]
        source_ids = [entry.source_id for entry in entries if entry.source_id]
        model, there = kind.model, select(kind.model.id, kind.model.source_id).where(kind.model.project_id == scope.project_id)
        # Two queries, each with an index of its own.
        found = [*session.execute(there.where(model.id.in_(ids))), *session.execute(there.where(model.source_id.in_(source_ids)))]
        targets = {row.id: Target(row.id, row.source_id, is_new=False) for row in found}
        self._by_id = targets
        self._by_source_id = {target.source_id: target for target in targets.values() if target.source_id}

    def of(self, entry: Entry) -> Target:
        """Raises WrongRow where there is none with that id."""
        if entry.id is None:
            return self._by_source_id.get(entry.source_id or "") or self._new(entry)
        target = self._by_id.get(entry.id)
        if target is None:
            told = format_id(self._kind.prefix, entry.id)
            raise WrongRow(f'id: "{told}" is no {self._kind.resource} here; leave it out for a new one', "id", told)
        if entry.source_id not in (None, target.source_id):
            told = f'"{entry.source_id}" is not that of the {self._kind.resource} with this id, "{target.source_id or "none"}"'
            raise WrongRow(f"source_id: {told}; leave one of the two out", "source_id", entry.source_id)
        return target

    def _new(self, entry: Entry) -> Target:
        return Target(new_uuid(), entry.source_id, is_new=True)

    def keep(self, target: Target) -> None:
        """For later rows with the same source id; a row that is refused makes none."""
        if target.source_id:
            self._by_source_id[target.source_id] = target


def store_entries(session: Session, task: TaskInput, kind: Kind, step: Step[Entry]) -> Outcome:
    scope = task.scope
    rows, refusals = _with_products(session, scope, step.read) if kind is SKUS else (step.read, [])
    refusals += step.refused
    targets = Targets(session, scope, kind, (entry for _, entry in rows))
    needed = needed_keys(schema_of(session, scope, kind.resource))
    touched: dict[UUID, Target] = {}
    updated = skipped = 0
    for row, entry in rows:
        try:
            target = targets.of(entry)
            _check_new(target, entry, kind, needed)
        except WrongRow as error:
            refusals.append(refused(row, error))
            continue
        targets.keep(target)
        target.lay_over(entry)
        if target.id in touched or not target.is_new:
            updated += 1 if entry.fields or entry.metadata else 0
            skipped += 0 if entry.fields or entry.metadata else 1
        touched[target.id] = target
    created, late = _write(session, scope, kind, list(touched.values()))
    return Outcome(created=created, updated=updated + late, skipped=skipped, refused=sorted(refusals, key=lambda row: row.line))


def _check_new(target: Target, entry: Entry, kind: Kind, needed: Sequence[str]) -> None:
    if target.is_new:
        check_needed(target.metadata | entry.metadata, needed)
    if kind is SKUS and target.is_new and not target.fields and "product_id" not in entry.fields:
        raise WrongRow("product_id: is missing; write the id or the source id of its product", "product_id")


def _write(session: Session, scope: ProjectScope, kind: Kind, targets: Sequence[Target]) -> tuple[int, int]:
    """How many were created, and how many that somebody else created meanwhile were changed instead."""
    new = sorted((target for target in targets if target.is_new), key=lambda target: target.source_id or "")
    stored = insert_rows(session, kind.model, [_as_row(scope, kind, target) for target in new])
    late = {target.source_id: target for target in new if target.id not in stored}
    changes = [_as_change(target.id, target) for target in targets if not target.is_new and (target.fields or target.metadata)]
    if late:
        there = select(kind.model.id, kind.model.source_id).where(kind.model.project_id == scope.project_id, kind.model.source_id.in_(late))
        changes += [_as_change(row.id, late[row.source_id]) for row in session.execute(there)]
    with _raising(session, scope, kind, stored, changes):
        change_rows(session, scope, kind.model, changes)
    return len(stored), len(late)


@contextmanager
def _raising(session: Session, scope: ProjectScope, kind: Kind, stored: Collection[UUID], changes: Sequence[RowChange]) -> Iterator[None]:
    if kind.events is None:
        yield
        return
    raise_created(session, scope, kind.events, kind.model.id, sorted(stored))
    with changing(session, scope, kind.events, kind.model.id.in_([change.id for change in changes])):
        yield


def _as_row(scope: ProjectScope, kind: Kind, target: Target) -> Json:
    # What is null for a change that clears a field is empty for a new one.
    told = {name: value for name, value in target.fields.items() if value is not None}
    own = {"project_id": scope.project_id, "id": target.id, "source_id": target.source_id, "metadata": target.metadata}
    return own | kind.empty | told


def _as_change(id_: UUID, target: Target) -> RowChange:
    return RowChange(id_, target.fields, target.metadata, {})


def _with_products(
    session: Session, scope: ProjectScope, rows: Sequence[tuple[Row, Entry]]
) -> tuple[list[tuple[Row, Entry]], list[Refused]]:
    """The SKUs with the ids of their products; those whose product is not there are refused."""
    products = _products(session, scope, {entry.product for _, entry in rows if entry.product})
    found: list[tuple[Row, Entry]] = []
    refusals = []
    for row, entry in rows:
        if entry.product is None:
            found.append((row, entry))
        elif (product_id := products.get(entry.product)) is not None:
            found.append((row, Entry(entry.id, entry.source_id, {**entry.fields, "product_id": product_id}, entry.metadata)))
        else:
            reason = f'product_id: "{entry.product}" is no product here; import the product first, or write its id or source id'
            refusals.append(refused(row, WrongRow(reason, "product_id", entry.product)))
    return found, refusals


def _products(session: Session, scope: ProjectScope, named: set[str]) -> dict[str, UUID]:
    """By what names them. One product's source id may be written like another's id: the id decides."""
    ids = {product_id: name for name in named if (product_id := _product_id(name))}
    there = select(Product.id, Product.source_id).where(Product.project_id == scope.project_id)
    by_source = {row.source_id: row.id for row in session.execute(there.where(Product.source_id.in_(named)))}
    return by_source | {ids[row.id]: row.id for row in session.execute(there.where(Product.id.in_(ids)))}


def _product_id(name: str) -> UUID | None:
    try:
        return parse_id(Prefix.PRODUCT, name)
    except InvalidInput:
        return None
