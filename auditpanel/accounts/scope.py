"""The project scope: every query about records takes one, and there are only two ways to read with one: a member's and a key's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from auditpanel.accounts.keys import find_key, find_key_by_id
from auditpanel.accounts.models import PANEL_PROJECT_ID, Membership, Project, Role, User
from auditpanel.errors import NotFound, Unauthorized
from auditpanel.ids import Prefix, format_id


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts, and the call by which they do. `request_id` is None where no call did; `channel` is an SDK's, else the call's origin."""

    request_id: str | None = None
    channel: str | None = None
    user: str | None = None
    api_key: str | None = None

    @property
    def name(self) -> str:
        return self.user or self.api_key or "Not told"


@dataclass(frozen=True, slots=True)
class ProjectScope:
    """A project that somebody has been let into. `role` is what they may do there; `caller` is told of what they set off there."""

    project_id: UUID
    name: str
    time_zone: ZoneInfo
    role: Role
    redact_paths: tuple[str, ...]
    body_limit_bytes: int
    caller: Caller = Caller()

    @property
    def id(self) -> str:
        return format_id(Prefix.PROJECT, self.project_id)

    def entered_by(self, caller: Caller) -> ProjectScope:
        return replace(self, caller=caller)


@dataclass(frozen=True, slots=True)
class KeyScope:
    """What an API key opens: its project, and what the logs of its calls say of it."""

    project: ProjectScope
    key_name: str
    origin: str


def scope_of_project(project: Project, role: Role) -> ProjectScope:
    return ProjectScope(project.id, project.name, ZoneInfo(project.time_zone), role, tuple(project.redact_paths), project.body_limit_bytes)


def scope_of_member(session: Session, user: User, project_id: UUID) -> ProjectScope:
    """A project that the user does not belong to is no different from one that does not exist. Superusers belong to all."""
    found = session.execute(
        select(Project, Membership.role)
        .outerjoin(Membership, (Membership.project_id == Project.id) & (Membership.user_id == user.id))
        .where(Project.id == project_id)
    ).one_or_none()
    if found is None or (found.role is None and not user.is_superuser):
        raise NotFound("There is no such project, or you are not a member of it.")
    return scope_of_project(found.Project, Role.ADMIN if user.is_superuser else Role(found.role))


def scope_of_panel(session: Session) -> ProjectScope:
    """For the history of the panel itself; who may read that is a matter of membership, as everywhere."""
    return scope_of_project(session.get_one(Project, PANEL_PROJECT_ID), Role.VIEWER)


def scope_of_key(session: Session, app_id: str, app_token: str) -> KeyScope:
    """Raises Unauthorized; it does not tell an unknown key from a wrong token."""
    found = find_key(session, app_id, app_token)
    if found is None:
        raise Unauthorized("X-App-Id and X-App-Token do not belong to a key of any project, or the key is revoked.")
    key, project = found
    return KeyScope(scope_of_project(project, Role.OPERATOR), key.name, key.origin)


def scope_of_app_id(session: Session, app_id: str) -> KeyScope | None:
    """The project that a refused call meant, for its log alone: the caller has proved nothing."""
    found = find_key_by_id(session, app_id)
    if found is None:
        return None
    key, project = found
    return KeyScope(scope_of_project(project, Role.VIEWER), key.name, key.origin)
