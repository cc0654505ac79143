"""Imports of vouchers, by CSV and by JSON, into a campaign or into none. A code that exists is refused."""

from __future__ import annotations

from sqlalchemy.orm import Session

from auditpanel.catalogue.columns import plain_header, read_columns
from auditpanel.catalogue.csv_files import CsvRow, open_csv
from auditpanel.catalogue.happenings import raise_created
from auditpanel.catalogue.metadata_rules import Schema, check_whole, needed_keys
from auditpanel.catalogue.models import Resource, Voucher
from auditpanel.catalogue.operations.campaigns import campaign_id_of, campaign_of, count_vouchers
from auditpanel.catalogue.operations.copying import copy_vouchers
from auditpanel.catalogue.operations.rows import Read, Row, Rows, RowsOperation, Step, file_of, json_rows, reading_json
from auditpanel.catalogue.operations.schemas import schema_of
from auditpanel.catalogue.rows import CodedVoucher, VoucherRows
from auditpanel.catalogue.values import NewVoucher, read_campaign_voucher, read_voucher
from auditpanel.catalogue.vouchers import VOUCHER_EVENTS
from auditpanel.errors import InvalidInput
from auditpanel.tasks.values import Outcome, Refused, TaskInput


def csv_rows(task: TaskInput) -> Rows:
    return iter(open_csv(file_of(task)).rows())


def _of_campaign(task: TaskInput) -> bool:
    return task.type.startswith("CAMPAIGN.")


def _reading_csv(session: Session, task: TaskInput) -> Read[CodedVoucher]:
    file = open_csv(file_of(task))
    schema = schema_of(session, task.scope, Resource.VOUCHER)
    columns = read_columns(file.header, Resource.VOUCHER, schema)
    template = campaign_of(session, task).template if _of_campaign(task) else None
    reader = VoucherRows(columns, template, needed_metadata=needed_keys(schema))

    def read(row: Row) -> CodedVoucher:
        assert isinstance(row, CsvRow)
        return reader.read(row)

    return read


def _reading_json(session: Session, task: TaskInput) -> Read[CodedVoucher]:
    schema = schema_of(session, task.scope, Resource.VOUCHER)
    if not _of_campaign(task):
        return reading_json(lambda data: _checked(read_voucher(data), schema))
    campaign = campaign_of(session, task)
    return reading_json(lambda data: _checked(campaign.inherited(read_campaign_voucher(data, campaign.voucher)), schema))


def _checked(voucher: NewVoucher, schema: Schema) -> CodedVoucher:
    if voucher.code is None:
        raise InvalidInput("is missing; each voucher that is imported has a code of its own", field="code")
    check_whole(voucher.metadata, schema)
    return CodedVoucher(voucher.code, voucher.metadata, voucher)


def _store(session: Session, task: TaskInput, step: Step[CodedVoucher]) -> Outcome:
    refused = list(step.refused)
    rows: dict[str, tuple[Row, CodedVoucher]] = {}
    for read in step.read:
        row, voucher = read
        earlier, _ = rows.setdefault(voucher.code, read)
        if earlier is not row:
            refused.append(_refused(row, voucher.code, f"is in line {earlier.line} too; each code can be imported once"))
    campaign_id = campaign_id_of(task) if _of_campaign(task) else None
    copied = copy_vouchers(session, task.scope, campaign_id, [voucher for _, voucher in rows.values()])
    stored = [code for code in rows if code not in copied.taken and code not in copied.unstorable]
    raise_created(session, task.scope, VOUCHER_EVENTS, Voucher.code, stored)
    refused += [_refused(rows[code][0], code, "exists already; each code can be imported once") for code in copied.taken]
    refused += [_refused(rows[code][0], code, f"cannot be stored: {reason}") for code, reason in copied.unstorable.items()]
    if campaign_id is not None and copied.count:
        count_vouchers(session, task, copied.count)
    return Outcome(created=copied.count, refused=sorted(refused, key=lambda row: row.line))


def _refused(row: Row, code: str, what: str) -> Refused:
    content = row.content
    column = next((name for name in content if plain_header(name) in ("code", "vouchercode")), "code")
    return Refused(row.line, content, f'{column}: "{code}" {what}', column, code)


IMPORT_CSV = RowsOperation(csv_rows, _reading_csv, _store)
IMPORT_JSON = RowsOperation(json_rows, _reading_json, _store)
