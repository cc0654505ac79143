"""What has to be told before a background task starts: one form for each way of starting."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec
from flask_wtf.file import FileField
from werkzeug.datastructures import FileStorage
from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import InputRequired

from auditpanel.catalogue.cells import Wrong, metadata_converter
from auditpanel.catalogue.columns import Schema
from auditpanel.catalogue.models import Resource
from auditpanel.catalogue.reading import check_storable
from auditpanel.catalogue.values import VOUCHERS_AT_ONCE
from auditpanel.errors import InvalidInput
from auditpanel.panel.forms import PanelForm
from auditpanel.tasks.values import TaskType

Json = dict[str, object]

KEYS_LIMIT = 100_000
_TEXT = {"autocomplete": "off", "spellcheck": "false"}
_AREA = {"rows": 8, **_TEXT}


class Way(StrEnum):
    """How a task is told what to do."""

    CSV = "csv"
    ROWS = "rows"
    METADATA = "metadata"
    PURGE = "purge"
    GENERATE = "generate"
    UPDATE = "update"
    DELETE = "delete"


WAYS: dict[TaskType, Way] = {
    TaskType.VOUCHERS_IMPORT_CSV: Way.CSV,
    TaskType.VOUCHERS_IMPORT: Way.ROWS,
    TaskType.VOUCHERS_BULK_UPDATE: Way.ROWS,
    TaskType.VOUCHERS_METADATA_UPDATE: Way.METADATA,
    TaskType.VOUCHERS_METADATA_KEY_PURGE: Way.PURGE,
    TaskType.CAMPAIGN_VOUCHERS_IMPORT_CSV: Way.CSV,
    TaskType.CAMPAIGN_VOUCHERS_IMPORT: Way.ROWS,
    TaskType.CAMPAIGN_VOUCHERS_GENERATE: Way.GENERATE,
    TaskType.CAMPAIGN_VOUCHERS_UPDATE: Way.UPDATE,
    TaskType.CAMPAIGN_VOUCHERS_DELETE: Way.DELETE,
    TaskType.CUSTOMERS_IMPORT_CSV: Way.CSV,
    TaskType.CUSTOMERS_BULK_UPDATE: Way.ROWS,
    TaskType.CUSTOMERS_METADATA_UPDATE: Way.METADATA,
    TaskType.CUSTOMERS_METADATA_KEY_PURGE: Way.PURGE,
    TaskType.PRODUCTS_IMPORT_CSV: Way.CSV,
    TaskType.PRODUCTS_BULK_UPDATE: Way.ROWS,
    TaskType.PRODUCTS_METADATA_UPDATE: Way.METADATA,
    TaskType.PRODUCTS_METADATA_KEY_PURGE: Way.PURGE,
    TaskType.SKUS_IMPORT_CSV: Way.CSV,
}
RESOURCES = {"CUSTOMERS": Resource.CUSTOMER, "PRODUCTS": Resource.PRODUCT, "SKUS": Resource.SKU}


def resource_of(type_: TaskType) -> Resource:
    """What its rows are; those of a campaign are vouchers."""
    return RESOURCES.get(type_.partition(".")[0], Resource.VOUCHER)


def key_name_of(type_: TaskType) -> str:
    """By what its rows are named."""
    return "code" if resource_of(type_) is Resource.VOUCHER else "source_id"


class StartForm(PanelForm):
    """What `campaign` has is a name or an id; only forms about a campaign have the field."""

    @property
    def campaign_text(self) -> str:
        field = self._fields.get("campaign")
        return (field.data or "").strip() if field is not None else ""


def _campaign_field() -> StringField:
    return StringField(
        "Campaign",
        [InputRequired("Write the name of the campaign, or its id.")],
        description="Its name or its id",
        render_kw={"list": "campaigns", **_TEXT},
    )


class CsvForm(StartForm):
    file = FileField(
        "CSV file",
        description="Its first line names the columns. Nothing is stored before you have seen what it would do",
        render_kw={"accept": ".csv,.txt,text/csv"},
    )


class CampaignCsvForm(CsvForm):
    campaign = _campaign_field()


class RowsForm(StartForm):
    file = FileField("JSON file", description="A list of objects, as the API takes it", render_kw={"accept": ".json,application/json"})
    text = TextAreaField("Or the list itself", render_kw=_AREA)


class CampaignRowsForm(RowsForm):
    campaign = _campaign_field()


class MetadataForm(StartForm):
    named = TextAreaField("Which ones", [InputRequired("Name at least one.")], render_kw=_AREA)
    pairs = TextAreaField(
        "Metadata",
        [InputRequired("Write at least one key with its value.")],
        description="One in a line, like season = summer. Other keys stay as they are",
        render_kw={"rows": 4, **_TEXT},
    )

    def read_keys(self) -> list[str]:
        keys = list(dict.fromkeys(line.strip() for line in (self.named.data or "").splitlines() if line.strip()))
        if len(keys) > KEYS_LIMIT:
            raise InvalidInput(f"{len(keys):,} are too many at once; {KEYS_LIMIT:,} at most", field="named")
        return keys

    def read_pairs(self, schema: Schema) -> Json:
        """By the types of the project's metadata schema, as a CSV file's columns."""
        metadata: Json = {}
        for number, line in enumerate((self.pairs.data or "").splitlines(), 1):
            if not line.strip():
                continue
            key, equals, value = (part.strip() for part in line.partition("="))
            if not key or not equals:
                raise InvalidInput(f"line {number} is no key with a value; write it like season = summer", field="pairs")
            try:
                metadata[key] = metadata_converter(schema.get(key))(value)
            except Wrong as error:
                raise InvalidInput(f'line {number}: "{value[:80]}" {error}', field="pairs") from None
        return metadata


class PurgeForm(StartForm):
    key = StringField("Key of the metadata", [InputRequired("Write the key.")], render_kw={"list": "metadata-keys", **_TEXT})
    sure = BooleanField("", [InputRequired("Tick this: it cannot be undone.")])


class GenerateForm(StartForm):
    campaign = _campaign_field()
    count = StringField(
        "How many vouchers",
        [InputRequired("Write a number.")],
        description=f"From 1 to {VOUCHERS_AT_ONCE:,}. They are like the campaign says, each with a code of its own",
        render_kw={"inputmode": "numeric", **_TEXT},
    )

    def read_count(self) -> int:
        text = (self.count.data or "").strip().replace(",", "").replace(" ", "")
        if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= VOUCHERS_AT_ONCE):
            raise InvalidInput(f"write a whole number from 1 to {VOUCHERS_AT_ONCE:,}", field="count")
        return int(text)


class UpdateForm(StartForm):
    campaign = _campaign_field()
    category = StringField("Category", description="What is left empty stays as it is", render_kw=_TEXT)
    start_date = StringField("Start date", description="In project time, like 2026-12-01 08:00", render_kw=_TEXT)
    expiration_date = StringField("Expiration date", description="In project time", render_kw=_TEXT)
    voucher = TextAreaField(
        "Voucher, in JSON",
        description='As the API has it, like {"discount": {"type": "PERCENT", "percent_off": 15}}',
        render_kw={"rows": 4, **_TEXT},
    )


class DeleteForm(StartForm):
    campaign = _campaign_field()
    sure = BooleanField("Delete the campaign and all its vouchers: it cannot be undone", [InputRequired("Tick this: it cannot be undone.")])


def form_for(type_: TaskType) -> StartForm:
    of_campaign = type_.startswith("CAMPAIGN.")
    forms: dict[Way, Sequence[type[StartForm]]] = {
        Way.CSV: (CsvForm, CampaignCsvForm),
        Way.ROWS: (RowsForm, CampaignRowsForm),
        Way.METADATA: (MetadataForm,),
        Way.PURGE: (PurgeForm,),
        Way.GENERATE: (GenerateForm,),
        Way.UPDATE: (UpdateForm,),
        Way.DELETE: (DeleteForm,),
    }
    form = forms[WAYS[type_]][-1 if of_campaign else 0]()
    _name_things(form, type_)
    return form


def _name_things(form: StartForm, type_: TaskType) -> None:
    many = f"{resource_of(type_)}s"
    if isinstance(form, MetadataForm):
        names = "codes" if many == "vouchers" else "source ids"
        form.named.description = f"The {names} of the {many}, one in a line"
    if isinstance(form, PurgeForm):
        form.sure.label.text = f"Take the key off every one of the {many}: it cannot be undone"


def read_rows(file: FileStorage | None, text: str | None, *, limit_bytes: int) -> list[Json]:
    """The list of a JSON file, else of the typed text. Raises InvalidInput, naming the field."""
    field = "file" if file else "text"
    body = file.stream.read(limit_bytes + 1) if file else (text or "").encode(errors="replace")
    if len(body) > limit_bytes:
        raise InvalidInput(f"the file is larger than {limit_bytes // 1024**2} MiB; split it, and send the parts one by one", field=field)
    if not body.strip():
        raise InvalidInput("choose a file, or write the list itself", field="text")
    try:
        rows = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(
            f"this is no JSON ({str(error).removeprefix('JSON is malformed: ')}); write a list of objects", field=field
        ) from None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise InvalidInput('this is no list of objects; write it like [{"code": "SUMMER-1"}, {"code": "SUMMER-2"}]', field=field)
    return rows


def read_object(text: str | None, field: str) -> Json:
    """Empty where nothing was typed."""
    if not (text or "").strip():
        return {}
    try:
        value = msgspec.json.decode(text or "")
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidInput(f"this is no JSON: {error}", field=field) from None
    if not isinstance(value, dict):
        raise InvalidInput('this is no object; write it like {"category": "summer"}', field=field)
    check_storable(value, field)
    return value
