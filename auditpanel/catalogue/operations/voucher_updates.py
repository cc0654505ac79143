"""Vouchers changed one by one by a list, and many that get the same metadata. A code that is not there is refused, as in the public API."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from uuid import UUID

from sqlalchemy import Row as DatabaseRow
from sqlalchemy import select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.changes import Changes, read_voucher_changes
from auditpanel.catalogue.happenings import changing
from auditpanel.catalogue.metadata_rules import Schema, check_given
from auditpanel.catalogue.models import Resource, Voucher, VoucherType
from auditpanel.catalogue.operations.keys import key_rows, metadata_of
from auditpanel.catalogue.operations.rows import Read, RowsOperation, Step, json_rows, reading_json, refused
from auditpanel.catalogue.operations.schemas import schema_of
from auditpanel.catalogue.operations.unnesting import RowChange, change_rows
from auditpanel.catalogue.reading import check_order, check_storable, read_key
from auditpanel.catalogue.rows import WrongRow
from auditpanel.catalogue.vouchers import VOUCHER_EVENTS
from auditpanel.errors import InvalidInput
from auditpanel.ids import Prefix, parse_id
from auditpanel.tasks.values import Outcome, TaskInput

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Named:
    """Changes of the voucher with this code, or this id."""

    code: str | None
    id: UUID | None
    changes: Changes


def _reading_items(session: Session, task: TaskInput) -> Read[Named]:
    schema = schema_of(session, task.scope, Resource.VOUCHER)
    return reading_json(lambda data: _read_item(data, schema))


def _reading_codes(session: Session, task: TaskInput) -> Read[Named]:
    changes = Changes(metadata=metadata_of(session, task, Resource.VOUCHER))
    return reading_json(lambda data: Named(_code(data), None, changes))


def _read_item(data: object, schema: Schema) -> Named:
    changes = read_voucher_changes(data)
    check_given(changes.metadata, schema)
    told_id = data.get("id") if isinstance(data, dict) else None
    if isinstance(data, dict) and data.get("code") is None and told_id is not None:
        try:
            return Named(None, parse_id(Prefix.VOUCHER, str(told_id)), changes)
        except InvalidInput as error:
            raise InvalidInput(error.details, field="id") from None
    return Named(_code(data), None, changes)


def _code(data: object) -> str:
    told = data.get("code") if isinstance(data, dict) else None
    if isinstance(told, str):
        check_storable(told, "code")
        if code := read_key(told, "code"):
            return code
    raise InvalidInput("is missing; name each voucher by its code", field="code")


def _store(session: Session, task: TaskInput, step: Step[Named]) -> Outcome:
    found = Found(session, task.scope, step)
    refusals = list(step.refused)
    changes: dict[UUID, RowChange] = {}
    updated = skipped = 0
    for row, named in step.read:
        try:
            change = found.change_of(named)
        except WrongRow as error:
            refusals.append(refused(row, error))
            continue
        if named.changes.is_empty:
            skipped += 1
            continue
        changes[change.id] = _laid_over(changes.get(change.id), change)
        updated += 1
    with changing(session, task.scope, VOUCHER_EVENTS, Voucher.id.in_(changes)):
        change_rows(session, task.scope, Voucher, list(changes.values()))
    return Outcome(updated=updated, skipped=skipped, refused=sorted(refusals, key=lambda row: row.line))


class Found:
    """The vouchers that the rows of a step name."""

    def __init__(self, session: Session, scope: ProjectScope, step: Step[Named]) -> None:
        codes = [named.code for _, named in step.read if named.code is not None]
        ids = [named.id for _, named in step.read if named.id is not None]
        there = select(Voucher.id, Voucher.code, Voucher.type, Voucher.start_date, Voucher.expiration_date).where(
            Voucher.project_id == scope.project_id
        )
        rows = [*session.execute(there.where(Voucher.code.in_(codes))), *session.execute(there.where(Voucher.id.in_(ids)))]
        self._by_code = {row.code: row for row in rows}
        self._by_id = {row.id: row for row in rows}

    def change_of(self, named: Named) -> RowChange:
        """Raises WrongRow where there is no such voucher, or it cannot become what is told."""
        voucher = self._by_id.get(named.id) if named.id else self._by_code.get(named.code)
        if voucher is None:
            column, told = ("id", f"v_{named.id.hex}") if named.id else ("code", str(named.code))
            raise WrongRow(f'{column}: "{told}" is no voucher here; a voucher that is to be changed has to be there', column, told)
        changes = named.changes
        _check(voucher, changes)
        return RowChange(voucher.id, changes.columns, changes.metadata, changes.settings)


def _check(voucher: DatabaseRow[tuple[UUID, str, str, object, object]], changes: Changes) -> None:
    if "discount" in changes.columns and voucher.type != VoucherType.DISCOUNT:
        raise WrongRow(f"discount: the voucher is a {voucher.type}, which has none; leave it out", "discount")
    dates = {"start_date": voucher.start_date, "expiration_date": voucher.expiration_date}
    if changes.columns.keys() & dates.keys():
        dates |= {name: changes.columns[name] for name in dates if name in changes.columns}
        try:
            check_order(dates["start_date"], dates["expiration_date"])
        except InvalidInput as error:
            raise WrongRow(error.details, error.field) from None


def _laid_over(earlier: RowChange | None, change: RowChange) -> RowChange:
    if earlier is None:
        return change
    return RowChange(change.id, earlier.fields | change.fields, earlier.metadata | change.metadata, earlier.settings | change.settings)


BULK_UPDATE = RowsOperation(json_rows, _reading_items, _store)
METADATA_UPDATE = RowsOperation(partial(key_rows, "code"), _reading_codes, _store)
