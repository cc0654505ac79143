"""`GET /v1/openapi.json`: the API described from its own routes, docstrings and bodies. It is open to all: it holds no secret."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec
from flask import Blueprint, Flask, current_app, jsonify
from flask.typing import ResponseReturnValue
from werkzeug.routing import Rule

from auditpanel.api import async_actions, events, exports, logs, webhook_sendouts
from auditpanel.api.describing import (
    Description,
    Shape,
    answers,
    answers_list_of,
    answers_nothing,
    answers_one_or_list_of,
    answers_or_file,
    description_of,
)
from auditpanel.api.events import EventBody
from auditpanel.api.export_bodies import ExportBody
from auditpanel.api.parameters import filters_of, one_of, text, whole
from auditpanel.api.shapes import (
    SHAPES,
    AsyncActionList,
    AsyncActionWithResult,
    Error,
    EventsRaised,
    Export,
    ExportList,
    LogList,
    LogsStored,
    LogWithContent,
    Started,
    WebhookSendoutList,
    WebhookSendoutResent,
    WebhookSendoutWithAttempts,
)
from auditpanel.catalogue import bodies
from auditpanel.exports.filters import EXPORT_FIELDS
from auditpanel.exports.queries import NEWEST_FIRST, ORDERS
from auditpanel.exports.records import GZIP_TYPE, MEDIA_TYPES
from auditpanel.filters import Range
from auditpanel.logs.filters import LOG_FIELDS
from auditpanel.logs.values import NewLog
from auditpanel.tasks.filters import TASK_FIELDS
from auditpanel.webhooks.filters import SENDOUT_FIELDS

Json = dict[str, object]

BODIES = (
    bodies.VoucherBody,
    bodies.CampaignBody,
    bodies.CustomerBody,
    bodies.ProductBody,
    bodies.SkuBody,
    bodies.VouchersMetadataBody,
    bodies.MetadataBody,
    NewLog,
    EventBody,
    ExportBody,
)
KEYS = ("X-App-Id", "X-App-Token")
BY_KEY: Json = {name: [] for name in KEYS}
BY_TOKEN: Json = {"token": []}
_ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")


def register(app: Flask) -> None:
    blueprint = Blueprint("api_document", __name__, url_prefix="/v1")
    blueprint.get("/openapi.json")(show_document)
    app.register_blueprint(blueprint)


answers_list_of(NewLog, shown=LogsStored)(logs.create_logs)
answers_one_or_list_of(EventBody, shown=EventsRaised)(events.create_events)
answers(LogList, query=filters_of(LOG_FIELDS, default_range=Range.DAY))(logs.index_logs)
answers(LogWithContent)(logs.show_log)
answers(AsyncActionList, query=(*filters_of(TASK_FIELDS, default_range=Range.ALL), text("end_date", "Another name of created_before")))(
    async_actions.list_async_actions
)
answers(AsyncActionWithResult)(async_actions.get_async_action)
answers(WebhookSendoutList, query=filters_of(SENDOUT_FIELDS, default_range=Range.ALL))(webhook_sendouts.list_webhook_sendouts)
answers(WebhookSendoutWithAttempts)(webhook_sendouts.get_webhook_sendout)
answers(WebhookSendoutResent, status=202)(webhook_sendouts.resend_webhook_sendout)
answers(Export, body=ExportBody)(exports.create_export)
answers(
    ExportList,
    query=(
        *filters_of(EXPORT_FIELDS, default_range=Range.ALL),
        whole("page", default=1, highest=exports.LAST_PAGE, description="Instead of a cursor"),
        one_of("order", ORDERS, default=NEWEST_FIRST),
    ),
)(exports.list_exports)
answers_or_file(Export, [*MEDIA_TYPES.values(), exports.TEXT, GZIP_TYPE])(exports.get_export)
answers_nothing()(exports.delete_export)


def show_document() -> ResponseReturnValue:
    """This document."""
    return jsonify(describe(current_app))


def describe(app: Flask) -> Json:
    """The OpenAPI document of the routes below `/v1`."""
    paths: dict[str, dict[str, Json]] = {}
    for rule, method in _routes(app):
        path = _ARGUMENT.sub(r"{\1}", rule.rule)
        paths.setdefault(path, {})[method.lower()] = _operation(app, rule)
    _, schemas = msgspec.json.schema_components(BODIES + SHAPES, schema_hook=_any_json, ref_template="#/components/schemas/{name}")
    keys = {name: {"type": "apiKey", "in": "header", "name": name} for name in KEYS}
    token = {"type": "apiKey", "in": "query", "name": "token", "description": "Of the address of a file"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Auditpanel", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": keys | {"token": token}},
        "security": [BY_KEY],
    }


def _any_json(kind: type) -> Json:
    """Of what may be anything: the values of metadata."""
    if kind is not object:
        raise NotImplementedError(kind)
    return {"description": "Any JSON"}


def _routes(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.rule.startswith("/v1/"):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method


def _operation(app: Flask, rule: Rule) -> Json:
    view = app.view_functions[rule.endpoint]
    summary, _, more = (view.__doc__ or "").strip().partition("\n\n")
    description = description_of(view)
    operation: Json = {
        "operationId": rule.endpoint.rpartition(".")[2],
        "summary": _joined(summary),
        "parameters": [
            *({"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in sorted(rule.arguments)),
            *(parameter.as_json for parameter in description.query),
        ],
        "responses": {str(status): _answer(status, shown, description.files) for status, shown in description.shown.items()}
        | {"default": _with_schema("An error", Error)},
    }
    if more:
        operation["description"] = _joined(more)
    if description.files:
        operation["security"] = [BY_KEY, BY_TOKEN]
    if (content := _body(description)) is not None:
        operation["requestBody"] = {"content": content}
    return operation


def _joined(text: str) -> str:
    return " ".join(text.split())


def _answer(status: int, shown: Shape | None, files: Sequence[str]) -> Json:
    words = "A background task has been started" if shown is Started else "Taken" if status == 202 else "Done"
    if shown is None:
        return {"description": words} if status == 204 else {"description": words, "content": {"application/json": {}}}
    return _with_schema(words, shown, files)


def _with_schema(description: str, shown: Shape, files: Sequence[str] = ()) -> Json:
    content: Json = {"application/json": {"schema": _reference(shown)}}
    file = {"schema": {"type": "string", "format": "binary"}}
    return {"description": description, "content": content | dict.fromkeys(files, file)}


def _reference(shape: Shape) -> Json:
    return {"$ref": f"#/components/schemas/{shape.__name__}"}


def _body(description: Description) -> Json | None:
    if description.is_csv:
        file = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}, "required": ["file"]}
        return {"multipart/form-data": {"schema": file}}
    if description.body is None:
        return None
    one = _reference(description.body)
    many: Json = {"type": "array", "items": one}
    schema = {"oneOf": [one, many]} if description.is_one_or_list else many if description.is_list else one
    return {"application/json": {"schema": schema}}
