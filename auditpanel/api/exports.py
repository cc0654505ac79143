"""`/v1/exports`: lists as files, as the public API has them. The address of a file has a token in it, which is all that it asks for."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from auditpanel.api.calls import Json, asker, forget_answer, no_content, read_export_id, read_json, read_number, refer
from auditpanel.api.export_bodies import in_parameters, read_export
from auditpanel.api.opening import asks_for_file, key_id, tokens
from auditpanel.api.paging import read_limit
from auditpanel.api.scope import current_scope
from auditpanel.downloads import answer_with_file, exports_files, remove_file
from auditpanel.errors import InvalidInput
from auditpanel.exports import queries, store
from auditpanel.exports.filters import EXPORT_FIELDS
from auditpanel.exports.layouts import PACKED
from auditpanel.exports.records import ExportKey, ExportLine, ExportRecord
from auditpanel.exports.showing import export_as_json
from auditpanel.exports.tokens import Download
from auditpanel.exports.values import Packing
from auditpanel.extensions import db
from auditpanel.filters import FilterSet, Span
from auditpanel.ids import Prefix
from auditpanel.keyset import Direction, Page, Place
from auditpanel.logs.redaction import Redactor
from auditpanel.queues import enqueue_export
from auditpanel.times import utc_now

LAST_PAGE = 1_000
TEXT = "text/plain"
# What of the query string is not a filter.
PLACES = ("cursor", "limit", "page", "order")


def add_routes(blueprint: Blueprint) -> None:
    blueprint.get("/exports")(list_exports)
    blueprint.post("/exports")(create_export)
    blueprint.get("/exports/<export_id>")(get_export)
    blueprint.delete("/exports/<export_id>")(delete_export)


def create_export() -> ResponseReturnValue:
    """Ask for an export: its file is there once the status is DONE.

    The rows are those that the filters mean when the writing begins, all of one moment.
    """
    scope, now = current_scope(), utc_now()
    new = read_export(read_json(), scope, now)
    with in_parameters():
        export_id = store.request_export(db.session(), scope, new, asker=asker(), now=now)
    db.session.commit()
    refer(Prefix.EXPORT, export_id)
    enqueue_export(current_app.config["REDIS_URL"], scope.project_id, export_id)
    return jsonify(_as_json(queries.get_export(db.session(), scope, export_id)))


def list_exports() -> ResponseReturnValue:
    """A page of the exports, newest first.

    By number, with `page` and `order`, as the public API has it; or by `cursor`, where the page before ended, in the order by creation.
    """
    scope = current_scope()
    filters = FilterSet.parse(_pairs(), EXPORT_FIELDS)
    span = filters.range.resolve(utc_now(), scope.time_zone)
    order = request.args.get("order") or queries.NEWEST_FIRST
    page = _page(filters, span, order)
    count = queries.count_exports(db.session(), scope, filters, span)
    has_cursor = page.has_more and order == queries.NEWEST_FIRST
    return jsonify(
        object="list",
        data_ref="exports",
        exports=[_as_json(record) for record in page.lines],
        has_more=page.has_more,
        total=count.value,
        total_is_exact=count.is_exact,
        cursor=page.lines[-1].line.key.cursor if has_cursor else None,
    )


def _pairs() -> list[tuple[str, str]]:
    """The filters; without a range, all there is."""
    pairs = [(name, value) for name, value in request.args.items(multi=True) if name not in PLACES]
    return pairs if any(name == "range" for name, _ in pairs) else [*pairs, ("range", "all")]


def _page(filters: FilterSet, span: Span, order: str) -> Page[ExportRecord]:
    number, size = read_number("page", default=1, highest=LAST_PAGE), read_limit(request.args.get("limit", ""))
    cursor = request.args.get("cursor", "")
    if not cursor:
        return queries.list_numbered(db.session(), current_scope(), filters, span, order=order, page=number, size=size)
    if number != 1 or order != queries.NEWEST_FIRST:
        raise InvalidInput(f"goes with neither page nor an order but {queries.NEWEST_FIRST}; leave those out", field="cursor")
    place = Place(ExportKey.from_cursor(cursor), Direction.OLDER)
    return queries.list_records(db.session(), current_scope(), filters, span, place=place, size=size)


def get_export(export_id: str) -> ResponseReturnValue:
    """An export, with the address of its file in `result` where there is one.

    With the `token` of that address it answers with the file itself, or a part of it (`Range`), and asks for no key.
    """
    parsed = read_export_id(export_id)
    record = queries.get_export(db.session(), current_scope(), parsed)
    refer(Prefix.EXPORT, parsed)
    return _file_of(record) if asks_for_file() else jsonify(_as_json(record))


def _file_of(record: ExportRecord) -> Response:
    forget_answer()
    return answer_with_file(record, exports_files(), current_scope().time_zone, content_type=_content_type(record.line))


def _content_type(line: ExportLine) -> str:
    """The public API's clients take text/plain alone, and refuse what has another name."""
    is_text = line.format in PACKED and line.packing is Packing.NONE
    quality = request.accept_mimetypes.quality
    is_plain = is_text and quality(TEXT) > 0 and quality(line.media_type.partition(";")[0]) == 0
    return f"{TEXT}; charset=utf-8" if is_plain else line.media_type


def delete_export(export_id: str) -> ResponseReturnValue:
    """Delete the file of an export; one that is under way is stopped. That there was such an export stays recorded."""
    parsed = read_export_id(export_id)
    file = store.delete_export(db.session(), current_scope(), parsed, asker().name, utc_now())
    db.session.commit()
    refer(Prefix.EXPORT, parsed)
    if file is not None:
        remove_file(file)
    return no_content()


def _as_json(record: ExportRecord) -> Json:
    url = _address_of_file(record) if record.line.is_ready else None
    return export_as_json(record, url, Redactor.of(current_scope().redact_paths))


def _address_of_file(record: ExportRecord) -> str:
    download = Download(current_scope().project_id, record.line.key.id, key_id=key_id())
    return url_for("api.get_export", export_id=record.line.id, token=tokens().sign(download, utc_now()), _external=True)
