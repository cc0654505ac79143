"""`POST /v1/logs`, `GET /v1/logs`, `GET /v1/logs/{id}`."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from auditpanel.api.bodies import read_body
from auditpanel.api.calls import forget_answer
from auditpanel.api.paging import read_limit
from auditpanel.api.scope import current_scope
from auditpanel.errors import InvalidInput, NotFound
from auditpanel.extensions import db
from auditpanel.filters import FilterSet
from auditpanel.ids import Prefix, parse_id
from auditpanel.logs.clauses import Direction, Place
from auditpanel.logs.decoding import decode_batch
from auditpanel.logs.filters import LOG_FIELDS
from auditpanel.logs.queries import Count, count_logs, get_log, list_logs
from auditpanel.logs.recorder import CALL
from auditpanel.logs.store import Refusal, store_logs
from auditpanel.logs.values import LogKey, LogLine, LogRecord, Message, NewLog
from auditpanel.times import iso_utc, utc_now


def add_routes(blueprint: Blueprint) -> None:
    blueprint.post("/logs")(create_logs)
    blueprint.get("/logs")(index_logs)
    blueprint.get("/logs/<log_id>")(show_log)


def create_logs() -> ResponseReturnValue:
    """Store up to 1,000 logs.

    Answers after the commit: a log that is counted here is on disk.
    """
    scope = current_scope()
    judged = _judge(read_body(request))
    result = store_logs(db.session(), scope, judged.good, now=utc_now())
    db.session.commit()
    refused = judged.refused + [Refusal(judged.places[refusal.index], refusal.reason) for refusal in result.refused]
    if not refused:
        # What it carried is recorded: a log of its carriage beside each batch would only stand in the reader's way.
        request.environ[CALL] = None
    answer = {
        "stored": result.stored,
        "duplicates": result.duplicates,
        "refused": [{"index": refusal.index, "reason": refusal.reason} for refusal in sorted(refused, key=lambda r: r.index)],
    }
    return jsonify(answer), 202


@dataclass(frozen=True, slots=True)
class JudgedBatch:
    """`places` are the indexes that the good ones had in the batch."""

    good: list[NewLog]
    places: list[int]
    refused: list[Refusal]


def _judge(body: bytes) -> JudgedBatch:
    batch = JudgedBatch([], [], [])
    for index, item in enumerate(decode_batch(body)):
        if isinstance(item, InvalidInput):
            batch.refused.append(Refusal(index, str(item)))
        else:
            batch.good.append(item)
            batch.places.append(index)
    return batch


def index_logs() -> ResponseReturnValue:
    """A page of the logs, newest first.

    `cursor` is where the next one begins; it also comes where the search stopped for its budget of time."""
    scope = current_scope()
    pairs = [(name, value) for name, value in request.args.items(multi=True) if name not in ("cursor", "limit")]
    filters = FilterSet.parse(pairs, LOG_FIELDS)
    span = filters.range.resolve(utc_now(), scope.time_zone)
    place = _read_place(request.args.get("cursor", ""))
    page = list_logs(db.session(), scope, filters, span, place=place, size=read_limit(request.args.get("limit", "")))
    count = Count(0, is_exact=False) if page.looked_to else count_logs(db.session(), scope, filters, span)
    forget_answer()
    following = page.looked_to or (page.lines[-1].key if page.has_more else None)
    return jsonify(
        object="list",
        total=max(count.value, len(page.lines)),
        total_is_exact=count.is_exact,
        data_ref="logs",
        logs=[line_as_json(line) for line in page.lines],
        cursor=following.cursor if following else None,
        looked_back_to=iso_utc(page.looked_to.occurred_at) if page.looked_to else None,
    )


def _read_place(cursor: str) -> Place | None:
    return Place(LogKey.from_cursor(cursor), Direction.OLDER) if cursor else None


def show_log(log_id: str) -> ResponseReturnValue:
    """A log with its headers and bodies."""
    try:
        parsed = parse_id(Prefix.LOG, log_id)
    except InvalidInput as error:
        raise NotFound(f"There is no such log: {error}.") from None
    record = get_log(db.session(), current_scope(), parsed)
    forget_answer()
    return jsonify(record_as_json(record))


def line_as_json(line: LogLine) -> dict[str, object]:
    return {
        "id": line.id,
        "object": "log",
        "occurred_at": iso_utc(line.key.occurred_at),
        "result": "failure" if line.failed else "success",
        "method": line.method,
        "path": line.path,
        "route": line.route,
        "status_code": line.status_code,
        "error": line.error,
        "duration_ms": line.duration_ms,
        "origin": line.origin,
        "channel": line.channel,
        "user": line.user,
        "api_key": line.api_key,
        "customer": line.customer,
        "client_ip": line.client_ip,
        "user_agent": line.user_agent,
        "request_id": line.request_id,
    }


def record_as_json(record: LogRecord) -> dict[str, object]:
    return (
        line_as_json(record.line)
        | {"query": record.query}
        | _message_as_json("request", record.request)
        | _message_as_json("response", record.response)
        | {"references": [{"type": reference.type, "id": reference.id} for reference in record.references]}
    )


def _message_as_json(side: str, message: Message) -> dict[str, object]:
    return {
        f"{side}_headers": message.headers,
        f"{side}_body": message.body,
        f"{side}_size_bytes": message.size_bytes,
        f"{side}_is_cut": message.is_cut,
    }
