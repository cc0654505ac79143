"""Settings from the environment. README.md, Configuration, has the same table for people."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from auditpanel.errors import InvalidInput

_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off"}
# What people, hosting services and SQLAlchemy call the same database.
_DATABASE_SCHEMES = ("postgres", "postgresql", "postgresql+psycopg")
_REDIS_SCHEMES = ("redis", "rediss", "unix")


@dataclass(frozen=True, slots=True)
class Settings:
    """`database_url` and `redis_url` are None where the embedded servers are used, `exports_url` where the data folder keeps the files."""

    data: Path
    database_url: str | None
    redis_url: str | None
    host: str
    port: int
    admin_password: str | None
    secret_key: str | None
    with_demo: bool
    allow_private_webhooks: bool
    behind_proxy: bool
    web_workers: int
    exports_url: str | None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Raises InvalidInput that names the variable. An empty variable counts as not set."""
        return cls(
            data=Path(os.path.abspath(Path(environ.get("AUDITPANEL_DATA") or "instance").expanduser())),
            database_url=_read_database_url(environ),
            redis_url=_read_redis_url(environ),
            host=environ.get("HOST") or "127.0.0.1",
            port=_read_number(environ, "PORT", default=8000, lowest=1, highest=65535),
            admin_password=environ.get("AUDITPANEL_ADMIN_PASSWORD") or None,
            secret_key=environ.get("SECRET_KEY") or None,
            with_demo=_read_switch(environ, "AUDITPANEL_DEMO", default=True),
            allow_private_webhooks=_read_switch(environ, "AUDITPANEL_ALLOW_PRIVATE_WEBHOOKS", default=False),
            behind_proxy=_read_switch(environ, "AUDITPANEL_BEHIND_PROXY", default=False),
            web_workers=_read_number(environ, "AUDITPANEL_WEB_WORKERS", default=2, lowest=1, highest=64),
            exports_url=_read_exports_url(environ),
        )


def load_secret_key(settings: Settings) -> str:
    """The key that sessions are signed with: `SECRET_KEY`, else one made once and kept in the data folder, which must exist.

    Raises OSError where the data folder cannot be read or written.
    """
    return settings.secret_key or _read_or_make_secret(settings.data / "secret_key")


def _read_or_make_secret(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32))
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link refuses a name that is taken: of several processes at once, the first one's key is everybody's.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip()


def _read_number(environ: Mapping[str, str], name: str, *, default: int, lowest: int, highest: int) -> int:
    text = environ.get(name) or str(default)
    # Not int() alone: it takes other scripts' digits, spaces and underscores too.
    if not re.fullmatch(r"[0-9]{1,9}", text) or not lowest <= int(text) <= highest:
        raise InvalidInput(f'"{text[:40]}" is not a whole number from {lowest} to {highest}; write one, like {default}', field=name)
    return int(text)


def _read_switch(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = (environ.get(name) or str(int(default))).lower()
    if text not in _YES | _NO:
        raise InvalidInput(f'"{text[:40]}" is neither 1 (yes) nor 0 (no)', field=name)
    return text in _YES


def _read_database_url(environ: Mapping[str, str]) -> str | None:
    url = environ.get("DATABASE_URL")
    if not url:
        return None
    scheme, _, rest = url.partition("://")
    if scheme not in _DATABASE_SCHEMES or not rest or not _is_sound(url):
        # The address itself is left out: it may hold a password, and this line ends in log files.
        raise InvalidInput(
            "is not the address of a PostgreSQL database, like postgresql://user:password@host:5432/name", field="DATABASE_URL"
        )
    return f"postgresql+psycopg://{rest}"


def _read_redis_url(environ: Mapping[str, str]) -> str | None:
    url = environ.get("REDIS_URL")
    if not url:
        return None
    scheme, _, rest = url.partition("://")
    if scheme not in _REDIS_SCHEMES or not rest or not _is_sound(url):
        raise InvalidInput("is not the address of a Redis or Valkey server, like redis://host:6379/0", field="REDIS_URL")
    return url


def _read_exports_url(environ: Mapping[str, str]) -> str | None:
    url = environ.get("AUDITPANEL_EXPORTS_URL")
    if url and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w!.*'()/-]*)?", url):
        shown = " ".join(url.split())[:80]
        raise InvalidInput(f'"{shown}" is not the address of a bucket, like s3://bucket/prefix', field="AUDITPANEL_EXPORTS_URL")
    return url or None


def _is_sound(url: str) -> bool:
    try:
        port = urlsplit(url).port
    except ValueError:
        return False
    return port is None or port > 0
