"""Event types as people choose and read them: by the kind of object that they tell of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auditpanel.webhooks.values import EventType

OBJECTS = {
    "voucher": "Vouchers",
    "customer": "Customers",
    "product": "Products",
    "campaign": "Campaigns",
    "async_action": "Background tasks",
    "export": "Exports",
}
ALL_EVENTS = "All events"
# The others read well as they are: `enabled`, `ready`.
_WORDS = {EventType.CAMPAIGN_VOUCHERS_GENERATED: "vouchers generated"}


@dataclass(frozen=True, slots=True)
class TypeGroup:
    """The types of one kind of object."""

    title: str
    types: tuple[EventType, ...]

    def words(self, chosen: Sequence[str]) -> str:
        """`Vouchers: created, updated`; empty where none of them was chosen."""
        found = [type_ for type_ in self.types if type_ in chosen]
        if not found:
            return ""
        return f"{self.title}: {'all' if len(found) == len(self.types) > 1 else ', '.join(map(type_words, found))}"


def _groups() -> tuple[TypeGroup, ...]:
    """A test is not chosen by anybody: it is sent to one webhook."""
    found = [(title, tuple(type_ for type_ in EventType if type_.startswith(f"{name}."))) for name, title in OBJECTS.items()]
    return tuple(TypeGroup(title, types) for title, types in found)


GROUPS = _groups()
KNOWN_TYPES = tuple(type_ for group in GROUPS for type_ in group.types)


def type_words(type_: EventType) -> str:
    """Within its group: `created`."""
    return _WORDS.get(type_) or type_.partition(".")[2].replace(".", " ")


def other_types(types: Sequence[str]) -> list[str]:
    """Those of other services."""
    return [type_ for type_ in types if type_ not in KNOWN_TYPES]


def event_words(types: Sequence[str] | None) -> list[str]:
    """`Vouchers: created, updated`, `Campaigns: all`, `order.created`: in the order of the form, those of other services last."""
    if types is None:
        return [ALL_EVENTS]
    return [words for group in GROUPS if (words := group.words(types))] + other_types(types)
