"""What a list is asked with in its query string, as the API's document tells it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from auditpanel.api import paging
from auditpanel.catalogue.finding import LARGEST_PAGE, LAST_PAGE, PAGE_SIZE, Orders
from auditpanel.filters import Field, Fields, Match, Range

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    schema: Json
    description: str = ""

    @property
    def as_json(self) -> Json:
        told: Json = {"description": self.description} if self.description else {}
        return {"name": self.name, "in": "query", "schema": self.schema} | told


def text(name: str, description: str = "") -> Parameter:
    return Parameter(name, {"type": "string"}, description)


def moment(name: str, description: str) -> Parameter:
    return Parameter(name, {"type": "string", "format": "date-time"}, description)


def whole(name: str, *, default: int, highest: int, description: str = "") -> Parameter:
    return Parameter(name, {"type": "integer", "minimum": 1, "maximum": highest, "default": default}, description)


def one_of(name: str, choices: Iterable[str], *, default: str | None = None, description: str = "") -> Parameter:
    schema: Json = {"type": "string", "enum": list(choices)}
    return Parameter(name, schema | ({"default": default} if default else {}), description)


def page_of(orders: Orders, *, after: str = "created_at[after]", before: str = "created_at[before]") -> tuple[Parameter, ...]:
    """What `read_page` reads."""
    return (
        whole("limit", default=PAGE_SIZE, highest=LARGEST_PAGE, description="How many on a page"),
        whole("page", default=1, highest=LAST_PAGE),
        one_of("order", [way + name for name in orders for way in ("", "-")], default="-created_at", description="A minus: the last first"),
        moment(after, "Created after this moment"),
        moment(before, "Created before this moment"),
        moment("updated_at[after]", "Updated after this moment"),
        moment("updated_at[before]", "Updated before this moment"),
    )


def filters_of(fields: Fields, *, default_range: Range) -> tuple[Parameter, ...]:
    """What a FilterSet of these fields is read from, and the place in its list."""
    chosen = (range_ for range_ in Range if range_ is not Range.CUSTOM)
    return (
        one_of("match", Match, default=Match.ALL, description="Whether all of the filters must hold, or any"),
        one_of("range", chosen, default=default_range),
        text("created_after", "Instead of a range; a date, or a date and time, in project time unless it says its own zone"),
        text("created_before", "Instead of a range"),
        *map(_of_field, fields.values()),
        whole("limit", default=paging.PAGE_SIZE, highest=paging.LARGEST_PAGE, description="How many on a page"),
        text("cursor", "Where the page begins: the cursor of the page before"),
    )


def _of_field(field: Field) -> Parameter:
    choices = [value for value, _ in field.choices]
    if field.commas:
        return text(field.name, f"{', '.join(choices) or field.hint}; several with commas between")
    return one_of(field.name, choices) if choices else text(field.name, field.hint)
