from __future__ import annotations

from sqlalchemy import create_engine, text

from auditpanel.config import Settings
from auditpanel.running import ENGINE_OPTIONS


def test_a_connection_that_the_server_has_closed_meanwhile_is_replaced(settings: Settings) -> None:
    assert settings.database_url
    engine = create_engine(settings.database_url, **ENGINE_OPTIONS)
    whose = text("SELECT pg_backend_pid()")
    with engine.connect() as idle, engine.connect() as other:
        closed = [idle.scalar(whose), other.scalar(whose)]
    with create_engine(settings.database_url).connect() as killer:
        for pid in closed:
            # Waits until it has ended, five seconds at most.
            assert killer.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    with engine.connect() as first, engine.connect() as second:
        assert {first.scalar(whose), second.scalar(whose)}.isdisjoint(closed)
    engine.dispose()
