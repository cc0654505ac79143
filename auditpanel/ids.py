"""Ids as people see them: a prefix and a UUIDv7, `log_0199c2f4…`; time-ordered, so an id alone says when."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from uuid_utils.compat import uuid7

from auditpanel.errors import InvalidInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HEX = re.compile(r"[0-9a-f]{32}")


class Prefix(StrEnum):
    PROJECT = "proj_"
    USER = "user_"
    API_KEY = "key_"
    LOG = "log_"
    ASYNC_ACTION = "aa_"
    EXPORT = "export_"
    SENDOUT = "whs_"
    WEBHOOK = "wh_"
    REQUEST = "v-"
    CAMPAIGN = "camp_"
    VOUCHER = "v_"
    CUSTOMER = "cust_"
    PRODUCT = "prod_"
    SKU = "sku_"
    EVENT = "evt_"
    RESEND = "resend_"


def new_uuid() -> UUID:
    return uuid7()


def new_request_id() -> str:
    return format_id(Prefix.REQUEST, new_uuid())


def format_id(prefix: Prefix, value: UUID) -> str:
    return prefix + value.hex


def parse_id(prefix: Prefix, text: str) -> UUID:
    """Raises InvalidInput where `text` is not the prefix and 32 hexadecimal digits (dashes between them are allowed)."""
    digits = text.strip().removeprefix(prefix).replace("-", "").lower()
    if not text.strip().startswith(prefix) or not _HEX.fullmatch(digits):
        raise InvalidInput(f'"{text[:80]}" is not an id; write it like {prefix}0199c2f47b1e7d21a1f6e8407cd4c44b')
    return UUID(digits)


def uuid7_at(moment: datetime, seed: bytes) -> UUID:
    """A UUIDv7 of `moment` whose random part is a hash of `seed`: the same moment and seed give the same id (RFC 9562, 5.7)."""
    milliseconds = (moment - EPOCH) // timedelta(milliseconds=1)
    random = int.from_bytes(hashlib.sha256(seed).digest()[:10], "big")
    value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return UUID(int=value)


def uuid7_moment(value: UUID) -> datetime:
    """The millisecond that a UUIDv7 was made from. Raises OverflowError past the year 9999."""
    return EPOCH + timedelta(milliseconds=value.int >> 80)
