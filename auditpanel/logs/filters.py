"""What the list of logs can be narrowed by; the names are the parameters of the panel and of `GET /v1/logs`."""

from __future__ import annotations

import math
import re

from auditpanel.errors import InvalidInput
from auditpanel.filters import Field, read_text, reader_of_choices
from auditpanel.logs.values import ORIGIN_LABELS

ORIGINS = tuple((str(origin), label) for origin, label in ORIGIN_LABELS.items())
RESULTS = (("success", "success"), ("failure", "failure"))
METHODS = tuple((method, method) for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))
ERRORS_ONLY = (("errors", "errors only"),)


def read_method(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{1,16}", text):
        raise InvalidInput(f'"{text[:60]}" is not a method; write it like POST')
    return text.upper()


def read_status(text: str) -> str:
    """A status code (`404`) or a class of them (`4xx`)."""
    if not re.fullmatch(r"[1-5](xx|\d\d)", text.lower()):
        raise InvalidInput(f'"{text[:60]}" is not a status; write a code like 404 or a class like 4xx')
    return text.lower()


def read_duration(text: str) -> str:
    try:
        milliseconds = float(text)
    except ValueError:
        milliseconds = math.nan
    if not 0 <= milliseconds < 1e9:
        raise InvalidInput(f'"{text[:60]}" is not a duration; write milliseconds, like 250')
    return f"{milliseconds:.3f}".rstrip("0").rstrip(".")


_FIELDS = (
    Field("only", "", reader_of_choices(ERRORS_ONLY), choices=ERRORS_ONLY, several=False, always=True),
    Field("origin", "Origin is", reader_of_choices(ORIGINS), choices=ORIGINS, commas=True),
    Field("result", "Result is", reader_of_choices(RESULTS), choices=RESULTS, commas=True),
    Field("method", "Method is", read_method, hint="POST", commas=True),
    Field("route", "Route is", read_text, hint="POST /v1/vouchers/{code}"),
    Field("path_contains", "Path contains", read_text, hint="/v1/vouchers"),
    Field("status", "Status is", read_status, hint="404 or 4xx", commas=True),
    Field("user", "User is", read_text, hint="nina@example.com"),
    Field("api_key", "API key is", read_text, hint="the key's name"),
    Field("customer", "Customer is", read_text, hint="the customer's id or source id"),
    Field("request_id", "Request id is", read_text, hint="v-…"),
    Field("min_duration_ms", "Duration above", read_duration, unit=" ms", hint="1000", several=False),
    Field("request_text", "Request body has", read_text, hint="as it is written there, capitals too"),
    Field("response_text", "Response body has", read_text, hint="as it is written there, capitals too"),
    Field("body_text", "Body has", read_text, hint="in the request's or the response's"),
)
LOG_FIELDS = {field.name: field for field in _FIELDS}
