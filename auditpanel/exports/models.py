"""The tables of exports. An export's row is the truth about it; its file lies beside, under the row's id, and is whole or not there."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, Integer, SmallInteger, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from auditpanel.ids import new_uuid
from auditpanel.tables import Model

Json = dict[str, object]


class Export(Model):
    """`filters` is the FilterSet as a query string and `since`, `until` what its range meant when it was asked for.

    `parameters` is what an API client gave, to be shown as it was. Where `rows_expected` is not exact, there are that many or more.
    """

    __tablename__ = "exports"
    __table_args__ = (
        # The list, newest first.
        Index("ix_exports_created", "project_id", text("created_at DESC"), text("id DESC")),
        # The trace.
        Index("ix_exports_request", "project_id", "request_id"),
        # Files whose time is over.
        Index("ix_exports_expiry", "project_id", "expires_at", postgresql_where=text("file_name IS NOT NULL")),
    )

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    exported: Mapped[str] = mapped_column(TEXT)
    status: Mapped[str] = mapped_column(TEXT)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    request_id: Mapped[str] = mapped_column(TEXT)
    origin: Mapped[str] = mapped_column(TEXT)
    channel: Mapped[str | None] = mapped_column(TEXT)
    user: Mapped[str | None] = mapped_column("user_name", TEXT)
    api_key: Mapped[str | None] = mapped_column(TEXT)

    parameters: Mapped[Json] = mapped_column(JSONB, default=dict)
    filters: Mapped[str] = mapped_column(TEXT)
    words: Mapped[str] = mapped_column(TEXT)
    since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    fields: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    order: Mapped[str] = mapped_column("order_by", TEXT)
    format: Mapped[str] = mapped_column(TEXT)
    packing: Mapped[str] = mapped_column(TEXT)
    has_bom: Mapped[bool]
    time_zone: Mapped[str] = mapped_column(TEXT)

    rows_expected: Mapped[int | None] = mapped_column(BigInteger)
    is_expected_exact: Mapped[bool] = mapped_column(default=False)
    rows_done: Mapped[int] = mapped_column(BigInteger, default=0)
    # In the store of files, beside others of the project. None before it is there, and after it was removed; the record stays.
    file_name: Mapped[str | None] = mapped_column(TEXT)
    file_bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(TEXT)
    keep_days: Mapped[int] = mapped_column(Integer)
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    deleted_by: Mapped[str | None] = mapped_column(TEXT)
    # Why it failed, in words for the reader.
    error: Mapped[str | None] = mapped_column(TEXT)
    again_of: Mapped[UUID | None]
    schedule_id: Mapped[UUID | None]


class DueExport(Model):
    """An export that has to be written, and who does: whose token stands here may, until the lease runs out."""

    __tablename__ = "due_exports"

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    export_id: Mapped[UUID] = mapped_column(primary_key=True)
    lease_token: Mapped[UUID | None]
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # How often a worker has begun it: one that kills its workers is given up.
    starts: Mapped[int] = mapped_column(Integer, default=0)


class ExportSchedule(Model):
    """An export that is asked for again and again: at `hour`:`minute` in the project's zone, on a weekday (0: Monday) or day of the month.

    The range of `filters` is meant anew each time. A month that has no such day takes its last.
    """

    __tablename__ = "export_schedules"

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    name: Mapped[str] = mapped_column(TEXT)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    created_by: Mapped[str] = mapped_column(TEXT)
    exported: Mapped[str] = mapped_column(TEXT)
    filters: Mapped[str] = mapped_column(TEXT)
    words: Mapped[str] = mapped_column(TEXT)
    fields: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    order: Mapped[str] = mapped_column("order_by", TEXT)
    format: Mapped[str] = mapped_column(TEXT)
    packing: Mapped[str] = mapped_column(TEXT)
    has_bom: Mapped[bool]
    time_zone: Mapped[str] = mapped_column(TEXT)
    period: Mapped[str] = mapped_column(TEXT)
    weekday: Mapped[int | None] = mapped_column(SmallInteger)
    day: Mapped[int | None] = mapped_column(SmallInteger)
    hour: Mapped[int] = mapped_column(SmallInteger)
    minute: Mapped[int] = mapped_column(SmallInteger)
    keep_days: Mapped[int] = mapped_column(Integer)
    is_active: Mapped[bool] = mapped_column(default=True)
    next_run_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
