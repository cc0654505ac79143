"""Tells fast whether a text is worth a thorough search: RE2 goes over it once, however many alternatives there are.

A hint is a pattern of RE2's, in any case of letters. Wherever the thorough search would find something, it has to match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import re2

# What Python's own engine calls white space, for the inside of brackets.
WHITE = r"\s\v\x1c-\x1f\x{85}\pZ"


def any_of(words: Iterable[str]) -> str:
    return f"(?:{'|'.join(map(re.escape, words))})"


def hint_of(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether one of them is in a text."""
    search = re2.compile(f"(?i){'|'.join(patterns)}".encode()).search
    return lambda text: search(text.encode("utf-8", "replace")) is not None
