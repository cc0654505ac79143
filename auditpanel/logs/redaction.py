"""Secrets are replaced by marks before anything reaches the database; all around them stays as it was sent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from auditpanel.logs.card_numbers import CARD_HINT, hide_cards
from auditpanel.logs.credentials import CREDENTIALS_HINTS, hide_credentials
from auditpanel.logs.hints import WHITE, any_of, hint_of
from auditpanel.logs.json_paths import JsonPath, check_path, find_values
from auditpanel.logs.json_text import looks_like_json
from auditpanel.logs.marks import redacted
from auditpanel.logs.secret_names import is_secret_header, spellings
from auditpanel.logs.secret_values import hide_elements, hide_parameters, hide_parts, hide_values, mark_values
from auditpanel.logs.values import Headers

__all__ = ["Redactor", "check_path"]

# Thousands of texts a second go by, nearly all without a secret. Escapes of letters may hide a name.
_is_suspect = hint_of((rf"{any_of(spellings())}[{WHITE}+\\\"'=:%&>\]\[]", CARD_HINT, *CREDENTIALS_HINTS, r"\\u00[2-7]", "%[4-7][0-9a-f]"))
_FORM = re.compile(r"[^\s=&<>{}]{1,200}=\S*\s*\Z")


@dataclass(frozen=True, slots=True)
class Redactor:
    """Knows what a project calls a secret: what everybody does, and the values at its own JSON paths."""

    paths: tuple[JsonPath, ...] = ()

    @classmethod
    def of(cls, json_paths: Sequence[str]) -> Redactor:
        """Raises InvalidInput where one of them is not a path."""
        return cls(tuple(check_path(text) for text in json_paths))

    def headers(self, headers: Headers) -> Headers:
        return [(name, redacted(value) if value and is_secret_header(name) else self.text(value)) for name, value in headers]

    def body(self, text: str) -> str:
        if self.paths:
            text = mark_values(text, find_values(text, self.paths))
        if not _is_suspect(text):
            return text
        in_json = looks_like_json(text)
        if not in_json and _FORM.match(text):
            text = hide_parameters(text)
        return _hide(text, in_json=in_json)

    def query(self, text: str) -> str:
        return _hide(hide_parameters(text), in_json=False) if _is_suspect(text) else text

    def path(self, text: str) -> str:
        return self.text(text)

    def text(self, text: str) -> str:
        """For what is neither a body nor a query: a path, a user agent, a user's name, another header."""
        return _hide(text, in_json=False) if _is_suspect(text) else text


def _hide(text: str, *, in_json: bool) -> str:
    text = hide_values(text, in_json=in_json)
    if "<" in text:
        text = hide_elements(text, in_json=in_json)
    if not in_json and "form-data" in text:
        text = hide_parts(text)
    return hide_cards(hide_credentials(text), in_json=in_json)
