"""What a spreadsheet would run as a formula when it opens a file, and what is written instead: the cell with an apostrophe before it.

That is what OWASP advises for CSV. The apostrophe comes off again on the way back, so that nothing is lost: `=1+1`, `+48 600 100 200` and
`'-5` come back as they were.
"""

from __future__ import annotations

import re

# What such a cell begins with. Excel and LibreOffice take the wide forms for formulas as well.
BEGINNINGS = "=+@\t\r\n＝＋－＠-"
# For Python and for PostgreSQL alike. The minus stands last, where it is no range.
PATTERN = f"^'*[{BEGINNINGS}]"
_RUNS = re.compile(PATTERN)


def neutralised(cell: str) -> str:
    return f"'{cell}" if _RUNS.match(cell) else cell


def restored(cell: str) -> str:
    """The inverse of `neutralised`."""
    return cell[1:] if cell.startswith("'") and _RUNS.match(cell) else cell
