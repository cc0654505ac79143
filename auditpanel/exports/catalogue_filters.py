"""What exports of the catalogue can be narrowed by, and what that means in SQL: what the catalogue's lists and the API's can be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import SQLColumnExpression, false, or_, select

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.finding import id_or_none, is_findable
from auditpanel.catalogue.lists import SEARCHED, beginning_with, campaigns_named
from auditpanel.catalogue.models import Campaign, CampaignType, Customer, Product, Sku, Voucher, VoucherType
from auditpanel.filters import Field, Fields, FilterSet, Span, read_text, reader_of_choices
from auditpanel.ids import Prefix, format_id, parse_id
from auditpanel.keyset import Clause, Order, clauses_of

Model = TypeVar("Model", Campaign, Voucher, Customer, Product, Sku)
Meaning = Callable[[ProjectScope, str], Clause]

SWITCHES = (("true", "yes"), ("false", "no"))
VOUCHER_TYPES = tuple((str(type_), type_.replace("_", " ").lower()) for type_ in VoucherType)
CAMPAIGN_TYPES = tuple((str(type_), type_.replace("_", " ").lower()) for type_ in CampaignType)


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What one kind of record can be narrowed by. `always` holds for all that are shown at all."""

    fields: Fields
    meanings: dict[str, Meaning]
    order: Order
    always: Sequence[Clause] = ()

    def matching(self, scope: ProjectScope, filters: FilterSet, span: Span) -> list[Clause]:
        meanings = {name: _bound(meaning, scope) for name, meaning in self.meanings.items()}
        return [*self.order.within(scope.project_id, span), *self.always, *clauses_of(filters, meanings)]


def _bound(meaning: Meaning, scope: ProjectScope) -> Callable[[str], Clause]:
    return lambda value: meaning(scope, value)


def _narrowing(order: Order, terms: Iterable[tuple[Field, Meaning]], *always: Clause) -> Narrowing:
    terms = list(terms)
    return Narrowing({field.name: field for field, _ in terms}, {field.name: meaning for field, meaning in terms}, order, always)


def _id(prefix: Prefix, column: SQLColumnExpression[UUID]) -> tuple[Field, Meaning]:
    field = Field("id", "Id is", lambda text: format_id(prefix, parse_id(prefix, text)), hint=f"{prefix}…", commas=True)
    return field, lambda _, value: column == parse_id(prefix, value)


def _is(name: str, phrase: str, column: SQLColumnExpression[str] | SQLColumnExpression[str | None], hint: str) -> tuple[Field, Meaning]:
    return Field(name, phrase, read_text, hint=hint), lambda _, value: column == value


def _one_of(name: str, phrase: str, column: SQLColumnExpression[str], choices: tuple[tuple[str, str], ...]) -> tuple[Field, Meaning]:
    return Field(name, phrase, reader_of_choices(choices), choices=choices, commas=True), lambda _, value: column == value


def _active(column: SQLColumnExpression[bool]) -> tuple[Field, Meaning]:
    field = Field("active", "Active", reader_of_choices(SWITCHES), choices=SWITCHES, several=False)
    return field, lambda _, value: column.is_(value == "true")


def _search(model: type[Model], phrase: str, hint: str) -> tuple[Field, Meaning]:
    """What is typed above the list, in the same words."""

    def meaning(_: ProjectScope, value: str) -> Clause:
        return or_(*(begins for column in SEARCHED[model] for begins in beginning_with(column, value)))

    return Field("search", phrase, read_text, hint=hint), lambda scope, value: meaning(scope, value) if is_findable(value) else false()


def _of_campaign(scope: ProjectScope, value: str) -> Clause:
    """By its id or its name."""
    if campaign_id := id_or_none(Prefix.CAMPAIGN, value):
        return Voucher.campaign_id == campaign_id
    named = select(Campaign.id).where(Campaign.project_id == scope.project_id, Campaign.name == value, Campaign.deleted_at.is_(None))
    return Voucher.campaign_id == named.scalar_subquery()


def _of_product(scope: ProjectScope, value: str) -> Clause:
    """By its id or its source id."""
    if product_id := id_or_none(Prefix.PRODUCT, value):
        return Sku.product_id == product_id
    named = select(Product.id).where(Product.project_id == scope.project_id, Product.source_id == value)
    return Sku.product_id == named.scalar_subquery()


CAMPAIGNS = _narrowing(
    Order(Campaign.project_id, Campaign.created_at, Campaign.id),
    [
        (Field("search", "Name has", read_text, hint="Spring"), campaigns_named),
        _id(Prefix.CAMPAIGN, Campaign.id),
        _is("name", "Name is", Campaign.name, "Spring 2026"),
        _one_of("campaign_type", "Type is", Campaign.campaign_type, CAMPAIGN_TYPES),
        _is("category", "Category is", Campaign.category, "loyal customers"),
        _active(Campaign.active),
    ],
    Campaign.deleted_at.is_(None),
)
VOUCHERS = _narrowing(
    Order(Voucher.project_id, Voucher.created_at, Voucher.id),
    [
        (Field("campaign", "Campaign is", read_text, hint="its name, or camp_…"), _of_campaign),
        _search(Voucher, "Code begins with", "SPRING-"),
        _id(Prefix.VOUCHER, Voucher.id),
        _is("code", "Code is", Voucher.code, "SPRING-2026"),
        _one_of("type", "Type is", Voucher.type, VOUCHER_TYPES),
        _is("category", "Category is", Voucher.category, "loyal customers"),
        _active(Voucher.active),
    ],
)
CUSTOMERS = _narrowing(
    Order(Customer.project_id, Customer.created_at, Customer.id),
    [
        _search(Customer, "Source id or email begins with", "nina@"),
        _id(Prefix.CUSTOMER, Customer.id),
        _is("source_id", "Source id is", Customer.source_id, "the shop's own id"),
        _is("email", "Email is", Customer.email, "nina@example.com"),
        _is("name", "Name is", Customer.name, "Nina Kowalska"),
    ],
)
PRODUCTS = _narrowing(
    Order(Product.project_id, Product.created_at, Product.id),
    [
        _search(Product, "Source id or name begins with", "Shirt"),
        _id(Prefix.PRODUCT, Product.id),
        _is("source_id", "Source id is", Product.source_id, "the shop's own id"),
        _is("name", "Name is", Product.name, "Shirt"),
    ],
)
SKUS = _narrowing(
    Order(Sku.project_id, Sku.created_at, Sku.id),
    [
        (Field("product", "Product is", read_text, hint="its source id, or prod_…"), _of_product),
        _search(Sku, "Source id or name begins with", "Shirt, M"),
        _id(Prefix.SKU, Sku.id),
        _is("source_id", "Source id is", Sku.source_id, "the shop's own id"),
        _is("sku", "Name is", Sku.sku, "Shirt, M"),
    ],
)
