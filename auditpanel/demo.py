"""A demo project with a little history, so that a first look at the panel shows something: a shop, and one integration that breaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, Role
from auditpanel.accounts.projects import create_project
from auditpanel.accounts.scope import scope_of_project
from auditpanel.logs.store import store_logs
from auditpanel.logs.values import NewLog, Origin, Reference

CALLS = 1_400
HISTORY = timedelta(days=4)
# Since then, calls from Shopify fail: it sends order.amount as a string.
BROKEN_FOR = timedelta(hours=4, minutes=40)
BATCH = 500

CALLERS = (
    (Origin.API, "checkout", "Node.js SDK 2.9.0", "Voucherify-JS-SDK/2.9.0 node/20.11"),
    (Origin.SHOPIFY, "shopify-prod", "Node.js SDK 2.9.1", "Voucherify-JS-SDK/2.9.1 node/20.11"),
    (Origin.API, "erp-sync", "Python SDK 8.1.2", "voucherify-python-sdk/8.1.2 python/3.11"),
    (Origin.BIGCOMMERCE, "bigcommerce", None, "BigCommerce/1.0"),
    (Origin.ACTIVECAMPAIGN, "activecampaign", None, "ActiveCampaign-Webhooks/2.0"),
    (Origin.CUSTOMER_COCKPIT, None, None, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"),
)
WEIGHTS = (40, 26, 12, 8, 7, 7)
CODES = ("SUMMER-24", "AUTUMN-15", "WELCOME-10", "LOYAL-GOLD", "BF-2026-7Q2M", "GIFT-50-K9XD")
CUSTOMERS = ("anna.w@example.com", "piotr.zielinski@example.com", "m.rossi@example.com", "sofia.lind@example.com", "j.tanaka@example.com")


def make_demo(session: Session, now: datetime) -> Project:
    """The same calls each time, at other times. The caller commits."""
    project = create_project(session, "Acme Shop (demo)", "Europe/Warsaw")
    scope = scope_of_project(project, Role.ADMIN)
    logs = list(_history(Random(20261124), now))
    for start in range(0, len(logs), BATCH):
        store_logs(session, scope, logs[start : start + BATCH], now=now)
    return project


def _history(random: Random, now: datetime) -> Iterator[NewLog]:
    for _ in range(CALLS):
        # More calls of late than of days ago.
        ago = HISTORY * random.random() ** 2
        yield _call(random, now - ago - timedelta(microseconds=random.randrange(1_000_000)), is_broken=ago < BROKEN_FOR)


def _call(random: Random, at: datetime, *, is_broken: bool) -> NewLog:
    origin, key, channel, agent = random.choices(CALLERS, WEIGHTS)[0]
    customer, code = random.choice(CUSTOMERS), random.choice(CODES)
    method, path, route, body, answer = random.choice(
        (
            ("POST", "/v1/validations", "/v1/validations", _order(random, customer, code), {"valid": True, "redeemables": [{"id": code}]}),
            ("GET", f"/v1/vouchers/{code}", "/v1/vouchers/{code}", None, {"code": code, "type": "DISCOUNT_VOUCHER", "active": True}),
            (
                "POST",
                "/v1/redemptions",
                "/v1/redemptions",
                _order(random, customer, code),
                {"result": "SUCCESS", "voucher": {"code": code}},
            ),
            ("GET", f"/v1/customers/{customer}", "/v1/customers/{customerId}", None, {"source_id": customer, "object": "customer"}),
        )
    )
    status, duration_ms = 200, round(random.lognormvariate(3.4, 0.7), 1)
    chance = random.random()
    if is_broken and origin is Origin.SHOPIFY and body and chance < 0.8:
        body["order"] = {"amount": "12900", "currency": "PLN"}
        status, answer = 400, _error(400, "invalid_payload", "Invalid payload", "Property .order.amount must be a number")
    elif chance < 0.02:
        status, duration_ms = 500, round(random.uniform(2_400, 3_900), 1)
        answer = _error(500, "internal_error", "Internal error", "An unexpected error occurred")
    elif chance < 0.06 and code in path:
        wrong = code.replace("MM", "M").replace("-", "")
        path = path.replace(code, wrong)
        status, answer = 404, _error(404, "voucher_not_found", "Resource not found", f"Cannot find voucher with id {wrong}")
    request_id = f"v-{UUID(int=random.getrandbits(128)).hex}"
    return NewLog(
        occurred_at=at,
        method=method,
        path=path,
        route=f"{method} {route}",
        status_code=status,
        duration_ms=duration_ms,
        origin=origin,
        channel=channel,
        api_key=key,
        customer=customer if body or origin is Origin.CUSTOMER_COCKPIT else None,
        client_ip=f"203.0.113.{random.randrange(2, 250)}",
        user_agent=agent,
        request_id=request_id,
        request_headers=[
            ("Host", "api.acme-shop.example"),
            ("Accept", "application/json"),
            ("Content-Type", "application/json"),
            ("User-Agent", agent),
            ("X-App-Id", "0199c2f4-7b1e-7d21-a1f6-e8407cd4c44b"),
            ("X-App-Token", "not-a-real-token-it-is-redacted"),
        ],
        request_body=json.dumps(body, indent=2) if body else None,
        response_headers=[("Content-Type", "application/json; charset=utf-8"), ("X-Request-Id", request_id)],
        response_body=json.dumps(answer | ({"request_id": request_id} if status >= 400 else {})),
        references=[Reference("voucher", code)] + ([Reference("customer", customer)] if body else []),
    )


def _order(random: Random, customer: str, code: str) -> dict[str, object]:
    items = [{"sku_id": f"sku_{random.randrange(1000, 9999)}", "quantity": random.randrange(1, 4), "price": 4300} for _ in range(2)]
    return {
        "customer": {"source_id": customer},
        "order": {"amount": random.randrange(20, 400) * 100, "currency": "PLN", "items": items},
        "redeemables": [{"object": "voucher", "id": code}],
        "session": {"type": "LOCK", "session_token": f"{random.getrandbits(96):024x}"},
    }


def _error(code: int, key: str, message: str, details: str) -> dict[str, object]:
    return {"code": code, "key": key, "message": message, "details": details}
