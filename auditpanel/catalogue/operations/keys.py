"""A list of codes or source ids, each to get the same metadata: kept in the task's file, or short in its parameters."""

from __future__ import annotations

from sqlalchemy.orm import Session

from auditpanel.catalogue.metadata_rules import check_given
from auditpanel.catalogue.models import Resource
from auditpanel.catalogue.operations.rows import JsonRow, Rows, json_rows
from auditpanel.catalogue.operations.schemas import schema_of
from auditpanel.catalogue.reading import check_storable
from auditpanel.errors import InvalidInput
from auditpanel.tasks.values import Refused, TaskInput

Json = dict[str, object]

LISTS = {"code": "codes", "source_id": "source_ids"}


def key_rows(name: str, task: TaskInput) -> Rows:
    """Rows `{name: key}`. In the file they are that, or the keys alone."""
    if task.file is None:
        keys = task.parameters.get(LISTS[name])
        for number, key in enumerate(keys if isinstance(keys, list) else [], 1):
            yield JsonRow(number, {name: key}, len(str(key)))
        return
    for row in json_rows(task):
        if isinstance(row, Refused):
            yield row
        else:
            assert isinstance(row, JsonRow)
            yield row if isinstance(row.data, dict) else JsonRow(row.line, {name: row.data}, row.size)


def metadata_of(session: Session, task: TaskInput, resource: Resource) -> Json:
    """Of the parameter `metadata`. Raises InvalidInput where there is none, or the project's metadata schema does not take it."""
    metadata = task.parameters.get("metadata")
    if not isinstance(metadata, dict) or not metadata:
        raise InvalidInput('is missing; write what is to be set, like {"season": "summer"}', field="metadata")
    check_storable(metadata, "metadata")
    check_given(metadata, schema_of(session, task.scope, resource))
    return metadata
