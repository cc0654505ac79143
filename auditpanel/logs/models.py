"""The tables of logs: the lean row that lists read, and beside it the content that only a log's page and text search read.

Both are partitioned by month of `occurred_at` (logs/partitions), and keyed by project, time, id: a page of a project is one short
scan of the key, and everything of a project lies together. There is no foreign key to the project: it would be looked up once for
each log, and the project id only ever comes out of a project scope.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from auditpanel.tables import Model


class Log(Model):
    __tablename__ = "logs"
    __table_args__ = (
        # Lists narrowed to an origin.
        Index("ix_logs_origin", "project_id", "origin", text("occurred_at DESC"), text("id DESC")),
        # Lists of errors only, and their count, also of several origins'.
        Index(
            "ix_logs_failures",
            "project_id",
            text("occurred_at DESC"),
            text("id DESC"),
            postgresql_include=["origin"],
            postgresql_where=text("status_code >= 400"),
        ),
        # An origin's failures, and their count: within ix_logs_failures, those of all origins would be read for it.
        Index(
            "ix_logs_origin_failures",
            "project_id",
            "origin",
            text("occurred_at DESC"),
            text("id DESC"),
            postgresql_where=text("status_code >= 400"),
        ),
        # The request id that a customer's mail quotes, and the trace.
        Index("ix_logs_request_id", "project_id", "request_id", postgresql_where=text("request_id IS NOT NULL")),
        {"postgresql_partition_by": "RANGE (occurred_at)"},
    )

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    method: Mapped[str] = mapped_column(TEXT)
    path: Mapped[str] = mapped_column(TEXT)
    route: Mapped[str | None] = mapped_column(TEXT)
    status_code: Mapped[int] = mapped_column(SmallInteger)
    duration_ms: Mapped[float | None]
    origin: Mapped[str] = mapped_column(TEXT)
    channel: Mapped[str | None] = mapped_column(TEXT)
    user: Mapped[str | None] = mapped_column("user_name", TEXT)
    api_key: Mapped[str | None] = mapped_column(TEXT)
    customer: Mapped[str | None] = mapped_column(TEXT)
    client_ip: Mapped[str | None] = mapped_column(TEXT)
    user_agent: Mapped[str | None] = mapped_column(TEXT)
    request_id: Mapped[str | None] = mapped_column(TEXT)
    error: Mapped[str | None] = mapped_column(TEXT)


class LogContent(Model):
    """`…_size_bytes` is the size of the whole body as it was sent, also where only its beginning is stored, or secrets are redacted."""

    __tablename__ = "log_contents"
    __table_args__ = ({"postgresql_partition_by": "RANGE (occurred_at)"},)

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    query: Mapped[str | None] = mapped_column(TEXT)
    request_headers: Mapped[list[list[str]]] = mapped_column(JSONB)
    request_body: Mapped[str | None] = mapped_column(TEXT)
    request_size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    request_is_cut: Mapped[bool]
    response_headers: Mapped[list[list[str]]] = mapped_column(JSONB)
    response_body: Mapped[str | None] = mapped_column(TEXT)
    response_size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    response_is_cut: Mapped[bool]
    references: Mapped[list[dict[str, str]]] = mapped_column("refs", JSONB)
