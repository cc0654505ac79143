"""What comes out of the store of exports: a line of a list, an export with everything, a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from auditpanel.exports.values import Exported, ExportStatus, Format, Layout, Packing
from auditpanel.filters import Span
from auditpanel.ids import Prefix, format_id
from auditpanel.keyset import Count, Key, Page
from auditpanel.tasks.values import Asker

Json = dict[str, object]

MEDIA_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.NDJSON: "application/x-ndjson",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.PARQUET: "application/vnd.apache.parquet",
}
GZIP_TYPE = "application/gzip"


class ExportKey(Key, frozen=True):
    """Where an export stands in its project."""

    @property
    def created_at(self) -> datetime:
        return self.at


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the store of exports. `name` is the store's; what people see is `ExportRecord.download_name`."""

    project_id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class ExportLine:
    """An export as lists show it. `expected` is None where nothing was counted; where it is not exact, there are that many or more."""

    key: ExportKey
    exported: Exported
    status: ExportStatus
    updated_at: datetime
    asker: Asker
    words: str
    format: Format
    packing: Packing
    expected: Count | None
    rows_done: int
    has_file: bool
    file_bytes: int | None
    finished_at: datetime | None
    expires_at: datetime | None
    deleted_at: datetime | None
    error: str | None
    schedule_id: UUID | None

    @property
    def id(self) -> str:
        return format_id(Prefix.EXPORT, self.key.id)

    @property
    def created_at(self) -> datetime:
        return self.key.created_at

    @property
    def request_id(self) -> str:
        return self.asker.request_id

    @property
    def origin(self) -> str:
        return self.asker.origin

    @property
    def channel(self) -> str | None:
        return self.asker.channel

    @property
    def who(self) -> str:
        return self.asker.name

    @property
    def is_ended(self) -> bool:
        return self.status in (ExportStatus.DONE, ExportStatus.ERROR)

    @property
    def is_ready(self) -> bool:
        """Whether there is something to download or browse."""
        return self.status is ExportStatus.DONE and self.has_file

    @property
    def is_expired(self) -> bool:
        """Its time was over; nobody has deleted it."""
        return self.status is ExportStatus.DONE and not self.has_file and self.deleted_at is None

    @property
    def is_stopped(self) -> bool:
        """Somebody deleted it before it had ended."""
        return self.status is ExportStatus.ERROR and self.deleted_at is not None and self.deleted_at == self.finished_at

    @property
    def has_lost_file(self) -> bool:
        """Somebody deleted it while its file was there to be had."""
        is_deleted = self.status is ExportStatus.DONE and self.deleted_at is not None
        return is_deleted and not (self.expires_at and self.deleted_at and self.deleted_at >= self.expires_at)

    @property
    def progress(self) -> int | None:
        """In percent; None where nothing says how many rows there will be. 100 is only said when the file is there."""
        if self.status is ExportStatus.DONE:
            return 100
        if self.expected is None or not self.expected.is_exact:
            return 0 if self.rows_done == 0 else None
        return min(99, self.rows_done * 100 // self.expected.value) if self.expected.value else 0

    @property
    def extension(self) -> str:
        return f".{self.format}.gz" if self.packing is Packing.GZIP else f".{self.format}"

    @property
    def media_type(self) -> str:
        return GZIP_TYPE if self.packing is Packing.GZIP else MEDIA_TYPES[self.format]


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """An export with everything. `filters` is the FilterSet as a query string; `span` is what its range meant when it was asked for.

    `file` is there while the export can be downloaded, and `sha256` (hexadecimal) is that of the file as it is stored, packed or not.
    """

    line: ExportLine
    parameters: Json
    filters: str
    span: Span
    layout: Layout
    file: StoredFile | None
    sha256: str | None
    keep_days: int
    started_at: datetime | None
    deleted_by: str | None
    again_of: str | None

    @property
    def download_name(self) -> str:
        """`logs-since-2026-11-23-1542-asked-2026-11-24-1542.csv.gz`: of letters, digits, dashes and points alone."""
        label = self.line.exported.label.lower().replace(" ", "-")
        return f"{label}-{self._range_in_name}-asked-{self._moment_in_name(self.line.created_at)}{self.line.extension}"

    @property
    def _range_in_name(self) -> str:
        start, end = (self._moment_in_name(at) if at else None for at in (self.span.start, self.span.end))
        if start and end:
            return f"{start}-to-{end}"
        return f"since-{start}" if start else f"until-{end}" if end else "all"

    def _moment_in_name(self, at: datetime) -> str:
        return f"{at.astimezone(ZoneInfo(self.layout.time_zone)):%Y-%m-%d-%H%M}"


ExportPage = Page[ExportLine]


@dataclass(frozen=True, slots=True)
class Shares:
    """How many exports of a list are under way, can be downloaded, and have failed. `is_exact` is False where there are more."""

    all: int
    running: int
    ready: int
    failed: int
    is_exact: bool
