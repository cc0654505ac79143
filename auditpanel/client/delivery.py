"""One batch over HTTP: what goes out, and what the answer means."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

_ANSWER_LIMIT_BYTES = 1024 * 1024
# A server that asks for more is asked again after this long.
_LONGEST_PAUSE_S = 600.0


class TryAgain(Exception):
    """Nothing is known to be stored; the same logs may be accepted later. `pause_s` is None where the server asked for none."""

    def __init__(self, reason: str, *, pause_s: float | None = None) -> None:
        super().__init__(reason)
        self.pause_s = pause_s


class BatchRefused(Exception):
    """The server will not take this batch, however often it is sent."""


class BatchTooLarge(BatchRefused):
    """The server will not take this much at once."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a batch. `reasons` are those of the logs that were refused."""

    stored: int
    duplicates: int
    reasons: list[str]


class Delivery:
    """Posts batches to one panel over one connection that is kept open. For one thread only."""

    def __init__(self, url: str, app_id: str, app_token: str, *, timeout_s: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f'url: "{url}" is not the address of a panel; write one like https://audit.example.com')
        for name, value in (("app_id", app_id), ("app_token", app_token)):
            if not value or not value.isascii() or not value.isprintable():
                raise ValueError(f"{name}: empty, or not plain text; write what create-api-key printed")
        connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection: HTTPConnection = connect(parts.hostname, parts.port, timeout=timeout_s)
        self._path = parts.path.rstrip("/").removesuffix("/v1/logs") + "/v1/logs"
        self._headers = {
            "X-App-Id": app_id,
            "X-App-Token": app_token,
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "User-Agent": "auditpanel-client",
        }

    def post(self, logs: Sequence[bytes]) -> Answer:
        """`logs` are JSON objects. Raises TryAgain, BatchRefused."""
        # The lowest level: half the time of the usual one, on the service's own processor, for a tenth more bytes.
        body = gzip.compress(b"[" + b",".join(logs) + b"]", compresslevel=1)
        response, content = self._send(body)
        status = response.status
        if status == 429 or status >= 500:
            raise TryAgain(_explained(status, content), pause_s=_pause_s(response))
        if status == 413:
            raise BatchTooLarge(_explained(status, content))
        if status != 202:
            raise BatchRefused(_explained(status, content))
        return _answer(content, len(logs))

    def close(self) -> None:
        self._connection.close()

    def _send(self, body: bytes) -> tuple[HTTPResponse, bytes]:
        is_reused = self._connection.sock is not None
        try:
            return self._exchange(body)
        except (OSError, HTTPException) as error:
            if not is_reused:
                raise TryAgain(f"{type(error).__name__}: {error}") from error
        # An open connection that was idle is often closed by the server just then: that alone is no reason to wait.
        try:
            return self._exchange(body)
        except (OSError, HTTPException) as error:
            raise TryAgain(f"{type(error).__name__}: {error}") from error

    def _exchange(self, body: bytes) -> tuple[HTTPResponse, bytes]:
        try:
            self._connection.request("POST", self._path, body, self._headers)
            response = self._connection.getresponse()
            content = response.read(_ANSWER_LIMIT_BYTES)
        except BaseException:
            self._connection.close()
            raise
        if not response.isclosed():
            self._connection.close()
        return response, content


def _answer(content: bytes, sent: int) -> Answer:
    try:
        answer = json.loads(content)
        stored, duplicates = int(answer["stored"]), int(answer["duplicates"])
        reasons = [f"log {item['index']} of the batch: {item['reason']}" for item in answer["refused"]]
    except (ValueError, TypeError, KeyError) as error:
        raise BatchRefused(f"answered 202 but not as a panel does; is url right? {content[:200]!r}") from error
    if stored + duplicates + len(reasons) != sent:
        raise BatchRefused(f"answered for {stored + duplicates + len(reasons)} logs where {sent} were sent: {content[:200]!r}")
    return Answer(stored, duplicates, reasons)


def _explained(status: int, content: bytes) -> str:
    try:
        answer = json.loads(content)
        text = " ".join(str(answer[name]) for name in ("message", "details") if answer.get(name))
    except (ValueError, AttributeError):
        text = content[:200].decode("utf-8", "backslashreplace")
    return f"answered {status}: {text[:500]}"


def _pause_s(response: HTTPResponse) -> float | None:
    """Retry-After, which is a number of seconds or a date."""
    text = (response.getheader("Retry-After") or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_PAUSE_S)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    pause_s = (date.astimezone(UTC) - datetime.now(UTC)).total_seconds()
    return min(max(pause_s, 0.0), _LONGEST_PAUSE_S)
