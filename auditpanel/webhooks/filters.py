"""What the list of sendouts can be narrowed by; the names are the parameters of the panel and of `GET /v1/webhook-sendouts`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from auditpanel.filters import Field, FilterSet, read_text, reader_of_choices
from auditpanel.ids import Prefix, format_id, parse_id
from auditpanel.times import Edge, iso_utc, parse_typed
from auditpanel.webhooks.values import SendoutStatus

STATUSES = ((str(SendoutStatus.SENT), "sent"), (str(SendoutStatus.RETRY), "waiting for a retry"), (str(SendoutStatus.ERROR), "given up"))
ONLY = (("sent", "those that were sent"), ("retry", "those to be tried again"), ("error", "those given up"))
SENT_EDGES = {"sent_after": Edge.START, "sent_before": Edge.END}


def _reader_of_ids(prefix: Prefix) -> Callable[[str], str]:
    return lambda text: format_id(prefix, parse_id(prefix, text))


def _reader_of_moments(edge: Edge) -> Callable[[str], str]:
    def read(text: str) -> str:
        # Whether it is a date does not depend on the zone; which moment it is does, and is asked when the project is known.
        parse_typed(text, ZoneInfo("UTC"), edge)
        return text

    return read


# Under "any", the two ends of the sendout date are one condition: either alone would let in nearly everything.
_FIELDS = (
    Field("only", "Only", reader_of_choices(ONLY), choices=ONLY, several=False, always=True),
    Field("id", "Id is", _reader_of_ids(Prefix.SENDOUT), hint="whs_…", commas=True),
    Field("status", "Status is", reader_of_choices(STATUSES), choices=STATUSES, commas=True),
    Field("type", "Type is", read_text, hint="voucher.created", commas=True),
    Field("request_id", "Request id is", read_text, hint="v-…"),
    Field("source_id", "Webhook is", _reader_of_ids(Prefix.WEBHOOK), hint="wh_…", commas=True),
    Field("sent_after", "Sent after", _reader_of_moments(Edge.START), hint="24 Nov 2026 14:00", several=False),
    Field("sent_before", "Sent before", _reader_of_moments(Edge.END), hint="24 Nov 2026 16:00", several=False),
    Field("url_contains", "URL contains", read_text, hint="hooks.example.com"),
)
SENDOUT_FIELDS = {field.name: field for field in _FIELDS}


def sent_moment(filters: FilterSet, name: str, zone: ZoneInfo) -> datetime | None:
    """What `sent_after` or `sent_before` means on the project's clock; None where it is not filtered by."""
    return next((parse_typed(text, zone, SENT_EDGES[name]).at for text in filters.values(name)), None)


def sent_notes(filters: FilterSet, zone: ZoneInfo) -> tuple[str, ...]:
    """Sentences for the reader about changes of the clock, as `Span.notes` has them for the range."""
    moments = [parse_typed(text, zone, edge) for name, edge in SENT_EDGES.items() for text in filters.values(name)]
    return tuple(moment.note for moment in moments if moment.note)


def with_moments_in_utc(filters: FilterSet, zone: ZoneInfo) -> FilterSet:
    """The same meaning, also when the project's time zone is another one later."""
    conditions = list(filters.conditions)
    for place, condition in enumerate(conditions):
        moment = sent_moment(filters, condition.field.name, zone) if condition.field.name in SENT_EDGES else None
        if moment:
            conditions[place] = replace(condition, values=(iso_utc(moment.astimezone(UTC)),))
    return replace(filters, conditions=tuple(conditions))
