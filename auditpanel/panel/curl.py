"""A recorded call as a cURL command that can be pasted into a shell: nothing in the record runs there, and no secret is in it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from urllib.parse import quote

from auditpanel.logs.values import Headers, LogRecord
from auditpanel.panel.bodies import describe_cut, find_content_type
from auditpanel.panel.marks import LINE_MARKS, REDACTED

# They belong to the recorded connection or to how the body travelled; cURL makes its own.
NOT_REPEATED = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]+")
# Reserved characters stay as they were recorded, and so does what was percent-encoded already.
_URL_SAFE = "/?:@!$&'()*+,;=%~-._[]"


def as_curl(record: LogRecord, base_url: str) -> str:
    """Redacted headers become shell variables: `-H "X-App-Token: $APP_TOKEN"`. `base_url` is where the call goes, without a path."""
    url = _url(record, base_url)
    arguments = [" ".join(["curl", *_options(record.line.method, url), quote_for_shell(url)])]
    arguments += [f"-H {_header(name, value)}" for name, value in _repeated_headers(record.request.headers)]
    if record.request.body:
        if find_content_type(record.request.headers) is None:
            # cURL would call it a form.
            arguments.append("-H 'Content-Type:'")
        arguments.append(f"--data-raw {quote_for_shell(record.request.body)}")
    return "\n".join([*_remarks(record), " \\\n  ".join(arguments)])


def quote_for_shell(text: str) -> str:
    """One word for bash and zsh. With anything unseen in it, it is in `$'…'` with escapes, so that a terminal has nothing to act on.

    U+0000 is left out: no argument of a program can hold it.
    """
    text = text.replace("\0", "")
    if not _needs_escapes(text):
        return shlex.quote(text)
    return "$'" + "".join(_escape(character) for character in text) + "'"


def _needs_escapes(text: str) -> bool:
    return any(match["unseen"] for match in LINE_MARKS.finditer(text))


def _escape(character: str) -> str:
    # The quote and the exclamation mark as numbers too: shells with history read them before they read $'…'.
    if character in "\\'!" or LINE_MARKS.fullmatch(character):
        return "".join(f"\\x{byte:02x}" for byte in character.encode(errors="replace"))
    return character


def _options(method: str, url: str) -> Iterator[str]:
    if "[" in url:
        yield "--globoff"
    if "/." in url:
        yield "--path-as-is"
    # With -X HEAD, cURL waits for a body that never comes.
    yield "--head" if method == "HEAD" else f"-X {quote_for_shell(method)}"


def _url(record: LogRecord, base_url: str) -> str:
    # The slash keeps a path such as `@other.example/` from becoming a part of the host.
    path = "/" + quote(record.line.path, safe=_URL_SAFE).removeprefix("/").replace("?", "%3F")
    query = quote((record.query or "").removeprefix("?"), safe=_URL_SAFE)
    return base_url.rstrip("/") + path + (f"?{query}" if query else "")


def _repeated_headers(headers: Headers) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        if name.lower() not in NOT_REPEATED and _is_sendable(name, value):
            yield name, value


def _is_sendable(name: str, value: str) -> bool:
    # A line end in a value would begin another header, and cURL reads a header that begins with @ from a file.
    return _HEADER_NAME.fullmatch(name) is not None and not re.search(r"[\0\r\n]", value)


def _header(name: str, value: str) -> str:
    if not value.strip():
        return quote_for_shell(f"{name};")
    variable = f"${_variable_name(name)}"
    if REDACTED.fullmatch(value) and _PLAIN_NAME.fullmatch(name):
        return f'"{name}: {variable}"'
    pieces = REDACTED.split(f"{name}: {value}")
    return f'"{variable}"'.join(quote_for_shell(piece) if piece else "" for piece in pieces)


def _variable_name(header: str) -> str:
    name = re.sub(r"[^A-Z0-9]+", "_", header.upper()).strip("_").removeprefix("X_")
    # One word alone may be a variable that the shell has: X-Path would send $PATH.
    is_own = name == "AUTHORIZATION" or ("_" in name and not name[0].isdigit())
    return name if is_own else f"HEADER_{name}"


def _remarks(record: LogRecord) -> Iterator[str]:
    """Fixed words without a character that a shell acts on: zsh does not take `#` for a comment at its prompt."""
    cut = describe_cut(record.request)
    if cut is not None:
        yield f"# {cut}: the body below is not complete"
    if REDACTED.search(record.request.body or "") or REDACTED.search(record.query or ""):
        yield "# Redacted values in the query and the body stand as they were stored"
    left_out = sum(not (name.startswith(":") or _is_sendable(name, value)) for name, value in record.request.headers)
    if left_out:
        yield f"# Headers left out because no client may send them: {left_out}"
