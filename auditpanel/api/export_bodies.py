"""The body of `POST /v1/exports`, read into what is to be exported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from auditpanel.accounts.scope import ProjectScope
from auditpanel.api.export_filters import PLACE, read_filters
from auditpanel.catalogue.reading import convert_body
from auditpanel.errors import InvalidInput
from auditpanel.exports.layouts import checked_layout
from auditpanel.exports.store import NewExport
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.values import Exported, Format, Layout
from auditpanel.filters import FilterSet, Span

Json = dict[str, object]

# More than any record has, also where some are named twice.
MOST_FIELDS = 200


class ExportParameters(Struct, kw_only=True):
    """What is left out is as the record has it: its usual fields, the newest first, all rows, CSV, times in UTC.

    `filters` has a `junction` ("and", "or") and for each field its conditions, like `{"status": {"conditions": {"$is": ["failure"]}}}`.
    `campaign_id` narrows vouchers. `gzip` goes with csv and ndjson, `bom` (a byte order mark, for spreadsheets) with csv.
    """

    fields: list[str] | UnsetType | None = UNSET
    order: str | UnsetType | None = UNSET
    filters: Json | UnsetType | None = UNSET
    campaign_id: str | UnsetType | None = UNSET
    format: Annotated[str, Meta(extra_json_schema={"enum": [str(format) for format in Format]})] | UnsetType | None = UNSET
    gzip: bool | UnsetType | None = UNSET
    bom: bool | UnsetType | None = UNSET
    time_zone: str | UnsetType | None = UNSET


class ExportBody(Struct, kw_only=True):
    exported_object: Annotated[str, Meta(extra_json_schema={"enum": [str(exported) for exported in Exported]})]
    parameters: ExportParameters | UnsetType | None = UNSET


def read_export(data: object, scope: ProjectScope, now: datetime) -> NewExport:
    """`now` is what its range of time counts from. Raises InvalidInput, its field the path of what cannot be taken."""
    given = _checked_names(data)
    body = convert_body(data, ExportBody)
    exported = _read_exported(body.exported_object)
    asked = body.parameters if isinstance(body.parameters, ExportParameters) else ExportParameters()
    narrowing = asked.filters if isinstance(asked.filters, dict) else {}
    filters = read_filters(exported, narrowing, _or_none(asked.campaign_id))
    return NewExport(exported, filters, _span(filters, scope, now), _layout(exported, asked), given)


def _checked_names(data: object) -> Json:
    """The parameters as they were given. An unknown one may be a filter by another name, and is not passed over."""
    if not isinstance(data, dict):
        raise InvalidInput("expected an object with exported_object and parameters", field="body")
    parameters = data.get("parameters")
    _check_names(data, ExportBody.__struct_fields__, "")
    if not isinstance(parameters, dict):
        return {}
    _check_names(parameters, ExportParameters.__struct_fields__, "parameters.")
    return {name: value for name, value in parameters.items() if value is not None}


def _check_names(given: Json, known: tuple[str, ...], place: str) -> None:
    if unknown := next((name for name in given if name not in known), None):
        raise InvalidInput(f"there is no such field; there are {', '.join(known)}", field=f"{place}{unknown[:80]}")


def _read_exported(text: str) -> Exported:
    try:
        return Exported(text)
    except ValueError:
        raise InvalidInput(f'"{text[:60]}" is not kept here; there are {", ".join(Exported)}', field="exported_object") from None


def _span(filters: FilterSet, scope: ProjectScope, now: datetime) -> Span:
    try:
        return filters.range.resolve(now, scope.time_zone)
    except InvalidInput as error:
        operator = "$after" if error.field == "created_after" else "$before"
        raise InvalidInput(error.reason, field=f"{PLACE}.created_at.conditions.{operator}") from None


def _layout(exported: Exported, asked: ExportParameters) -> Layout:
    fields = asked.fields if isinstance(asked.fields, list) else []
    if len(fields) > MOST_FIELDS:
        raise InvalidInput(f"{len(fields):,} fields are too many; name each once", field="parameters.fields")
    with in_parameters():
        return checked_layout(
            SUBJECTS[exported],
            fields=fields,
            order=_or_none(asked.order),
            format=_or_none(asked.format),
            gzip=asked.gzip is True,
            bom=asked.bom is True,
            time_zone=_or_none(asked.time_zone) or "UTC",
        )


@contextmanager
def in_parameters() -> Iterator[None]:
    """What is wrong with a layout is told by its place in the body."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(error.reason, field=f"parameters.{error.field}") from None


def _or_none(text: str | UnsetType | None) -> str | None:
    return text if isinstance(text, str) else None
