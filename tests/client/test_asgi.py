from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest
import uvicorn
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import StreamingResponse

from auditpanel.client import ASGILogger, Sender
from auditpanel.client.asgi import ASGIApplication, Message, Receive, Scope, Send
from tests.client.log_receiver import Receiver, wait_until
from tests.client.sinks import Kept, header
from tests.event_loop import complete


def make_fastapi(release: threading.Event | None = None) -> FastAPI:
    app = FastAPI()
    router = APIRouter(prefix="/vouchers")
    admin = FastAPI()

    @router.post("/{number}", status_code=201)
    async def change_voucher(number: int, request: Request) -> dict[str, object]:
        return {"number": number, "got": await request.json(), "request_id": request.state.request_id}

    @admin.get("/items/{number:int}")
    def read_item(number: int) -> int:
        return number

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("a fault of the service")

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"first"
            assert release is not None
            assert await asyncio.to_thread(release.wait, 5), "the first chunk was held back"
            yield b"second"

        return StreamingResponse(chunks(), media_type="text/plain")

    @app.get("/endless")
    async def endless() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 1_000
                await asyncio.sleep(0.01)

        return StreamingResponse(chunks(), media_type="text/plain")

    app.include_router(router, prefix="/v1")
    app.mount("/admin", admin)
    return app


@contextmanager
def served(app: object) -> Iterator[int]:
    """uvicorn in a thread; gives its port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="on", timeout_graceful_shutdown=1))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)


def call(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, dict(response.getheaders()), content


def make_scope(**fields: object) -> Scope:
    return {"type": "http", "method": "GET", "path": "/x", "query_string": b"", "headers": [], "client": ("192.0.2.7", 1)} | fields


class Channel:
    """What a server is to an application: gives one empty request, keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    def run(self, app: ASGIApplication, scope: Scope | None = None) -> list[Message]:
        async def run() -> None:
            await app(scope or make_scope(), self.receive, self.send)

        complete(run())
        return self.sent


async def answer_ok(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": iter([(b"content-type", b"text/plain")])})
    await send({"type": "http.response.body", "body": b"ok"})


def test_a_call_to_fastapi_becomes_a_log() -> None:
    kept = Kept()
    app = ASGILogger(make_fastapi(), kept, describe=lambda scope, status: {"user": "ann"}, origin="SHOPIFY")
    with served(app) as port:
        status, headers, content = call(port, "POST", "/v1/vouchers/7?dry=1", '{"a": "é"}'.encode(), X_App_Token="abc")
    log = kept.log
    assert status == 201
    assert (log["method"], log["path"], log["query"], log["status_code"]) == ("POST", "/v1/vouchers/7", "dry=1", 201)
    assert log["route"] == "POST /v1/vouchers/{number}"
    assert (log["request_body"], log["response_body"]) == ('{"a": "é"}', content.decode())
    assert (log["user"], log["origin"], log["client_ip"]) == ("ann", "SHOPIFY", "127.0.0.1")
    assert header(log, "request", "X-App-Token") == "[redacted, 3 characters]"
    assert headers["x-request-id"] == log["request_id"]
    assert str(log["request_id"]) in content.decode()
    assert app.faults == {}


def test_logs_of_a_fastapi_service_reach_the_panel(receiver: Receiver, make_sender: Callable[..., Sender]) -> None:
    sender = make_sender()
    with served(ASGILogger(make_fastapi(), sender)) as port:
        for number in range(5):
            call(port, "POST", f"/v1/vouchers/{number}", b"{}")
    assert sender.flush(5)
    assert receiver.paths == [f"/v1/vouchers/{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("path", "status", "route"),
    [("/admin/items/4", 200, "GET /admin/items/{number}"), ("/nowhere", 404, None), ("/v1/vouchers/7", 405, "GET /v1/vouchers/{number}")],
)
def test_routes_are_found_below_prefixes_and_mounts(path: str, status: int, route: str | None) -> None:
    kept = Kept()
    with served(ASGILogger(make_fastapi(), kept)) as port:
        assert call(port, "GET", path)[0] == status
    assert (kept.log["path"], kept.log["status_code"], kept.log.get("route")) == (path, status, route)


def test_an_exception_of_the_service_is_a_500() -> None:
    kept = Kept()
    with served(ASGILogger(make_fastapi(), kept)) as port:
        assert call(port, "GET", "/broken")[0] == 500
    assert (kept.log["status_code"], kept.log["route"]) == (500, "GET /broken")


def test_a_streamed_answer_is_passed_on_chunk_by_chunk() -> None:
    kept, release = Kept(), threading.Event()
    with served(ASGILogger(make_fastapi(release), kept)) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/stream")
        response = connection.getresponse()
        assert response.read(5) == b"first"
        assert not kept.logs
        release.set()
        assert response.read() == b"second"
        connection.close()
    assert kept.log["response_body"] == "firstsecond"


def test_a_client_that_leaves_ends_the_stream_and_is_recorded() -> None:
    kept = Kept()
    with served(ASGILogger(make_fastapi(), kept, body_limit_bytes=10)) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/endless")
        response = connection.getresponse()
        response.read(2_000)
        response.close()
        connection.close()
        wait_until(lambda: kept.logs)
    assert (kept.log["status_code"], kept.log["response_body"]) == (200, "x" * 10)
    assert isinstance(kept.log["response_size_bytes"], int) and kept.log["response_size_bytes"] >= 2_000


def test_a_call_is_recorded_before_its_last_part_leaves() -> None:
    kept = Kept()

    class Watching(Channel):
        async def send(self, message: Message) -> None:
            await super().send({**message, "recorded": len(kept.logs)})

    sent = Watching().run(ASGILogger(answer_ok, kept))
    assert [message["recorded"] for message in sent] == [0, 1]
    assert (kept.log["client_ip"], header(kept.log, "response", "content-type")) == ("192.0.2.7", "text/plain")


def test_a_cancelled_call_is_a_499_and_stays_cancelled() -> None:
    kept = Kept()

    async def wait_for_ever(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    async def run() -> None:
        channel = Channel()
        task = asyncio.ensure_future(ASGILogger(wait_for_ever, kept)(make_scope(), channel.receive, channel.send))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    complete(run())
    assert kept.log["status_code"] == 499


@pytest.mark.parametrize("begun", [True, False])
def test_an_exception_passes_through_unchanged(begun: bool) -> None:
    kept, fault = Kept(), RuntimeError("of the service")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"abc", "more_body": True})
        raise fault

    with pytest.raises(RuntimeError) as caught:
        Channel().run(ASGILogger(app, kept))
    assert caught.value is fault
    assert (kept.log["status_code"], kept.log.get("response_body")) == (500, "abc" if begun else None)


def fail(*args: object) -> Mapping[str, object]:
    raise ZeroDivisionError("of ours")


@pytest.mark.parametrize("broken", ["describe", "sink", "skip"])
def test_our_exceptions_stay_here(broken: str) -> None:
    kept = Kept()
    options = {broken: fail} if broken != "sink" else {}
    app = ASGILogger(answer_ok, fail if broken == "sink" else kept, **options)  # type: ignore[arg-type]
    sent = Channel().run(app)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert list(app.faults.values()) == [1]
    assert len(kept.logs) == (0 if broken == "sink" else 1)


def test_a_scope_that_is_broken_reaches_the_service_as_it_is() -> None:
    app = ASGILogger(answer_ok, Kept())
    assert len(Channel().run(app, {"type": "http"})) == 2
    assert list(app.faults) == ["beginning to record a call: KeyError"]


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
def test_what_is_not_http_passes_untouched(kind: str) -> None:
    kept = Kept()
    channel = Channel()
    seen: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend((scope, receive.__self__, send.__self__))  # type: ignore[attr-defined]

    scope: Scope = {"type": kind}
    channel.run(ASGILogger(app, kept), scope)
    assert seen == [scope, channel, channel]
    assert (scope, kept.logs) == ({"type": kind}, [])


def test_a_root_path_is_part_of_the_path_once() -> None:
    kept = Kept()
    for path in ("/shop/x", "/x"):
        Channel().run(ASGILogger(answer_ok, kept), make_scope(path=path, root_path="/shop"))
    assert [log["path"] for log in kept.logs] == ["/shop/x", "/shop/x"]
