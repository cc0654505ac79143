"""Finds credentials that are known by their own shape, wherever they stand: tokens, keys, passwords in URLs."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from auditpanel.logs.hints import WHITE, any_of
from auditpanel.logs.marks import redacted

# Keys whose makers put a name in front: webhook secrets, Stripe, GitHub, GitLab, Slack, Shopify, Google, OpenAI and the like.
KEY_PREFIXES = (
    "whsec_", "sk_live_", "sk_test_", "rk_live_", "rk_test_",
    "ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "xoxa-", "shpat_", "shpss_", "shpca_", "AIzaSy",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Shape:
    # In lower case: where it is not in a text, the pattern is not tried.
    hint: str
    # Its group `secret` is what is marked.
    pattern: re.Pattern[str]
    is_real: Callable[[re.Match[str]], bool] = bool


def _is_basic(found: re.Match[str]) -> bool:
    """Whether it is user:password in base64, or the beginning of it where the text ends: "Basic subscription" is neither."""
    code = found["secret"].rstrip("=")
    try:
        decoded = base64.b64decode(code[: len(code) // 4 * 4] + "====" if len(code) % 4 == 1 else code + "==", altchars=b"-_")
    except ValueError:
        return False
    is_cut = found.end() == len(found.string)
    return (b":" in decoded or is_cut) and decoded.isascii()


_SPACE = r"(?:\s|\+|%20)++"
_SHAPES = (
    # To the end mark, or to what cannot be in a key, so that JSON around it stays whole.
    _Shape(
        "private key",
        re.compile(
            r"(?P<secret>-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[^-\"\\<]++|\\++[nrt/]|-(?!----END))*+"
            r"(?:-----END[A-Z ]*+-{0,5}+)?)"
        ),
    ),
    _Shape(
        "bearer",
        re.compile(rf"(?i:\bbearer){_SPACE}(?!(?i:tokens?|auth\w*|realm|error\w*|scope|schemes?|credentials?)\b)(?P<secret>[\w.~+/%=-]++)"),
    ),
    _Shape("basic", re.compile(rf"(?i:\bbasic){_SPACE}(?P<secret>[A-Za-z0-9+/_-]{{4,}}+=*+)"), _is_basic),
    # A JWT in its parts, or the beginning of one where the text was cut; a base64 object alone is often just a cursor.
    _Shape("eyj", re.compile(r"(?P<secret>eyJ(?:(?<![\w-]eyJ)|(?<=\\[nrt]eyJ))[\w-]{5,}+(?:(?:\.[\w-]*+){1,4}+|\Z))")),
    # A password before a host. In JSON slashes may be escaped.
    _Shape(":", re.compile(r":(?:\\?/){2}[^\s/:@\"'<>\\?#]*+:(?P<secret>[^\s/\"'<>\\?#]+)@")),
    *(_Shape(prefix.lower(), re.compile(rf"(?P<secret>{re.escape(prefix)}[\w+/=-]++)")) for prefix in KEY_PREFIXES),
)

CREDENTIALS_HINTS = (
    rf"(?:bearer|basic)(?:[{WHITE}+]|%20)",
    any_of(("private key", "eyj", *KEY_PREFIXES)),
    # The password's own pattern asks for more.
    r"/\\?/[^\s/\"@]*@",
)


def hide_credentials(text: str) -> str:
    lowered = text.lower()
    for shape in _SHAPES:
        if shape.hint in lowered:
            text = shape.pattern.sub(partial(_marked_if, shape.is_real), text)
    return text


def _marked_if(is_real: Callable[[re.Match[str]], bool], found: re.Match[str]) -> str:
    return _marked(found) if is_real(found) else found[0]


def _marked(found: re.Match[str]) -> str:
    start, end = (place - found.start() for place in found.span("secret"))
    return f"{found[0][:start]}{redacted(found['secret'])}{found[0][end:]}"
