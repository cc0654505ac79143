"""Forms of catalogue records. They gather what the public API's bodies hold; what may stand in it, `catalogue` decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from wtforms import BooleanField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from auditpanel.catalogue import cells
from auditpanel.catalogue.cells import Convert, Wrong
from auditpanel.errors import InvalidInput
from auditpanel.panel.forms import PanelForm
from auditpanel.times import Edge, day_words, in_zone, parse_typed

Json = dict[str, object]
# What the fields show at first: texts, and yes or no.
Initial = Mapping[str, str | bool]

PLAIN = {"autocomplete": "off"}
EXACT = {"autocomplete": "off", "spellcheck": "false"}
UNIT_HINT = "In the currency's smallest unit: 1500 is 15.00"

# By the choice of a form: the field of the API, its other fields, the one that has the number, and how that is read.
WORTHS: Mapping[str, tuple[str, Json, str, Convert]] = {
    "PERCENT": ("discount", {"type": "PERCENT"}, "percent_off", cells.percent),
    "AMOUNT": ("discount", {"type": "AMOUNT"}, "amount_off", cells.amount),
    "FIXED": ("discount", {"type": "FIXED"}, "fixed_amount", cells.amount),
    "UNIT": ("discount", {"type": "UNIT"}, "unit_off", cells.whole),
    "GIFT": ("gift", {}, "amount", cells.amount),
    "LOYALTY": ("loyalty_card", {}, "points", cells.whole),
}
WORTH_CHOICES = [
    SelectChoice("PERCENT", "Discount in percent"),
    SelectChoice("AMOUNT", "Discount by an amount"),
    SelectChoice("FIXED", "Discount to a fixed price"),
    SelectChoice("UNIT", "Discount of free units"),
    SelectChoice("GIFT", "Gift card"),
    SelectChoice("LOYALTY", "Loyalty card"),
]
WORTH_HINT = "Percent like 12.5; an amount in the currency's smallest unit, 1500 for 15.00; units or points like 100"


class RecordForm(PanelForm):
    """`shown` are its fields in their order. `seen` says which state of the record the form was filled from."""

    shown: ClassVar[Sequence[str]] = ()
    # Where the rules name a part of the body that has no field of the same name here.
    places: ClassVar[Mapping[str, str]] = {}

    seen = HiddenField()

    def refuse(self, error: InvalidInput) -> None:
        place = (error.field or "").removeprefix("voucher.")
        named = next((name for start, name in self.places.items() if place.startswith(start)), place)
        super().refuse(InvalidInput(error.reason, field=named))

    def text(self, name: str) -> str | None:
        """What was typed, without spaces around it; None where the field is empty."""
        return str(self[name].data or "").replace("\r\n", "\n").strip() or None

    def given(self, *names: str) -> Json:
        """The fields that are not empty, as texts."""
        return {name: text for name in names if (text := self.text(name)) is not None}

    def changed(self, initial: Initial, *names: str) -> Json:
        """The fields that differ from what they showed, as texts; None for one that was emptied."""
        return {name: self.text(name) for name in names if name in self and (self.text(name) or "") != str(initial.get(name) or "").strip()}

    def switched(self, initial: Initial) -> Json:
        return {"active": bool(self["active"].data)} if bool(self["active"].data) != initial.get("active") else {}


class ValidityMixin:
    """The dates of vouchers and campaigns."""

    start_date = StringField("Starts", description="In project time, like 1 Dec 2026 or 1 Dec 2026 08:00", render_kw=EXACT)
    expiration_date = StringField("Ends", description="A day alone counts as a whole", render_kw=EXACT)
    active = BooleanField("Active", default=True, description="Only what is active can be redeemed")
    category = StringField("Category", render_kw=PLAIN)


def worth_select(*first: SelectChoice) -> SelectField:
    return SelectField("Worth", choices=[*first, *WORTH_CHOICES])


def worth_body(kind: str, text: str | None) -> dict[str, Json]:
    """The part of the body that says what a voucher is worth. Raises InvalidInput for the field `value`."""
    name, fixed, number, convert = WORTHS[kind]
    if text is None:
        raise InvalidInput("write how much it is worth", field="value")
    return {name: fixed | {number: read_cell(convert, text, "value")}}


def read_cell(convert: Convert, text: str, field: str) -> object:
    """Read as an import reads it. Raises InvalidInput."""
    try:
        return convert(text)
    except Wrong as wrong:
        raise InvalidInput(f'"{text[:60]}" {wrong}', field=field) from None


def worth_of(discount: Json | None, gift: Json | None, card: Json | None) -> tuple[str, str]:
    """The choice and the number that the form shows. Empty where a formula or several units say it."""
    kind = "GIFT" if gift else "LOYALTY" if card else str((discount or {}).get("type", ""))
    if kind not in WORTHS:
        return "", ""
    value = (gift or card or discount or {}).get(WORTHS[kind][2])
    return (kind, f"{value:.15g}") if isinstance(value, int | float) else ("", "")


def dates_body(texts: Json, zone: ZoneInfo) -> Json:
    """The same with the typed dates in ISO 8601. Raises InvalidInput."""
    read = dict(texts)
    for name, edge in (("start_date", Edge.START), ("expiration_date", Edge.END)):
        if (text := texts.get(name)) is not None:
            read[name] = _typed_moment(str(text), zone, edge, name).isoformat()
    return read


def _typed_moment(text: str, zone: ZoneInfo, edge: Edge, name: str) -> datetime:
    try:
        return parse_typed(text, zone, edge).at
    except InvalidInput as error:
        raise InvalidInput(error.reason, field=name) from None


def typed_moment(moment: datetime | None, zone: ZoneInfo) -> str:
    """As it could be typed in project time: `24 Nov 2026 16:42`."""
    if moment is None:
        return ""
    local = in_zone(moment, zone)
    return f"{day_words(local.date())} {local:%H:%M:%S}".removesuffix(":00")


def attributes_text_area(description: str) -> TextAreaField:
    return TextAreaField("Attributes", description=description, render_kw={"rows": 3, **EXACT})
