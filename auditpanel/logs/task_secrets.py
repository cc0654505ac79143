"""What is secret in a background task, by the same rules as in a log. Its row keeps all that it was given: an import has to store it.

So a secret is replaced where a task is shown, and not in the files that operators download.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import msgspec

from auditpanel.logs.marks import redacted
from auditpanel.logs.redaction import Redactor
from auditpanel.tasks.values import Refused

Json = dict[str, object]

# A shorter piece of a secret says nothing, and stands in many words.
LEAST_PIECE = 4
# Reasons show no more of a value.
LONGEST_SHOWN = 200


def redacted_row(redactor: Redactor, row: Refused) -> Refused:
    """With the secrets of its content hidden in its value and reason too."""
    content = redacted_json(redactor, row.content)
    place: Json = {row.column: row.value} if row.column and row.value is not None else {}
    secrets = dict(_secrets(row.content, content))
    secrets |= dict(_secrets(place, redacted_json(redactor, place)))
    reason, value = redactor.text(row.reason), row.value
    for secret in sorted(secrets, key=len, reverse=True):
        reason = _hidden(reason, row.column, secret, secrets[secret])
        if value and secret.startswith(value.removesuffix("…")):
            value = secrets[secret]
    return replace(row, content=content, reason=reason, value=value and redactor.text(value))


def redacted_parameters(redactor: Redactor, parameters: Json) -> Json:
    """Each object in them is a part of the body that asked for the task, and may be a body of its own."""
    shown = redacted_json(redactor, parameters)
    return {name: redacted_json(redactor, value) if isinstance(value, dict) else value for name, value in shown.items()}


def redacted_json(redactor: Redactor, document: Json) -> Json:
    """As the body of a call; by the project's own paths also as one of a list, and as a file's columns that are metadata."""
    text = redactor.body(msgspec.json.encode(document).decode())
    if redactor.paths:
        for before, after in (("[", "]"), ('{"metadata":', "}")):
            text = redactor.body(f"{before}{text}{after}")[len(before) : -len(after)]
    shown = msgspec.json.decode(text)
    assert isinstance(shown, dict)
    return shown


def _secrets(told: object, shown: object) -> Iterator[tuple[str, str]]:
    """Texts that are hidden, with what stands in their place."""
    if isinstance(told, dict) and isinstance(shown, dict):
        for name, value in told.items():
            yield from _secrets(value, shown.get(name))
    elif isinstance(told, list) and isinstance(shown, list):
        for value, other in zip(told, shown, strict=False):
            yield from _secrets(value, other)
    elif told != shown and isinstance(shown, str):
        for text in _texts(told):
            yield text, shown if isinstance(told, str) else redacted(text)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
    if not isinstance(value, str):
        yield str(value)
        yield msgspec.json.encode(value).decode()
    elif value:
        yield value
        yield msgspec.json.encode(value).decode()[1:-1]


def _hidden(reason: str, column: str | None, secret: str, shown: str) -> str:
    """Reasons show the beginning of a value, most of them in quotes."""
    if len(secret) >= LEAST_PIECE and secret in reason:
        return reason.replace(secret, shown)
    for begin in ('"', f"{column}: " if column else '"'):
        lengths = range(min(len(secret), LONGEST_SHOWN), min(len(secret), LEAST_PIECE) - 1, -1)
        found = next((f"{begin}{secret[:length]}" for length in lengths if f"{begin}{secret[:length]}" in reason), None)
        if found is not None:
            return reason.replace(f"{found}…", found).replace(found, f"{begin}{shown}")
    return reason
