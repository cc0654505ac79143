"""The refused rows of a task as its page shows them: by reason, with line, value, column and what would be right."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import msgspec
from flask import url_for
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.refused_csv import LINE, REASON
from auditpanel.filters import Params
from auditpanel.logs.redaction import Redactor
from auditpanel.logs.task_secrets import redacted_row
from auditpanel.panel.formatters import count_text
from auditpanel.panel.list_controls import ListUrls
from auditpanel.panel.tasks.showing import counted
from auditpanel.tasks.queries import list_refused, refused_reasons
from auditpanel.tasks.records import TaskRecord
from auditpanel.tasks.values import Refused

ROWS_STEP = 50
# Whoever wants more takes the file.
ROWS_MOST = 1_000
CONTENT_CHARACTERS = 2_000
TAB_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class RefusedAsked:
    """`reason` is one of the patterns that the tabs have; `rows` how many are shown."""

    reason: str | None = None
    rows: int = ROWS_STEP

    @classmethod
    def of(cls, values: dict[str, str]) -> RefusedAsked:
        told = values.get("rows", "")
        rows = int(told) if re.fullmatch(r"[0-9]{1,4}", told) else ROWS_STEP
        return cls(values.get("reason") or None, max(ROWS_STEP, min(rows, ROWS_MOST)))


ASKED = ("reason", "rows")


@dataclass(frozen=True, slots=True)
class Tab:
    label: str
    count_text: str
    url: str
    current: bool
    title: str


@dataclass(frozen=True, slots=True)
class ContentCell:
    name: str
    text: str
    at_fault: bool


@dataclass(frozen=True, slots=True)
class RefusedView:
    """`what` is what is wrong, `cure` what would be right."""

    line: str
    value: str
    column: str
    what: str
    cure: str
    cells: list[ContentCell]


@dataclass(frozen=True, slots=True)
class RefusedCard:
    words: str
    tabs: list[Tab]
    rows: list[RefusedView]
    foot: str
    more_url: str | None
    more_text: str
    line_label: str


def refused_card(session: Session, scope: ProjectScope, record: TaskRecord, urls: ListUrls, asked: RefusedAsked) -> RefusedCard:
    task_id, refused, redactor = record.line.key.id, record.line.refused, Redactor.of(scope.redact_paths)
    reasons = refused_reasons(session, scope, task_id)
    known = dict(reasons)
    chosen = asked.reason if asked.reason in known else None
    rows = list_refused(session, scope, task_id, pattern=chosen, size=asked.rows)
    total = known[chosen] if chosen else record.refused_stored
    left = min(total - len(rows), ROWS_MOST - len(rows))
    from_file = record.line.type.endswith("_CSV")
    return RefusedCard(
        words="nothing of this row was stored" if refused == 1 else f"nothing of these {counted(refused, 'row')} was stored",
        tabs=_tabs(reasons, record, urls, chosen),
        rows=[_view(redacted_row(redactor, row)) for row in rows],
        foot=_foot(len(rows), total, from_file),
        more_url=_url(record, urls, chosen, len(rows) + ROWS_STEP) if left > 0 else None,
        more_text=f"Show {count_text(min(left, ROWS_STEP))} more",
        line_label="Line" if from_file else "Row",
    )


def _foot(shown: int, total: int, from_file: bool) -> str:
    counts = f"{count_text(shown)} of {counted(total, 'refused row')} shown."
    where = "Line 1 of the file is its header." if from_file else "Rows are counted from 1."
    rest = " The file has all of them." if shown >= ROWS_MOST and total > shown else ""
    return f"{counts} {where}{rest}"


def _tabs(reasons: list[tuple[str, int]], record: TaskRecord, urls: ListUrls, chosen: str | None) -> list[Tab]:
    if len(reasons) < 2:
        return []
    everything = Tab("All", count_text(record.refused_stored), _url(record, urls, None), chosen is None, "All refused rows")
    return [
        everything,
        *(Tab(reason_label(text), count_text(count), _url(record, urls, text), chosen == text, text) for text, count in reasons),
    ]


def reason_label(pattern: str) -> str:
    """Of `code: "…" exists already; each code can be imported once`: `Code exists already`."""
    short = re.split(r"[;(,]", pattern, maxsplit=1)[0].replace(': "…"', "").replace(":", "").strip()
    short = short if len(short) <= TAB_CHARACTERS else f"{short[: TAB_CHARACTERS - 1]}…"
    return short[:1].upper() + short[1:]


def _url(record: TaskRecord, urls: ListUrls, reason: str | None, rows: int = ROWS_STEP) -> str:
    extra: Params = [*((("reason", reason),) if reason else ()), *((("rows", str(rows)),) if rows != ROWS_STEP else ())]
    return replace(urls, base=url_for("tasks.show", task_id=record.line.id)).to(extra=extra) + "#refused"


def _view(row: Refused) -> RefusedView:
    what, _, cure = _without_place(row).partition("; ")
    return RefusedView(count_text(row.line), row.value or "", row.column or "", what, cure, _cells(row))


def _without_place(row: Refused) -> str:
    """The reason without what stands in columns of its own."""
    reason = row.reason
    if row.column:
        reason = reason.removeprefix(f"{row.column}: ")
    return reason.removeprefix(f'"{row.value}" ') if row.value is not None else reason


def _cells(row: Refused) -> list[ContentCell]:
    shown = ((name, value) for name, value in row.content.items() if name not in (LINE, REASON))
    return [ContentCell(name, _text(value), name == row.column) for name, value in shown]


def _text(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= CONTENT_CHARACTERS else f"{text[:CONTENT_CHARACTERS]}…"
