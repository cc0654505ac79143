"""What a call is about, told to its log; and what it asks for: a JSON body, a page of a list."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import msgspec
from flask import Response, request

from auditpanel.answers import request_id
from auditpanel.api.bodies import read_body
from auditpanel.catalogue.finding import LARGEST_PAGE, LAST_PAGE, PAGE_SIZE, Bounds, Listed, PageAsked, Row
from auditpanel.catalogue.reading import check_storable, read_moment
from auditpanel.errors import InvalidInput, NotFound
from auditpanel.ids import Prefix, format_id, parse_id
from auditpanel.logs import recorder
from auditpanel.logs.recorder import CALL, CallDetails
from auditpanel.logs.values import Reference
from auditpanel.tasks.values import Asker

Json = dict[str, object]


def refer(prefix: Prefix, *ids: UUID) -> None:
    """The call's log refers to these records."""
    recorder.refer(request.environ, *(Reference(_KINDS[prefix], format_id(prefix, id_)) for id_ in ids))


_KINDS = {
    Prefix.CAMPAIGN: "campaign",
    Prefix.VOUCHER: "voucher",
    Prefix.CUSTOMER: "customer",
    Prefix.PRODUCT: "product",
    Prefix.SKU: "sku",
    Prefix.ASYNC_ACTION: "async_action",
    Prefix.EXPORT: "export",
}


def read_export_id(text: str) -> UUID:
    """Of an address. Raises NotFound where it is none."""
    try:
        return parse_id(Prefix.EXPORT, text)
    except InvalidInput as error:
        raise NotFound(f"There is no such export: {error}.") from None


def forget_answer() -> None:
    """The call's log goes without it: it shows other records, and would be found by every search for their text."""
    request.environ[CALL] = replace(_details(), keeps_answer=False)


def name_customer(name: str) -> None:
    """The customer that the call is about, as the log's list shows it."""
    request.environ[CALL] = replace(_details(), customer=name)


def asker() -> Asker:
    details = _details()
    channel = request.headers.get("X-Voucherify-Channel", "").strip()[:200] or None
    return Asker(request_id(), str(details.origin), channel, user=details.user, api_key=details.api_key)


def _details() -> CallDetails:
    details: CallDetails = request.environ[CALL]
    return details


def read_json() -> object:
    """The body as JSON; an empty one is an empty object. Raises InvalidInput where it is no JSON."""
    body = read_body(request)
    try:
        return msgspec.json.decode(body) if body.strip() else {}
    except RecursionError:
        raise InvalidInput("is nested too deeply", field="body") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        said = str(error).removeprefix("JSON is malformed: ").replace("Input data was truncated", "it breaks off")
        raise InvalidInput(f"is not JSON: {said}; send JSON in UTF-8", field="body") from None


def read_json_rows() -> list[Json]:
    """A list of objects, of which each is a row of a task. Raises InvalidInput where it is anything else."""
    rows = read_json()
    if not isinstance(rows, list) or not rows:
        raise InvalidInput("expected a list of objects with at least one in it", field="body")
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            raise InvalidInput(f"expected an object, got {str(row)[:60]!a}", field=f"[{index}]")
    return rows


def read_page(*, created_after: str = "created_at[after]", created_before: str = "created_at[before]") -> PageAsked:
    """The page that the query string asks for, with the names of its parameters for the time of creation."""
    return PageAsked(
        limit=read_number("limit", default=PAGE_SIZE, highest=LARGEST_PAGE),
        page=read_number("page", default=1, highest=LAST_PAGE),
        order=request.args.get("order", "") or "-created_at",
        created=Bounds(_moment(created_after), _moment(created_before)),
        updated=Bounds(_moment("updated_at[after]"), _moment("updated_at[before]")),
    )


def _moment(name: str) -> datetime | None:
    return read_moment(request.args.get(name, ""), name)


def read_number(name: str, *, default: int, highest: int) -> int:
    text = request.args.get(name, "")
    if not text:
        return default
    # Not int() alone: it takes other scripts' digits, spaces and underscores too.
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:10]) <= highest or len(text) > 10:
        raise InvalidInput(f'"{text[:40]}" is out of range; write a whole number from 1 to {highest:,}', field=name)
    return int(text)


def refuse_parameters(*names: str) -> None:
    """A filter that is not known here must not be passed over: the answer would hold what the caller did not ask for."""
    for given in request.args:
        if given.split("[")[0] in names:
            raise InvalidInput("this filter is not kept here; leave it out", field=given[:80])


def text_parameter(name: str) -> str | None:
    text = request.args.get(name, "").strip()
    check_storable(text, name)
    return text or None


def page_as_json(name: str, rows: list[Json], found: Listed[Row]) -> Json:
    return list_as_json(name, rows, found.total) | {"total_is_exact": found.total_is_exact}


def list_as_json(name: str, rows: list[Json], total: int) -> Json:
    """Of all there are."""
    return {"object": "list", "data_ref": name, name: rows, "total": total, "total_is_exact": True}


def no_content() -> Response:
    answer = Response(status=204)
    # Of a body that is not there.
    del answer.headers["Content-Type"]
    return answer
