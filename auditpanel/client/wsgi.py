"""The middleware for WSGI services (PEP 3333): Flask, Django and the like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING
from wsgiref.types import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

from .bodies import BodyCopy
from .capture import BODY_LIMIT_BYTES, Call
from .guard import Guard
from .headers import REQUEST_ID, Headers, find_header, text_of
from .recording import Describe, Options, Recorder, Sink, Skip
from .routes import find_wsgi_template

if TYPE_CHECKING:
    from _typeshed import OptExcInfo

# Ways to read that would go past the copy. They are not in the standard, so a service can do without them.
_UNRECORDED_READS = frozenset(("readinto", "readinto1", "read1", "peek"))


class WSGILogger:
    """Wraps a WSGI application and gives a log of each call to `sink`. Put it outermost, to see what the client sees."""

    def __init__(
        self,
        app: WSGIApplication,
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
        self._recorder = Recorder(sink, options, find_wsgi_template)

    @property
    def faults(self) -> dict[str, int]:
        """How often something in here, in `describe`, `skip` or the sink went wrong, by kind."""
        return dict(self._recorder.guard.faults)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        exchange = self._begin(environ, start_response)
        if exchange is None:
            return self._app(environ, start_response)
        try:
            return _Response(self._app(environ, exchange.start_response), exchange)
        except BaseException:
            exchange.fail()
            raise

    def _begin(self, environ: WSGIEnvironment, start_response: StartResponse) -> _Exchange | None:
        """None for a call that is not to be recorded, or that cannot be."""
        with self._recorder.guard("beginning to record a call"):
            path = text_of(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")) or "/"
            if not self._recorder.wants(path):
                return None
            call = Call(
                method=environ["REQUEST_METHOD"],
                path=path,
                query=text_of(environ.get("QUERY_STRING", "")),
                request_headers=_request_headers(environ),
                body_limit_bytes=self._recorder.options.body_limit_bytes,
            )
            # Also in place of one that is too long or unreadable, so that the service and the log name the same.
            environ["HTTP_X_REQUEST_ID"] = call.request_id
            environ["wsgi.input"] = _Input(environ["wsgi.input"], call.request_body, self._recorder.guard)
            return _Exchange(call, environ, start_response, self._recorder)
        return None


class _Exchange:
    """One call on its way through: what passes is noted, then passed on as it is."""

    def __init__(self, call: Call, environ: WSGIEnvironment, start_response: StartResponse, recorder: Recorder) -> None:
        self._call = call
        self._environ = environ
        self._start_response = start_response
        self._recorder = recorder
        self._is_recorded = False

    def start_response(self, status: str, headers: Headers, exc_info: OptExcInfo | None = None, /) -> Callable[[bytes], object]:
        sent = self._with_request_id(headers)
        # Raises what is in `exc_info` where the headers have gone out already: then the first status stands.
        write = self._start_response(status, sent) if exc_info is None else self._start_response(status, sent, exc_info)
        with self._recorder.guard("recording the beginning of an answer"):
            self._call.start_response(int(status[:3]), [(text_of(name), text_of(value)) for name, value in sent])
            self._recorder.describe(self._call, self._environ)

        def write_and_note(chunk: bytes) -> object:
            self.note(chunk)
            return write(chunk)

        return write_and_note

    def note(self, chunk: bytes) -> None:
        with self._recorder.guard("recording a part of an answer"):
            self._call.response_body.add(chunk)
            # Before the last byte leaves: whoever has the whole answer finds it recorded.
            if self._call.is_answered:
                self.finish()

    def fail(self) -> None:
        self._call.status_code = 500
        self.finish()

    def finish(self) -> None:
        if self._is_recorded:
            return
        self._is_recorded = True
        # Only now: the service may sit behind something inside that corrects the address, such as werkzeug's ProxyFix.
        self._call.client_ip = self._environ.get("REMOTE_ADDR") or None
        self._recorder.record(self._call, self._environ)

    def _with_request_id(self, headers: Headers) -> Headers:
        with self._recorder.guard("adding the request id"):
            if find_header(headers, REQUEST_ID) is None:
                return [*headers, (REQUEST_ID, self._call.request_id)]
        return headers


class _Response:
    """The service's answer, chunk by chunk as the server asks for it."""

    def __init__(self, chunks: Iterable[bytes], exchange: _Exchange) -> None:
        self._chunks = chunks
        self._exchange = exchange
        self._iterator = iter(chunks)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            chunk = next(self._iterator)
        except StopIteration:
            self._exchange.finish()
            raise
        except BaseException:
            self._exchange.fail()
            raise
        self._exchange.note(chunk)
        return chunk

    def close(self) -> None:
        try:
            close = getattr(self._chunks, "close", None)
            if close is not None:
                close()
        finally:
            self._exchange.finish()


class _Input:
    """The request's body. Only what the service reads is copied; what it leaves unread stays unread."""

    def __init__(self, stream: InputStream, copy: BodyCopy, guard: Guard) -> None:
        self._stream = stream
        self._copy = copy
        self._guard = guard

    def _noted(self, part: bytes) -> bytes:
        with self._guard("recording a part of a request"):
            self._copy.add(part)
        return part

    def read(self, *size: int) -> bytes:
        return self._noted(self._stream.read(*size))

    def readline(self, *size: int) -> bytes:
        return self._noted(self._stream.readline(*size))

    def readlines(self, *hint: int) -> list[bytes]:
        return [self._noted(line) for line in self._stream.readlines(*hint)]

    def __iter__(self) -> Iterator[bytes]:
        return map(self._noted, self._stream)

    def __getattr__(self, name: str) -> object:
        if name in _UNRECORDED_READS:
            raise AttributeError(f"{name}: a wsgi.input has read, readline, readlines and iteration")
        return getattr(self._stream, name)


def _request_headers(environ: WSGIEnvironment) -> Headers:
    headers = [(key[5:], value) for key, value in environ.items() if key.startswith("HTTP_")]
    headers += [(key, environ[key]) for key in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(key)]
    return [(name.replace("_", "-").title(), text_of(value)) for name, value in headers]
