"""`/v1/webhook-sendouts`: what went out to the webhooks, each attempt of it, and sending it again. Secrets are hidden as in a log."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from auditpanel.api.calls import asker
from auditpanel.api.paging import read_limit
from auditpanel.api.scope import current_scope
from auditpanel.errors import InvalidInput, NotFound
from auditpanel.extensions import db
from auditpanel.filters import FilterSet
from auditpanel.ids import Prefix, format_id, parse_id
from auditpanel.logs import recorder
from auditpanel.logs.redaction import Redactor
from auditpanel.logs.sendout_secrets import redacted_line, redacted_sendout
from auditpanel.logs.values import Reference
from auditpanel.queues import enqueue_delivery
from auditpanel.times import iso_utc, utc_now
from auditpanel.webhooks.again import send_again
from auditpanel.webhooks.filters import SENDOUT_FIELDS
from auditpanel.webhooks.queries import count_sendouts, get_sendout, list_sendouts
from auditpanel.webhooks.records import AttemptRecord, Direction, Place, SendoutKey, SendoutLine, SendoutRecord

Json = dict[str, object]


def add_routes(blueprint: Blueprint) -> None:
    blueprint.get("/webhook-sendouts")(list_webhook_sendouts)
    blueprint.get("/webhook-sendouts/<sendout_id>")(get_webhook_sendout)
    blueprint.post("/webhook-sendouts/<sendout_id>/resend")(resend_webhook_sendout)


def list_webhook_sendouts() -> ResponseReturnValue:
    """A page of the webhook sendouts, newest first.

    `sent_after` and `sent_before` are about the last attempt, `created_after` and `created_before` about the event.
    `cursor` is where the next page begins.
    """
    scope = current_scope()
    filters = FilterSet.parse(_pairs(), SENDOUT_FIELDS)
    span = filters.range.resolve(utc_now(), scope.time_zone)
    cursor = request.args.get("cursor", "")
    place = Place(SendoutKey.from_cursor(cursor), Direction.OLDER) if cursor else None
    page = list_sendouts(db.session(), scope, filters, span, place=place, size=read_limit(request.args.get("limit", "")))
    count = count_sendouts(db.session(), scope, filters, span)
    redactor = Redactor.of(scope.redact_paths)
    return jsonify(
        object="list",
        data_ref="webhook_sendouts",
        webhook_sendouts=[line_as_json(redacted_line(redactor, line)) for line in page.lines],
        has_more=page.has_more,
        total=max(count.value, len(page.lines)),
        total_is_exact=count.is_exact,
        cursor=page.lines[-1].key.cursor if page.has_more else None,
    )


def _pairs() -> list[tuple[str, str]]:
    """The filters; without a range, all there is."""
    pairs = [(name, value) for name, value in request.args.items(multi=True) if name not in ("cursor", "limit")]
    return pairs if any(name == "range" for name, _ in pairs) else [*pairs, ("range", "all")]


def get_webhook_sendout(sendout_id: str) -> ResponseReturnValue:
    """A webhook sendout with its payload and its attempts, the newest 100, newest first."""
    scope = current_scope()
    record = redacted_sendout(Redactor.of(scope.redact_paths), get_sendout(db.session(), scope, _parse(sendout_id)))
    _refer(record.line.key.id)
    return jsonify(record_as_json(record))


def resend_webhook_sendout(sendout_id: str) -> ResponseReturnValue:
    """Send it again: one more attempt at once, whatever its status, with the same message id and a fresh signature.

    Where an attempt is under way already, nothing is done: `started` is false, and `message` says so. How it ended is among the attempts.
    """
    parsed = _parse(sendout_id)
    again = send_again(db.session(), current_scope(), parsed, asker().name)
    db.session.commit()
    _refer(parsed)
    if again.is_new:
        enqueue_delivery(current_app.config["REDIS_URL"])
    answer = {"id": format_id(Prefix.SENDOUT, parsed), "object": "webhook_sendout", "started": again.is_new, "message": again.words}
    return jsonify(answer), 202


def _parse(sendout_id: str) -> UUID:
    try:
        return parse_id(Prefix.SENDOUT, sendout_id)
    except InvalidInput as error:
        raise NotFound(f"There is no such webhook sendout: {error}.") from None


def _refer(sendout_id: UUID) -> None:
    recorder.refer(request.environ, Reference("webhook_sendout", format_id(Prefix.SENDOUT, sendout_id)))


def line_as_json(line: SendoutLine) -> Json:
    return {
        "id": line.id,
        "object": "webhook_sendout",
        "status": line.status,
        "type": line.type,
        "target_url": line.target_url,
        "request_id": line.request_id,
        "source_id": line.source_id,
        "event_id": format_id(Prefix.EVENT, line.event_id),
        "created_at": iso_utc(line.created_at),
        "sent_at": _iso(line.sent_at),
        "next_attempt_at": _iso(line.next_attempt_at),
        "attempts_count": line.attempts,
        "status_code": line.status_code,
        "duration_ms": line.duration_ms,
        "error": line.error,
        "sent_again_by": line.asked_by,
    }


def record_as_json(record: SendoutRecord) -> Json:
    """The payload is a text: its exact bytes are what is signed."""
    attempts = [attempt_as_json(attempt) for attempt in record.attempts]
    return line_as_json(record.line) | {"payload": record.payload, "attempts": attempts}


def attempt_as_json(attempt: AttemptRecord) -> Json:
    line = attempt.line
    return {
        "started_at": iso_utc(line.started_at),
        "duration_ms": line.duration_ms,
        "url": line.url,
        "delivered": line.delivered,
        "status_code": line.status_code,
        "error": line.error,
        "sent_again_by": line.asked_by,
        "request_headers": attempt.request_headers,
        "response_headers": attempt.response_headers,
        "response_body": attempt.response_body,
        "response_size_bytes": attempt.response_size_bytes,
        "response_is_cut": attempt.response_is_cut,
    }


def _iso(moment: datetime | None) -> str | None:
    return iso_utc(moment) if moment else None
