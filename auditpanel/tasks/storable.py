"""JSON and text made fit for PostgreSQL, which has no NUL and no lone surrogate. A file may hold both in a row that is refused."""

from __future__ import annotations

from typing import TypeVar

from auditpanel.tasks.values import Json

Value = TypeVar("Value", str, Json)


def storable(value: Value) -> Value:
    """The same value with such characters shown: `\\x00`, `\\ud800`."""
    return _storable(value)  # type: ignore[return-value]


def _storable(value: object) -> object:
    if isinstance(value, str):
        return value.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return [_storable(item) for item in value] if isinstance(value, list | tuple) else value
