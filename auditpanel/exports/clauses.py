"""What a FilterSet's conditions on exports mean in SQL."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import and_, func, or_

from auditpanel.accounts.scope import ProjectScope
from auditpanel.exports.models import Export
from auditpanel.exports.values import ExportStatus
from auditpanel.filters import FilterSet, Span
from auditpanel.ids import Prefix, parse_id
from auditpanel.keyset import Clause, Meanings, Order, clauses_of

EXPORTS = Order(Export.project_id, Export.created_at, Export.id)


def matching(scope: ProjectScope, filters: FilterSet, span: Span) -> list[Clause]:
    return EXPORTS.within(scope.project_id, span) + clauses_of(filters, CLAUSES)


def has_file() -> Clause:
    """Whether there is one to be had: those whose time is over are removed within the hour, and nobody is given them meanwhile."""
    return and_(Export.file_name.is_not(None), or_(Export.expires_at.is_(None), Export.expires_at > func.now()))


ONLY: dict[str, Callable[[], Clause]] = {
    "running": lambda: Export.status.in_((ExportStatus.SCHEDULED, ExportStatus.IN_PROGRESS)),
    "ready": lambda: and_(Export.status == ExportStatus.DONE, has_file()),
    "failed": lambda: Export.status == ExportStatus.ERROR,
}
CLAUSES: Meanings = {
    "only": lambda value: ONLY[value](),
    "id": lambda value: Export.id == parse_id(Prefix.EXPORT, value),
    "status": lambda value: Export.status == value,
    "exported": lambda value: Export.exported == value,
    "format": lambda value: Export.format == value,
    "who": lambda value: or_(Export.user == value, Export.api_key == value),
    "request_id": lambda value: Export.request_id == value,
}
