"""Exports through the API: asked for, listed, read, deleted."""

from __future__ import annotations

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from auditpanel.api import shapes
from auditpanel.downloads import exports_files
from auditpanel.exports.models import DueExport, Export
from auditpanel.exports.queries import get_export
from auditpanel.exports.records import ExportRecord
from auditpanel.ids import Prefix, parse_id
from auditpanel.logs.queries import get_log
from tests.api.calling import Caller, Json, make_caller
from tests.api.exporting import asked, made, run_due_exports, url_of
from tests.exports.asking import make_customers
from tests.logs.making import find as find_logs


@pytest.fixture
def customers(session: Session, caller: Caller) -> None:
    make_customers(session, caller.scope, 3)


def record_of(session: Session, caller: Caller, export: Json) -> ExportRecord:
    return get_export(session, caller.scope, parse_id(Prefix.EXPORT, str(export["id"])))


def details(caller: Caller, exported: object, **parameters: object) -> str:
    answer = caller.post("/exports", {"exported_object": exported, "parameters": parameters})
    assert answer.status_code == 400, answer.text
    return str(answer.get_json()["details"])


def test_an_export_is_answered_as_it_was_asked_for(caller: Caller, session: Session) -> None:
    parameters = {"fields": ["id", "email"], "order": "-id", "filters": {"junction": "and", "name": {"conditions": {"$is": ["Jan"]}}}}
    answer = caller.post("/exports", {"exported_object": "customer", "parameters": parameters}, **{"X-Voucherify-Channel": "Python-SDK"})
    export = msgspec.json.decode(answer.data, type=shapes.Export)
    assert (export.status, export.exported_object, export.channel, export.result) == ("SCHEDULED", "customer", "Python-SDK", None)
    assert export.parameters == parameters
    record = record_of(session, caller, answer.get_json())
    assert (record.layout.fields, record.layout.order, record.layout.format) == (("id", "email"), "-id", "csv")
    assert (record.filters, record.line.words, record.line.who) == ("range=all&name=Jan", "Name is Jan, all time", "erp-sync")


def test_a_file_that_is_ready_has_an_absolute_address_and_its_rows_bytes_and_checksum(app: Flask, caller: Caller, customers: None) -> None:
    answer = caller.get(f"/exports/{made(app, caller)['id']}")
    export = msgspec.json.decode(answer.data, type=shapes.Export)
    assert (export.status, export.rows) == ("DONE", 3)
    assert export.bytes and export.sha256 and export.expires_at and export.result
    assert export.result.url.startswith(f"http://localhost/v1/exports/{export.id}?token=")


@pytest.mark.parametrize(
    ("exported", "parameters", "layout"),
    [
        ("voucher", {"format": "ndjson", "gzip": True}, ("ndjson", "gzip", False, "UTC")),
        ("campaign", {"format": "CSV", "bom": True, "time_zone": "Europe/Warsaw"}, ("csv", "none", True, "Europe/Warsaw")),
        ("api_log", {"format": "parquet"}, ("parquet", "none", False, "UTC")),
        ("webhook_sendout", {"format": "xlsx"}, ("xlsx", "none", False, "UTC")),
        ("sku", {"fields": None, "order": None, "filters": None, "format": None, "gzip": None}, ("csv", "none", False, "UTC")),
    ],
)
def test_the_form_of_the_file_is_a_parameter(
    caller: Caller, session: Session, exported: str, parameters: Json, layout: tuple[object, ...]
) -> None:
    shown = record_of(session, caller, asked(caller, exported, **parameters)).layout
    assert (shown.format, shown.packing, shown.has_bom, shown.time_zone) == layout


@pytest.mark.parametrize("exported", ["api_log", "async_action", "export", "webhook_sendout", "campaign", "voucher", "product", "sku"])
def test_each_kind_of_record_is_exported_without_any_parameter(app: Flask, caller: Caller, exported: str) -> None:
    answer = caller.post("/exports", {"exported_object": exported})
    assert answer.status_code == 200, answer.text
    run_due_exports(app, caller.scope)
    assert caller.get(f"/exports/{answer.get_json()['id']}").get_json()["status"] == "DONE"


def test_what_cannot_be_taken_is_refused_by_its_place(caller: Caller) -> None:
    assert details(caller, "redemption").startswith('exported_object: "redemption" is not kept here; there are api_log, ')
    assert details(caller, 5) == "exported_object: expected a text, got a whole number"
    assert details(caller, "customer", fields=["id", "height"]).startswith(
        'parameters.fields: "height" is no field of customer; there are '
    )
    assert details(caller, "customer", fields="id").startswith("parameters.fields: expected ")
    assert details(caller, "customer", fields=["id"] * 201) == "parameters.fields: 201 fields are too many; name each once"
    assert details(caller, "customer", order="age").startswith('parameters.order: "age" is no order of customer; write one of ')
    assert details(caller, "customer", format="pdf") == 'parameters.format: "pdf" is not one of csv, ndjson, xlsx, parquet'
    assert details(caller, "customer", format="xlsx", gzip=True).startswith("parameters.gzip: xlsx is compressed already")
    assert details(caller, "customer", gzip="yes") == "parameters.gzip: expected true or false or null, got a text"
    assert details(caller, "customer", time_zone="Mars").startswith('parameters.time_zone: "Mars" is not a time zone')
    assert details(caller, "customer", campaign_id="Summer").startswith("parameters.campaign_id: goes with vouchers only")
    assert details(caller, "customer", fileds=["id"]).startswith("parameters.fileds: there is no such field; there are fields, order, ")
    assert caller.post("/exports", {"parameters": {}}).get_json()["details"].startswith('"exported_object" is missing')
    assert caller.post("/exports", []).get_json()["details"].startswith("body: expected an object")


def test_exports_are_listed_by_number_and_by_cursor(caller: Caller) -> None:
    ids = [asked(caller)["id"] for _ in range(3)][::-1]
    first = caller.get("/exports", limit="2").get_json()
    assert (first["object"], first["data_ref"], first["total"], first["total_is_exact"]) == ("list", "exports", 3, True)
    by_cursor = caller.get("/exports", limit="2", cursor=first["cursor"])
    by_number = caller.get("/exports", limit="2", page="2", order="-created_at").get_json()
    assert msgspec.json.decode(by_cursor.data, type=shapes.ExportList).exports[0].id == by_number["exports"][0]["id"] == ids[2]
    assert [export["id"] for export in first["exports"]] == ids[:2]
    assert (by_number["has_more"], by_number["cursor"]) == (False, None)
    assert caller.get("/exports", limit="2", page="3").get_json()["exports"] == []
    assert [export["id"] for export in caller.get("/exports", order="created_at").get_json()["exports"]] == ids[::-1]


def test_exports_are_ordered_by_status_too(app: Flask, caller: Caller, customers: None) -> None:
    done, scheduled = made(app, caller)["id"], asked(caller)["id"]
    assert [export["id"] for export in caller.get("/exports", order="status").get_json()["exports"]] == [done, scheduled]
    assert [export["id"] for export in caller.get("/exports", order="-status").get_json()["exports"]] == [scheduled, done]
    refused = caller.get("/exports", order="size").get_json()["details"]
    assert refused == 'order: "size" is no order of this list; write one of created_at, -created_at, status, -status'
    assert "page" in caller.get("/exports", cursor="5-" + "0" * 32, page="2").get_json()["details"]


def test_the_list_is_narrowed_by_the_filters_of_its_page(app: Flask, caller: Caller, customers: None) -> None:
    done, other = made(app, caller)["id"], asked(caller, "voucher", format="parquet")["id"]

    def found(**query: str) -> list[str]:
        return [export["id"] for export in caller.get("/exports", **query).get_json()["exports"]]

    assert found(status="DONE") == found(exported="customer") == found(id=str(done)) == found(format="csv") == [done]
    assert found(only="running") == [other] and found(who="erp-sync") == [other, done] and found(who="somebody") == []
    assert caller.get("/exports", state="DONE").get_json()["details"].startswith("state: there is no such filter")


def test_a_deleted_export_has_no_file_and_its_record_stays(app: Flask, caller: Caller, session: Session, customers: None) -> None:
    export = made(app, caller)
    file = record_of(session, caller, export).file
    assert file is not None and caller.delete(f"/exports/{export['id']}").status_code == 204
    with app.app_context():
        assert exports_files().of_export(caller.scope.project_id, parse_id(Prefix.EXPORT, str(export["id"]))) == []
    shown = caller.get(f"/exports/{export['id']}").get_json()
    assert (shown["status"], shown["result"]) == ("DONE", None)
    gone = app.test_client().get(url_of(export))
    assert gone.status_code == 404 and "was deleted by erp-sync" in gone.get_json()["details"]
    assert caller.delete(f"/exports/{export['id']}").status_code == 204


def test_an_export_that_is_deleted_before_it_is_ready_is_not_made(app: Flask, caller: Caller, session: Session) -> None:
    export = asked(caller)
    assert caller.delete(f"/exports/{export['id']}").status_code == 204
    assert session.get(DueExport, (caller.scope.project_id, parse_id(Prefix.EXPORT, str(export["id"])))) is None
    shown = caller.get(f"/exports/{export['id']}").get_json()
    assert (shown["status"], shown["error"]) == ("ERROR", "Deleted by erp-sync before it was ready.")


def test_foreign_and_unknown_exports_are_not_there(client: FlaskClient, caller: Caller, session: Session) -> None:
    export = asked(caller)
    stranger = make_caller(client, session)
    for name in (export["id"], "export_" + "0" * 32, "nonsense"):
        assert stranger.get(f"/exports/{name}").status_code == stranger.delete(f"/exports/{name}").status_code == 404
    assert stranger.get("/exports").get_json()["total"] == 0
    found = session.get(Export, (caller.scope.project_id, parse_id(Prefix.EXPORT, str(export["id"]))))
    assert found is not None and found.deleted_at is None


def test_the_logs_of_the_calls_lead_to_the_export_and_hold_no_token(app: Flask, caller: Caller, session: Session, customers: None) -> None:
    export = made(app, caller)
    assert app.test_client().get(url_of(export)).text
    caller.delete(f"/exports/{export['id']}")
    lines = find_logs(session, caller.scope, path_contains="/v1/exports").lines
    assert [(line.method, line.status_code) for line in lines] == [("DELETE", 204), ("GET", 200), ("GET", 200), ("POST", 200)]
    token = url_of(export).partition("token=")[2]
    for line in lines:
        log = get_log(session, caller.scope, line.key.id)
        assert [(reference.type, reference.id) for reference in log.references] == [("export", export["id"])], line
        assert token not in str(log) and line.api_key == "erp-sync" and line.origin == "SHOPIFY"
    download = get_log(session, caller.scope, lines[1].key.id)
    assert download.query and "token" in download.query and download.response.body is None


def test_secrets_in_what_was_asked_and_in_why_it_failed_are_hidden(caller: Caller, session: Session) -> None:
    export_id = str(asked(caller)["id"])
    columns = {"error": "Authorization: Bearer abcdefghijklmnop was refused", "parameters": {"password": "hunter22", "order": "id"}}
    session.execute(update(Export).where(Export.id == parse_id(Prefix.EXPORT, export_id)).values(columns))
    session.commit()
    for shown in (caller.get(f"/exports/{export_id}").get_json(), *caller.get("/exports").get_json()["exports"]):
        assert "abcdefghijklmnop" not in shown["error"] and shown["error"].startswith("Authorization: ")
        assert shown["parameters"] == {"password": "[redacted, 8 characters]", "order": "id"}
