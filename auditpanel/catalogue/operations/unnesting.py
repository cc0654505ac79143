"""Many rows in one statement: their columns go to PostgreSQL as arrays, and stand there as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, ColumnElement, CursorResult, Table, TableValuedAlias, cast, column, func, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB, TEXT, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.models import Customer, Product, Sku, Voucher
from auditpanel.times import utc_now

Json = dict[str, object]
Changeable = type[Customer] | type[Product] | type[Sku] | type[Voucher]


@dataclass(frozen=True, slots=True)
class RowChange:
    """`fields` are columns with their new values, null too; keys of `metadata` and `settings` are laid over those that are there."""

    id: UUID
    fields: Json
    metadata: Json
    settings: Json


def insert_rows(session: Session, model: Changeable, rows: Sequence[Mapping[str, object]]) -> set[UUID]:
    """All with the same columns. Gives the ids of those that were stored: one whose source id or code is there is left out."""
    if not rows:
        return set()
    names = list(rows[0])
    table = _table_of(model, names, [[row[name] for name in names] for row in rows])
    statement = insert(_table(model)).from_select(names, select(*(_given(model, table, name) for name in names)))
    return set(session.scalars(statement.on_conflict_do_nothing().returning(_table(model).c.id)))


def change_rows(session: Session, scope: ProjectScope, model: Changeable, changes: Sequence[RowChange]) -> int:
    """Each id once. A statement for each set of columns that is changed; most files have one. Gives how many were there."""
    groups: dict[tuple[str, ...], list[RowChange]] = {}
    for change in sorted(changes, key=lambda change: change.id):
        groups.setdefault((*sorted(change.fields), *(["settings"] if change.settings else [])), []).append(change)
    return sum(_change_group(session, scope, model, list(names), group) for names, group in groups.items())


def _change_group(session: Session, scope: ProjectScope, model: Changeable, names: list[str], changes: list[RowChange]) -> int:
    columns = _table(model).c
    all_names = ["id", *names, "metadata"]
    rows = [[change.id, *(_value(change, name) for name in names), change.metadata] for change in changes]
    table = _table_of(model, all_names, rows)
    values: dict[str, ColumnElement[object]] = {name: _changed(model, table, name) for name in names}
    values["metadata"] = columns.metadata.op("||")(_given(model, table, "metadata"))
    done = session.execute(
        update(_table(model))
        .where(columns.project_id == scope.project_id, columns.id == table.c.id)
        .values(values | {"updated_at": utc_now()})
    )
    assert isinstance(done, CursorResult)
    return done.rowcount


def _value(change: RowChange, name: str) -> object:
    return change.settings if name == "settings" else change.fields[name]


def _changed(model: Changeable, table: TableValuedAlias, name: str) -> ColumnElement[object]:
    """An address and the settings are laid over what is there, other columns replaced; null clears."""
    new = _given(model, table, name)
    if name not in ("address", "settings"):
        return new
    return func.coalesce(_table(model).c[name], literal({}, JSONB)).op("||")(new)


def _table(model: Changeable) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


def _table_of(model: Changeable, names: Sequence[str], rows: Sequence[Sequence[object]]) -> TableValuedAlias:
    """The rows as a table `given` with columns called as those of the model's table; JSON in it is still text."""
    arrays = [
        cast(literal(_encoded(model, name, values), ARRAY(_type_in_array(model, name))), ARRAY(_type_in_array(model, name)))
        for name, values in zip(names, zip(*rows, strict=True), strict=True)
    ]
    return func.unnest(*arrays).table_valued(*(column(name, _type_in_array(model, name)) for name in names), name="given").render_derived()


def _given(model: Changeable, table: TableValuedAlias, name: str) -> ColumnElement[object]:
    """A column of the table, in the type that the model has."""
    return cast(table.c[name], JSONB) if _is_json(model, name) else table.c[name]


def _is_json(model: Changeable, name: str) -> bool:
    return isinstance(_table(model).c[name].type, JSONB)


def _type_in_array(model: Changeable, name: str) -> TypeEngine[object]:
    return TEXT() if _is_json(model, name) else _table(model).c[name].type  # type: ignore[return-value]


def _encoded(model: Changeable, name: str, values: Sequence[object]) -> list[object]:
    if _is_json(model, name):
        return [None if value is None else msgspec.json.encode(value).decode() for value in values]
    return list(values)
