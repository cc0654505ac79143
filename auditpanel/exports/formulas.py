"""Cells that a spreadsheet would run as formulas, neutralised by the database: CSV goes from there into the file as it is.

The rule is that of catalogue/formulas. NDJSON and Parquet keep the exact values: no spreadsheet runs what is in them.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, case, func, literal

from auditpanel.catalogue.formulas import BEGINNINGS, PATTERN

# Of nearly every text the first character tells. It is cut off before it is looked at: a long text is not unpacked for it then.
_SUSPECT = tuple(ord(character) for character in f"'{BEGINNINGS}")


def neutralised_in_sql(value: SQLColumnExpression[object]) -> ColumnElement[str]:
    runs = and_(func.ascii(func.substr(value, 1, 1)).in_(_SUSPECT), value.regexp_match(literal(PATTERN)))
    return case((runs, func.concat("'", value)), else_=value)
