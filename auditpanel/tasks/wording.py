"""The sentences that stand on a task that ended early, and what reasons for refusing rows have in common."""

from __future__ import annotations

import re

from auditpanel.tasks.values import Refused

PATTERN_CHARACTERS = 300
GAP = "…"

_QUOTED = re.compile(r'"[^"]*"')
_NUMBER = re.compile(r"(?<!ISO )(?<![\w.])\d[\d.,:TZ+-]*(?<![.,:+-])(?!\w)")


def reason_pattern(row: Refused) -> str:
    """The reason without what differs from row to row: its value, other quoted texts, numbers and dates.

    Of `Value: "15.00" is not in the smallest unit; write 1500 for 15.00` it is `Value: "…" is not in the smallest unit; write … for …`.
    """
    column = f"{row.column}: " if row.column and row.reason.startswith(f"{row.column}: ") else ""
    reason = row.reason.removeprefix(column)
    if row.value:
        # It may have quotes in it, at which the pattern for quoted texts would end.
        reason = reason.replace(f'"{row.value}"', f'"{GAP}"')
    reason = _NUMBER.sub(GAP, _QUOTED.sub(f'"{GAP}"', reason))
    return f"{column}{reason}"[:PATTERN_CHARACTERS]


def pattern_in_like(pattern: str) -> str:
    """For LIKE with a backslash as its escape."""
    escaped = re.sub(r"([\\%_])", r"\\\1", pattern).replace(GAP, "%")
    return escaped if len(pattern) < PATTERN_CHARACTERS else f"{escaped}%"


def cancelled_words(by: str, rows_done: int, rows_total: int | None) -> str:
    if rows_done == 0:
        return f"Cancelled by {by} before its first row; nothing was changed."
    of_all = f" of {rows_total:,}" if rows_total else ""
    return f"Cancelled by {by} after {rows_done:,}{of_all} rows; what was done stays done."


def broken_words(reference: str, rows_done: int) -> str:
    before = f" after {rows_done:,} rows; what was done stays done" if rows_done else ""
    return f"An error of the panel, reference {reference}, ended this task{before}. Run it again; if that fails too, report the reference."
