"""Background tasks as the public API shows them, and a little more: in its answers, and in the events of their ends."""

from __future__ import annotations

from collections.abc import Sequence

from auditpanel.tasks.records import TaskLine, TaskRecord
from auditpanel.tasks.values import Json, Refused, TaskType
from auditpanel.times import iso_milliseconds

# Refused rows in a result; the panel has a file with all of them.
FAILED_SHOWN = 1_000
BULK_UPDATES = {TaskType.VOUCHERS_BULK_UPDATE, TaskType.CUSTOMERS_BULK_UPDATE, TaskType.PRODUCTS_BULK_UPDATE}
METADATA_UPDATES = {TaskType.VOUCHERS_METADATA_UPDATE, TaskType.CUSTOMERS_METADATA_UPDATE, TaskType.PRODUCTS_METADATA_UPDATE}


def task_as_json(record: TaskRecord, failed: Sequence[Refused]) -> Json:
    """`failed` are at most FAILED_SHOWN of the refused rows. The result is there once the task has ended."""
    return line_as_json(record.line) | {"result": _result_as_json(record, failed) if record.line.is_ended else None}


def line_as_json(line: TaskLine) -> Json:
    return {
        "id": line.id,
        "type": line.type,
        "status": line.status,
        "operation_status": line.operation_status,
        "created_at": iso_milliseconds(line.created_at),
        "updated_at": iso_milliseconds(line.updated_at),
        "request_id": line.request_id,
        "processing_time": line.processing_ms,
        "progress": line.progress,
        "object": "async_action",
    }


def _result_as_json(record: TaskRecord, failed: Sequence[Refused]) -> Json:
    """In the public API's shape for the type of task."""
    counts = record.counts
    done = counts.created + counts.updated + counts.deleted
    type_ = record.line.type
    result: Json = {"message": _message(record, done), "done_count": done, "skipped_count": counts.skipped, "failed_count": counts.refused}
    if type_ in BULK_UPDATES | METADATA_UPDATES:
        result |= {"reports": [], "reports_available_till": None, "errors": [_as_error(row, type_) for row in failed]}
    return result | {"failed": [_as_failed(row, type_) for row in failed]}


def _message(record: TaskRecord, done: int) -> str:
    if record.line.error:
        return record.line.error
    refused = f", {record.counts.refused:,} refused" if record.counts.refused else ""
    return f"{record.line.type.label}: {done:,} done{refused}"


def _as_failed(row: Refused, type_: TaskType) -> Json:
    return {"row": row.line, **_named(row, type_), "reason": row.reason}


def _as_error(row: Refused, type_: TaskType) -> Json:
    return {"message": "The row was refused", "details": row.reason, "key": "invalid_payload", **_named(row, type_)}


def _named(row: Refused, type_: TaskType) -> Json:
    """The code or source id that the row had, whatever the case of its column's name."""
    name = "code" if "VOUCHERS" in type_ else "source_id"
    values = {key.lower().replace(" ", "_"): value for key, value in row.content.items()}
    value = values.get(name)
    return {name: "" if value is None else str(value)}
