"""What the list of exports can be narrowed by; the names are the parameters of the panel and of `GET /v1/exports`."""

from __future__ import annotations

from auditpanel.exports.values import EXPORTED_LABELS, ExportStatus, Format
from auditpanel.filters import Field, read_text, reader_of_choices
from auditpanel.ids import Prefix, format_id, parse_id

STATUSES = (
    (str(ExportStatus.SCHEDULED), "scheduled"),
    (str(ExportStatus.IN_PROGRESS), "in progress"),
    (str(ExportStatus.DONE), "done"),
    (str(ExportStatus.ERROR), "failed"),
)
EXPORTED = tuple((str(exported), label) for exported, label in EXPORTED_LABELS.items())
FORMATS = tuple((str(format), str(format).upper() if format is not Format.PARQUET else "Parquet") for format in Format)
# One whose file has expired or was deleted is none of the three.
ONLY = (("running", "those under way"), ("ready", "those to download"), ("failed", "failed ones"))


def _read_id(text: str) -> str:
    return format_id(Prefix.EXPORT, parse_id(Prefix.EXPORT, text))


_FIELDS = (
    Field("only", "Only", reader_of_choices(ONLY), choices=ONLY, several=False, always=True),
    Field("id", "Id is", _read_id, hint="export_…", commas=True),
    Field("status", "Status is", reader_of_choices(STATUSES), choices=STATUSES, commas=True),
    Field("exported", "Exported are", reader_of_choices(EXPORTED), choices=EXPORTED, commas=True),
    Field("format", "Format is", reader_of_choices(FORMATS), choices=FORMATS, commas=True),
    Field("who", "Asked by", read_text, hint="nina@example.com, or the API key's name"),
    Field("request_id", "Request id is", read_text, hint="v-…"),
)
EXPORT_FIELDS = {field.name: field for field in _FIELDS}
