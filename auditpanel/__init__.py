"""Auditpanel: the complete history of an API project, in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditpanel.app import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> object:
    # The application takes seconds to import, and neither the servers' launchers nor the client need it.
    if name == "create_app":
        from auditpanel.app import create_app

        return create_app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
