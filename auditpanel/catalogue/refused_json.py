"""Refused rows of a JSON body as a body of the same call: to be corrected and sent again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO

import msgspec

from auditpanel.catalogue.operations.keys import LISTS
from auditpanel.tasks.values import Refused, TaskType

Json = dict[str, object]

_LISTS = frozenset(
    {
        TaskType.VOUCHERS_IMPORT,
        TaskType.CAMPAIGN_VOUCHERS_IMPORT,
        TaskType.VOUCHERS_BULK_UPDATE,
        TaskType.CUSTOMERS_BULK_UPDATE,
        TaskType.PRODUCTS_BULK_UPDATE,
    }
)
# What the rows of the others are named by: their body has the keys in one list, beside the metadata for all of them.
_KEYS = {
    TaskType.VOUCHERS_METADATA_UPDATE: "code",
    TaskType.CUSTOMERS_METADATA_UPDATE: "source_id",
    TaskType.PRODUCTS_METADATA_UPDATE: "source_id",
}


def came_as_json(type_: TaskType) -> bool:
    """Whether its rows are those of a body."""
    return type_ in _LISTS or type_ in _KEYS


def write_refused_json(file: IO[bytes], type_: TaskType, parameters: Json, rows: Iterable[Refused]) -> None:
    """A row in a line, as it came; the reasons are in the CSV file, since the body could not be sent with them."""
    name = _KEYS.get(type_)
    if name is None:
        _write_list(file, (row.content for row in rows))
        return
    file.write(b'{"metadata":%b,"%b":' % (msgspec.json.encode(parameters.get("metadata") or {}), LISTS[name].encode()))
    _write_list(file, (row.content.get(name) for row in rows))
    file.write(b"}")


def _write_list(file: IO[bytes], items: Iterable[object]) -> None:
    between = b"[\n"
    for item in items:
        file.write(between + msgspec.json.encode(item))
        between = b",\n"
    file.write(b"\n]" if between != b"[\n" else b"[]")
