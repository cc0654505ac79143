"""The tables of background tasks. The row of a task is the truth about it; the queue only carries its id.

What is due lies in a small table of its own, `due_tasks`: a claim reads that, however many tasks are done. Its row is gone when the task
has ended.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, Integer, func, text
from sqlalchemy.dialects.postgresql import JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from auditpanel.ids import new_uuid
from auditpanel.tables import Model

Json = dict[str, object]


class AsyncAction(Model):
    """A background task. Rows are data rows: a file's header is not one.

    `rows_done` is the checkpoint: so many of its rows have had their effect, in the same transaction that says so here. `position` is
    where the operation goes on (what it means is the operation's own).
    """

    __tablename__ = "async_actions"
    __table_args__ = (
        # The list, newest first.
        Index("ix_async_actions_created", "project_id", text("created_at DESC"), text("id DESC")),
        # The trace.
        Index("ix_async_actions_request", "project_id", "request_id"),
    )

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    type: Mapped[str] = mapped_column(TEXT)
    status: Mapped[str] = mapped_column(TEXT)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # Time spent working, without waiting in the queue or for a worker to take over.
    processing_ms: Mapped[int] = mapped_column(BigInteger, default=0)

    request_id: Mapped[str] = mapped_column(TEXT)
    origin: Mapped[str] = mapped_column(TEXT)
    channel: Mapped[str | None] = mapped_column(TEXT)
    user: Mapped[str | None] = mapped_column("user_name", TEXT)
    api_key: Mapped[str | None] = mapped_column(TEXT)

    parameters: Mapped[Json] = mapped_column(JSONB, default=dict)
    file_name: Mapped[str | None] = mapped_column(TEXT)
    file_bytes: Mapped[int | None] = mapped_column(BigInteger)

    rows_total: Mapped[int | None] = mapped_column(BigInteger)
    rows_done: Mapped[int] = mapped_column(BigInteger, default=0)
    position: Mapped[Json] = mapped_column(JSONB, default=dict)
    created: Mapped[int] = mapped_column(BigInteger, default=0)
    updated: Mapped[int] = mapped_column(BigInteger, default=0)
    deleted: Mapped[int] = mapped_column(BigInteger, default=0)
    skipped: Mapped[int] = mapped_column(BigInteger, default=0)
    refused: Mapped[int] = mapped_column(BigInteger, default=0)
    # How many of the stored refused rows have each pattern of reasons: a page need not read the rows to tell.
    refused_reasons: Mapped[dict[str, int]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    # Why it failed, in words for the reader; also of a file that was refused whole.
    error: Mapped[str | None] = mapped_column(TEXT)
    cancel_asked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    cancel_asked_by: Mapped[str | None] = mapped_column(TEXT)
    # The task that this one is run again of.
    again_of: Mapped[UUID | None]


class DueTask(Model):
    """A task that has to be worked on, and who does: whose token stands here may write, until the lease runs out."""

    __tablename__ = "due_tasks"

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    task_id: Mapped[UUID] = mapped_column(primary_key=True)
    lease_token: Mapped[UUID | None]
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # How often a worker has taken it up without getting a batch further: a task that kills its workers is given up.
    fruitless_starts: Mapped[int] = mapped_column(Integer, default=0)


class RefusedRow(Model):
    """A row that had no effect, and why. `line` is that of the file (the header's is 1), or the place in a JSON list from 1."""

    __tablename__ = "refused_rows"

    project_id: Mapped[UUID] = mapped_column(primary_key=True)
    task_id: Mapped[UUID] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    content: Mapped[Json] = mapped_column(JSONB)
    column: Mapped[str | None] = mapped_column("column_name", TEXT)
    value: Mapped[str | None] = mapped_column(TEXT)
    reason: Mapped[str] = mapped_column(TEXT)
