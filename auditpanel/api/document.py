"""`GET /v1/openapi.json`: the API described from its own routes, docstrings and bodies. It is open to all: it holds no secret."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from flask import Blueprint, Flask, current_app, jsonify
from flask.typing import ResponseReturnValue
from werkzeug.routing import Rule

from auditpanel.api.describing import Description, description_of
from auditpanel.catalogue import bodies

Json = dict[str, object]

STRUCTS = (
    bodies.VoucherBody,
    bodies.CampaignBody,
    bodies.CustomerBody,
    bodies.ProductBody,
    bodies.SkuBody,
    bodies.VouchersMetadataBody,
    bodies.MetadataBody,
)
ERROR: Json = {
    "type": "object",
    "properties": {
        "code": {"type": "integer"},
        "key": {"type": "string"},
        "message": {"type": "string"},
        "details": {"type": "string"},
        "request_id": {"type": "string"},
    },
}
STARTED: Json = {"type": "object", "properties": {"async_action_id": {"type": "string"}}}
_ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")


def register(app: Flask) -> None:
    blueprint = Blueprint("api_document", __name__, url_prefix="/v1")
    blueprint.get("/openapi.json")(show_document)
    app.register_blueprint(blueprint)


def show_document() -> ResponseReturnValue:
    """This document."""
    return jsonify(describe(current_app))


def describe(app: Flask) -> Json:
    """The OpenAPI document of the routes below `/v1`."""
    paths: dict[str, dict[str, Json]] = {}
    for rule, method in _routes(app):
        path = _ARGUMENT.sub(r"{\1}", rule.rule)
        paths.setdefault(path, {})[method.lower()] = _operation(app, rule)
    _, schemas = msgspec.json.schema_components(STRUCTS, schema_hook=_any_json, ref_template="#/components/schemas/{name}")
    keys = {name: {"type": "apiKey", "in": "header", "name": name} for name in ("X-App-Id", "X-App-Token")}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Auditpanel", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas | {"Error": ERROR, "AsyncActions": STARTED}, "securitySchemes": keys},
        "security": [{name: [] for name in keys}],
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
        "parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in sorted(rule.arguments)],
        "responses": {str(description.status): _answer(description.status), "default": _with_schema("An error", "Error")},
    }
    if more:
        operation["description"] = _joined(more)
    if (content := _body(description)) is not None:
        operation["requestBody"] = {"content": content}
    return operation


def _joined(text: str) -> str:
    return " ".join(text.split())


def _answer(status: int) -> Json:
    if status == 202:
        return _with_schema("A background task has been started", "AsyncActions")
    return {"description": "Done"} if status == 204 else {"description": "Done", "content": {"application/json": {}}}


def _with_schema(description: str, name: str) -> Json:
    return {"description": description, "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


def _body(description: Description) -> Json | None:
    if description.is_csv:
        file = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}, "required": ["file"]}
        return {"multipart/form-data": {"schema": file}}
    if description.body is None:
        return None
    schema: Json = {"$ref": f"#/components/schemas/{description.body.__name__}"}
    return {"application/json": {"schema": {"type": "array", "items": schema} if description.is_list else schema}}
