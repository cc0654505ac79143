"""`/v1/metadata-schemas`."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from auditpanel.api import shapes
from auditpanel.api.asking import answer_with_task
from auditpanel.api.calls import list_as_json
from auditpanel.api.describing import answers, answers_task
from auditpanel.api.scope import current_scope
from auditpanel.catalogue import metadata_schemas
from auditpanel.catalogue.finding import ResourceNotFound
from auditpanel.catalogue.models import Resource
from auditpanel.catalogue.reading import check_storable
from auditpanel.extensions import db
from auditpanel.tasks.values import TaskType
from auditpanel.times import utc_now

PURGES = {
    Resource.VOUCHER: TaskType.VOUCHERS_METADATA_KEY_PURGE,
    Resource.CUSTOMER: TaskType.CUSTOMERS_METADATA_KEY_PURGE,
    Resource.PRODUCT: TaskType.PRODUCTS_METADATA_KEY_PURGE,
}


def add_routes(blueprint: Blueprint) -> None:
    blueprint.get("/metadata-schemas")(list_metadata_schemas)
    blueprint.get("/metadata-schemas/<resource>")(get_metadata_schema)
    blueprint.delete("/metadata-schemas/<resource>/<key>")(purge_metadata_key)


@answers(shapes.MetadataSchemaList)
def list_metadata_schemas() -> ResponseReturnValue:
    """The schemas of the project's metadata, one for each resource that has one."""
    found = metadata_schemas.list_schemas(db.session(), current_scope())
    return jsonify(list_as_json("schemas", [metadata_schemas.schema_as_json(schema) for schema in found], len(found)))


@answers(shapes.MetadataSchema)
def get_metadata_schema(resource: str) -> ResponseReturnValue:
    """The schema of `campaign`, `voucher`, `customer`, `product` or `sku`."""
    return jsonify(metadata_schemas.schema_as_json(metadata_schemas.get_schema(db.session(), current_scope(), resource)))


@answers_task()
def purge_metadata_key(resource: str, key: str) -> ResponseReturnValue:
    """Take a key out of the schema of `voucher`, `customer` or `product`, and out of all their metadata in a background task.

    Its type is `VOUCHERS.METADATA_KEY_PURGE` and the like. The public API has no path for it: there, it follows a change in its own pages.
    """
    if resource not in list(PURGES):
        raise ResourceNotFound("metadata schema whose keys can be purged", resource)
    check_storable(key, "key")
    metadata_schemas.forget_key(db.session(), current_scope(), Resource(resource), key, now=utc_now())
    return answer_with_task(PURGES[Resource(resource)], {"key": key})
