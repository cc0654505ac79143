"""What a FilterSet's conditions on sendouts mean in SQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import and_, false

from auditpanel.filters import FilterSet, Span
from auditpanel.ids import Prefix, parse_id, uuid7_moment
from auditpanel.keyset import Clause, Order, clauses_of
from auditpanel.webhooks.filters import sent_moment
from auditpanel.webhooks.models import Sendout

Meaning = Callable[[str], Clause]

SENDOUTS = Order(Sendout.project_id, Sendout.created_at, Sendout.id)


def matching(project_id: UUID, zone: ZoneInfo, filters: FilterSet, span: Span) -> list[Clause]:
    """`zone` is that of the project, in which the sendout date was typed."""
    return SENDOUTS.within(project_id, span) + clauses_of(filters, LEAN_CLAUSES | _sent(filters, zone))


def is_sendout(sendout_id: UUID) -> Clause:
    """The id says the millisecond, and so the place in the key."""
    try:
        moment = uuid7_moment(sendout_id)
        return and_(Sendout.created_at >= moment, Sendout.created_at < moment + timedelta(milliseconds=1), Sendout.id == sendout_id)
    except OverflowError:
        return false()


def _sent(filters: FilterSet, zone: ZoneInfo) -> dict[str, Meaning]:
    """Both ends under either name, so that "any" does not part them from each other."""
    after, before = (sent_moment(filters, name, zone) for name in ("sent_after", "sent_before"))
    clauses = [Sendout.sent_at >= after] if after else []
    clauses += [Sendout.sent_at < before] if before else []
    return {name: lambda _: and_(*clauses) for name in ("sent_after", "sent_before")}


LEAN_CLAUSES: dict[str, Meaning] = {
    "only": lambda value: Sendout.status == value.upper(),
    "id": lambda value: is_sendout(parse_id(Prefix.SENDOUT, value)),
    "status": lambda value: Sendout.status == value,
    "type": lambda value: Sendout.type == value,
    "request_id": lambda value: Sendout.request_id == value,
    "source_id": lambda value: Sendout.webhook_id == parse_id(Prefix.WEBHOOK, value),
    "url_contains": lambda value: Sendout.target_url.contains(value, autoescape=True),
}
