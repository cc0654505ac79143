"""The middleware for ASGI services (ASGI 3): FastAPI, Starlette, Django and the like."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping

from .bodies import BodyCopy, readable
from .capture import BODY_LIMIT_BYTES, Call
from .headers import REQUEST_ID, Headers, find_header
from .recording import Describe, Options, Recorder, Sink, Skip
from .routes import find_asgi_template

Scope = MutableMapping[str, object]
Message = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApplication = Callable[[Scope, Receive, Send], Awaitable[None]]

# nginx's number for a client that went away before it was answered.
CLIENT_CLOSED_REQUEST = 499


class ASGILogger:
    """Wraps an ASGI application and gives a log of each HTTP call to `sink`. Put it outermost, to see what the client sees."""

    def __init__(
        self,
        app: ASGIApplication,
        sink: Sink,
        *,
        describe: Describe | None = None,
        skip: Skip | None = None,
        body_limit_bytes: int = BODY_LIMIT_BYTES,
        origin: str | None = None,
        channel: str | None = None,
    ) -> None:
        self._app = app
        options = Options(describe=describe, skip=skip, body_limit_bytes=body_limit_bytes, origin=origin, channel=channel)
        self._recorder = Recorder(sink, options, find_asgi_template)

    @property
    def faults(self) -> dict[str, int]:
        """How often something in here, in `describe`, `skip` or the sink went wrong, by kind."""
        return dict(self._recorder.guard.faults)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = self._begin(scope, receive, send) if scope["type"] == "http" else None
        if exchange is None:
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception:
            exchange.fail()
            raise
        except BaseException:
            exchange.cancel()
            raise
        exchange.finish()

    def _begin(self, scope: Scope, receive: Receive, send: Send) -> _Exchange | None:
        """None for a call that is not to be recorded, or that cannot be."""
        with self._recorder.guard("beginning to record a call"):
            path = _path(scope)
            if not self._recorder.wants(path):
                return None
            call = Call(
                method=str(scope["method"]),
                path=path,
                query=_text(scope.get("query_string")),
                request_headers=_headers(scope),
                body_limit_bytes=self._recorder.options.body_limit_bytes,
            )
            state = scope.setdefault("state", {})
            if isinstance(state, MutableMapping):
                state["request_id"] = call.request_id
            return _Exchange(call, scope, receive, send, self._recorder)
        return None


class _Exchange:
    """One call on its way through: what passes is noted, then passed on as it is."""

    def __init__(self, call: Call, scope: Scope, receive: Receive, send: Send, recorder: Recorder) -> None:
        self._call = call
        self._scope = scope
        self._receive = receive
        self._send = send
        self._recorder = recorder
        self._client_has_left = False
        self._is_recorded = False

    async def receive(self) -> Message:
        message = await self._receive()
        with self._recorder.guard("recording a part of a request"):
            if message["type"] == "http.request":
                _add(self._call.request_body, message)
            elif message["type"] == "http.disconnect":
                self._client_has_left = True
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._send(self._begin_response(message))
            return
        if message["type"] == "http.response.body":
            self._note(message)
        await self._send(message)

    def _begin_response(self, message: Message) -> Message:
        with self._recorder.guard("recording the beginning of an answer"):
            message = {**message, "headers": _pairs(message)}
            headers = _headers(message)
            if find_header(headers, REQUEST_ID) is None:
                headers.append((REQUEST_ID.lower(), self._call.request_id))
                added = (REQUEST_ID.lower().encode(), self._call.request_id.encode())
                message = {**message, "headers": [*_pairs(message), added]}
            self._call.start_response(int(str(message["status"])), headers)
            self._recorder.describe(self._call, self._scope)
        return message

    def _note(self, message: Message) -> None:
        with self._recorder.guard("recording a part of an answer"):
            _add(self._call.response_body, message)
            # Before the last byte leaves: whoever has the whole answer finds it recorded.
            if not message.get("more_body", False) or self._call.is_answered:
                self.finish()

    def fail(self) -> None:
        self._call.status_code = 500
        self.finish()

    def cancel(self) -> None:
        self._client_has_left = True
        self.finish()

    def finish(self) -> None:
        if self._is_recorded:
            return
        self._is_recorded = True
        if self._call.status_code is None and self._client_has_left:
            self._call.status_code = CLIENT_CLOSED_REQUEST
        with self._recorder.guard("finding the client's address"):
            self._call.client_ip = _client_ip(self._scope)
        self._recorder.record(self._call, self._scope)


def _add(copy: BodyCopy, message: Message) -> None:
    body = message.get("body", b"")
    if isinstance(body, (bytes, bytearray, memoryview)):
        copy.add(body)


def _path(scope: Scope) -> str:
    """The path that the client called. `root_path` is part of it by the standard, but some servers leave it out."""
    path, mounted_at = str(scope["path"]), str(scope.get("root_path") or "").rstrip("/")
    whole = path if path.startswith(mounted_at) else mounted_at + path
    return readable(whole.encode("utf-8", "backslashreplace")) or "/"


def _client_ip(scope: Scope) -> str | None:
    client = scope.get("client")
    return str(client[0]) if isinstance(client, (list, tuple)) and client and client[0] else None


def _pairs(holder: Scope | Message) -> list[tuple[bytes, bytes]]:
    """Of a scope or a message; the standard allows any iterable there, so a copy is made to read it twice."""
    pairs = holder.get("headers")
    return [(name, value) for name, value in pairs] if isinstance(pairs, Iterable) else []


def _headers(holder: Scope | Message) -> Headers:
    return [(_text(name), _text(value)) for name, value in _pairs(holder)]


def _text(content: object) -> str:
    return readable(content) if isinstance(content, bytes) else ""
