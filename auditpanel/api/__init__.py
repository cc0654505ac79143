"""`/v1`: HTTP in, a call to a record package, JSON out. Keys in X-App-Id and X-App-Token."""

from __future__ import annotations

from flask import Blueprint, Flask, g, request

from auditpanel.accounts.scope import KeyScope, scope_of_app_id, scope_of_key
from auditpanel.api import async_actions, campaigns, customers, document, logs, metadata_schemas, products, skus, vouchers
from auditpanel.errors import Unauthorized
from auditpanel.extensions import csrf, db
from auditpanel.logs.recorder import CALL, CallDetails
from auditpanel.logs.values import Origin

BODY_LIMIT_BYTES = 32 * 1024 * 1024


def register(app: Flask) -> None:
    blueprint = Blueprint("api", __name__, url_prefix="/v1")
    blueprint.before_request(open_with_key)
    for part in (logs, vouchers, campaigns, customers, products, skus, metadata_schemas, async_actions):
        part.add_routes(blueprint)
    # A key in a header is not sent by a browser on its own, so there is nothing to forge.
    csrf.exempt(blueprint)
    app.register_blueprint(blueprint)
    document.register(app)


def open_with_key() -> None:
    """Let the call into its key's project, and have it recorded there; also a refused one, where the key's id is known."""
    request.max_content_length = BODY_LIMIT_BYTES
    app_id, app_token = request.headers.get("X-App-Id", ""), request.headers.get("X-App-Token", "")
    try:
        scope = scope_of_key(db.session(), app_id, app_token)
    except Unauthorized:
        refused = scope_of_app_id(db.session(), app_id)
        if refused is not None:
            _record(refused)
        raise
    _record(scope)
    g.project_scope = scope.project


def _record(scope: KeyScope) -> None:
    request.environ[CALL] = CallDetails(scope.project, Origin(scope.origin), api_key=scope.key_name)
