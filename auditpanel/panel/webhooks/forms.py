"""The form of a webhook. It says what fields there are; what may stand in them, `webhooks` decides."""

from __future__ import annotations

from collections.abc import Sequence

from wtforms import BooleanField, HiddenField, RadioField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.widgets import CheckboxInput

from auditpanel.accounts.names import NAME_CHARACTERS
from auditpanel.errors import InvalidInput
from auditpanel.panel.forms import PanelForm
from auditpanel.panel.webhooks.events import KNOWN_TYPES, other_types
from auditpanel.webhooks.event_types import checked_type
from auditpanel.webhooks.target_records import WebhookLine
from auditpanel.webhooks.values import Headers

EXACT = {"autocomplete": "off", "spellcheck": "false"}
# Stands for a header's value in the form, so that no page has to hold it.
UNCHANGED = "[unchanged]"
ALL, CHOSEN = "all", "chosen"
_SHOWN_ON = "on"


class WebhookForm(PanelForm):
    name = StringField("Name", render_kw={"autocomplete": "off", "maxlength": NAME_CHARACTERS})
    url = StringField("URL", render_kw=EXACT)
    events = RadioField(
        "Which are sent",
        choices=[SelectChoice(ALL, "All events, and what is added later"), SelectChoice(CHOSEN, "Only those chosen below")],
        default=ALL,
    )
    types = SelectMultipleField(
        "Types", choices=[SelectChoice(type_.value, type_.value) for type_ in KNOWN_TYPES], option_widget=CheckboxInput()
    )
    other_types = TextAreaField(
        "Events of other services",
        description="One type a line, as POST /v1/events names it, like order.created",
        render_kw={"rows": 3, **EXACT},
    )
    # The log of the call holds the form; a field that is named like this is redacted in it, whatever stands in the lines.
    header_secrets = TextAreaField(
        "Headers, one a line",
        description=f"Like Authorization: Bearer 8f3a. {UNCHANGED} keeps the stored value; without its line, a header is gone",
        render_kw={"rows": 4, **EXACT},
    )
    active = BooleanField("Active", default=True, description="Switched off, it is sent nothing; what it misses can be sent again later")

    # As it was when the form was shown: who changes a name has not asked for what the rule did meanwhile to be undone.
    shown_active = HiddenField()

    def describe(self, *, is_new: bool, allow_private: bool) -> None:
        """What the hints say depends on the panel, and on whether there is something to keep."""
        where = (
            "Private addresses are allowed on this panel (AUDITPANEL_ALLOW_PRIVATE_WEBHOOKS)"
            if allow_private
            else "Public addresses only: what leads into a private network is refused, here and at each attempt"
        )
        self.url.description = f"Messages are sent there by POST, like https://shop.example.com/webhooks. {where}"
        self.name.description = f"As lists call it{'. Left empty: the host of the URL' if is_new else ''}"
        if is_new:
            self.header_secrets.description = "Like Authorization: Bearer 8f3a"

    def refuse(self, error: InvalidInput) -> None:
        fields = {"headers": "header_secrets", "event_types": "events"}
        super().refuse(InvalidInput(error.reason, field=fields.get(error.field or "", error.field)))

    @property
    def is_switched(self) -> bool:
        """Whether who sends it has changed the switch."""
        return bool(self.active.data) != (self.shown_active.data == _SHOWN_ON)

    @property
    def event_types(self) -> list[str] | None:
        """None for all. Raises InvalidInput where a typed one is none."""
        if self.events.data != CHOSEN:
            return None
        typed = [line.strip() for line in (self.other_types.data or "").splitlines() if line.strip()]
        return [*(self.types.data or []), *(checked_type(text, field="other_types") for text in typed)]

    def headers(self, stored: Headers) -> Headers:
        """What the lines say, with the stored values where they are to be kept. Raises InvalidInput, field `headers`."""
        lines = enumerate((self.header_secrets.data or "").splitlines(), 1)
        return [_read_header(line, number, stored) for number, line in lines if line.strip()]


def form_data(line: WebhookLine, header_names: Sequence[str]) -> dict[str, object]:
    types = line.event_types
    return {
        "name": line.name,
        "url": line.url,
        "events": ALL if types is None else CHOSEN,
        "types": [type_ for type_ in types or () if type_ in KNOWN_TYPES],
        "other_types": "\n".join(other_types(types or ())),
        "header_secrets": header_lines(header_names),
        "active": line.is_active,
        "shown_active": _SHOWN_ON if line.is_active else "",
    }


def header_lines(names: Sequence[str]) -> str:
    return "\n".join(f"{name}: {UNCHANGED}" for name in names)


def _read_header(line: str, number: int, stored: Headers) -> tuple[str, str]:
    """What stands in the line is told to nobody: without a colon, all of it may be a secret."""
    name, colon, value = (part.strip() for part in line.partition(":"))
    if not colon:
        raise InvalidInput(f"line {number} has no colon; write the name and the value like Authorization: Bearer 8f3a", field="headers")
    if value != UNCHANGED:
        return name, value
    kept = next((kept for known, kept in stored if known.lower() == name.lower()), None)
    if kept is None:
        raise InvalidInput(f'line {number}: "{name[:80]}" has no stored value that could be kept; write one', field="headers")
    return name, kept
