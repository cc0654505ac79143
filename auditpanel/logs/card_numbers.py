"""Finds card numbers: by their length, the issuer's first digits and the check digit, so that ids and timestamps are left alone."""

from __future__ import annotations

import re

from auditpanel.logs.marks import redacted

# Visa, Mastercard, American Express, Diners Club, JCB, Discover, UnionPay and Maestro. Of Maestro only what is in wide use: all that begins
# with 5 or 6 would take in too many ids.
_ISSUER = re.compile(
    r"4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3(?:[47]|0[0-5]|[689]|5(?:2[89]|[3-8]))"
    r"|6(?:011|4[4-9]|5|2)|50(?:18|20|38)|5893|6304|6759|676[1-3]"
)
_GAP = r"(?:[ +\u00a0-]|%20)"
# The digits behind the first, together or in the groups printed on cards: 4-4-4-4 (and 3 more), 4-6-5, 4-6-4, 4-3-3-3, 6-13.
_REST = (
    rf"(?:\d{{12,18}}|\d{{3}}{_GAP}(?:\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{4}}(?:{_GAP}\d{{3}}(?!\d))?|\d{{6}}{_GAP}\d{{4,5}}"
    rf"|\d{{3}}{_GAP}\d{{3}}{_GAP}\d{{3}})|\d{{5}}{_GAP}\d{{7,13}})(?![0-9A-Za-z]|\.\d)"
)
# Not inside a longer number, a fraction or a hexadecimal id; but right behind an escape, as in "\n4111…" and %204111…. The engine skips
# fast to a plain first character, hence the borders are looked at from behind it.
_FIRST = r"[2-6](?:(?<![0-9A-Za-z].)(?<!\d\..)|(?<=\\[nrtbf].)|(?<=%[0-9A-F]{2}.)|(?<=\\u[0-9a-fA-F]{4}.))"
# The rest is only looked at: where the check digit is wrong, the search goes on at the next group.
_SEARCH = re.compile(f"{_FIRST}(?=(?P<rest>{_REST}))")
# In JSON a number outside a string needs quotes around its mark.
_SEARCH_JSON = re.compile(rf'(?P<string>"(?:[^"\\]++|\\.)*+"?)|(?<![\w."\\%+-])(?P<number>-?{_FIRST}{_REST})', re.DOTALL)
_NOT_DIGITS = re.compile(r"%20|\D")
# Twice a digit, with the digits of the result added up.
_DOUBLED = str.maketrans("0123456789", "0246813579")

CARD_HINT = r"[2-6]\p{Nd}{3}(?:\p{Nd}{9}|(?:\p{Nd}{2})?[ +%\x{a0}-]\p{Nd}{3})"


def hide_cards(text: str, *, in_json: bool) -> str:
    if not in_json or not _has_card(text):
        return _hide(text)
    return _SEARCH_JSON.sub(_in_json, text)


def _has_card(text: str) -> bool:
    return any(_is_card(found[0] + found["rest"]) for found in _SEARCH.finditer(text))


def _in_json(found: re.Match[str]) -> str:
    if found["string"]:
        return _hide(found["string"])
    return f'"{redacted(found["number"])}"' if _is_card(found["number"]) else found["number"]


def _hide(text: str) -> str:
    pieces: list[str] = []
    done = 0
    for found in _SEARCH.finditer(text):
        if found.start() >= done and _is_card(number := found[0] + found["rest"]):
            pieces += (text[done : found.start()], redacted(number))
            done = found.end("rest")
    return "".join((*pieces, text[done:])) if pieces else text


def _is_card(number: str) -> bool:
    """Whether an issuer's number, and its check digit right (Luhn; ISO/IEC 7812-1, annex B)."""
    digits = _NOT_DIGITS.sub("", number)
    return _ISSUER.match(digits) is not None and sum(map(int, digits[::-2] + digits[-2::-2].translate(_DOUBLED))) % 10 == 0
