"""The mark that stands where a secret was. The page recognises it and draws a box with the length."""

from __future__ import annotations

import re

REDACTED = re.compile(r"\[redacted, \d{1,12} characters\]")
LONGEST_REDACTED = len("[redacted, 123456789012 characters]")


def redacted(value: str) -> str:
    """The mark for `value`; a value that is a mark already stays, so that what was redacted before keeps its true length."""
    return value if REDACTED.fullmatch(value) else f"[redacted, {len(value)} characters]"
