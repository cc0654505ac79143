"""What could be wrong before anything is started, each in one line."""

from __future__ import annotations

import errno
import socket

import psycopg
import redis

from auditpanel.config import Settings
from auditpanel.errors import AuditpanelError, Conflict, InvalidInput, Unavailable

# As `server_version` numbers it: the first with what our statements use, and still maintained.
OLDEST_POSTGRES = 150_000
TIMEOUT_S = 5


def check_surroundings(settings: Settings) -> None:
    """Raises what a check below raises. A server that is ours is not checked: it is not there yet."""
    check_address(settings.host, settings.port)
    if settings.database_url is not None:
        check_postgres_version(_read_postgres_version(settings.database_url))
    if settings.redis_url is not None:
        _check_redis(settings.redis_url)


def check_address(host: str, port: int) -> None:
    """Raises Conflict where the port is taken, InvalidInput where this machine has no such address or this user may not use the port."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            # As the web server does: connections that were closed a moment ago are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        raise _explain_address(host, port, error) from error


def check_postgres_version(version: int) -> None:
    if version < OLDEST_POSTGRES:
        found, wanted = f"{version // 10_000}.{version % 10_000}", OLDEST_POSTGRES // 10_000
        raise Unavailable(
            f"DATABASE_URL: PostgreSQL {found} is too old: use {wanted} or newer, or leave DATABASE_URL out for the embedded one"
        )


def _read_postgres_version(url: str) -> int:
    try:
        with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://", 1), connect_timeout=TIMEOUT_S) as connection:
            return connection.info.server_version
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
        raise Unavailable(f"DATABASE_URL: the database cannot be reached: {_in_one_line(error)}") from error


def _check_redis(url: str) -> None:
    try:
        with redis.Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        raise Unavailable(f"REDIS_URL: the server cannot be reached: {_in_one_line(error)}") from error


def _explain_address(host: str, port: int, error: OSError) -> AuditpanelError:
    other = 8001 if port != 8001 else 8002
    if error.errno == errno.EADDRINUSE:
        return Conflict(f"port {port} is taken on {host}: stop what uses it, or choose another with PORT={other}")
    if error.errno in (errno.EACCES, errno.EPERM):
        return InvalidInput(f"this user may not listen on port {port}; choose one above 1023, like PORT={other}", field="PORT")
    return InvalidInput(
        f'"{host}" is not an address of this machine ({error.strerror}); write one, like 127.0.0.1 or 0.0.0.0', field="HOST"
    )


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())
