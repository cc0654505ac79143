"""The sentences that stand on an export that failed."""

from __future__ import annotations

from auditpanel.exports.values import XLSX_ROWS
from auditpanel.keyset import Count

NO_ROOM = "There is no room left for the file where exports are kept. Delete exports that nobody needs, or make room, and run it again."


_XLSX_HOLDS = f"do not fit; an XLSX sheet holds {XLSX_ROWS - 1:,}"


def too_many_for_xlsx(expected: Count) -> str:
    more = "" if expected.is_exact else " or more"
    return f"{expected.value:,} rows{more} {_XLSX_HOLDS}. Choose CSV or Parquet, or narrow the filters"


def tells_of_too_many_for_xlsx(error: str) -> bool:
    """Whether an export has failed because of that: another format holds the rows."""
    return _XLSX_HOLDS in error


def deleted_words(by: str) -> str:
    return f"Deleted by {by} before it was ready."


def broken_words(reference: str) -> str:
    return f"An error of the panel, reference {reference}, ended this export. Run it again; if that fails too, report the reference."


def not_kept_words(reference: str) -> str:
    return f"The file could not be kept, reference {reference}. Run the export again; if that fails too, report the reference."


def no_answer_words(reference: str) -> str:
    return f"The storage of exports does not answer, reference {reference}. Try again later."
