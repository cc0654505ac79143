"""One attempt: a message is signed and posted, and whatever comes of it is an Attempt. Nothing is raised but a cancellation.

Redirects are not followed, cookies not kept, proxies of the environment not used: the message goes to the webhook's URL or nowhere.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from aiohttp import BaseConnector, InvalidURL, TCPConnector
from yarl import URL

from auditpanel.errors import Unavailable
from auditpanel.times import day_words, utc_now
from auditpanel.webhooks.addresses import Guard, GuardedResolver
from auditpanel.webhooks.certificates import read_expiry
from auditpanel.webhooks.custom_headers import LEFT_OUT, without_values
from auditpanel.webhooks.deadlines import Deadlines
from auditpanel.webhooks.faults import Fault, fault_of, is_expired
from auditpanel.webhooks.posting import Response, Route, host_of, post
from auditpanel.webhooks.signing import Signer
from auditpanel.webhooks.values import RESPONSE_LIMIT_BYTES, TIMEOUT_S, Answer, Attempt, Headers, Message

USER_AGENT = "Auditpanel-Webhooks/1"
# Servers close what is idle after 2 s (gunicorn), 5 s (Node, uvicorn) or more. A message that is sent at that very moment is lost to it.
KEEP_ALIVE_S = 1.5

# Asked for plain: what is stored of an answer is to be read.
_DEFAULTS = (("Accept", "*/*"), ("User-Agent", USER_AGENT))
_OF_THE_BODY = (("Content-Type", "application/json"), ("Accept-Encoding", "identity"))
# What else Python knows of is read as UTF-8, as ASCII is: with some of it, such as punycode, 64 kB hold up all deliveries for 0.4 s.
_OTHER_CHARSETS = re.compile(r"iso-?8859-15?|latin-?1|(windows-|cp)125[0-8]|utf-?16([lb]e)?", re.IGNORECASE)
# These stand for themselves in each spelling of a text: in JSON, in HTML, in a URL.
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")


class TargetState(StrEnum):
    """OFF: what somebody sends by hand still goes out. REMOVED: nothing does."""

    ON = "on"
    OFF = "off"
    REMOVED = "removed"


@dataclass(frozen=True)
class Target:
    """A webhook as it is now: where its messages go, its own headers, what signs; or why its secret cannot be read."""

    url: str
    headers: Headers
    signer: Signer | Unavailable
    state: TargetState = TargetState.ON

    @cached_property
    def route(self) -> Route:
        """With what each of its messages has. Needs a running loop. Raises ValueError, for the URL InvalidURL."""
        return Route.to(self.url, [*self._defaults, *self.headers, *_OF_THE_BODY])

    @cached_property
    def shown(self) -> Headers:
        """What each of its messages has, as it is stored. Raises InvalidURL."""
        own = [(name, LEFT_OUT) for name, _ in self.headers]
        return [("Host", host_of(self.url)), *self._defaults, *own, *_OF_THE_BODY]

    def without_secrets(self, answer: Answer) -> Answer:
        """As it may be stored: a target may answer with what it was sent, or, where it shows its own settings, with the secret."""
        # To look for each spelling of each of them costs as much as signing; hardly an answer has any.
        came = "\n".join([answer.body, *(value for _, value in answer.headers)])
        if not answer.is_cut and not any(mark in came for mark in self._marks):
            return answer
        return without_values(answer, self._secrets)

    @cached_property
    def _secrets(self) -> Headers:
        own = [] if isinstance(self.signer, Unavailable) else self.signer.secrets
        return [*self.headers, *(("", secret) for secret in own)]

    @cached_property
    def _marks(self) -> list[str]:
        """Of each secret, a part that is there wherever the secret is, or the credentials in it."""
        return [max(_PLAIN.findall(value.rpartition(" ")[2]), key=len) for _, value in self._secrets]

    @property
    def _defaults(self) -> Headers:
        """Those that the webhook does not set itself."""
        names = {name.lower() for name, _ in self.headers}
        return [(name, value) for name, value in _DEFAULTS if name.lower() not in names]


class Sender:
    def __init__(
        self, connector: BaseConnector, guard: Guard, resolver: GuardedResolver, now: Callable[[], datetime], deadlines: Deadlines
    ) -> None:
        self._connector = connector
        self._guard = guard
        self._resolver = resolver
        self._now = now
        self._deadlines = deadlines

    async def send(self, target: Target, message: Message) -> Attempt:
        started_at = self._now()
        if isinstance(target.signer, Unavailable):
            return Attempt(target.url, started_at, 0, [], error=str(target.signer))
        try:
            shown = target.shown
        except InvalidURL as error:
            fault = fault_of(error, timeout_s=self._deadlines.limit_s)
            return Attempt(target.url, started_at, 0, [], error=fault.words, is_final=fault.is_final)
        started = time.perf_counter()
        signed = target.signer.headers(message, started_at)
        headers = [*shown, ("Content-Length", str(len(message.body))), *signed]
        answer = await self._answer(target, signed, message.body)
        duration_ms = round((time.perf_counter() - started) * 1000, 3)
        if isinstance(answer, Answer):
            return Attempt(target.url, started_at, duration_ms, headers, answer)
        return Attempt(target.url, started_at, duration_ms, headers, error=answer.words, is_final=answer.is_final)

    async def _answer(self, target: Target, signed: Headers, body: bytes) -> Answer | Fault:
        task = self._deadlines.begin()
        try:
            response = await post(self._connector, target.route, signed, body, most_bytes=RESPONSE_LIMIT_BYTES)
            return target.without_secrets(_answer_of(response))
        except asyncio.CancelledError:
            if not self._deadlines.is_late(task):
                raise
            return Fault(f"no answer in {self._deadlines.limit_s:g} s")
        except Exception as error:
            failure = error
        finally:
            # Before the fault is looked into, which takes its own time.
            self._deadlines.end(task)
        return await self._fault(target.url, failure)

    async def _fault(self, url: str, error: Exception) -> Fault:
        if is_expired(error) and (expired_at := await read_expiry(URL(url), self._guard, self._resolver)):
            return Fault(f"TLS certificate expired on {day_words(expired_at.date())}")
        return fault_of(error, timeout_s=self._deadlines.limit_s)


@asynccontextmanager
async def open_sender(
    guard: Guard, *, trust: ssl.SSLContext | None = None, now: Callable[[], datetime] = utc_now, timeout_s: float = TIMEOUT_S
) -> AsyncIterator[Sender]:
    """`trust` instead of the authorities that the system knows. How many connections there are is for the caller to limit."""
    resolver, deadlines = GuardedResolver(guard), Deadlines(timeout_s)
    connector = TCPConnector(
        limit=0, ssl=trust or True, resolver=resolver, socket_factory=guard.open_socket, keepalive_timeout=KEEP_ALIVE_S
    )
    try:
        async with connector, deadlines.watched():
            yield Sender(connector, guard, resolver, now, deadlines)
    finally:
        await resolver.close()


def _answer_of(response: Response) -> Answer:
    headers = [(_text(name), _text(value)) for name, value in response.headers]
    return Answer(response.status_code, headers, _text(_utf8(response)), len(response.body), response.is_cut)


def _utf8(response: Response) -> bytes:
    if response.charset and _OTHER_CHARSETS.fullmatch(response.charset):
        return response.body.decode(response.charset, "replace").encode("utf-8", "replace")
    return response.body


def _text(raw: bytes) -> str:
    """Fit to be stored, whatever came: PostgreSQL has no NUL and no lone surrogate."""
    return raw.decode("utf-8", "replace").replace("\x00", "\ufffd")
