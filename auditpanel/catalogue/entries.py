"""Customers, products and SKUs, one at a time. Each can be named by its id or by its source id, which is its sender's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.changes import Changes, merged
from auditpanel.catalogue.finding import ResourceNotFound, id_or_none, is_findable, lock, refusing_duplicates
from auditpanel.catalogue.metadata_schemas import check_changed, check_new
from auditpanel.catalogue.models import Customer, Product, Sku
from auditpanel.ids import Prefix

Entry = TypeVar("Entry", Customer, Product, Sku)


@dataclass(frozen=True, slots=True)
class EntryKind(Generic[Entry]):
    """`name` is what the public API calls one of them, `title` the same where a sentence begins with it."""

    model: type[Entry]
    prefix: Prefix
    name: str
    title: str


def create_entry(session: Session, kind: EntryKind[Entry], entry: Entry) -> Entry:
    """Raises Duplicate where the source id is taken, InvalidInput where the project's metadata schema asks for something else."""
    check_new(session, entry)
    with refusing_duplicates(session, f"{kind.title} with source_id {entry.source_id} already exists"):
        session.add(entry)
    session.refresh(entry)
    return entry


def find_entry(session: Session, scope: ProjectScope, kind: EntryKind[Entry], id_or_source_id: str) -> Entry | None:
    if not is_findable(id_or_source_id):
        return None
    model, id_ = kind.model, id_or_none(kind.prefix, id_or_source_id)
    by_source = model.source_id == id_or_source_id
    named = or_(by_source, model.id == id_) if id_ else by_source
    # One's source id may be written like another's id: the id decides.
    return session.scalar(select(model).where(model.project_id == scope.project_id, named).order_by(by_source.is_(True)).limit(1))


def get_entry(session: Session, scope: ProjectScope, kind: EntryKind[Entry], id_or_source_id: str) -> Entry:
    entry = find_entry(session, scope, kind, id_or_source_id)
    if entry is None:
        raise ResourceNotFound(kind.name, id_or_source_id)
    return entry


def change_entry(session: Session, kind: EntryKind[Entry], entry: Entry, changes: Changes, *, now: datetime) -> None:
    """Raises Duplicate where the new source id is taken, InvalidInput where the metadata schema asks for something else."""
    lock(session, entry, kind.name)
    check_changed(session, entry, changes.metadata, unset=changes.unset_metadata)
    with refusing_duplicates(session, f"{kind.title} with source_id {changes.columns.get('source_id')} already exists"):
        for name, value in changes.columns.items():
            setattr(entry, name, value)
        entry.metadata_ = merged(entry.metadata_, changes)
        entry.updated_at = now
