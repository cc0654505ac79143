"""What a voucher is worth and how its code is made: the small objects of the API that are kept as JSON, checked and completed."""

from __future__ import annotations

from msgspec import UnsetType, to_builtins

from auditpanel.catalogue import bodies
from auditpanel.catalogue.models import VoucherType
from auditpanel.catalogue.reading import BIGINT_LIMIT, INTEGER_LIMIT, check_amount, given, read_whole
from auditpanel.errors import InvalidInput

Json = dict[str, object]

DEFAULT_CHARSET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
DEFAULT_LENGTH = 8
CODE_LENGTH_LIMIT = 100
AFFIX_LIMIT = 100

# What each kind of discount has to say, other than by a formula.
_AMOUNTS = {
    bodies.DiscountAmount: ("amount_off", "amount_off_formula", 1e15, "the amount in the currency's smallest unit, like 1000 for 10.00"),
    bodies.DiscountPercent: ("percent_off", "percent_off_formula", 100, "a number from 0 to 100"),
    bodies.DiscountUnit: ("unit_off", "unit_off_formula", 1e9, "how many units are free, like 1"),
    bodies.DiscountFixed: ("fixed_amount", "fixed_amount_formula", 1e15, "the price in the currency's smallest unit, like 1000 for 10.00"),
}


def voucher_type_of(body: bodies.VoucherBody, path: str = "") -> VoucherType:
    """As it says, else by what it has. Raises InvalidInput where that object is missing."""
    has = {
        VoucherType.DISCOUNT: given(body.discount),
        VoucherType.GIFT: given(body.gift),
        VoucherType.LOYALTY: given(body.loyalty_card),
    }
    kind = VoucherType(body.type) if isinstance(body.type, str) else next((kind for kind, there in has.items() if there), None)
    if kind is None:
        raise InvalidInput("is missing; write DISCOUNT_VOUCHER, GIFT_VOUCHER or LOYALTY_CARD", field=f"{path}type")
    if not has[kind]:
        field, example = _EXAMPLES[kind]
        raise InvalidInput(f"is missing, which a {kind} has to have; write it like {example}", field=f"{path}{field}")
    return kind


_EXAMPLES = {
    VoucherType.DISCOUNT: ("discount", '{"type": "PERCENT", "percent_off": 10}'),
    VoucherType.GIFT: ("gift", '{"amount": 10000}'),
    VoucherType.LOYALTY: ("loyalty_card", '{"points": 0}'),
}


def discount_as_json(discount: bodies.Discount | UnsetType | None, path: str = "discount") -> Json:
    if not isinstance(discount, bodies.DiscountAmount | bodies.DiscountPercent | bodies.DiscountUnit | bodies.DiscountFixed):
        raise InvalidInput('is missing; write it like {"type": "PERCENT", "percent_off": 10}', field=path)
    name, formula, highest, wanted = _AMOUNTS[type(discount)]
    several = isinstance(discount, bodies.DiscountUnit) and given(discount.units)
    if not (given(getattr(discount, name)) or given(getattr(discount, formula)) or several):
        raise InvalidInput(f"is missing; write {wanted}", field=f"{path}.{name}")
    check_amount(getattr(discount, name), f"{path}.{name}", highest=highest)
    as_json: Json = to_builtins(discount)
    if not isinstance(discount, bodies.DiscountUnit):
        as_json.setdefault("effect", "APPLY_TO_ORDER")
    return as_json


def gift_as_json(gift: bodies.Gift | UnsetType | None, path: str = "gift") -> Json:
    """The balance is what is left of the amount, unless it is given."""
    if not isinstance(gift, bodies.Gift) or not isinstance(gift.amount, int | float):
        raise InvalidInput("is missing; write the amount in the currency's smallest unit, like 10000 for 100.00", field=f"{path}.amount")
    for name in ("amount", "subtracted_amount", "balance"):
        check_amount(getattr(gift, name), f"{path}.{name}")
    subtracted = gift.subtracted_amount if isinstance(gift.subtracted_amount, int | float) else 0
    balance = gift.balance if isinstance(gift.balance, int | float) else gift.amount - subtracted
    effect = gift.effect if isinstance(gift.effect, str) else "APPLY_TO_ORDER"
    return {"amount": gift.amount, "subtracted_amount": subtracted, "balance": balance, "effect": effect}


def loyalty_card_as_json(card: bodies.LoyaltyCard | UnsetType | None, path: str = "loyalty_card") -> Json:
    """The balance is the points, unless it is given."""
    if not isinstance(card, bodies.LoyaltyCard):
        raise InvalidInput('is missing; write it like {"points": 0}', field=path)
    points = read_whole(card.points, f"{path}.points") or 0
    balance = read_whole(card.balance, f"{path}.balance", lowest=-BIGINT_LIMIT)
    kept: Json = to_builtins(card)
    return kept | {"points": points, "balance": points if balance is None else balance}


def redemption_quantity_of(redemption: bodies.Redemption | UnsetType | None, path: str = "redemption") -> int | None:
    quantity = redemption.quantity if isinstance(redemption, bodies.Redemption) else None
    return read_whole(quantity, f"{path}.quantity", lowest=1, highest=INTEGER_LIMIT)


def campaign_voucher_as_json(voucher: bodies.VoucherBody | UnsetType | None, kind: VoucherType) -> Json:
    """The campaign's `voucher`. Raises InvalidInput where it is missing or does not fit the kind of campaign."""
    field, example = _EXAMPLES[kind]
    if not isinstance(voucher, bodies.VoucherBody):
        raise InvalidInput(f'is missing; write it like {{"type": "{kind}", "{field}": {example}}}', field="voucher")
    if given(voucher.type) and voucher.type != kind:
        raise InvalidInput(f'"{voucher.type}" does not fit the kind of campaign; write {kind}', field="voucher.type")
    made: Json = {"type": str(kind), "redemption": {"quantity": redemption_quantity_of(voucher.redemption, "voucher.redemption")}}
    if kind is VoucherType.DISCOUNT:
        made["discount"] = discount_as_json(voucher.discount, "voucher.discount")
    elif kind is VoucherType.GIFT:
        made["gift"] = gift_as_json(voucher.gift, "voucher.gift")
    else:
        made["loyalty_card"] = loyalty_card_as_json(voucher.loyalty_card, "voucher.loyalty_card")
    return made | {"code_config": code_config_as_json(voucher.code_config, "voucher.code_config")}


def code_config_as_json(config: bodies.CodeConfig | UnsetType | None, path: str = "code_config") -> Json:
    """Complete: with a charset, and a pattern in which each # is to become a character of it."""
    config = config if isinstance(config, bodies.CodeConfig) else bodies.CodeConfig()
    charset = config.charset if isinstance(config.charset, str) and config.charset else DEFAULT_CHARSET
    pattern = config.pattern if isinstance(config.pattern, str) and config.pattern else None
    length = config.length if isinstance(config.length, int | float) else DEFAULT_LENGTH
    if length != int(length) or not 1 <= length <= CODE_LENGTH_LIMIT:
        raise InvalidInput(f"{length:g} is no length of a code; write 1 to {CODE_LENGTH_LIMIT}", field=f"{path}.length")
    pattern = pattern if pattern else "#" * int(length)
    if "#" not in pattern or len(pattern) > CODE_LENGTH_LIMIT:
        wanted = f'write up to {CODE_LENGTH_LIMIT} characters with a # for each that varies, like "SUMMER-#######"'
        raise InvalidInput(f'"{pattern[:60]}" is no pattern of codes; {wanted}', field=f"{path}.pattern")
    affixes = {name: getattr(config, name) for name in ("prefix", "postfix") if isinstance(getattr(config, name), str)}
    for name, text in affixes.items():
        if len(text) > AFFIX_LIMIT:
            raise InvalidInput(f"has {len(text)} characters; at most {AFFIX_LIMIT} are taken", field=f"{path}.{name}")
    return {"length": pattern.count("#"), "charset": charset, **affixes, "pattern": pattern}
