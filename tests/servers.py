"""PostgreSQL and Valkey for the tests, as the panel itself runs them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from auditpanel.embedded import Durability, database_url, redis_url
from auditpanel.running import started_servers


def start_servers(folder: Path, *, durability: Durability = Durability.NONE) -> tuple[str, str, Callable[[], None]]:
    """Starts both over `folder`, made if missing. Answers the database's URL, Redis's URL and what stops them."""
    folder.mkdir(parents=True, exist_ok=True)
    stack = ExitStack()
    stack.enter_context(started_servers(folder, durability=durability))
    return database_url(folder), redis_url(folder), stack.close
