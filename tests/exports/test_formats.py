from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.catalogue.formulas import neutralised
from auditpanel.exports.columns import Column, Kind
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.values import Exported, Format
from tests.exports.reading_back import ZONE, export, layout_of, read
from tests.exports.records import expected_records, make_records
from tests.logs.making import make_scope


def _in_csv(column: Column, value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if column.kind is Kind.JSON:
        return json.dumps(value, sort_keys=True)
    return neutralised(value) if isinstance(value, str) else _in_ndjson(column, value)


def _in_ndjson(column: Column, value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(ZONE).isoformat(timespec="microseconds")
    return value.isoformat() if isinstance(value, date) else value


def _in_xlsx(column: Column, value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(ZONE).replace(tzinfo=None)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day) if value.year >= 1900 else value.isoformat()
    if column.kind is Kind.JSON and value is not None:
        return json.dumps(value, sort_keys=True)
    if isinstance(value, str):
        return neutralised(value)
    return str(value) if isinstance(value, int) and abs(value) > 1 << 53 else value


def _in_parquet(column: Column, value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return json.dumps(value, sort_keys=True) if column.kind is Kind.JSON and value is not None else value


SAID: dict[Format, Callable[[Column, object], object]] = {
    Format.CSV: _in_csv,
    Format.NDJSON: _in_ndjson,
    Format.XLSX: _in_xlsx,
    Format.PARQUET: _in_parquet,
}


@pytest.mark.parametrize("format", Format)
@pytest.mark.parametrize("exported", Exported)
def test_a_file_says_what_the_database_does(session: Session, engine: Engine, exported: Exported, format: Format) -> None:
    scope = make_scope(session)
    make_records(session, scope, exported)
    layout = layout_of(exported, format)
    columns, found = SUBJECTS[exported].columns, read(export(engine, scope, exported, layout), layout)
    wanted = expected_records(session, scope, exported)
    assert list(found[0]) == list(columns)
    assert len(found) == len(wanted) > 10
    for row, told in zip(found, wanted, strict=True):
        for name, column in columns.items():
            value, meant = _readable(column, format, row[name]), SAID[format](column, told[name])
            assert _are_equal(column, format, value, meant), (name, value, meant)


def _readable(column: Column, format: Format, value: object) -> object:
    if column.kind is Kind.JSON and isinstance(value, str) and value:
        return json.dumps(json.loads(value), sort_keys=True)
    # In the hour that comes twice, two times are only equal on the same clock.
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value


def _are_equal(column: Column, format: Format, value: object, meant: object) -> bool:
    if format is Format.CSV and column.kind in (Kind.INTEGER, Kind.FLOAT) and meant != "":
        assert isinstance(value, str)
        return float(value) == meant
    if format is Format.XLSX and isinstance(meant, datetime):
        assert isinstance(value, datetime)
        return abs(value - meant) <= timedelta(milliseconds=1)
    if format is Format.XLSX and isinstance(meant, float):
        # The format keeps 15 digits.
        return value == pytest.approx(meant, rel=1e-14)
    if format is Format.XLSX and isinstance(meant, str):
        return (value or "") == meant
    return value == meant
