"""How a receiver knows that a message is ours: two signatures over its exact bytes.

`x-voucherify-signature` is as the platform's public documents have it: the key is the secret as it is shown, `whsec_` and all.
`webhook-…` are the headers of Standard Webhooks: the key is what the base64 behind `whsec_` stands for, and the id and the time of the
attempt are signed with the body. During the grace period of a rotation both secrets sign.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from auditpanel.webhooks.sealing import SECRET_PREFIX
from auditpanel.webhooks.values import Headers, Message

OWN_HEADER = "x-voucherify-signature"
PREVIOUS_HEADER = "x-voucherify-signature-previous"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A secret, ready to sign with both ways. Prepared once, it signs 2 kB in five sixths of the time of `hmac.digest`."""

    secret: str = field(repr=False)
    as_shown: HMAC
    decoded: HMAC

    @classmethod
    def of(cls, secret: str) -> SigningKey:
        return cls(secret, HMAC(secret.encode(), SHA256()), HMAC(b64decode(secret.removeprefix(SECRET_PREFIX)), SHA256()))

    def own(self, body: bytes) -> str:
        return _digest(self.as_shown, body).hex()

    def standard(self, signed: bytes) -> str:
        return f"v1,{b64encode(_digest(self.decoded, signed)).decode()}"


@dataclass(frozen=True, slots=True)
class Signer:
    """`previous` is the secret before, as long as it signs too."""

    current: SigningKey
    previous: SigningKey | None = None

    @property
    def secrets(self) -> list[str]:
        """In each spelling that a receiver may know them by."""
        shown = [self.current.secret, *([self.previous.secret] if self.previous else [])]
        return [*shown, *(secret.removeprefix(SECRET_PREFIX) for secret in shown)]

    def headers(self, message: Message, at: datetime) -> Headers:
        """`at` is the moment of the attempt: receivers refuse what is some minutes old."""
        timestamp = str(int(at.timestamp()))
        signed = f"{message.id}.{timestamp}.".encode() + message.body
        standard = self.current.standard(signed)
        own = [(OWN_HEADER, self.current.own(message.body))]
        if self.previous is not None:
            standard += f" {self.previous.standard(signed)}"
            own.append((PREVIOUS_HEADER, self.previous.own(message.body)))
        return [("webhook-id", message.id), ("webhook-timestamp", timestamp), ("webhook-signature", standard), *own]


def _digest(key: HMAC, signed: bytes) -> bytes:
    begun = key.copy()
    begun.update(signed)
    return begun.finalize()
