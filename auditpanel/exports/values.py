"""What an export is made of: what can be exported, in which formats, and how it was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# The most that the format can hold, with its header row.
XLSX_ROWS = 1_048_576


class ExportStatus(StrEnum):
    SCHEDULED = "SCHEDULED"
    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"
    ERROR = "ERROR"


class Exported(StrEnum):
    """What can be exported, by its name in the API."""

    LOG = "api_log"
    TASK = "async_action"
    EXPORT = "export"
    SENDOUT = "webhook_sendout"
    CAMPAIGN = "campaign"
    VOUCHER = "voucher"
    CUSTOMER = "customer"
    PRODUCT = "product"
    SKU = "sku"

    @property
    def label(self) -> str:
        return EXPORTED_LABELS[self]


EXPORTED_LABELS = {
    Exported.LOG: "Logs",
    Exported.TASK: "Background tasks",
    Exported.EXPORT: "Exports",
    Exported.SENDOUT: "Webhook sendouts",
    Exported.CAMPAIGN: "Campaigns",
    Exported.VOUCHER: "Vouchers",
    Exported.CUSTOMER: "Customers",
    Exported.PRODUCT: "Products",
    Exported.SKU: "SKUs",
}


class Format(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"
    XLSX = "xlsx"
    PARQUET = "parquet"


class Packing(StrEnum):
    NONE = "none"
    GZIP = "gzip"


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rows are written. `fields` in this order; `order` is a field, with a minus before it for the greatest first.

    `time_zone` is the name of the zone that moments are written in. `packing` is for CSV and NDJSON; the byte order mark for CSV,
    where spreadsheets need it to know UTF-8.
    """

    fields: tuple[str, ...]
    order: str
    format: Format = Format.CSV
    packing: Packing = Packing.NONE
    has_bom: bool = False
    time_zone: str = "UTC"


class Period(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
