"""The layout of a file as it was asked for, checked."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TypeVar

from auditpanel.errors import InvalidInput
from auditpanel.exports.subjects import Subject
from auditpanel.exports.values import Format, Layout, Packing
from auditpanel.times import zone_named

Chosen = TypeVar("Chosen", bound=StrEnum)

PACKED = (Format.CSV, Format.NDJSON)


def checked_layout(
    subject: Subject,
    *,
    fields: Sequence[str] | None = None,
    order: str | None = None,
    format: str | None = None,
    gzip: bool = False,
    bom: bool = False,
    time_zone: str = "UTC",
) -> Layout:
    """What is not given is as the subject has it. Raises InvalidInput; its field is the name of the argument."""
    kind = _format(format or Format.CSV)
    if gzip and kind not in PACKED:
        raise InvalidInput(f"{kind} is compressed already; leave it out, or choose {' or '.join(PACKED)}", field="gzip")
    if bom and kind is not Format.CSV:
        raise InvalidInput(f"a byte order mark is for csv alone; leave it out, as the format is {kind}", field="bom")
    packing = Packing.GZIP if gzip else Packing.NONE
    return Layout(_fields(subject, fields), _order(subject, order or subject.default_order), kind, packing, bom, _zone(time_zone))


def still_valid(subject: Subject, layout: Layout) -> Layout:
    """One that was stored. Raises InvalidInput as `checked_layout`, where a field has gone since."""
    return checked_layout(
        subject,
        fields=layout.fields,
        order=layout.order,
        format=layout.format,
        gzip=layout.packing is Packing.GZIP,
        bom=layout.has_bom,
        time_zone=layout.time_zone,
    )


def _fields(subject: Subject, fields: Sequence[str] | None) -> tuple[str, ...]:
    if not fields:
        return subject.default_fields
    for name in fields:
        if name not in subject.columns:
            raise InvalidInput(f'"{name[:60]}" is no field of {subject.exported}; there are {", ".join(subject.columns)}', field="fields")
    # What stands there twice would be one column in some formats and two in others.
    return tuple(dict.fromkeys(fields))


def _order(subject: Subject, order: str) -> str:
    if order.removeprefix("-") not in subject.orders:
        known = ", ".join(f"{name}, -{name}" for name in subject.orders)
        raise InvalidInput(f'"{order[:60]}" is no order of {subject.exported}; write one of {known}', field="order")
    return order


def _format(text: str) -> Format:
    try:
        return Format(text.lower())
    except ValueError:
        raise InvalidInput(f'"{text[:60]}" is not one of {", ".join(Format)}', field="format") from None


def _zone(name: str) -> str:
    try:
        return zone_named(name).key
    except InvalidInput as error:
        raise InvalidInput(error.reason, field="time_zone") from None
