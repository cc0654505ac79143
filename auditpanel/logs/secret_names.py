"""Which names say that their value is a secret: keys of bodies and queries, headers."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import groupby

# A key is secret where it ends in one of these; `_` stands for `_`, `-` or nothing: `userPassword`, `stripe_secret`, `X-App-Token`,
# `accesstoken`.
# So `token_type` and `tokens_used` are not. An underscore after them, a digit or an s would make another word, hence the spelt-out forms.
ENDINGS = (
    "password", "passwords", "password_confirmation", "password_confirm", "password_repeat", "password_hash", "password1", "password2",
    "passwd", "passphrase", "passcode",
    "secret", "secrets", "credential", "credentials",
    "token", "access_tokens", "refresh_tokens",
    "api_key", "api_keys", "app_key", "access_key", "auth_key", "private_key", "secret_key", "signing_key", "encryption_key", "shared_key",
    "cookie", "cookies", "session_id", "phpsessid",
    "card_number", "security_code",
)  # fmt: skip
# These are parts of ordinary words (shipping, preauthorization), so they count as whole words only: `card[cvc]`, `user_pin`, `cardPin`.
WORDS = ("authorization", "pwd", "pin", "otp", "cvv", "cvv2", "cvc", "cvc2")
# Of a presigned URL; elsewhere a signature proves one message and gives nothing away.
PARAMETERS = ("signature", "sig")

# As seen from behind a word's first character.
_WORD_START = r"(?:(?<![A-Za-z0-9].)|(?<=\\[nrt].)|(?<=%5[Bb].)|(?<=[a-z0-9][A-Z]))"


def _any_of(names: tuple[str, ...]) -> str:
    """The names without regard to case. The first character stands alone, in a class: the engine skips to it fast."""
    patterns = sorted(name.replace("_", "[_-]?") for name in names)
    groups = groupby(patterns, key=lambda pattern: pattern[0])
    return "|".join(f"(?<=[{first}{first.upper()}])(?i:{'|'.join(each[1:] for each in group)})" for first, group in groups)


def _first_of(names: tuple[str, ...]) -> str:
    return "".join(sorted({character for name in names for character in (name[0], name[0].upper())}))


_SHORT = f"{_WORD_START}(?:{_any_of(WORDS)}|(?:{_any_of(PARAMETERS)})(?==))"
SECRET_NAME = f"[{_first_of(ENDINGS + WORDS + PARAMETERS)}](?:{_any_of(ENDINGS)}|{_SHORT})"

_SECRET_KEY = re.compile(rf"(?:{SECRET_NAME}|[{_first_of(PARAMETERS)}]{_WORD_START}(?:{_any_of(PARAMETERS)}))(?:\[\d*\]|\])?\Z")
_SECRET_HEADER = re.compile(
    r"authorization|cookie|token|secret|passw(?:or)?d|credential|session|(?:api|app|access|auth|account|private|subscription|functions)[_-]?key",
    re.I,
)
_LONGEST_NAME = 64


def is_secret_key(name: str) -> bool:
    return _SECRET_KEY.search(name, max(0, len(name) - _LONGEST_NAME)) is not None


def spellings() -> list[str]:
    """All names as they may stand in text in lower case."""
    return sorted({name.replace("_", gap) for name in ENDINGS + WORDS + PARAMETERS for gap in ("_", "-", "")})


@lru_cache(maxsize=1024)
def is_secret_header(name: str) -> bool:
    return _SECRET_HEADER.search(name) is not None
