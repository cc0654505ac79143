"""What customers, products and SKUs are imported and updated from: CSV, lists in JSON, and lists of those that get the same metadata."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from sqlalchemy.orm import Session

from auditpanel.catalogue.changes import Changes, read_customer_changes, read_product_changes
from auditpanel.catalogue.columns import read_columns
from auditpanel.catalogue.csv_files import CsvRow, open_csv
from auditpanel.catalogue.metadata_rules import Schema, check_given
from auditpanel.catalogue.operations.entries import CUSTOMERS, Kind, store_entries
from auditpanel.catalogue.operations.keys import key_rows, metadata_of
from auditpanel.catalogue.operations.rows import Read, Row, Rows, RowsOperation, Step, file_of, json_rows, reading_json
from auditpanel.catalogue.operations.schemas import schema_of
from auditpanel.catalogue.reading import check_storable, read_key
from auditpanel.catalogue.rows import Entry, EntryRows
from auditpanel.errors import InvalidInput
from auditpanel.ids import parse_id
from auditpanel.tasks.values import Outcome, TaskInput

Json = dict[str, object]


def _csv_rows(task: TaskInput) -> Rows:
    return iter(open_csv(file_of(task)).rows())


def _reading_csv(kind: Kind, session: Session, task: TaskInput) -> Read[Entry]:
    file = open_csv(file_of(task))
    reader = EntryRows(read_columns(file.header, kind.resource, schema_of(session, task.scope, kind.resource)))

    def read(row: Row) -> Entry:
        assert isinstance(row, CsvRow)
        return reader.read(row)

    return read


def _store(kind: Kind, session: Session, task: TaskInput, step: Step[Entry]) -> Outcome:
    return store_entries(session, task, kind, step)


def import_csv(kind: Kind) -> RowsOperation[Entry]:
    return RowsOperation(_csv_rows, partial(_reading_csv, kind), partial(_store, kind))


def bulk_update(kind: Kind) -> RowsOperation[Entry]:
    """Those that are not there are created, as in the public API."""
    changes = read_customer_changes if kind is CUSTOMERS else read_product_changes

    def reading(session: Session, task: TaskInput) -> Read[Entry]:
        return reading_json(partial(_read_item, kind, changes, schema_of(session, task.scope, kind.resource)))

    return RowsOperation(json_rows, reading, partial(_store, kind))


def metadata_update(kind: Kind) -> RowsOperation[Entry]:
    def reading(session: Session, task: TaskInput) -> Read[Entry]:
        return reading_json(partial(_read_source_id, metadata_of(session, task, kind.resource)))

    return RowsOperation(partial(key_rows, "source_id"), reading, partial(_store, kind))


def _read_item(kind: Kind, read_changes: Callable[[object], Changes], schema: Schema, data: object) -> Entry:
    changes = read_changes(data)
    check_given(changes.metadata, schema)
    source_id = changes.columns.pop("source_id", None)
    own_id = _own_id(kind, data)
    if source_id is None and own_id is None:
        raise InvalidInput(f"is missing; name the {kind.resource} by its source id", field="source_id")
    return Entry(own_id, str(source_id) if source_id else None, changes.columns, changes.metadata)


def _own_id(kind: Kind, data: object) -> UUID | None:
    told = data.get("id") if isinstance(data, dict) else None
    if told is None:
        return None
    try:
        return parse_id(kind.prefix, str(told))
    except InvalidInput as error:
        raise InvalidInput(error.details, field="id") from None


def _read_source_id(metadata: Json, data: object) -> Entry:
    told = data.get("source_id") if isinstance(data, dict) else None
    if not isinstance(told, str):
        raise InvalidInput("is no text; name each by its source id", field="source_id")
    check_storable(told, "source_id")
    source_id = read_key(told, "source_id")
    if source_id is None:
        raise InvalidInput("is empty; name each by its source id", field="source_id")
    return Entry(None, source_id, {}, metadata)
