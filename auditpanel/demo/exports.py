"""An export that the shop's ERP has just asked for, with the call that asked: a worker makes it at the first start."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from random import Random

from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.demo.calls import ERP, ERP_IP, Reply, Request, make_call, make_request_id
from auditpanel.exports.layouts import checked_layout
from auditpanel.exports.queries import get_export
from auditpanel.exports.showing import export_as_json
from auditpanel.exports.store import NewExport, request_export
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.values import Exported
from auditpanel.ids import Prefix, format_id
from auditpanel.logs.redaction import Redactor
from auditpanel.logs.values import NewLog, Reference

DAYS = timedelta(days=3)
FIELDS = ("created_at", "status_code", "method", "path", "origin", "app_id", "error", "request_id")


def ask_for_export(session: Session, scope: ProjectScope, random: Random, now: datetime) -> NewLog:
    """The failed calls of the last days."""
    at, since = now - timedelta(seconds=1), (now.astimezone(scope.time_zone) - DAYS).date().isoformat()
    parameters: dict[str, object] = {
        "format": "csv",
        "fields": [*FIELDS],
        "filters": {"junction": "and", "status": {"conditions": {"$is": ["failure"]}}, "created_at": {"conditions": {"$after": [since]}}},
    }
    subject = SUBJECTS[Exported.LOG]
    filters = subject.read_filters([("result", "failure"), ("created_after", since)])
    new = NewExport(
        Exported.LOG, filters, filters.range.resolve(now, scope.time_zone), checked_layout(subject, fields=FIELDS, format="csv"), parameters
    )
    request_id = make_request_id(random)
    export_id = request_export(session, scope, new, asker=ERP.asker(request_id), now=at)
    shown = export_as_json(get_export(session, scope, export_id), None, Redactor.of(scope.redact_paths))
    body = json.dumps({"exported_object": Exported.LOG, "parameters": parameters}, indent=2)
    return make_call(
        ERP,
        at,
        request_id,
        Request("POST /v1/exports", body=body),
        Reply(200, shown, 19.2),
        client_ip=ERP_IP,
        references=[Reference("export", format_id(Prefix.EXPORT, export_id))],
    )
