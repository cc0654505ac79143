"""Four days of calls to the shop's project. Since some hours, those from Shopify fail."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from auditpanel.demo.catalogue import CUSTOMERS, SKUS, VOUCHERS
from auditpanel.ids import Prefix, format_id
from auditpanel.logs.values import NewLog, Origin, Reference
from auditpanel.tasks.values import Asker

Json = dict[str, object]

CALLS = 1_400
HISTORY = timedelta(days=4)
# Since then, calls from Shopify fail: it sends order.amount as a string.
BROKEN_FOR = timedelta(hours=4, minutes=40)
REDEMPTION = "POST /v1/redemptions"


@dataclass(frozen=True, slots=True)
class Integration:
    """Who calls. Its `channel` is an SDK."""

    origin: Origin
    api_key: str | None
    channel: str | None
    user_agent: str

    def asker(self, request_id: str) -> Asker:
        return Asker(request_id, self.origin, self.channel, api_key=self.api_key)


ERP = Integration(Origin.API, "erp-sync", "Python SDK 8.1.2", "voucherify-python-sdk/8.1.2 python/3.11")
ERP_IP = "198.51.100.20"
INTEGRATIONS = {
    Integration(Origin.API, "checkout", "Node.js SDK 2.9.0", "Voucherify-JS-SDK/2.9.0 node/20.11"): 40,
    Integration(Origin.SHOPIFY, "shopify-prod", "Node.js SDK 2.9.1", "Voucherify-JS-SDK/2.9.1 node/20.11"): 26,
    ERP: 12,
    Integration(Origin.BIGCOMMERCE, "bigcommerce", None, "BigCommerce/1.0"): 8,
    Integration(Origin.ACTIVECAMPAIGN, "activecampaign", None, "ActiveCampaign-Webhooks/2.0"): 7,
    Integration(Origin.CUSTOMER_COCKPIT, None, None, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"): 7,
}


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is None where it is that of the route."""

    route: str
    path: str | None = None
    query: str | None = None
    body: str | None = None
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    status_code: int
    body: Json
    duration_ms: float


def make_history(random: Random, now: datetime) -> list[NewLog]:
    # More calls of late than of days ago.
    agos = [HISTORY * random.random() ** 2 for _ in range(CALLS)]
    return [_call(random, now - ago, is_broken=ago < BROKEN_FOR) for ago in agos]


def make_request_id(random: Random) -> str:
    return format_id(Prefix.REQUEST, UUID(int=random.getrandbits(128)))


def make_call(
    by: Integration,
    at: datetime,
    request_id: str,
    request: Request,
    reply: Reply,
    *,
    client_ip: str,
    customer: str | None = None,
    references: Sequence[Reference] = (),
) -> NewLog:
    method, _, path = request.route.partition(" ")
    return NewLog(
        occurred_at=at,
        method=method,
        path=request.path or path,
        route=request.route,
        query=request.query,
        status_code=reply.status_code,
        duration_ms=reply.duration_ms,
        origin=by.origin,
        channel=by.channel,
        api_key=by.api_key,
        customer=customer,
        client_ip=client_ip,
        user_agent=by.user_agent,
        request_id=request_id,
        request_headers=[
            ("Host", "api.acme-shop.example"),
            ("Accept", "application/json"),
            ("Content-Type", request.content_type),
            ("User-Agent", by.user_agent),
            ("X-App-Id", "0199c2f4-7b1e-7d21-a1f6-e8407cd4c44b"),
            ("X-App-Token", "not-a-real-token-it-is-redacted"),
        ],
        request_body=request.body,
        response_headers=[("Content-Type", "application/json; charset=utf-8"), ("X-Request-Id", request_id)],
        response_body=json.dumps(reply.body | ({"request_id": request_id} if reply.status_code >= 400 else {})),
        references=list(references),
    )


def make_error(code: int, key: str, message: str, details: str) -> Json:
    return {"code": code, "key": key, "message": message, "details": details}


def _call(random: Random, at: datetime, *, is_broken: bool) -> NewLog:
    by = random.choices([*INTEGRATIONS], [*INTEGRATIONS.values()])[0]
    customer, code = random.choice([*CUSTOMERS]), random.choice([*VOUCHERS])
    calls: tuple[tuple[str, str | None, Json | None, Json], ...] = (
        ("POST /v1/validations", None, _order(random, customer, code), {"valid": True, "redeemables": [{"id": code}]}),
        ("GET /v1/vouchers/{code}", f"/v1/vouchers/{code}", None, {"code": code, "type": VOUCHERS[code]["type"], "active": True}),
        (REDEMPTION, None, _order(random, customer, code), {"result": "SUCCESS", "voucher": {"code": code}}),
        ("GET /v1/customers/{customerId}", f"/v1/customers/{customer}", None, {"source_id": customer, "object": "customer"}),
    )
    route, path, body, answer = random.choice(calls)
    status, duration_ms = 200, round(random.lognormvariate(3.4, 0.7), 1)
    chance = random.random()
    if is_broken and by.origin is Origin.SHOPIFY and body and chance < 0.8:
        body["order"] = {"amount": "12900", "currency": "PLN"}
        status, answer = 400, make_error(400, "invalid_payload", "Invalid payload", "Property .order.amount must be a number")
    elif chance < 0.02:
        status, duration_ms = 500, round(random.uniform(2_400, 3_900), 1)
        answer = make_error(500, "internal_error", "Internal error", "An unexpected error occurred")
    elif chance < 0.06 and path and code in path:
        wrong = code.replace("MM", "M").replace("-", "")
        path = path.replace(code, wrong)
        status, answer = 404, make_error(404, "voucher_not_found", "Resource not found", f"Cannot find voucher with id {wrong}")
    return make_call(
        by,
        at,
        make_request_id(random),
        Request(route, path, body=json.dumps(body, indent=2) if body else None),
        Reply(status, answer, duration_ms),
        client_ip=f"203.0.113.{random.randrange(2, 250)}",
        customer=customer if body or by.origin is Origin.CUSTOMER_COCKPIT else None,
        references=[Reference("voucher", code)] + ([Reference("customer", customer)] if body else []),
    )


def _order(random: Random, customer: str, code: str) -> Json:
    items = [{"sku_id": sku, "quantity": random.randrange(1, 4), "price": SKUS[sku]["price"]} for sku in random.sample([*SKUS], 2)]
    return {
        "customer": {"source_id": customer},
        "order": {"amount": random.randrange(20, 400) * 100, "currency": "PLN", "items": items},
        "redeemables": [{"object": "voucher", "id": code}],
        "session": {"type": "LOCK", "session_token": f"{random.getrandbits(96):024x}"},
    }
