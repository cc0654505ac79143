"""Headers as pairs of readable text, with secrets taken out before they leave the process."""

from __future__ import annotations

import re

from .bodies import readable

Headers = list[tuple[str, str]]

REQUEST_ID = "X-Request-Id"
# What may come back as a header of the answer and be kept; another one counts as none.
_GOOD_REQUEST_ID = re.compile(r"[!-~]{1,128}")

_SECRET = re.compile(r"authorization|proxy-authorization|cookie|set-cookie|.*(token|secret|password|api[-_]?key).*", re.IGNORECASE)


def redacted(headers: Headers) -> Headers:
    """The panel knows a redaction by exactly this text, so it is not redacted a second time there."""
    return [(name, f"[redacted, {len(value)} characters]" if _SECRET.fullmatch(name) else value) for name, value in headers]


def find_header(headers: Headers, name: str) -> str | None:
    wanted = name.lower()
    return next((value for found, value in headers if found.lower() == wanted), None)


def is_request_id(text: str) -> bool:
    return _GOOD_REQUEST_ID.fullmatch(text) is not None


def size_in(headers: Headers) -> int | None:
    """The declared length of the body, in bytes."""
    declared = (find_header(headers, "content-length") or "").strip()
    return int(declared) if declared.isascii() and declared.isdigit() else None


def text_of(native: str) -> str:
    """WSGI's strings hold bytes, one in each character (PEP 3333); here they become the text that those bytes spell."""
    return native if native.isascii() and "\0" not in native else readable(native.encode("latin-1", "backslashreplace"))
