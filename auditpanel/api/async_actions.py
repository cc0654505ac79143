"""`/v1/async-actions`: background tasks as the public API shows them, and a little more."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from auditpanel.api.calls import refer
from auditpanel.api.paging import read_limit
from auditpanel.api.scope import current_scope
from auditpanel.errors import InvalidInput, NotFound
from auditpanel.extensions import db
from auditpanel.filters import FilterSet
from auditpanel.ids import Prefix, parse_id
from auditpanel.logs.redaction import Redactor
from auditpanel.logs.task_secrets import redacted_row
from auditpanel.tasks.filters import TASK_FIELDS
from auditpanel.tasks.queries import count_tasks, get_task, list_refused, list_tasks
from auditpanel.tasks.records import Direction, Place, TaskKey
from auditpanel.tasks.showing import FAILED_SHOWN, line_as_json, task_as_json
from auditpanel.times import utc_now


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
    redactor = Redactor.of(scope.redact_paths)
    failed = [redacted_row(redactor, row) for row in list_refused(db.session(), scope, task_id, size=FAILED_SHOWN)]
    refer(Prefix.ASYNC_ACTION, task_id)
    words = record.line.error and Redactor().text(record.line.error)
    return jsonify(task_as_json(replace(record, line=replace(record.line, error=words)), failed))
