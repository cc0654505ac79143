"""Where a login leads to: a page of this panel, whatever the address asks for."""

from __future__ import annotations

MOST_CHARACTERS = 4_000


def next_page(wanted: str | None) -> str:
    """The wanted path, or the start page where `wanted` could lead to another site.

    Browsers read `//host` and `/\\host` as an address of another host, and leave out tabs and line breaks before they look.
    """
    if wanted is None or not wanted.startswith("/") or len(wanted) > MOST_CHARACTERS:
        return "/"
    if wanted.startswith("//") or "\\" in wanted or not wanted.isprintable():
        return "/"
    return wanted
