"""A column's value as the database is to give it: as the text of a cell, as a value in JSON, or with its type.

Moments in texts are those of the transaction's time zone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, SQLColumnExpression, cast, func
from sqlalchemy.dialects.postgresql import TEXT

from auditpanel.exports.columns import Column, Kind
from auditpanel.exports.formulas import neutralised_in_sql

Form = Callable[[Column], SQLColumnExpression[object]]

# 2026-11-24T16:41:59.239204+01:00
MOMENT = 'YYYY-MM-DD"T"HH24:MI:SS.USTZH:TZM'
DAY = "YYYY-MM-DD"


def as_cell(column: Column) -> SQLColumnExpression[object]:
    """What is redacted on its way is neutralised after that, not here."""
    if column.has_formulas and column.redact is None:
        return neutralised_in_sql(column.value)
    if column.kind in (Kind.BOOLEAN, Kind.JSON):
        return cast(column.value, TEXT)
    return _with_times_as_text(column)


def as_json(column: Column) -> SQLColumnExpression[object]:
    return _with_times_as_text(column)


def as_json_by_row(column: Column) -> SQLColumnExpression[object]:
    """With objects and lists as text, so that nobody reads them."""
    return cast(column.value, TEXT) if column.kind is Kind.JSON else _with_times_as_text(column)


def as_typed(column: Column) -> SQLColumnExpression[object]:
    return cast(column.value, TEXT) if column.kind is Kind.JSON else column.value


def formed(columns: Sequence[Column], form: Form) -> list[ColumnElement[object]]:
    return [form(column).label(column.name) for column in columns]


def _with_times_as_text(column: Column) -> SQLColumnExpression[object]:
    if column.kind is Kind.MOMENT:
        return func.to_char(column.value, MOMENT)
    return func.to_char(column.value, DAY) if column.kind is Kind.DAY else column.value
