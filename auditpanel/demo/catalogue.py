"""What the shop has given out and sells: all that the calls name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.campaigns import create_campaign, get_campaign, inherited
from auditpanel.catalogue.customers import create_customer, customer_as_json
from auditpanel.catalogue.models import Campaign, Customer, Product, Sku, Voucher
from auditpanel.catalogue.products import create_product, get_product
from auditpanel.catalogue.skus import create_sku
from auditpanel.catalogue.values import read_campaign, read_customer, read_product, read_sku, read_voucher
from auditpanel.catalogue.vouchers import campaign_names, create_voucher, voucher_as_json

Json = dict[str, object]

# Bodies of the API, by what they are named by in calls.
BLACK_FRIDAY, GIFT_CARDS = "Black Friday 2026", "Gift cards"
_TWENTY_OFF: Json = {"type": "PERCENT", "percent_off": 20, "effect": "APPLY_TO_ORDER"}
_FIFTY: Json = {"amount": 5_000, "effect": "APPLY_TO_ORDER"}
CAPITALS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CAMPAIGNS: Mapping[str, Json] = {
    BLACK_FRIDAY: {
        "campaign_type": "DISCOUNT_COUPONS",
        "type": "STATIC",
        "category": "Seasonal",
        "description": "20 % off the order.",
        "voucher": {
            "type": "DISCOUNT_VOUCHER",
            "discount": _TWENTY_OFF,
            "code_config": {"pattern": "BF-2026-####", "charset": CAPITALS},
        },
        "metadata": {"owner": "marketing"},
    },
    GIFT_CARDS: {
        "campaign_type": "GIFT_VOUCHERS",
        "type": "STATIC",
        "description": "Sold at the counter.",
        "voucher": {"type": "GIFT_VOUCHER", "gift": _FIFTY, "code_config": {"pattern": "GIFT-50-####", "charset": CAPITALS}},
    },
}
VOUCHERS: Mapping[str, Json] = {
    "SUMMER-24": {"type": "DISCOUNT_VOUCHER", "discount": {"type": "PERCENT", "percent_off": 24}, "category": "Seasonal"},
    "AUTUMN-15": {"type": "DISCOUNT_VOUCHER", "discount": {"type": "AMOUNT", "amount_off": 1_500}, "category": "Seasonal"},
    "WELCOME-10": {
        "type": "DISCOUNT_VOUCHER",
        "discount": {"type": "PERCENT", "percent_off": 10},
        "additional_info": "For the first order.",
    },
    "LOYAL-GOLD": {"type": "LOYALTY_CARD", "loyalty_card": {"points": 1_250}, "metadata": {"tier": "gold"}},
    "BF-2026-7Q2M": {"type": "DISCOUNT_VOUCHER", "discount": _TWENTY_OFF, "campaign": BLACK_FRIDAY},
    "GIFT-50-K9XD": {"type": "GIFT_VOUCHER", "gift": _FIFTY | {"balance": 3_200, "subtracted_amount": 1_800}, "campaign": GIFT_CARDS},
}
CUSTOMERS: Mapping[str, Json] = {
    "anna.w@example.com": {"name": "Anna Wiśniewska", "address": {"city": "Kraków", "country": "PL"}, "metadata": {"tier": "gold"}},
    "piotr.zielinski@example.com": {"name": "Piotr Zieliński", "address": {"city": "Gdańsk", "country": "PL"}},
    "m.rossi@example.com": {"name": "Marco Rossi", "address": {"city": "Torino", "country": "IT"}},
    "sofia.lind@example.com": {"name": "Sofia Lind", "address": {"city": "Malmö", "country": "SE"}},
    "j.tanaka@example.com": {"name": "Jun Tanaka", "address": {"city": "Osaka", "country": "JP"}, "metadata": {"tier": "silver"}},
}
PRODUCTS: Mapping[str, Json] = {
    "mug": {"name": "Enamel mug", "price": 4_300, "attributes": ["colour"]},
    "blanket": {"name": "Wool blanket", "price": 21_900, "attributes": ["colour", "size"]},
    "coffee": {"name": "House blend, 1 kg", "price": 8_900},
}
SKUS: Mapping[str, Json] = {
    "mug-blue": {"product": "mug", "sku": "Enamel mug, blue", "price": 4_300, "currency": "PLN", "attributes": {"colour": "blue"}},
    "mug-white": {"product": "mug", "sku": "Enamel mug, white", "price": 4_300, "currency": "PLN", "attributes": {"colour": "white"}},
    "blanket-s": {"product": "blanket", "sku": "Wool blanket, small", "price": 21_900, "currency": "PLN", "attributes": {"size": "S"}},
    "blanket-l": {"product": "blanket", "sku": "Wool blanket, large", "price": 29_900, "currency": "PLN", "attributes": {"size": "L"}},
    "coffee-1kg": {"product": "coffee", "sku": "House blend, 1 kg", "price": 8_900, "currency": "PLN"},
}
AGE, APART = timedelta(days=40), timedelta(hours=7)


@dataclass(frozen=True, slots=True)
class Stock:
    """Vouchers by code and customers by source id, as the API shows them."""

    black_friday: Campaign
    vouchers: Mapping[str, Json]
    customers: Mapping[str, Json]


def make_catalogue(session: Session, scope: ProjectScope, now: datetime) -> Stock:
    campaigns = [create_campaign(session, scope, read_campaign(body | {"name": name})) for name, body in CAMPAIGNS.items()]
    vouchers = [_make_voucher(session, scope, code, body) for code, body in VOUCHERS.items()]
    customers = [
        create_customer(session, scope, read_customer(body | {"source_id": email, "email": email})) for email, body in CUSTOMERS.items()
    ]
    products = [create_product(session, scope, read_product(body | {"source_id": id})) for id, body in PRODUCTS.items()]
    skus = [
        create_sku(session, scope, get_product(session, scope, str(body["product"])), read_sku(body | {"source_id": id}))
        for id, body in SKUS.items()
    ]
    records: list[Campaign | Voucher | Customer | Product | Sku] = [*campaigns, *vouchers, *customers, *products, *skus]
    for place, record in enumerate(records):
        record.created_at = now - AGE + place * APART
    session.flush()
    names = campaign_names(session, scope, vouchers)
    return Stock(
        campaigns[0],
        {voucher.code: voucher_as_json(voucher, names) for voucher in vouchers},
        {str(customer.source_id): customer_as_json(customer) for customer in customers},
    )


def _make_voucher(session: Session, scope: ProjectScope, code: str, body: Json) -> Voucher:
    new = read_voucher(body | {"code": code})
    campaign = get_campaign(session, scope, new.campaign) if new.campaign else None
    # The code is given: there is nothing to draw.
    return create_voucher(session, scope, inherited(campaign, new) if campaign else new, campaign=campaign, random=Random(0))
