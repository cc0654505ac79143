"""Exports as the public API shows them, and a little more: in its answers, and in the event of one that is ready."""

from __future__ import annotations

from auditpanel.exports.records import ExportRecord, Json
from auditpanel.logs.redaction import Redactor
from auditpanel.logs.task_secrets import redacted_parameters
from auditpanel.times import iso_milliseconds


def export_as_json(record: ExportRecord, url: str | None, redactor: Redactor) -> Json:
    """`url` is where the file can be had; None where there is none. Secrets are hidden, as the pages do."""
    line = record.line
    return {
        "id": line.id,
        "object": "export",
        "created_at": iso_milliseconds(line.created_at),
        "status": line.status,
        "channel": line.channel or line.origin,
        "exported_object": line.exported,
        "parameters": redacted_parameters(redactor, record.parameters),
        "result": {"url": url} if url else None,
        "user_id": line.asker.user,
        "request_id": line.request_id,
        "rows": line.rows_done,
        "bytes": line.file_bytes,
        "sha256": record.sha256,
        "expires_at": iso_milliseconds(line.expires_at) if line.expires_at else None,
        "error": redactor.text(line.error) if line.error else None,
    }
