"""Exports asked for by API, made here and now as the job does it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.downloads import exports_files
from auditpanel.exports.models import DueExport
from auditpanel.exports.runner import run_export
from auditpanel.extensions import db
from tests.api.calling import Caller, Json
from tests.exports.asking import make_workshop


def run_due_exports(app: Flask, scope: ProjectScope) -> None:
    with app.app_context():
        engine, files = db.engine, exports_files()
    with Session(engine) as session:
        due = list(session.scalars(select(DueExport.export_id).where(DueExport.project_id == scope.project_id)))
    for export_id in due:
        run_export(make_workshop(engine, files), scope.project_id, export_id)


def asked(caller: Caller, exported: str = "customer", **parameters: object) -> Json:
    answer = caller.post("/exports", {"exported_object": exported, "parameters": parameters})
    assert answer.status_code == 200, answer.text
    export: Json = answer.get_json()
    return export


def made(app: Flask, caller: Caller, exported: str = "customer", **parameters: object) -> Json:
    """The export as it is once its file is there."""
    export = asked(caller, exported, **parameters)
    run_due_exports(app, caller.scope)
    done: Json = caller.get(f"/exports/{export['id']}").get_json()
    assert done["status"] == "DONE", done
    return done


def url_of(export: Json) -> str:
    result = export["result"]
    assert isinstance(result, dict)
    return str(result["url"])


def token_of(export: Json) -> str:
    return parse_qs(urlsplit(url_of(export)).query)["token"][0]


def lines_of(app: Flask, caller: Caller, exported: str, **parameters: object) -> list[str]:
    """Of the CSV file, without its header."""
    content = app.test_client().get(url_of(made(app, caller, exported, **parameters))).text
    return content.splitlines()[1:]
