"""Calls as a shop's integrations make them, with bodies of about 1 kB. The same seed makes the same calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from auditpanel.logs.values import NewLog, Origin, Reference

SEED = 20261124
FAILURES = 0.03
# Most calls come from a few origins, and some filters are rare.
ORIGINS = (Origin.API, Origin.SHOPIFY, Origin.BIGCOMMERCE, Origin.ACTIVECAMPAIGN, Origin.CUSTOMER_COCKPIT, Origin.DASHBOARD)
ORIGIN_WEIGHTS = (46, 27, 12, 8, 5, 2)
FAILED = (
    (400, "invalid_payload"),
    (401, "unauthorized"),
    (404, "not_found"),
    (409, "duplicate_found"),
    (429, "too_many_requests"),
    (500, "internal_error"),
)
WORDS = [
    "summer",
    "autumn",
    "welcome",
    "loyal",
    "gold",
    "gift",
    "spring",
    "black",
    "friday",
    "first",
    "order",
    "returning",
    "newsletter",
    "partner",
    "birthday",
    "bundle",
]


@dataclass(frozen=True, slots=True)
class Endpoint:
    method: str
    route: str
    collection: str
    has_body: bool


ENDPOINTS = (
    Endpoint("POST", "/v1/validations", "validations", has_body=True),
    Endpoint("POST", "/v1/redemptions", "redemptions", has_body=True),
    Endpoint("POST", "/v1/qualifications", "qualifications", has_body=True),
    Endpoint("GET", "/v1/vouchers/{code}", "vouchers", has_body=False),
    Endpoint("PUT", "/v1/vouchers/{code}", "vouchers", has_body=True),
    Endpoint("GET", "/v1/customers/{id}", "customers", has_body=False),
    Endpoint("POST", "/v1/orders", "orders", has_body=True),
    Endpoint("DELETE", "/v1/publications/{id}", "publications", has_body=False),
)
ENDPOINT_WEIGHTS = (30, 14, 12, 16, 5, 10, 11, 2)


def make_calls(random: Random, number: int, start: datetime, over: timedelta) -> Iterator[NewLog]:
    """Evenly spread over the time, in its order."""
    for index in range(number):
        yield make_call(random, start + over * ((index + random.random()) / number))


def make_call(random: Random, at: datetime) -> NewLog:
    endpoint = random.choices(ENDPOINTS, ENDPOINT_WEIGHTS)[0]
    origin = random.choices(ORIGINS, ORIGIN_WEIGHTS)[0]
    code, customer = _code(random), f"cust_{random.randrange(40_000):05d}"
    status, error = random.choice(FAILED) if random.random() < FAILURES else (200, None)
    request_id = f"v-{UUID(int=random.getrandbits(128)).hex}"
    agent = f"Voucherify-SDK/{random.randrange(5, 9)}.{random.randrange(10)}.0 ({origin.lower()})"
    return NewLog(
        id=UUID(int=random.getrandbits(128)),
        occurred_at=at,
        method=endpoint.method,
        path=endpoint.route.format(code=code, id=customer),
        route=f"{endpoint.method} {endpoint.route}",
        query=f"campaign={random.choice(WORDS)}&limit={random.randrange(10, 100)}" if endpoint.method == "GET" else None,
        status_code=status,
        duration_ms=round(random.lognormvariate(3.4, 0.7), 1),
        origin=origin,
        channel=f"SDK {random.randrange(5, 9)}",
        user=f"user{random.randrange(30)}@example.com" if origin is Origin.DASHBOARD else None,
        api_key=f"{origin.lower()}-{random.randrange(3)}",
        customer=customer if random.random() < 0.6 else None,
        client_ip=f"203.0.113.{random.randrange(2, 250)}",
        user_agent=agent,
        request_id=request_id,
        request_headers=[
            ("Host", "api.example.com"),
            ("Content-Type", "application/json"),
            ("User-Agent", agent),
            ("X-App-Token", "t" * 36),
        ],
        request_body=json.dumps(_order(random, customer, code)) if endpoint.has_body else None,
        response_headers=[("Content-Type", "application/json; charset=utf-8"), ("X-Request-Id", request_id)],
        response_body=json.dumps(_error(random, status, error) if error else _answer(random, endpoint, customer, code)),
        references=[Reference("voucher", code), Reference("customer", customer)],
    )


def _code(random: Random) -> str:
    return f"{random.choice(WORDS)}-{random.getrandbits(40):010x}".upper()


def _order(random: Random, customer: str, code: str) -> dict[str, object]:
    items = [
        {
            "product_id": f"prod_{random.getrandbits(48):012x}",
            "sku_id": f"sku_{random.randrange(9_000)}",
            "quantity": random.randrange(1, 5),
            "price": random.randrange(100, 90_000),
            "product": {"name": " ".join(random.choices(WORDS, k=3)), "metadata": {"colour": random.choice(WORDS)}},
        }
        for _ in range(random.randrange(2, 7))
    ]
    return {
        "customer": {"source_id": customer, "email": f"{customer}@example.com", "metadata": {"tier": random.choice(WORDS)}},
        "order": {"amount": random.randrange(1_000, 400_000), "currency": "PLN", "items": items},
        "redeemables": [{"object": "voucher", "id": code}],
    }


def _answer(random: Random, endpoint: Endpoint, customer: str, code: str) -> dict[str, object]:
    return {
        "id": f"{endpoint.collection[:4]}_{random.getrandbits(64):016x}",
        "object": endpoint.collection,
        "voucher": {"code": code, "type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": random.randrange(5, 60)}},
        "campaign": " ".join(random.choices(WORDS, k=4)),
        "history": [{"rule": f"rule_{random.getrandbits(40):010x}", "applied": random.random() < 0.5} for _ in range(8)],
        "order": _order(random, customer, code)["order"],
    }


def _error(random: Random, status: int, key: str) -> dict[str, object]:
    details = f"Property .order.items[{random.randrange(6)}] is not what {random.choice(WORDS)} takes"
    return {"code": status, "key": key, "message": key.replace("_", " "), "details": details, "rule": f"{random.getrandbits(64):016x}"}
