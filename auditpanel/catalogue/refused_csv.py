"""Refused rows as a CSV file that can be corrected and imported again.

Its columns are those of the original file, and behind them `Refused line` and `Refused reason`, by which an import knows such a file and
which it passes over. A cell that a spreadsheet would run as a formula is neutralised (catalogue/formulas), and an import of such a file
takes that back, so that what is imported is what was there.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

import msgspec

from auditpanel.catalogue.formulas import neutralised, restored
from auditpanel.tasks.values import Refused

LINE, REASON = "Refused line", "Refused reason"


def is_returned(header: Sequence[str]) -> bool:
    """A file of refused rows that has been corrected."""
    return LINE in header and REASON in header


@dataclass(frozen=True, slots=True)
class Layout:
    """`names` are the original's columns; `restore` gives back a cell, or a name, as the first original had it."""

    names: tuple[str, ...]
    separator: str
    restore: Callable[[str], str]


def layout_of(header: Sequence[str], separator: str, rows: Iterable[Refused]) -> Layout:
    """Columns that only some of the rows have, as those with a cell too many do, come last."""
    names = dict.fromkeys(header)
    for row in rows:
        names |= dict.fromkeys(row.content)
    restore = restored if is_returned(tuple(names)) else str
    return Layout(tuple(name for name in names if name not in (LINE, REASON)), separator, restore)


def write_refused(file: TextIO, layout: Layout, rows: Iterable[Refused]) -> None:
    writer = csv.writer(file, delimiter=layout.separator)
    writer.writerow([*(neutralised(layout.restore(name)) for name in layout.names), LINE, REASON])
    writer.writerows(_cells(row, layout) for row in rows)


def _cells(row: Refused, layout: Layout) -> Iterator[str]:
    for name in layout.names:
        yield neutralised(layout.restore(_text(row.content, name)))
    yield str(row.line)
    yield neutralised(row.reason)


def _text(content: Mapping[str, object], name: str) -> str:
    value = content.get(name, "")
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
