"""What became of a task's rows: the numbers, and one bar of them all."""

from __future__ import annotations

from dataclasses import dataclass

from auditpanel.panel.formatters import count_text
from auditpanel.panel.tasks.showing import refused_share
from auditpanel.tasks.records import TaskRecord
from auditpanel.tasks.values import TaskType

BAR_WIDTH = 1_000
# A part that is there is seen, however small its share.
LEAST_WIDTH = 4

_DELETES = (TaskType.CAMPAIGN_VOUCHERS_DELETE,)
_NEVER_CREATES = ("METADATA_KEY_PURGE", "VOUCHERS_UPDATE", "VOUCHERS.BULK_UPDATE", "VOUCHERS.METADATA_UPDATE")


@dataclass(frozen=True, slots=True)
class CountView:
    """`kind` is its colour in the bar, or nothing; `hint` stands small behind the number."""

    label: str
    text: str
    kind: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class BarPart:
    """Of a bar of BAR_WIDTH."""

    kind: str
    x: int
    width: int


def counts_of(record: TaskRecord) -> list[CountView]:
    line, counts = record.line, record.counts
    shown = [_total(record)]
    if counts.created or not _is_without_creation(line.type):
        shown.append(CountView("Created", count_text(counts.created), "created"))
    if counts.updated or line.type not in (*_DELETES, TaskType.CAMPAIGN_VOUCHERS_GENERATE):
        shown.append(CountView("Updated", count_text(counts.updated), "updated"))
    if counts.deleted or line.type in _DELETES:
        shown.append(CountView("Deleted", count_text(counts.deleted), "deleted"))
    shown.append(CountView("Skipped", count_text(counts.skipped)))
    return [*shown, CountView("Refused", count_text(counts.refused), "refused" if counts.refused else "", refused_share(line))]


def _is_without_creation(type_: TaskType) -> bool:
    return type_ in _DELETES or type_.endswith(_NEVER_CREATES)


def _total(record: TaskRecord) -> CountView:
    line = record.line
    if line.is_ended and line.rows_total in (None, line.rows_done):
        return CountView("Data rows", count_text(line.rows_done))
    of_all = f"of {count_text(line.rows_total)}" if line.rows_total is not None else ""
    return CountView("Data rows", count_text(line.rows_done), hint=of_all)


def bar_of(record: TaskRecord) -> list[BarPart]:
    """Only while it runs, where it ended early, or where rows were refused: a plain done is a number."""
    line, counts = record.line, record.counts
    total = max(line.rows_total or 0, line.rows_done)
    if not total or (line.is_ended and line.rows_done == total and not counts.refused):
        return []
    numbers = (("created", counts.created), ("updated", counts.updated), ("deleted", counts.deleted), ("skipped", counts.skipped))
    parts: list[BarPart] = []
    x = 0
    for kind, number in (*numbers, ("refused", counts.refused)):
        if number:
            width = max(LEAST_WIDTH, round(number * BAR_WIDTH / total))
            parts.append(BarPart(kind, min(x, BAR_WIDTH - LEAST_WIDTH), min(width, BAR_WIDTH - min(x, BAR_WIDTH - LEAST_WIDTH))))
            x += width
    return parts
