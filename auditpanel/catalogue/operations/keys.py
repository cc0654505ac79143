"""A list of codes or source ids, each to get the same metadata: kept in the task's file, or short in its parameters."""

from __future__ import annotations

from auditpanel.catalogue.operations.rows import JsonRow, Rows, json_rows
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


def metadata_of(task: TaskInput) -> Json:
    """Of the parameter `metadata`. Raises InvalidInput where there is none."""
    metadata = task.parameters.get("metadata")
    if not isinstance(metadata, dict) or not metadata:
        raise InvalidInput('is missing; write what is to be set, like {"season": "summer"}', field="metadata")
    check_storable(metadata, "metadata")
    return metadata
