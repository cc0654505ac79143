from __future__ import annotations

import pytest

from auditpanel.errors import InvalidInput
from auditpanel.exports.layouts import checked_layout
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.values import Exported, Format, Layout, Packing

LOGS = SUBJECTS[Exported.LOG]


def test_a_layout_that_says_nothing_is_csv_with_the_usual_fields_newest_first() -> None:
    fields = ("code", "voucher_type", "value", "discount_type")
    assert checked_layout(SUBJECTS[Exported.VOUCHER]) == Layout(fields, "-created_at", Format.CSV, Packing.NONE, False, "UTC")


def test_logs_have_the_fields_of_the_contract() -> None:
    contract = (
        "created_at,id,status,request_id,channel,method,endpoint,url,user_email,app_id,request_duration,request_body,response_body,origin,"
        "path,status_code,customer,client_ip,user_agent,error"
    )
    assert LOGS.default_fields == tuple(contract.split(","))


def test_what_is_asked_for_is_taken_in_its_order_and_once() -> None:
    layout = checked_layout(
        LOGS, fields=["path", "id", "path"], order="created_at", format="CSV", gzip=True, bom=True, time_zone="Asia/Tokyo"
    )
    assert layout == Layout(("path", "id"), "created_at", Format.CSV, Packing.GZIP, True, "Asia/Tokyo")


def _refusal(**asked: object) -> InvalidInput:
    with pytest.raises(InvalidInput) as refused:
        checked_layout(LOGS, **asked)  # type: ignore[arg-type]
    return refused.value


def test_each_refusal_names_its_field_and_what_would_be_right() -> None:
    assert str(_refusal(fields=["id", "colour"])).startswith('fields: "colour" is no field of api_log; there are created_at, id, status,')
    assert str(_refusal(order="--created_at")).startswith(
        'order: "--created_at" is no order of api_log; write one of created_at, -created_at'
    )
    assert str(_refusal(order="request_body")).startswith("order: ")
    assert str(_refusal(format="pdf")) == 'format: "pdf" is not one of csv, ndjson, xlsx, parquet'
    assert str(_refusal(time_zone="Mars")).startswith('time_zone: "Mars" is not a time zone; write a name of the IANA database')


def test_what_a_format_does_not_have_is_refused() -> None:
    assert str(_refusal(format="xlsx", gzip=True)) == "gzip: xlsx is compressed already; leave it out, or choose csv or ndjson"
    assert _refusal(format="ndjson", bom=True).field == "bom"


@pytest.mark.parametrize("exported", Exported)
def test_each_subject_has_its_own_defaults_among_what_can_be_asked_for(exported: Exported) -> None:
    subject = SUBJECTS[exported]
    everything = checked_layout(subject, fields=tuple(subject.columns), order=subject.default_order)
    assert set(subject.default_fields) <= set(everything.fields)
    assert all(order in subject.columns for order in subject.orders)
