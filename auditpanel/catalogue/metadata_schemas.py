"""What types and rules the metadata of a resource has, by key: what an import turns its columns into, and what all metadata is held to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.finding import ResourceNotFound
from auditpanel.catalogue.metadata_rules import TYPES, check_definition, check_given, check_whole
from auditpanel.catalogue.models import Campaign, Customer, MetadataSchema, Product, Resource, Sku, Voucher
from auditpanel.catalogue.moments import iso_moment

Json = dict[str, object]

__all__ = ["TYPES", "check_changed", "check_new", "define_key", "find_schema", "forget_key", "get_schema", "list_schemas", "schema_as_json"]

Described = Campaign | Voucher | Customer | Product | Sku

_RESOURCES: Mapping[type[Described], Resource] = {
    Campaign: Resource.CAMPAIGN,
    Voucher: Resource.VOUCHER,
    Customer: Resource.CUSTOMER,
    Product: Resource.PRODUCT,
    Sku: Resource.SKU,
}


def list_schemas(session: Session, scope: ProjectScope) -> list[MetadataSchema]:
    statement = select(MetadataSchema).where(MetadataSchema.project_id == scope.project_id).order_by(MetadataSchema.resource)
    return list(session.scalars(statement))


def find_schema(session: Session, scope: ProjectScope, resource: Resource) -> MetadataSchema | None:
    return session.get(MetadataSchema, (scope.project_id, str(resource)))


def get_schema(session: Session, scope: ProjectScope, resource: str) -> MetadataSchema:
    schema = find_schema(session, scope, Resource(resource)) if resource in list(Resource) else None
    if schema is None:
        raise ResourceNotFound("metadata schema", resource)
    return schema


def define_key(
    session: Session,
    scope: ProjectScope,
    resource: Resource,
    key: str,
    type_: str,
    *,
    rules: Mapping[str, object] | None = None,
    now: datetime,
) -> MetadataSchema:
    """Say what type a key has; what is stored under it stays as it is.

    `rules` are more of the public API's definition: array, optional, eq, ne, lt, lte, gt, gte, maxLength, minLength, exactLength.
    """
    definition: Json = {"type": type_, "array": False, "optional": True} | dict(rules or {})
    check_definition(definition)
    schema = _schema(session, scope, resource, now)
    schema.properties = schema.properties | {key: definition}
    schema.updated_at = now
    session.flush()
    return schema


def forget_key(session: Session, scope: ProjectScope, resource: Resource, key: str, *, now: datetime) -> None:
    """The definition only; a task purges what is stored under the key."""
    if find_schema(session, scope, resource) is None:
        return
    schema = _schema(session, scope, resource, now)
    if key in schema.properties:
        schema.properties = {name: definition for name, definition in schema.properties.items() if name != key}
        schema.updated_at = now
        session.flush()


def check_new(session: Session, record: Described) -> None:
    """Of a record that is about to be stored. Raises InvalidInput with the property that is wrong or missing."""
    check_whole(record.metadata_ or {}, _properties_for(session, record))


def check_changed(session: Session, record: Described, metadata: Mapping[str, object], *, unset: Iterable[str] = ()) -> None:
    """`metadata` are the keys to set, `unset` those to take off. What was stored before there was a rule may stay."""
    if metadata or unset:
        check_given(metadata, _properties_for(session, record), unset=unset)


def _properties_for(session: Session, record: Described) -> Mapping[str, Json]:
    resource = _RESOURCES[type(record)]
    statement = select(MetadataSchema.properties).where(
        MetadataSchema.project_id == record.project_id, MetadataSchema.resource == str(resource)
    )
    return session.scalar(statement) or {}


def _schema(session: Session, scope: ProjectScope, resource: Resource, now: datetime) -> MetadataSchema:
    """Locked for the change: two admins at once must not undo each other's."""
    new = insert(MetadataSchema).values(project_id=scope.project_id, resource=str(resource), properties={}, updated_at=now)
    session.execute(new.on_conflict_do_nothing())
    return session.get_one(MetadataSchema, (scope.project_id, str(resource)), with_for_update=True, populate_existing=True)


def schema_as_json(schema: MetadataSchema) -> Json:
    return {
        "id": f"ms_{schema.resource}_{schema.project_id.hex}",
        "related_object": schema.resource,
        "properties": schema.properties,
        "allow_defined_only": False,
        "created_at": None,
        "updated_at": iso_moment(schema.updated_at),
        "object": "metadata_schema",
    }
