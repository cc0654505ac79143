"""What an export of logs, background tasks, exports and sendouts can have in it. Names are those of the public API where it has one."""

from __future__ import annotations

import msgspec
from sqlalchemy import and_, case, func, literal_column

from auditpanel.exports.columns import Beside, boolean, by_name, integer, json, moment, number, record_id, text, word
from auditpanel.exports.models import Export
from auditpanel.exports.values import Packing
from auditpanel.ids import Prefix
from auditpanel.logs.models import Log, LogContent
from auditpanel.logs.redaction import Redactor
from auditpanel.logs.sendout_secrets import redacted_url
from auditpanel.logs.task_secrets import redacted_parameters
from auditpanel.tasks.models import AsyncAction
from auditpanel.tasks.records import OperationStatus
from auditpanel.tasks.values import TaskStatus
from auditpanel.webhooks.models import Sendout


def _redacted_text(redactor: Redactor, value: str) -> str:
    return redactor.text(value)


def _redacted_parameters(redactor: Redactor, value: str) -> str:
    parameters = msgspec.json.decode(value, type=dict[str, object])
    return msgspec.json.encode(redacted_parameters(redactor, parameters)).decode()


# Both ways, so that either table's months can be left out by the span.
_CONTENT = Beside(
    LogContent,
    and_(LogContent.project_id == Log.project_id, LogContent.occurred_at == Log.occurred_at, LogContent.id == Log.id),
)
LOG_COLUMNS = by_name(
    moment("created_at", Log.occurred_at),
    record_id("id", Prefix.LOG, Log.id),
    word("status", case((Log.status_code < 400, literal_column("'success'")), else_=literal_column("'failure'"))),
    text("request_id", Log.request_id),
    text("channel", Log.channel),
    text("method", Log.method),
    text("endpoint", Log.route),
    text("url", Log.path + func.coalesce("?" + func.nullif(LogContent.query, ""), ""), beside=_CONTENT),
    text("user_email", Log.user),
    # The key's name: its id is as good as half of it, and logs do not keep it.
    text("app_id", Log.api_key),
    number("request_duration", Log.duration_ms),
    text("request_body", LogContent.request_body, beside=_CONTENT),
    text("response_body", LogContent.response_body, beside=_CONTENT),
    word("origin", Log.origin),
    text("path", Log.path),
    integer("status_code", Log.status_code),
    text("customer", Log.customer),
    text("client_ip", Log.client_ip),
    text("user_agent", Log.user_agent),
    text("error", Log.error),
)

_ENDED = AsyncAction.status.in_((TaskStatus.DONE, TaskStatus.FAILED))
_SUCCEEDED = and_(AsyncAction.status == TaskStatus.DONE, AsyncAction.refused == 0)
TASK_COLUMNS = by_name(
    record_id("id", Prefix.ASYNC_ACTION, AsyncAction.id),
    word("type", AsyncAction.type),
    word("status", AsyncAction.status),
    word(
        "operation_status",
        case(
            (_SUCCEEDED, literal_column(f"'{OperationStatus.SUCCESS}'")),
            (_ENDED, literal_column(f"'{OperationStatus.FAILED}'")),
            else_=literal_column(f"'{OperationStatus.UNKNOWN}'"),
        ),
    ),
    moment("created_at", AsyncAction.created_at),
    moment("updated_at", AsyncAction.updated_at),
    moment("started_at", AsyncAction.started_at),
    moment("finished_at", AsyncAction.finished_at),
    text("request_id", AsyncAction.request_id),
    integer("processing_time", AsyncAction.processing_ms),
    word("origin", AsyncAction.origin),
    text("channel", AsyncAction.channel),
    text("user_email", AsyncAction.user),
    text("app_id", AsyncAction.api_key),
    text("file_name", AsyncAction.file_name),
    integer("rows_total", AsyncAction.rows_total),
    integer("rows_done", AsyncAction.rows_done),
    integer("created", AsyncAction.created),
    integer("updated", AsyncAction.updated),
    integer("deleted", AsyncAction.deleted),
    integer("skipped", AsyncAction.skipped),
    integer("refused", AsyncAction.refused),
    text("error", AsyncAction.error, redact=_redacted_text),
    json("parameters", AsyncAction.parameters, redact=_redacted_parameters),
)

# What an API client gave as parameters is left out: `filters`, `fields`, `order` say what came of it.
EXPORT_COLUMNS = by_name(
    record_id("id", Prefix.EXPORT, Export.id),
    word("exported_object", Export.exported),
    word("status", Export.status),
    moment("created_at", Export.created_at),
    moment("updated_at", Export.updated_at),
    moment("started_at", Export.started_at),
    moment("finished_at", Export.finished_at),
    text("request_id", Export.request_id),
    word("origin", Export.origin),
    text("channel", Export.channel),
    text("user_email", Export.user),
    text("app_id", Export.api_key),
    text("filters", Export.words),
    json("fields", func.to_jsonb(Export.fields)),
    text("order", Export.order),
    word("format", Export.format),
    boolean("gzip", Export.packing == Packing.GZIP),
    text("time_zone", Export.time_zone),
    integer("rows", Export.rows_done),
    integer("bytes", Export.file_bytes),
    word("sha256", Export.sha256),
    moment("expires_at", Export.expires_at),
    text("error", Export.error, redact=_redacted_text),
)

# The payload, the headers and the answers of attempts are left out: they hold secrets that only a sendout's page hides.
SENDOUT_COLUMNS = by_name(
    record_id("id", Prefix.SENDOUT, Sendout.id),
    word("status", Sendout.status),
    text("type", Sendout.type),
    moment("created_at", Sendout.created_at),
    moment("sent_at", Sendout.sent_at),
    record_id("source_id", Prefix.WEBHOOK, Sendout.webhook_id),
    text("target_url", Sendout.target_url, redact=redacted_url),
    text("request_id", Sendout.request_id),
    record_id("event_id", Prefix.EVENT, Sendout.event_id),
    integer("attempts_count", Sendout.attempts),
    integer("status_code", Sendout.status_code),
    number("duration_ms", Sendout.duration_ms),
    text("error", Sendout.error, redact=_redacted_text),
    moment("first_attempt_at", Sendout.first_attempt_at),
    moment("next_attempt_at", Sendout.next_attempt_at),
)
