"""What types the metadata of a resource has, by key: what an import turns its columns into."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.finding import ResourceNotFound
from auditpanel.catalogue.models import MetadataSchema, Resource
from auditpanel.catalogue.moments import iso_moment
from auditpanel.errors import InvalidInput

Json = dict[str, object]

TYPES = ("string", "number", "boolean", "date", "datetime", "object", "geopoint", "image_url")


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
    now: datetime,
) -> MetadataSchema:
    """Say what type a key has; what is stored under it stays as it is."""
    if type_ not in TYPES:
        raise InvalidInput(f'"{type_[:60]}" is no type of metadata; write one of {", ".join(TYPES)}', field="type")
    schema = _schema(session, scope, resource, now)
    schema.properties = schema.properties | {key: {"type": type_, "array": False, "optional": True}}
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
