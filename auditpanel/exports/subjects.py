"""What can be exported: for each kind of record what its list can be narrowed by, the fields of a file, their orders, and the statement.

The statement has the clauses of the record's own list, so that a file holds what the list shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, literal_column, select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.models import Campaign, Customer, Product, Sku, Voucher
from auditpanel.exports.catalogue_columns import CAMPAIGN_COLUMNS, CUSTOMER_COLUMNS, PRODUCT_COLUMNS, SKU_COLUMNS, VOUCHER_COLUMNS
from auditpanel.exports.catalogue_filters import CAMPAIGNS, CUSTOMERS, PRODUCTS, SKUS, VOUCHERS, Narrowing
from auditpanel.exports.clauses import EXPORTS
from auditpanel.exports.clauses import matching as matching_exports
from auditpanel.exports.columns import Column
from auditpanel.exports.filters import EXPORT_FIELDS
from auditpanel.exports.models import Export
from auditpanel.exports.record_columns import EXPORT_COLUMNS, LOG_COLUMNS, SENDOUT_COLUMNS, TASK_COLUMNS
from auditpanel.exports.values import Exported, Layout
from auditpanel.filters import Fields, FilterSet, Params, Range, Span
from auditpanel.keyset import Clause, Count, Order, counting
from auditpanel.logs.clauses import LOGS, Bounds, rest_clauses, served_clauses
from auditpanel.logs.filters import LOG_FIELDS
from auditpanel.logs.models import Log
from auditpanel.logs.redaction import Redactor
from auditpanel.tables import Model
from auditpanel.tasks.clauses import TASKS
from auditpanel.tasks.clauses import matching as matching_tasks
from auditpanel.tasks.filters import TASK_FIELDS
from auditpanel.tasks.models import AsyncAction
from auditpanel.time_limit import TimeIsUp, execute_within
from auditpanel.webhooks.clauses import SENDOUTS
from auditpanel.webhooks.clauses import matching as matching_sendouts
from auditpanel.webhooks.filters import SENDOUT_FIELDS
from auditpanel.webhooks.models import Sendout

# More than a spreadsheet can hold, so that this can be told beforehand.
COUNT_CAP = 2_000_000
COUNT_BUDGET_S = 3.0
CREATED_AT = "created_at"
# A limit that PostgreSQL does not know while it plans: it then chooses a way that soon has the first rows, along the key. Else it joins
# a million logs with their bodies and sorts all that on disk, which takes gigabytes and longer.
ALL_ROWS = select(literal_column("9223372036854775807")).scalar_subquery()

Matching = Callable[[ProjectScope, FilterSet, Span], Sequence[Clause]]


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows of a file. `statement` has them in order, and says nothing as yet of how their columns are written.

    `title` is what they are, in words.
    """

    title: str
    statement: Select[*tuple[Any, ...]]
    columns: tuple[Column, ...]
    redactor: Redactor


@dataclass(frozen=True, slots=True)
class Subject:
    """`fields` are what its list can be narrowed by; `columns` what a file can have, `orders` what it can be ordered by.

    `keys` make the order by creation whole, which is the one that an index has.
    """

    exported: Exported
    table: type[Model]
    fields: Fields
    columns: Mapping[str, Column]
    orders: tuple[str, ...]
    default_order: str
    default_fields: tuple[str, ...]
    default_range: Range
    keys: tuple[SQLColumnExpression[object], ...]
    matching: Matching

    def read_filters(self, params: Params) -> FilterSet:
        """As its list reads a query string: the catalogue's lists, unlike those of records, show all of time. Raises InvalidInput."""
        is_ranged = any(name in ("range", "created_after", "created_before") and value.strip() for name, value in params)
        return FilterSet.parse(
            params if is_ranged or self.default_range is Range.DAY else [*params, ("range", self.default_range)], self.fields
        )

    def select(self, scope: ProjectScope, filters: FilterSet, span: Span, layout: Layout) -> Selection:
        """The layout is one of `checked_layout`."""
        columns = tuple(self.columns[name] for name in layout.fields)
        statement: Select[*tuple[Any, ...]] = select(*self.keys).select_from(self.table).where(*self.matching(scope, filters, span))
        for beside in dict.fromkeys(column.beside for column in columns if column.beside):
            statement = statement.outerjoin(beside.table, beside.on)
        ordered = statement.order_by(*self._order(layout.order)).limit(ALL_ROWS)
        return Selection(self.exported.label, ordered, columns, Redactor.of(scope.redact_paths))

    def count(self, session: Session, scope: ProjectScope, filters: FilterSet, span: Span, *, cap: int = COUNT_CAP) -> Count:
        """How many rows there are, up to the cap. Value 0 and not exact: to count them took too long."""
        rows = select(self.keys[-1]).where(*self.matching(scope, filters, span))
        try:
            ((counted,),) = execute_within(session, counting(rows, cap), COUNT_BUDGET_S)
        except TimeIsUp:
            return Count(0, is_exact=False)
        return Count.of(counted, cap)

    def _order(self, order: str) -> Iterable[ColumnElement[object]]:
        name, is_falling = order.removeprefix("-"), order.startswith("-")
        if name == CREATED_AT:
            return [key.desc() if is_falling else key.asc() for key in self.keys]
        by, last = self.columns[name], self.keys[-1]
        first = by.value if by.order_by is None else by.order_by
        # Those without a value come last either way.
        return [(first.desc() if is_falling else first.asc()).nulls_last(), last.desc() if is_falling else last.asc()]


def _of_record(
    exported: Exported, table: type[Model], fields: Fields, columns: Mapping[str, Column], order: Order, matching: Matching, *orders: str
) -> Subject:
    """A file has all there is, unless less is asked for: each of these is read for its own sake."""
    known = (CREATED_AT, *orders)
    return Subject(exported, table, fields, columns, known, f"-{CREATED_AT}", tuple(columns), Range.DAY, (order.at, order.id), matching)


def _of_catalogue(
    exported: Exported, table: type[Model], narrowing: Narrowing, columns: Mapping[str, Column], fields: Sequence[str], *orders: str
) -> Subject:
    """Ids are ordered by time, and the primary key has them in order, as the lists do."""
    known = (CREATED_AT, "updated_at", *orders)
    keys = (narrowing.order.id,)
    return Subject(exported, table, narrowing.fields, columns, known, f"-{CREATED_AT}", tuple(fields), Range.ALL, keys, narrowing.matching)


def _matching_logs(scope: ProjectScope, filters: FilterSet, span: Span) -> list[Clause]:
    bounds = Bounds(scope.project_id, span)
    return bounds.on(LOGS) + served_clauses(filters) + rest_clauses(filters, bounds)


def _matching_sendouts(scope: ProjectScope, filters: FilterSet, span: Span) -> list[Clause]:
    return matching_sendouts(scope.project_id, scope.time_zone, filters, span)


_ALL = (
    _of_record(Exported.LOG, Log, LOG_FIELDS, LOG_COLUMNS, LOGS, _matching_logs, "status_code", "request_duration", "endpoint", "path"),
    _of_record(
        Exported.TASK, AsyncAction, TASK_FIELDS, TASK_COLUMNS, TASKS, matching_tasks, "updated_at", "type", "status", "processing_time"
    ),
    _of_record(Exported.EXPORT, Export, EXPORT_FIELDS, EXPORT_COLUMNS, EXPORTS, matching_exports, "updated_at", "status", "rows", "bytes"),
    _of_record(Exported.SENDOUT, Sendout, SENDOUT_FIELDS, SENDOUT_COLUMNS, SENDOUTS, _matching_sendouts, "sent_at", "type", "status"),
    _of_catalogue(Exported.CAMPAIGN, Campaign, CAMPAIGNS, CAMPAIGN_COLUMNS, tuple(CAMPAIGN_COLUMNS), "name"),
    _of_catalogue(Exported.VOUCHER, Voucher, VOUCHERS, VOUCHER_COLUMNS, ("code", "voucher_type", "value", "discount_type"), "code"),
    _of_catalogue(Exported.CUSTOMER, Customer, CUSTOMERS, CUSTOMER_COLUMNS, ("name", "source_id"), "name", "id", "email", "source_id"),
    _of_catalogue(Exported.PRODUCT, Product, PRODUCTS, PRODUCT_COLUMNS, tuple(PRODUCT_COLUMNS), "name", "source_id", "price"),
    _of_catalogue(Exported.SKU, Sku, SKUS, SKU_COLUMNS, tuple(SKU_COLUMNS), "sku", "source_id", "price"),
)
SUBJECTS: Mapping[Exported, Subject] = MappingProxyType({subject.exported: subject for subject in _ALL})
