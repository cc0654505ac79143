"""`/v1/async-actions`: background tasks as the public API shows them, and a little more."""

from __future__ import annotations

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from auditpanel.api.calls import refer
from auditpanel.api.paging import read_limit
from auditpanel.api.scope import current_scope
from auditpanel.catalogue.moments import iso_moment
from auditpanel.errors import InvalidInput, NotFound
from auditpanel.extensions import db
from auditpanel.filters import FilterSet
from auditpanel.ids import Prefix, parse_id
from auditpanel.tasks.filters import TASK_FIELDS
from auditpanel.tasks.queries import count_tasks, get_task, list_refused, list_tasks
from auditpanel.tasks.records import Direction, Place, TaskKey, TaskLine, TaskRecord
from auditpanel.tasks.values import Refused, TaskType
from auditpanel.times import utc_now

Json = dict[str, object]

# Refused rows in a result; the panel has a file with all of them.
FAILED_SHOWN = 1_000
BULK_UPDATES = {TaskType.VOUCHERS_BULK_UPDATE, TaskType.CUSTOMERS_BULK_UPDATE, TaskType.PRODUCTS_BULK_UPDATE}
METADATA_UPDATES = {TaskType.VOUCHERS_METADATA_UPDATE, TaskType.CUSTOMERS_METADATA_UPDATE, TaskType.PRODUCTS_METADATA_UPDATE}


def add_routes(blueprint: Blueprint) -> None:
    blueprint.get("/async-actions")(list_async_actions)
    blueprint.get("/async-actions/<async_action_id>")(get_async_action)


def list_async_actions() -> ResponseReturnValue:
    """A page of the background tasks, newest first.

    Narrowed by `end_date`, `type`, `status`, `request_id`, `who`, `created_after`, `created_before`; with `limit`. `cursor` is where the
    next page begins.
    """
    scope = current_scope()
    filters = FilterSet.parse(_pairs(), TASK_FIELDS)
    span = filters.range.resolve(utc_now(), scope.time_zone)
    cursor = request.args.get("cursor", "")
    place = Place(TaskKey.from_cursor(cursor), Direction.OLDER) if cursor else None
    page = list_tasks(db.session(), scope, filters, span, place=place, size=read_limit(request.args.get("limit", "")))
    count = count_tasks(db.session(), scope, filters, span)
    return jsonify(
        object="list",
        data_ref="async_actions",
        async_actions=[line_as_json(line) for line in page.lines],
        has_more=page.has_more,
        total=count.value,
        total_is_exact=count.is_exact,
        cursor=page.lines[-1].key.cursor if page.has_more else None,
    )


def _pairs() -> list[tuple[str, str]]:
    """The filters. Without a range, the public API lists all there is; its `end_date` is the end of one."""
    pairs = [(name, value) for name, value in request.args.items(multi=True) if name not in ("cursor", "limit")]
    renamed = [("created_before" if name == "end_date" else name, value) for name, value in pairs]
    return renamed if any(name == "range" for name, _ in renamed) else [*renamed, ("range", "all")]


def get_async_action(async_action_id: str) -> ResponseReturnValue:
    """A background task with its result, once it has ended."""
    try:
        task_id = parse_id(Prefix.ASYNC_ACTION, async_action_id)
    except InvalidInput as error:
        raise NotFound(f"There is no such background task: {error}.") from None
    scope = current_scope()
    record = get_task(db.session(), scope, task_id)
    failed = list_refused(db.session(), scope, task_id, size=FAILED_SHOWN)
    refer(Prefix.ASYNC_ACTION, task_id)
    return jsonify(line_as_json(record.line) | {"result": result_as_json(record, failed) if record.line.is_ended else None})


def line_as_json(line: TaskLine) -> Json:
    return {
        "id": line.id,
        "type": line.type,
        "status": line.status,
        "operation_status": line.operation_status,
        "created_at": iso_moment(line.created_at),
        "updated_at": iso_moment(line.updated_at),
        "request_id": line.request_id,
        "processing_time": line.processing_ms,
        "progress": line.progress,
        "object": "async_action",
    }


def result_as_json(record: TaskRecord, failed: list[Refused]) -> Json:
    """In the public API's shape for the type of task. At most FAILED_SHOWN of the refused rows are told one by one."""
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
