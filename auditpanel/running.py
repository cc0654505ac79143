"""The embedded servers for the length of a `with`: for the flask commands and for tests."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from auditpanel.config import Settings
from auditpanel.data_folder import held_folder, make_folder
from auditpanel.embedded import POSTGRES, VALKEY, Durability, EmbeddedServer, database_url, redis_url, wait_until
from auditpanel.errors import Conflict, Unavailable
from auditpanel.processes import FileLock

# Recovery after a power cut reads again what was written since the last checkpoint.
START_TIMEOUT_S = 300
# Another's start may be under way: then it is a matter of a second or two.
JOIN_TIMEOUT_S = 10


def _check_is_open(connection: DBAPIConnection, record: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
    """A server that went away while the connection was idle has closed it: that can be read, and needs no message there and back."""
    assert isinstance(connection, psycopg.Connection)
    if connection.closed:
        raise InvalidatePoolError
    arrivals = select.poll()
    arrivals.register(connection.fileno(), select.POLLIN)
    if arrivals.poll(0):
        raise InvalidatePoolError


def _speak_utc(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    """In the server's own time zone, the last moments of the calendar may have no date that Python can read."""
    assert isinstance(connection, psycopg.Connection)
    connection.execute("SET TIME ZONE 'UTC'")
    connection.commit()


def _keep_few_plans(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    """That of a page of logs takes a megabyte where there are three years of them."""
    assert isinstance(connection, psycopg.Connection)
    connection.prepared_max = 40


# Uses of a statement before psycopg prepares it by itself.
NEVER = 2**31
ENGINE_OPTIONS = {
    "pool_events": [(_speak_utc, "connect"), (_keep_few_plans, "connect"), (_check_is_open, "checkout")],
    # The one used last has its plans, and its server's caches, at hand.
    "pool_use_lifo": True,
    "hide_parameters": True,
    # Nothing is prepared but what asks for it: a plan for any values knows nothing of how much of a project a value makes up.
    "connect_args": {"prepare_threshold": NEVER, "connect_timeout": 5, "keepalives_idle": 30},
}


@dataclass(frozen=True, slots=True)
class ServerUrls:
    database: str
    redis: str

    @classmethod
    def of(cls, settings: Settings) -> ServerUrls:
        return cls(settings.database_url or database_url(settings.data), settings.redis_url or redis_url(settings.data))


def needed_servers(settings: Settings) -> list[EmbeddedServer]:
    given = {POSTGRES: settings.database_url, VALKEY: settings.redis_url}
    return [server for server, url in given.items() if url is None]


@contextmanager
def running_servers(settings: Settings) -> Iterator[ServerUrls]:
    """The servers that run, else ones of our own until the end of the `with`.

    Commands at the same time share them: the one that started them waits for the others before it stops them.
    Raises Conflict where another start holds the data folder and gets no further, Unavailable where a server does not start.
    """
    servers = needed_servers(settings)
    if not servers:
        yield ServerUrls.of(settings)
        return
    make_folder(settings.data)
    with FileLock(settings.data / "commands.lock") as commands, ExitStack() as stack:
        commands.acquire_shared()
        if _join_or_hold(settings.data, servers, stack):
            stack.enter_context(started_servers(settings.data, servers))
            stack.callback(commands.acquire_waiting)
        yield ServerUrls.of(settings)


@contextmanager
def started_servers(
    data: Path, servers: Sequence[EmbeddedServer] = (POSTGRES, VALKEY), *, durability: Durability = Durability.FULL
) -> Iterator[None]:
    """The caller knows that none of them runs."""
    with ExitStack() as stack:
        processes = [stack.enter_context(_started(data, server, durability)) for server in servers]
        for server, process in zip(servers, processes, strict=True):
            _wait_for(data, server, process)
        yield


def _join_or_hold(data: Path, servers: Sequence[EmbeddedServer], stack: ExitStack) -> bool:
    """False where the servers answer; True, with the folder held, where they are ours to start."""
    deadline = time.monotonic() + JOIN_TIMEOUT_S
    while not all(server.answers(data) for server in servers):
        try:
            stack.enter_context(held_folder(data))
        except Conflict:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return True
    return False


@contextmanager
def _started(data: Path, server: EmbeddedServer, durability: Durability) -> Iterator[subprocess.Popen[bytes]]:
    with (data / f"{server.name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "auditpanel", server.name, f"--durability={durability}"],
            env={**os.environ, "AUDITPANEL_DATA": str(data)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Ctrl-C in the terminal is for the command, which may still have something to write.
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.send_signal(server.stop_signal)
        process.wait()


def _wait_for(data: Path, server: EmbeddedServer, process: subprocess.Popen[bytes]) -> None:
    wait_until(lambda: process.poll() is not None or server.answers(data), timeout_s=START_TIMEOUT_S)
    if process.poll() is not None or not server.answers(data):
        log = data / f"{server.name}.log"
        last_lines = "; ".join(log.read_text(errors="replace").strip().splitlines()[-3:])
        raise Unavailable(f"{server.name} does not start; its last words in {log}: {last_lines}")
