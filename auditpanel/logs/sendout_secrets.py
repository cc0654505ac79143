"""What is secret in a webhook sendout, by the same rules as in a log. Its rows keep all: the payload has to go out as it is.

So a secret is replaced where a sendout is shown.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from auditpanel.logs.redaction import Redactor
from auditpanel.logs.task_secrets import redacted_json
from auditpanel.webhooks.records import AttemptLine, AttemptRecord, SendoutLine, SendoutRecord


def redacted_sendout(redactor: Redactor, record: SendoutRecord) -> SendoutRecord:
    """By the project's own paths also the event's data, as the body of a call to the API.

    What else stands in a payload is ours and no secret, the name of an API key among it.
    """
    data, url = _redacted_data(redactor, record.event.data), redacted_url(redactor, record.line.target_url)
    payload = record.payload.replace(f'"data":{record.event.data}', f'"data":{data}', 1)
    payload = payload.replace(f'"target_url":{_json(record.line.target_url)}', f'"target_url":{_json(url)}')
    return replace(
        record,
        line=redacted_line(redactor, record.line),
        event=replace(record.event, data=data),
        payload=payload,
        attempts=[redacted_attempt(redactor, attempt) for attempt in record.attempts],
    )


def redacted_line(redactor: Redactor, line: SendoutLine) -> SendoutLine:
    return replace(line, target_url=redacted_url(redactor, line.target_url), error=line.error and redactor.text(line.error))


def redacted_attempt(redactor: Redactor, attempt: AttemptRecord) -> AttemptRecord:
    return replace(
        attempt,
        line=redacted_attempt_line(redactor, attempt.line),
        request_headers=redactor.headers(attempt.request_headers),
        response_headers=redactor.headers(attempt.response_headers),
        response_body=attempt.response_body and redactor.body(attempt.response_body),
    )


def redacted_attempt_line(redactor: Redactor, line: AttemptLine) -> AttemptLine:
    return replace(line, url=redacted_url(redactor, line.url), error=line.error and redactor.text(line.error))


def redacted_url(redactor: Redactor, url: str) -> str:
    address, mark, query = url.partition("?")
    return redactor.path(address) + mark + redactor.query(query)


def _redacted_data(redactor: Redactor, data: str) -> str:
    document = msgspec.json.decode(data, type=dict[str, object])
    shown = redacted_json(redactor, document)
    # Where nothing is secret, it stays as it was written.
    return data if shown == document else msgspec.json.encode(shown).decode()


def _json(text: str) -> str:
    return msgspec.json.encode(text).decode()
