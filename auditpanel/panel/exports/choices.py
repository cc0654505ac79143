"""What a person chooses for a file: its fields and their order, its format, how it is ordered, the clock of its times.

The form has every field of the kind of record, each with a box: `column` names them all, in order, `field` those that are ticked. Without
scripts a field is moved by a button, which sends the form and gets it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from auditpanel.errors import InvalidInput
from auditpanel.exports.layouts import checked_layout
from auditpanel.exports.subjects import CREATED_AT, Subject
from auditpanel.exports.values import XLSX_ROWS, Format, Layout, Packing
from auditpanel.panel.exports.showing import FORMAT_LABELS

FORMAT_WORDS = {
    Format.CSV: "opens in any spreadsheet",
    Format.NDJSON: "one record a line, exact values",
    Format.XLSX: f"Excel, to {XLSX_ROWS - 1:,} rows",
    Format.PARQUET: "for analysis, types kept",
}
UP, DOWN, ALL, USUAL = "up", "down", "all", "usual"


@dataclass(frozen=True, slots=True)
class FieldChoice:
    name: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Option:
    """One of several, of which one is chosen."""

    value: str
    label: str
    is_chosen: bool
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """As they stand in the form, not checked: `layout` does that. `zone` is the project's."""

    subject: Subject
    zone: ZoneInfo
    fields: tuple[FieldChoice, ...]
    order: str
    format: str = Format.CSV
    time_zone: str = ""
    has_gzip: bool = False
    has_bom: bool = False

    @classmethod
    def usual(cls, subject: Subject, zone: ZoneInfo) -> Choices:
        return cls(subject, zone, _fields(subject, subject.default_fields), subject.default_order, time_zone=zone.key)

    @classmethod
    def of_layout(cls, subject: Subject, zone: ZoneInfo, layout: Layout) -> Choices:
        fields = _fields(subject, layout.fields)
        is_packed = layout.packing is Packing.GZIP
        return cls(subject, zone, fields, layout.order, layout.format, layout.time_zone, is_packed, layout.has_bom)

    @classmethod
    def read(cls, subject: Subject, zone: ZoneInfo, form: MultiDict[str, str]) -> Choices:
        """With the move that the form asks for made."""
        chosen = set(form.getlist("field"))
        order = [name for name in dict.fromkeys(form.getlist("column")) if name in subject.columns]
        fields = tuple(FieldChoice(name, name in chosen) for name in [*order, *(name for name in subject.columns if name not in order)])
        choices = cls(
            subject,
            zone,
            fields,
            form.get("order", subject.default_order),
            form.get("format", Format.CSV),
            form.get("time_zone", zone.key),
            "gzip" in form,
            "bom" in form,
        )
        return choices.moved(form.get("move", ""))

    def moved(self, move: str) -> Choices:
        act, _, name = move.partition(":")
        if act == ALL:
            return replace(self, fields=tuple(FieldChoice(field.name, True) for field in self.fields))
        if act == USUAL:
            return replace(self, fields=_fields(self.subject, self.subject.default_fields))
        place = next((place for place, field in enumerate(self.fields) if field.name == name), None)
        other = None if place is None else place - 1 if act == UP else place + 1 if act == DOWN else None
        if place is None or other is None or not 0 <= other < len(self.fields):
            return self
        fields = list(self.fields)
        fields[place], fields[other] = fields[other], fields[place]
        return replace(self, fields=tuple(fields))

    def layout(self) -> Layout:
        """Raises InvalidInput, whose field is that of the form."""
        names = [field.name for field in self.fields if field.is_chosen]
        if not names:
            raise InvalidInput("none is chosen; a file needs one field at least", field="fields")
        return checked_layout(
            self.subject,
            fields=names,
            order=self.order,
            format=self.format,
            gzip=self.has_gzip,
            bom=self.has_bom,
            time_zone=self.time_zone,
        )

    @property
    def chosen_text(self) -> str:
        return f"{sum(field.is_chosen for field in self.fields)} of {len(self.fields)}"

    @property
    def formats(self) -> list[Option]:
        return [Option(format, FORMAT_LABELS[format], format == self.format, FORMAT_WORDS[format]) for format in Format]

    @property
    def orders(self) -> list[Option]:
        both = (order for name in self.subject.orders for order in ((f"-{name}", name) if name == CREATED_AT else (name, f"-{name}")))
        return [Option(order, order_words(order), order == self.order) for order in both]

    @property
    def zones(self) -> list[Option]:
        known = dict.fromkeys((self.zone.key, "UTC", self.time_zone))
        return [Option(name, _zone_words(name, self.zone), name == self.time_zone) for name in known if name]

    def example(self, now: datetime) -> str:
        """A moment as the file has it."""
        zone = self.zone if self.time_zone in ("", self.zone.key) else ZoneInfo("UTC")
        return now.astimezone(zone).isoformat(timespec="microseconds")


def order_words(order: str) -> str:
    name, is_falling = order.removeprefix("-"), order.startswith("-")
    if name == CREATED_AT:
        return "Newest first" if is_falling else "Oldest first"
    return f"By {name}, {'falling' if is_falling else 'rising'}"


def _zone_words(name: str, zone: ZoneInfo) -> str:
    return f"Project time, {name}" if name == zone.key else name


def _fields(subject: Subject, chosen: Sequence[str]) -> tuple[FieldChoice, ...]:
    """Those that are chosen come first."""
    known = [name for name in chosen if name in subject.columns]
    rest = [FieldChoice(name, False) for name in subject.columns if name not in known]
    return tuple([FieldChoice(name, True) for name in known] + rest)
