"""What vouchers are worth, what things cost, and whether a voucher or campaign counts now: in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from auditpanel.times import day_words, in_zone

Json = Mapping[str, object]

# Digits behind the point, by ISO 4217; all others have two.
_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI"), 0),
    **dict.fromkeys(("VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


@dataclass(frozen=True, slots=True)
class State:
    """`kind` is one of macros/badges."""

    kind: str
    text: str


def money_words(amount: int | float, currency: str | None = None) -> str:
    """`15.00 (1500)`: as people write it, and as the API has it, in the currency's smallest unit."""
    digits = _DIGITS.get(currency or "", 2)
    unit = f" {currency}" if currency else ""
    return f"{amount / 10**digits:,.{digits}f}{unit} ({amount:g})" if amount != int(amount) else _whole_words(int(amount), digits, unit)


def _whole_words(amount: int, digits: int, unit: str) -> str:
    # Not by floats: they hold no more than 15 figures.
    sign, figures = "-" if amount < 0 else "", f"{abs(amount):0{digits + 1}d}"
    whole, rest = (figures[:-digits], f".{figures[-digits:]}") if digits else (figures, "")
    return f"{sign}{int(whole):,}{rest}{unit} ({amount})"


def worth_words(discount: Json | None, gift: Json | None, loyalty_card: Json | None) -> str:
    if gift:
        amount, balance = _number(gift.get("amount")), _number(gift.get("balance"))
        left = f", {money_words(balance).partition(' (')[0]} left" if balance not in (None, amount) else ""
        return money_words(amount or 0) + left
    if loyalty_card:
        points, balance = _number(loyalty_card.get("points")), _number(loyalty_card.get("balance"))
        left = f", balance {balance:g}" if balance not in (None, points) else ""
        return f"{points or 0:g} points{left}"
    return _discount_words(discount or {})


def _discount_words(discount: Json) -> str:
    match discount.get("type"):
        case "PERCENT" if (number := _number(discount.get("percent_off"))) is not None:
            return f"{number:g}% off"
        case "AMOUNT" if (number := _number(discount.get("amount_off"))) is not None:
            return f"{money_words(number)} off"
        case "FIXED" if (number := _number(discount.get("fixed_amount"))) is not None:
            return f"fixed at {money_words(number)}"
        case "UNIT" if (number := _number(discount.get("unit_off"))) is not None:
            return f"{number:g} free"
        case "UNIT":
            return "free units"
        case str():
            return "by a formula"
    return ""


def _number(value: object) -> int | float | None:
    return value if isinstance(value, int | float) else None


def state_of(active: bool, start: datetime | None, end: datetime | None, now: datetime, zone: tzinfo) -> State:
    if not active:
        return State("off", "Disabled")
    if end is not None and end <= now:
        return State("plain", "Expired")
    if start is not None and start > now:
        return State("wait", f"From {day_words(in_zone(start, zone).date())}")
    return State("ok", "Active")


def validity_words(start: datetime | None, end: datetime | None, zone: tzinfo) -> str:
    """`From 1 Dec 2026, 00:00 to 24 Dec 2026, 18:00`"""
    parts = [f"From {_edge_words(start, zone)}"] if start else []
    if end:
        parts.append(f"{'to' if start else 'To'} {_edge_words(end, zone)}")
    return " ".join(parts) or "Without limit"


def _edge_words(moment: datetime, zone: tzinfo) -> str:
    local = in_zone(moment, zone)
    return f"{day_words(local.date())}, {local:%H:%M}"
