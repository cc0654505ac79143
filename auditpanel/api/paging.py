from __future__ import annotations

from auditpanel.errors import InvalidInput

PAGE_SIZE = 50
LARGEST_PAGE = 100


def read_limit(text: str) -> int:
    if not text:
        return PAGE_SIZE
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:4]) <= LARGEST_PAGE:
        raise InvalidInput(f'"{text[:40]}" is not a number of records; write 1 to {LARGEST_PAGE}', field="limit")
    return int(text)
