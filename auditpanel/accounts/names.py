"""Names that people type for users, projects and keys: one line of visible text."""

from __future__ import annotations

import re

from auditpanel.errors import InvalidInput

NAME_CHARACTERS = 80
EMAIL_CHARACTERS = 254  # what a mail server takes

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def clean_name(text: str, *, what: str) -> str:
    """Raises InvalidInput, field `name`. `what` is the thing that is named, as in "the key"."""
    name = " ".join(text.split())
    if not 1 <= len(name) <= NAME_CHARACTERS:
        raise InvalidInput(f"give {what} a name of 1 to {NAME_CHARACTERS} characters", field="name")
    if not name.isprintable():
        raise InvalidInput(f"the name of {what} has a character that cannot be seen; take it out", field="name")
    return name


def clean_email(text: str) -> str:
    """In lower case. Only what could never be an address is refused: `admin@localhost` is one. Raises InvalidInput, field `email`."""
    email = text.strip().lower()
    if len(email) > EMAIL_CHARACTERS or not _EMAIL.fullmatch(email) or not email.isprintable():
        raise InvalidInput(f'"{email[:80]}" is not an email address; write one like nina@example.com', field="email")
    return email
