"""What goes into the store of logs and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from auditpanel.ids import Prefix, format_id
from auditpanel.keyset import Key

# A body longer than this is cut, unless the project says otherwise.
BODY_LIMIT_BYTES = 64 * 1024

Headers = list[tuple[str, str]]


class Origin(StrEnum):
    DASHBOARD = "DASHBOARD"
    CUSTOMER_COCKPIT = "CUSTOMER_COCKPIT"
    BIGCOMMERCE = "BIGCOMMERCE"
    SHOPIFY = "SHOPIFY"
    ACTIVECAMPAIGN = "ACTIVECAMPAIGN"
    API = "API"

    @property
    def label(self) -> str:
        return ORIGIN_LABELS[self]


ORIGIN_LABELS = {
    Origin.DASHBOARD: "Dashboard",
    Origin.CUSTOMER_COCKPIT: "Customer cockpit",
    Origin.BIGCOMMERCE: "BigCommerce",
    Origin.SHOPIFY: "Shopify",
    Origin.ACTIVECAMPAIGN: "ActiveCampaign",
    Origin.API: "API",
}


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that a call is about: a customer, campaign, voucher, product; or the task or export that it started."""

    type: str
    id: str


class NewLog(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One call as somebody reports it: an item of `POST /v1/logs`, a line of a file, a call that this panel answered.

    Nothing in it is trusted: the store checks, redacts, cuts and cleans it. `headers` may be an object or a list of pairs.
    `…_size_bytes` is the size of the whole body where the sender has cut it already.
    """

    occurred_at: datetime
    path: str
    status_code: int
    id: UUID | None = None
    method: str = "GET"
    route: str | None = None
    query: str | dict[str, str | list[str]] | None = None
    duration_ms: float | None = None
    origin: Origin = Origin.API
    channel: str | None = None
    user: str | None = None
    api_key: str | None = None
    customer: str | None = None
    client_ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    request_headers: dict[str, str] | Headers | None = None
    request_body: str | None = None
    request_size_bytes: int | None = None
    response_headers: dict[str, str] | Headers | None = None
    response_body: str | None = None
    response_size_bytes: int | None = None
    references: list[Reference] = []


class LogKey(Key, frozen=True):
    """Where a log stands in its project."""

    @property
    def occurred_at(self) -> datetime:
        return self.at


class LogLine(msgspec.Struct, frozen=True):
    """A log as lists show it. A Struct, because a page makes dozens of them: it takes a quarter of a dataclass's time."""

    key: LogKey
    method: str
    path: str
    route: str | None
    status_code: int
    duration_ms: float | None
    origin: Origin
    channel: str | None
    user: str | None
    api_key: str | None
    customer: str | None
    client_ip: str | None
    user_agent: str | None
    request_id: str | None
    error: str | None

    @property
    def id(self) -> str:
        return format_id(Prefix.LOG, self.key.id)

    @property
    def failed(self) -> bool:
        return self.status_code >= 400


@dataclass(frozen=True, slots=True)
class Message:
    """One side of a call. `body` is None where there was none or it was not recorded; `size_bytes` is that of the whole body as sent.

    Where `is_cut`, only the beginning of the body is stored.
    """

    headers: Headers
    body: str | None
    size_bytes: int | None
    is_cut: bool

    @property
    def stored_bytes(self) -> int:
        return len((self.body or "").encode())


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A log with everything that was recorded of it."""

    line: LogLine
    query: str | None
    request: Message
    response: Message
    references: list[Reference]
