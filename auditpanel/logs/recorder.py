"""The panel's own calls as logs: caught by the same middleware that other services add, stored straight away.

A call is stored before the last byte of its answer leaves: whoever has the answer finds the log. Calls of the panel outside
of all projects are in the panel's own history; a call with a key that nobody knows is in none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from wsgiref.types import WSGIApplication

import msgspec
from sqlalchemy.engine import Engine

from auditpanel.accounts.scope import ProjectScope
from auditpanel.client import WSGILogger
from auditpanel.logs.store import store_call
from auditpanel.logs.values import NewLog, Origin, Reference
from auditpanel.times import utc_now

# Where a view leaves word of whose call it is.
CALL = "auditpanel.call"
# A part of a multipart body that is a file: its headers, then its content up to the next boundary or to where the body was cut.
FILE_PART = re.compile(
    r"(?P<headers>^content-disposition:[^\r\n]*\bfilename\*?=.*?\r?\n\r?\n)(?P<content>.*?)(?=\r?\n--|\Z)", re.I | re.M | re.S
)
UNRECORDED_PATHS = ("/static/", "/healthz", "/readyz")
# The store refuses a log with more.
REFERENCES_LIMIT = 100


@dataclass(frozen=True, slots=True)
class CallDetails:
    """What only the application knows of a call.

    An answer that shows other logs is not kept: as a body, it would be found by every search for their text.
    """

    scope: ProjectScope
    origin: Origin
    user: str | None = None
    api_key: str | None = None
    customer: str | None = None
    references: tuple[Reference, ...] = ()
    keeps_answer: bool = True


def refer(environ: MutableMapping[str, object], *references: Reference) -> None:
    """The call's log refers to these records too, each once."""
    details = environ.get(CALL)
    if isinstance(details, CallDetails):
        found = tuple(dict.fromkeys((*details.references, *references)))[:REFERENCES_LIMIT]
        environ[CALL] = replace(details, references=found)


def record_calls(app: WSGIApplication, engine: Callable[[], Engine]) -> WSGIApplication:
    def store(log: Mapping[str, object], environ: Mapping[str, object]) -> None:
        details = environ.get(CALL)
        if isinstance(details, CallDetails):
            store_call(engine(), details.scope, _described(log, details), now=utc_now())

    return WSGILogger(app, store, skip=lambda path: path.startswith(UNRECORDED_PATHS))


def _described(log: Mapping[str, object], details: CallDetails) -> NewLog:
    call = {name: value for name, value in log.items() if value is not None}
    call |= {"origin": details.origin, "user": details.user, "api_key": details.api_key, "customer": details.customer}
    call["references"] = list(details.references)
    if not details.keeps_answer:
        call.pop("response_body", None)
    body = call.get("request_body")
    if isinstance(body, str) and FILE_PART.search(body):
        call["request_body"] = FILE_PART.sub(_without_content, body)
    return msgspec.convert(call, NewLog)


def _without_content(part: re.Match[str]) -> str:
    """Nothing tells which of a file's columns are secret; the task keeps the file for those who may have it."""
    return f"{part['headers']}[a file, not kept in the log]"
