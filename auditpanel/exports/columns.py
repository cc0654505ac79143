"""The columns that exports are made of: what each holds, and where in the database it comes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Function, SQLColumnExpression, func, literal_column

from auditpanel.ids import Prefix
from auditpanel.keyset import Clause
from auditpanel.logs.redaction import Redactor
from auditpanel.tables import Model

Redact = Callable[[Redactor, str], str]


class Kind(StrEnum):
    """What the values are. JSON is an object or a list, of which CSV and spreadsheets get the text."""

    TEXT = "text"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    MOMENT = "moment"
    DAY = "day"
    JSON = "json"


# Columns and tables are told apart by what they are, not by their SQL, for which == makes a clause.
@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """A table that a column's values are looked up in, and the row of it that belongs to the exported one."""

    table: type[Model]
    on: Clause


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """`is_ours` marks texts of the program's own (ids, statuses), which no spreadsheet can take for a formula.

    `redact` hides the secrets of a value that is stored with them, as the pages do. `order_by` is for the order, where `value` does not
    suit it.
    """

    name: str
    kind: Kind
    value: SQLColumnExpression[object]
    is_ours: bool = False
    redact: Redact | None = None
    beside: Beside | None = None
    order_by: SQLColumnExpression[object] | None = None

    @property
    def has_formulas(self) -> bool:
        """Whether a value may be something that a spreadsheet would run."""
        return self.kind is Kind.TEXT and not self.is_ours


def text(name: str, value: SQLColumnExpression[object], *, redact: Redact | None = None, beside: Beside | None = None) -> Column:
    return Column(name, Kind.TEXT, value, redact=redact, beside=beside)


def word(name: str, value: SQLColumnExpression[object]) -> Column:
    """A text out of the program's own, like a status."""
    return Column(name, Kind.TEXT, value, is_ours=True)


def record_id(name: str, prefix: Prefix, value: SQLColumnExpression[object]) -> Column:
    return Column(name, Kind.TEXT, prefixed(prefix, value), is_ours=True, order_by=value)


def integer(name: str, value: SQLColumnExpression[object]) -> Column:
    return Column(name, Kind.INTEGER, value)


def number(name: str, value: SQLColumnExpression[object]) -> Column:
    return Column(name, Kind.FLOAT, value)


def boolean(name: str, value: SQLColumnExpression[object]) -> Column:
    return Column(name, Kind.BOOLEAN, value)


def moment(name: str, value: SQLColumnExpression[object]) -> Column:
    return Column(name, Kind.MOMENT, value)


def day(name: str, value: SQLColumnExpression[object]) -> Column:
    return Column(name, Kind.DAY, value)


def json(name: str, value: SQLColumnExpression[object], *, redact: Redact | None = None) -> Column:
    return Column(name, Kind.JSON, value, redact=redact)


def by_name(*columns: Column) -> dict[str, Column]:
    return {column.name: column for column in columns}


def prefixed(prefix: Prefix, value: SQLColumnExpression[object]) -> ColumnElement[str]:
    """The id as people see it."""
    # A third faster than to take the dashes out of the text.
    return literal_column(f"'{prefix}'").op("||")(func.encode(func.uuid_send(value), "hex"))


def member(document: SQLColumnExpression[object], *path: str) -> Function[str]:
    """A text or number inside a JSON column, as text; null where it, or what it is in, is not there."""
    return func.jsonb_extract_path_text(document, *path)


def names(columns: Sequence[Column]) -> tuple[str, ...]:
    return tuple(column.name for column in columns)
