"""What every reader gives: the records that were read, and why the others were not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from auditpanel.errors import InvalidInput
from auditpanel.logs.values import NewLog

# A file that begins with this many lines that cannot be read is of another format.
LINES_TO_JUDGE_BY = 100


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """`line` counts from 1; in a HAR file, which has no lines, it is the number of the entry."""

    line: int
    reason: str
    counted: str = "line"

    def __str__(self) -> str:
        return f"{self.counted} {self.line}: {self.reason}"


def refuse_other_formats(records: Iterator[NewLog | RefusedLine], expected: str) -> Iterator[NewLog | RefusedLine]:
    """The same records. Raises InvalidInput where not one of the first LINES_TO_JUDGE_BY, or of all, could be read."""
    refused: list[RefusedLine] = []
    for record in records:
        if not isinstance(record, RefusedLine):
            yield from chain(refused, [record], records)
            return
        refused.append(record)
        if len(refused) == LINES_TO_JUDGE_BY:
            break
    if refused:
        raise InvalidInput(f"this is not {expected}, nothing in it could be read: {refused[0]}")
