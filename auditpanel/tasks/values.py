"""What a background task is made of, for those who ask for one and for the operations that do its work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from sqlalchemy.orm import Session

from auditpanel.accounts.scope import Caller, ProjectScope

Json = dict[str, object]


class TaskStatus(StrEnum):
    ENQUEUED = "ENQUEUED"
    IN_PROGRESS = "IN_PROGRESS"
    FAILED = "FAILED"
    DONE = "DONE"


class TaskType(StrEnum):
    CAMPAIGN_VOUCHERS_IMPORT = "CAMPAIGN.VOUCHERS_IMPORT"
    CAMPAIGN_VOUCHERS_IMPORT_CSV = "CAMPAIGN.VOUCHERS_IMPORT_CSV"
    CAMPAIGN_VOUCHERS_UPDATE = "CAMPAIGN.VOUCHERS_UPDATE"
    CAMPAIGN_VOUCHERS_DELETE = "CAMPAIGN.VOUCHERS_DELETE"
    CAMPAIGN_VOUCHERS_GENERATE = "CAMPAIGN.VOUCHERS_GENERATE"
    CUSTOMERS_IMPORT_CSV = "CUSTOMERS.IMPORT_CSV"
    CUSTOMERS_BULK_UPDATE = "CUSTOMERS.BULK_UPDATE"
    CUSTOMERS_METADATA_UPDATE = "CUSTOMERS.METADATA_UPDATE"
    CUSTOMERS_METADATA_KEY_PURGE = "CUSTOMERS.METADATA_KEY_PURGE"
    PRODUCTS_BULK_UPDATE = "PRODUCTS.BULK_UPDATE"
    PRODUCTS_METADATA_UPDATE = "PRODUCTS.METADATA_UPDATE"
    PRODUCTS_METADATA_KEY_PURGE = "PRODUCTS.METADATA_KEY_PURGE"
    PRODUCTS_IMPORT_CSV = "PRODUCTS.IMPORT_CSV"
    SKUS_IMPORT_CSV = "SKUS.IMPORT_CSV"
    VOUCHERS_IMPORT = "VOUCHERS.IMPORT"
    VOUCHERS_IMPORT_CSV = "VOUCHERS.IMPORT_CSV"
    VOUCHERS_BULK_UPDATE = "VOUCHERS.BULK_UPDATE"
    VOUCHERS_METADATA_UPDATE = "VOUCHERS.METADATA_UPDATE"
    VOUCHERS_METADATA_KEY_PURGE = "VOUCHERS.METADATA_KEY_PURGE"

    @property
    def label(self) -> str:
        return TASK_LABELS[self]


TASK_LABELS = {
    TaskType.CAMPAIGN_VOUCHERS_IMPORT: "Campaign vouchers import",
    TaskType.CAMPAIGN_VOUCHERS_IMPORT_CSV: "Campaign vouchers CSV import",
    TaskType.CAMPAIGN_VOUCHERS_UPDATE: "Campaign vouchers update",
    TaskType.CAMPAIGN_VOUCHERS_DELETE: "Campaign vouchers deletion",
    TaskType.CAMPAIGN_VOUCHERS_GENERATE: "Campaign vouchers generation",
    TaskType.CUSTOMERS_IMPORT_CSV: "Customers CSV import",
    TaskType.CUSTOMERS_BULK_UPDATE: "Customers bulk update",
    TaskType.CUSTOMERS_METADATA_UPDATE: "Customers metadata update",
    TaskType.CUSTOMERS_METADATA_KEY_PURGE: "Customers metadata key purge",
    TaskType.PRODUCTS_BULK_UPDATE: "Products bulk update",
    TaskType.PRODUCTS_METADATA_UPDATE: "Products metadata update",
    TaskType.PRODUCTS_METADATA_KEY_PURGE: "Products metadata key purge",
    TaskType.PRODUCTS_IMPORT_CSV: "Products CSV import",
    TaskType.SKUS_IMPORT_CSV: "SKUs CSV import",
    TaskType.VOUCHERS_IMPORT: "Vouchers import",
    TaskType.VOUCHERS_IMPORT_CSV: "Vouchers CSV import",
    TaskType.VOUCHERS_BULK_UPDATE: "Vouchers bulk update",
    TaskType.VOUCHERS_METADATA_UPDATE: "Vouchers metadata update",
    TaskType.VOUCHERS_METADATA_KEY_PURGE: "Vouchers metadata key purge",
}


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked for a task, and the request that it belongs to."""

    request_id: str
    origin: str
    channel: str | None = None
    user: str | None = None
    api_key: str | None = None

    @property
    def name(self) -> str:
        return self.caller.name

    @property
    def caller(self) -> Caller:
        """As the source of the events that are set off. Where no SDK names itself as the channel, it is the call's origin."""
        return Caller(self.request_id, self.channel or self.origin, self.user, self.api_key)


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that had no effect. `line` is that of the file (the header's is 1), or the place in a JSON list from 1.

    `reason` names what would be right; `column` and `value` the place, where there is one.
    """

    line: int
    content: Json
    reason: str
    column: str | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one batch has done, in the transaction that it was given."""

    created: int = 0
    updated: int = 0
    deleted: int = 0
    skipped: int = 0
    refused: Sequence[Refused] = ()

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.created + other.created,
            self.updated + other.updated,
            self.deleted + other.deleted,
            self.skipped + other.skipped,
            [*self.refused, *other.refused],
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """A step of a task: `rows` data rows, and the `position` behind them, from which the next run goes on.

    `work` is what the operation makes of it; the runner only hands it back.
    """

    rows: int
    position: Json
    work: object


@dataclass(frozen=True, slots=True)
class TaskInput:
    """What an operation is given. `file` is the uploaded file (CSV as it came, or a JSON body as NDJSON), where the task has one."""

    scope: ProjectScope
    task_id: str
    type: TaskType
    parameters: Json
    file: Path | None
    created_at: datetime
    position: Json = field(default_factory=dict)
    rows_done: int = 0


class Operation(Protocol):
    """What one type of task does. It is run again from its last committed batch after a crash, so it keeps nothing elsewhere."""

    def count_rows(self, session: Session, task: TaskInput) -> int | None:
        """How many rows there are to do, for the progress; None where that is not known before. Raises InvalidInput to refuse all."""

    def batches(self, session: Session, task: TaskInput) -> Iterator[Batch]:
        """The steps from `task.position` on. It may read, in transactions that are over before it yields."""

    def apply(self, session: Session, task: TaskInput, batch: Batch) -> Outcome:
        """Do the step. The caller commits, together with the checkpoint; it never applies the same step twice in effect."""

    def finish(self, session: Session, task: TaskInput) -> None:
        """Once, in the transaction that ends the task as done."""

    def give_up(self, session: Session, task: TaskInput) -> None:
        """Once, in the transaction that ends the task as failed or cancelled: put back what was set aside for it."""
