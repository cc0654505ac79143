"""The project's metadata schemas, as columns of CSV files are read by them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.columns import Schema
from auditpanel.catalogue.models import MetadataSchema, Resource


def schema_of(session: Session, scope: ProjectScope, resource: Resource) -> Schema:
    """Empty where none is defined."""
    statement = select(MetadataSchema.properties).where(
        MetadataSchema.project_id == scope.project_id, MetadataSchema.resource == resource.value
    )
    return session.scalar(statement) or {}
