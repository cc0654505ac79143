"""Two services that record their calls in a panel, served as such services are: Flask by a WSGI server, FastAPI by uvicorn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import uvicorn
from fastapi import FastAPI
from flask import Flask
from werkzeug.serving import make_server

from auditpanel.client import ASGILogger, Sender, WSGILogger
from tests.faults.started_panel import free_port, wait_for


@contextmanager
def flask_service(sender: Sender) -> Iterator[str]:
    """Its address."""
    app = Flask("shop")

    @app.post("/orders/<number>")
    def order(number: str) -> dict[str, str]:
        return {"number": number}

    server = make_server("127.0.0.1", 0, WSGILogger(app, sender), threaded=True)
    with _in_thread(server.serve_forever):
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def fastapi_service(sender: Sender) -> Iterator[str]:
    """Its address."""
    app = FastAPI()

    @app.post("/customers/{number}")
    async def customer(number: str) -> dict[str, str]:
        return {"number": number}

    port = free_port()
    server = uvicorn.Server(uvicorn.Config(ASGILogger(app, sender), host="127.0.0.1", port=port, log_level="warning"))
    with _in_thread(server.run):
        wait_for(lambda: server.started)
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True


@contextmanager
def _in_thread(serve: object) -> Iterator[None]:
    assert callable(serve)
    thread = Thread(target=serve, daemon=True)
    thread.start()
    yield
    thread.join(10)
