"""The sentences that stand on a task that ended early."""

from __future__ import annotations


def cancelled_words(by: str, rows_done: int, rows_total: int | None) -> str:
    if rows_done == 0:
        return f"Cancelled by {by} before its first row; nothing was changed."
    of_all = f" of {rows_total:,}" if rows_total else ""
    return f"Cancelled by {by} after {rows_done:,}{of_all} rows; what was done stays done."


def broken_words(reference: str, rows_done: int) -> str:
    before = f" after {rows_done:,} rows; what was done stays done" if rows_done else ""
    return f"An error of the panel, reference {reference}, ended this task{before}. Run it again; if that fails too, report the reference."
