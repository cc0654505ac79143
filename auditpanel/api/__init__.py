"""`/v1`: HTTP in, a call to a record package, JSON out. Keys in X-App-Id and X-App-Token."""

from __future__ import annotations

from flask import Blueprint, Flask

from auditpanel.api import (
    async_actions,
    campaigns,
    customers,
    document,
    events,
    exports,
    logs,
    metadata_schemas,
    products,
    skus,
    vouchers,
    webhook_sendouts,
)
from auditpanel.api.opening import open_call
from auditpanel.extensions import csrf


def register(app: Flask) -> None:
    blueprint = Blueprint("api", __name__, url_prefix="/v1")
    blueprint.before_request(open_call)
    for part in (logs, vouchers, campaigns, customers, products, skus, metadata_schemas, async_actions, exports, events, webhook_sendouts):
        part.add_routes(blueprint)
    # A key in a header is not sent by a browser on its own, so there is nothing to forge.
    csrf.exempt(blueprint)
    app.register_blueprint(blueprint)
    document.register(app)
