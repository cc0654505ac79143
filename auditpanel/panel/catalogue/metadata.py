"""Metadata as a form: a row for each key that the record or the project's schema has, and some for new ones.

What is typed is read by the schema's types, as an import reads the cells of its columns. A key that the schema does not have keeps the
kind of value that it holds.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from auditpanel.catalogue.cells import Convert, Wrong, metadata_converter
from auditpanel.catalogue.columns import Schema
from auditpanel.catalogue.reading import check_storable
from auditpanel.errors import InvalidInput

Json = dict[str, object]

NEW_ROWS = 3
KEY_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class MetadataRow:
    """`type` is that of the schema, else that of the value. `is_new` rows have a field for the key too."""

    key: str
    text: str
    type: str
    is_new: bool = False
    error: str = ""

    @property
    def choices(self) -> tuple[str, ...]:
        return ("", "true", "false") if self.type == "boolean" else ()


@dataclass(slots=True)
class TypedMetadata:
    """`rows` are as they were typed, with what is wrong; `given` are the keys to set, `unset` those that were emptied."""

    rows: list[MetadataRow]
    given: Json = field(default_factory=dict)
    unset: list[str] = field(default_factory=list)

    @property
    def has_errors(self) -> bool:
        return any(row.error for row in self.rows)


def rows_of(metadata: Mapping[str, object], schema: Schema) -> list[MetadataRow]:
    keys = [*sorted(schema), *sorted(metadata.keys() - schema.keys())]
    return [MetadataRow(key, _text(metadata[key]) if key in metadata else "", _type(key, metadata, schema)) for key in keys]


def blank_rows() -> list[MetadataRow]:
    return [MetadataRow("", "", "", is_new=True)] * NEW_ROWS


def read_typed(pairs: Iterable[tuple[str, str]], metadata: Mapping[str, object], schema: Schema) -> TypedMetadata:
    """`metadata` is what is stored: what is typed as it stands there is no change."""
    stored = {row.key: row for row in rows_of(metadata, schema)}
    typed = TypedMetadata([])
    for key, text in ((key.strip(), text.strip()) for key, text in pairs):
        row = MetadataRow(key, text, _type(key, metadata, schema), is_new=key not in stored)
        error = "" if key in stored and text == stored[key].text else _take(typed, row, metadata, schema)
        typed.rows.append(MetadataRow(key, text, row.type, row.is_new, error))
    return typed


def _take(typed: TypedMetadata, row: MetadataRow, metadata: Mapping[str, object], schema: Schema) -> str:
    """What is wrong with the row, if anything is."""
    if not row.text:
        typed.unset += [row.key] if row.key in metadata else []
        return ""
    if not row.key:
        return "Give the value a key."
    if len(row.key) > KEY_CHARACTERS:
        return f"The key has {len(row.key)} characters; at most {KEY_CHARACTERS} are taken."
    if row.key in typed.given:
        return f'"{row.key}" stands here twice; keep one of them.'
    try:
        check_storable({row.key: row.text}, "")
        typed.given[row.key] = _convert(row.key, metadata, schema)(row.text)
    except Wrong as wrong:
        return f'"{row.text[:60]}" {wrong}.'
    except InvalidInput as error:
        return f"{error.reason[:1].upper()}{error.reason[1:]}."
    return ""


def _convert(key: str, metadata: Mapping[str, object], schema: Schema) -> Convert:
    stored = metadata.get(key)
    if key in schema or stored is None or isinstance(stored, str):
        return metadata_converter(schema.get(key))
    if isinstance(stored, bool | int | float):
        return metadata_converter({"type": "boolean" if isinstance(stored, bool) else "number"})
    return _json


def _json(text: str) -> object:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Wrong('is not JSON; write it like {"color": "blue"} or ["blue", "red"]') from None
    check_storable(value, "")
    return value


def _type(key: str, metadata: Mapping[str, object], schema: Schema) -> str:
    if key in schema:
        kind = str(schema[key].get("type") or "string")
        return f"{kind} list" if schema[key].get("array") else kind
    match metadata.get(key):
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case None | str():
            return "string"
    return "JSON"


def _text(value: object) -> str:
    """As it would be typed."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return line_of(value)
    return json.dumps(value, ensure_ascii=False)


def line_of(words: Sequence[object]) -> str:
    """As it is typed: separated by commas, in quotes where one has a comma itself."""
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(words)
    return written.getvalue()
