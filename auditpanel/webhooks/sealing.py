"""Secrets and custom headers as they lie in the database: encrypted with a key that is made of SECRET_KEY."""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import dataclass, field
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from auditpanel.errors import Unavailable

SECRET_PREFIX = "whsec_"

# Standard Webhooks asks for 24 to 64.
_SECRET_BYTES = 32
# Tells how the rest is sealed, so that another way can come beside this one.
_VERSION = b"\x01"
_NONCE_BYTES = 12
# SECRET_KEY signs cookies too: each use has a key of its own, and none tells of another.
_PURPOSE = b"auditpanel webhooks: secrets and headers at rest"


@dataclass(frozen=True, slots=True)
class Seal:
    """Closes texts and opens them again. The same text looks different each time, and what was altered does not open."""

    _cipher: AESGCM = field(repr=False)

    @classmethod
    def of(cls, secret_key: str) -> Self:
        """`secret_key` is what `config.load_secret_key` gives."""
        return cls(AESGCM(HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(secret_key.encode())))

    def close(self, text: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, text.encode(), _VERSION)

    def open(self, sealed: bytes) -> str:
        """Raises Unavailable where it was closed with another SECRET_KEY, or is damaged."""
        version, nonce, closed = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            if version != _VERSION:
                raise InvalidTag
            return self._cipher.decrypt(nonce, closed, version).decode()
        except (InvalidTag, ValueError):
            raise Unavailable(
                "This webhook's secret and headers were encrypted with another SECRET_KEY than the panel has now. "
                "Start the panel with that one again, or make the webhook anew."
            ) from None


def new_secret() -> str:
    """`whsec_` and base64, as Standard Webhooks has them: the bytes behind it are a key, and so is the text as a whole."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
