from __future__ import annotations

import http.client
import io
import json
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest
from flask import Flask, Response, g, request
from werkzeug.serving import make_server as make_werkzeug_server
from werkzeug.test import Client

from auditpanel.client import Sender, WSGILogger
from tests.client.log_receiver import Receiver
from tests.client.sinks import Kept, header


def make_environ(**fields: object) -> WSGIEnvironment:
    environ: WSGIEnvironment = {"REMOTE_ADDR": "192.0.2.7"} | fields
    setup_testing_defaults(environ)
    return environ


class Answer:
    """What a server gets from an application."""

    def __init__(self, app: WSGIApplication, environ: WSGIEnvironment | None = None) -> None:
        self.status = ""
        self.headers: dict[str, str] = {}
        self.written: list[bytes] = []
        self.chunks = app(environ or make_environ(), self._start)
        self._iterator = iter(self.chunks)

    def _start(self, status: str, headers: list[tuple[str, str]], exc_info: object = None, /) -> Callable[[bytes], object]:
        if exc_info is not None and self.written:
            assert isinstance(exc_info, tuple)
            raise exc_info[1]
        self.status, self.headers = status, dict(headers)
        return self.written.append

    def next(self) -> bytes:
        return next(self._iterator)

    def close(self) -> None:
        getattr(self.chunks, "close", lambda: None)()

    def read(self) -> bytes:
        try:
            return b"".join(self._iterator)
        finally:
            self.close()


def answer_with(*chunks: bytes, status: str = "200 OK", headers: list[tuple[str, str]] | None = None) -> WSGIApplication:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, headers or [("Content-Type", "text/plain")])
        return list(chunks)

    return app


def make_flask() -> Flask:
    app = Flask("shop")

    @app.post("/v1/vouchers/<int:number>")
    def change_voucher(number: int) -> tuple[dict[str, object], int]:
        request.environ["shop.user"] = "ann@example.com"
        g.customer = "cust_7" if number == 7 else None
        return {"number": number, "got": request.get_json()}, 201

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("a fault of the service")

    @app.get("/stream")
    def stream() -> Response:
        return Response((b"%d\n" % number for number in range(3)), mimetype="text/plain")

    @app.post("/form")
    def form() -> str:
        return ",".join([*request.form.values(), *(f"{file.filename}:{len(file.read())}" for file in request.files.values())])

    return app


@contextmanager
def served(app: WSGIApplication) -> Iterator[int]:
    """The werkzeug server, one thread for each call; gives its port."""
    server = make_werkzeug_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_call_to_flask_becomes_a_log() -> None:
    kept = Kept()
    app = WSGILogger(
        make_flask(),
        kept,
        describe=lambda environ, status: {"user": environ.get("shop.user"), "customer": g.get("customer")},
        origin="SHOPIFY",
        channel="till 4",
    )
    answer = Client(app).post("/v1/vouchers/7?dry=1", json={"a": "é"}, headers={"Authorization": "Bearer abc"})
    log = kept.log
    assert answer.status_code == 201
    assert (log["method"], log["path"], log["query"], log["status_code"]) == ("POST", "/v1/vouchers/7", "dry=1", 201)
    assert log["route"] == "POST /v1/vouchers/{number}"
    assert (log["user"], log["origin"], log["channel"]) == ("ann@example.com", "SHOPIFY", "till 4")
    assert log["customer"] == "cust_7"
    assert json.loads(str(log["request_body"])) == {"a": "é"}
    assert log["response_body"] == answer.text
    assert log["response_size_bytes"] == len(answer.data)
    assert header(log, "request", "Authorization") == "[redacted, 10 characters]"
    assert header(log, "request", "Content-Type") == "application/json"
    assert header(log, "response", "Content-Type") == "application/json"
    assert app.faults == {}


def test_logs_of_a_flask_service_reach_the_panel(receiver: Receiver, make_sender: Callable[..., Sender]) -> None:
    sender = make_sender()
    client = Client(WSGILogger(make_flask(), sender))
    for number in range(10):
        client.post(f"/v1/vouchers/{number}", json={})
    assert sender.flush(5)
    assert receiver.paths == [f"/v1/vouchers/{number}" for number in range(10)]


def test_forms_and_files_arrive_as_they_were_sent() -> None:
    kept = Kept()
    answer = Client(WSGILogger(make_flask(), kept)).post("/form", data={"a": "1", "file": (io.BytesIO(b"\x89PNG"), "x.png")})
    assert answer.text == "1,x.png:4"
    assert "\\x89PNG" in str(kept.log["request_body"])


@pytest.mark.parametrize(
    "read",
    [
        lambda stream: stream.read(11),
        lambda stream: b"".join(stream.readlines()),
        lambda stream: b"".join(iter(stream)),
        lambda stream: stream.readline() + stream.readline(100) + stream.read(0),
        lambda stream: io.BufferedReader(stream).read() if hasattr(stream, "readinto") else stream.read(),
    ],
)
def test_the_body_is_recorded_however_the_service_reads_it(read: Callable[[io.BytesIO], bytes]) -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        assert read(environ["wsgi.input"]) == b"first\nlast\n"
        return answer_with(b"ok")(environ, start_response)

    kept = Kept()
    environ = make_environ(CONTENT_LENGTH="11", **{"wsgi.input": io.BytesIO(b"first\nlast\n")})
    Answer(WSGILogger(app, kept), environ).read()
    assert (kept.log["request_body"], kept.log["request_size_bytes"]) == ("first\nlast\n", 11)


def test_a_body_that_the_service_leaves_unread_stays_unread() -> None:
    kept = Kept()
    stream = io.BytesIO(b"x" * 5_000)
    Answer(WSGILogger(answer_with(b"no"), kept), make_environ(CONTENT_LENGTH="5000", **{"wsgi.input": stream})).read()
    assert stream.tell() == 0
    assert "request_body" not in kept.log
    assert kept.log["request_size_bytes"] == 5_000


def test_a_streamed_answer_is_passed_on_chunk_by_chunk() -> None:
    received = threading.Event()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield b"first"
        assert received.wait(5), "the first chunk was held back"
        yield b"second"

    kept = Kept()
    with served(WSGILogger(app, kept)) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/")
        response = connection.getresponse()
        assert response.read(5) == b"first"
        assert not kept.logs
        received.set()
        assert response.read() == b"second"
        connection.close()
    assert kept.log["response_body"] == "firstsecond"


def test_a_call_is_recorded_before_the_last_byte_of_a_declared_length_leaves() -> None:
    kept = Kept()
    headers = [("Content-Type", "text/plain"), ("Content-Length", "6")]
    answer = Answer(WSGILogger(answer_with(b"abc", b"def", headers=headers), kept))
    assert (answer.next(), kept.logs) == (b"abc", [])
    assert answer.next() == b"def"
    assert kept.log["response_body"] == "abcdef"
    answer.read()
    assert len(kept.logs) == 1


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_an_answer_without_a_body_is_recorded_once(method: str) -> None:
    kept = Kept()
    headers = [("Content-Length", "6" if method == "HEAD" else "0")]
    Answer(WSGILogger(answer_with(headers=headers), kept), make_environ(REQUEST_METHOD=method)).read()
    assert kept.log["status_code"] == 200
    assert "response_body" not in kept.log


def test_a_client_that_leaves_early_is_recorded_with_what_it_got() -> None:
    kept = Kept()
    answer = Answer(WSGILogger(answer_with(b"abc", b"def"), kept))
    answer.next()
    answer.close()
    assert kept.log["response_body"] == "abc"


def test_an_exception_of_the_service_passes_through_and_is_a_500() -> None:
    fault = RuntimeError("of the service")

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        raise fault

    kept = Kept()
    with pytest.raises(RuntimeError) as caught:
        Answer(WSGILogger(app, kept))
    assert caught.value is fault
    assert kept.log["status_code"] == 500
    assert "response_body" not in kept.log


def test_an_exception_in_the_middle_of_an_answer_is_a_500_with_what_was_sent() -> None:
    fault, closed = RuntimeError("of the service"), []

    class Chunks:
        def __iter__(self) -> Iterator[bytes]:
            yield b"abc"
            raise fault

        def close(self) -> None:
            closed.append(True)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return Chunks()

    kept = Kept()
    answer = Answer(WSGILogger(app, kept))
    with pytest.raises(RuntimeError) as caught:
        answer.read()
    assert caught.value is fault
    assert closed == [True]
    assert (kept.log["status_code"], kept.log["response_body"]) == (500, "abc")


def test_close_of_the_service_is_called_and_its_exception_passes_through() -> None:
    class Chunks(list[bytes]):
        def close(self) -> None:
            raise OSError("at closing")

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return Chunks([b"abc"])

    kept = Kept()
    with pytest.raises(OSError, match="at closing"):
        Answer(WSGILogger(app, kept)).read()
    assert kept.log["response_body"] == "abc"


def test_an_error_page_after_the_headers_is_told_with_exc_info() -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        write = start_response("200 OK", [])
        if environ["PATH_INFO"] == "/late":
            write(b"abc")
        try:
            raise KeyError("lost")
        except KeyError:
            start_response("503 Service Unavailable", [], sys.exc_info())
        return [b"sorry"]

    kept = Kept()
    answer = Answer(WSGILogger(app, kept))
    assert (answer.status, answer.read()) == ("503 Service Unavailable", b"sorry")
    with pytest.raises(KeyError):
        Answer(WSGILogger(app, kept), make_environ(PATH_INFO="/late"))
    assert [log["status_code"] for log in kept.logs] == [503, 500]


def test_what_is_written_is_recorded() -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])(b"written ")
        return [b"returned"]

    kept = Kept()
    answer = Answer(WSGILogger(app, kept))
    assert (answer.read(), answer.written) == (b"returned", [b"written "])
    assert kept.log["response_body"] == "written returned"


def test_a_file_that_is_wrapped_is_sent_whole() -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return FileWrapper(io.BytesIO(b"x" * 20_000), 8_192)

    kept = Kept()
    assert Answer(WSGILogger(app, kept, body_limit_bytes=10)).read() == b"x" * 20_000
    assert (kept.log["response_body"], kept.log["response_size_bytes"]) == ("x" * 10, 20_000)


def fail(*args: object) -> Mapping[str, object]:
    raise ZeroDivisionError("of ours")


@pytest.mark.parametrize("broken", ["describe", "sink", "skip"])
def test_our_exceptions_stay_here_and_are_told_once(broken: str, caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    sink = fail if broken == "sink" else kept
    options = {broken: fail} if broken != "sink" else {}
    app = WSGILogger(answer_with(b"ok"), sink, **options)  # type: ignore[arg-type]
    assert [Answer(app).read() for _ in range(3)] == [b"ok"] * 3
    assert list(app.faults.values()) == [3]
    assert len(caplog.records) == 1
    assert len(kept.logs) == (0 if broken == "sink" else 3)


def test_what_describe_may_not_say_is_named(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    Answer(WSGILogger(answer_with(b"ok"), kept, describe=lambda environ, status: {"usr": "ann"})).read()
    assert "describe returned usr; it can say" in caplog.text
    assert kept.log["status_code"] == 200


def test_an_environ_that_is_broken_reaches_the_service_as_it_is() -> None:
    environ = make_environ()
    del environ["wsgi.input"]
    app = WSGILogger(answer_with(b"ok"), Kept())
    assert Answer(app, environ).read() == b"ok"
    assert list(app.faults) == ["beginning to record a call: KeyError"]


def test_skipped_paths_are_not_recorded() -> None:
    kept = Kept()
    app = WSGILogger(answer_with(b"ok"), kept, skip=lambda path: path.startswith("/static/"))
    Answer(app, make_environ(PATH_INFO="/static/x.css")).read()
    Answer(app, make_environ(PATH_INFO="/v1")).read()
    assert kept.log["path"] == "/v1"


def test_the_request_id_is_given_to_the_service_and_to_the_client() -> None:
    seen: list[object] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        seen.append(environ["HTTP_X_REQUEST_ID"])
        return answer_with(b"ok")(environ, start_response)

    kept = Kept()
    answer = Answer(WSGILogger(app, kept))
    answer.read()
    assert seen == [answer.headers["X-Request-Id"]] == [kept.log["request_id"]]
    assert header(kept.log, "request", "X-Request-Id") is None


def test_text_that_wsgi_carries_as_bytes_is_read_as_utf_8() -> None:
    kept = Kept()
    fields = {
        "SCRIPT_NAME": "/shop",
        "PATH_INFO": "/żółw\0".encode().decode("latin-1"),
        "HTTP_X_NAME": "Ła\xff".encode().decode("latin-1"),
    }
    Answer(WSGILogger(answer_with(b"ok"), kept), make_environ(**fields)).read()
    assert kept.log["path"] == "/shop/żółw\\x00"
    assert kept.log["client_ip"] == "192.0.2.7"
    assert header(kept.log, "request", "X-Name") == "Łaÿ"


class QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        return None


def test_the_standard_is_kept_on_both_sides() -> None:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"got ", body]

    kept = Kept()
    server = make_server("127.0.0.1", 0, validator(WSGILogger(validator(app), kept)), server_class=WSGIServer, handler_class=QuietHandler)
    thread = threading.Thread(target=server.handle_request, daemon=True)
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request("POST", "/x?y=1", b"body")
    assert connection.getresponse().read() == b"got body"
    thread.join()
    server.server_close()
    connection.close()
    assert (kept.log["request_body"], kept.log["response_body"]) == ("body", "got body")


def test_calls_at_the_same_time_do_not_mix() -> None:
    kept = Kept()
    with served(WSGILogger(make_flask(), kept)) as port:

        def call(number: int) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("POST", f"/v1/vouchers/{number}", b'{"number": %d}' % number, {"Content-Type": "application/json"})
            connection.getresponse().read()
            connection.close()

        threads = [threading.Thread(target=call, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {str(log["path"]): log["request_body"] for log in kept.logs} == {
        f"/v1/vouchers/{number}": f'{{"number": {number}}}' for number in range(20)
    }
