"""Passwords: what is taken as one, and their Argon2 hashes."""

from __future__ import annotations

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from auditpanel.errors import InvalidInput

LEAST_CHARACTERS = 8
# Above what anybody types, below what would keep the hasher busy.
MOST_CHARACTERS = 256

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """Raises InvalidInput, field `password`, for one that is too short, too long or no text."""
    if not LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        given = f"this one has {len(password)}" if password else "none was given"
        raise InvalidInput(f"a password takes {LEAST_CHARACTERS} to {MOST_CHARACTERS} characters; {given}", field="password")
    try:
        return _hasher.hash(_normal(password))
    except UnicodeEncodeError:
        raise InvalidInput("the password is not valid text; write it in UTF-8", field="password") from None


def password_matches(password_hash: str | None, password: str) -> bool:
    """Takes as long for a user that does not exist (no hash) as for one that does, so that the time tells nothing."""
    try:
        matches = _hasher.verify(password_hash or _hash_of_nobody(), _normal(password[: MOST_CHARACTERS + 1]))
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False
    return matches and password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


@cache
def _hash_of_nobody() -> str:
    return _hasher.hash("the password of a user who does not exist")


def _normal(password: str) -> str:
    # "é" is one character or two, as the keyboard has it: both are the same password.
    return unicodedata.normalize("NFKC", password)
