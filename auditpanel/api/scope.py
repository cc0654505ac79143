from __future__ import annotations

from flask import g

from auditpanel.accounts.scope import ProjectScope


def current_scope() -> ProjectScope:
    """The project of the call's key."""
    scope: ProjectScope = g.project_scope
    return scope
