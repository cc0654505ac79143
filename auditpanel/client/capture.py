"""A call that is being answered, put together part by part, and the log that it becomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from uuid import uuid4

from .bodies import BodyCopy
from .headers import REQUEST_ID, Headers, find_header, is_request_id, redacted, size_in

BODY_LIMIT_BYTES = 64 * 1024

Log = dict[str, object]


@dataclass(slots=True, kw_only=True)
class Call:
    """`status_code` is None until the answer begins. `body_limit_bytes` holds for each of the two bodies; 0 keeps none."""

    method: str
    path: str
    query: str
    request_headers: Headers
    body_limit_bytes: int = BODY_LIMIT_BYTES

    client_ip: str | None = None
    status_code: int | None = None
    # What the service says of the call; None while it has not been asked.
    described: Log | None = None
    response_headers: Headers = field(default_factory=list)
    request_body: BodyCopy = field(init=False)
    response_body: BodyCopy = field(init=False)
    request_id: str = field(init=False)

    _has_received_id: bool = field(init=False)
    _occurred_at: datetime = field(init=False, default_factory=lambda: datetime.now(UTC))
    _started_s: float = field(init=False, default_factory=perf_counter)
    _response_size_bytes: int | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.request_body = BodyCopy(self.body_limit_bytes)
        self.response_body = BodyCopy(self.body_limit_bytes)
        received = find_header(self.request_headers, REQUEST_ID) or ""
        self._has_received_id = is_request_id(received)
        self.request_id = received if self._has_received_id else f"v-{uuid4().hex}"

    def start_response(self, status_code: int, headers: Headers) -> None:
        self.status_code = status_code
        self.response_headers = headers
        self._response_size_bytes = size_in(headers)
        if not self._has_received_id:
            given = find_header(headers, REQUEST_ID) or ""
            self.request_id = given if is_request_id(given) else self.request_id

    @property
    def is_answered(self) -> bool:
        """Whether the whole body that the answer declared has come past."""
        return self._response_size_bytes is not None and self.response_body.size_bytes >= self._response_size_bytes

    def as_log(self) -> Log:
        """The fields that `POST /v1/logs` takes. What is unknown is left out. A call without an answer failed: 500."""
        declared_size_bytes = size_in(self.request_headers) or 0
        request = self.request_body.read(encoding=_encoding(self.request_headers), declared_size_bytes=declared_size_bytes)
        response = self.response_body.read(encoding=_encoding(self.response_headers))
        log: Log = {
            # Made once: a log that is sent again after a lost answer is stored once.
            "id": str(uuid4()),
            "occurred_at": self._occurred_at.isoformat(),
            "method": self.method,
            "path": self.path,
            "query": self.query or None,
            "status_code": self.status_code or 500,
            "duration_ms": round((perf_counter() - self._started_s) * 1_000, 3),
            "channel": find_header(self.request_headers, "x-voucherify-channel"),
            "client_ip": self.client_ip,
            "user_agent": find_header(self.request_headers, "user-agent"),
            "request_id": self.request_id,
            "request_headers": redacted(self.request_headers),
            "request_body": request.text,
            "request_size_bytes": request.size_bytes,
            "response_headers": redacted(self.response_headers),
            "response_body": response.text,
            "response_size_bytes": response.size_bytes,
        }
        return {name: value for name, value in log.items() if value is not None}


def _encoding(headers: Headers) -> str | None:
    return find_header(headers, "content-encoding")
