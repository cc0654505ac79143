"""The project scope: every query about records takes one, and there are only two ways to read with one: a member's and a key's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, bindparam, or_, select
from sqlalchemy.orm import Session

from auditpanel.accounts.keys import find_key, find_key_by_id
from auditpanel.accounts.models import PANEL_PROJECT_ID, LoginSession, Membership, Project, Role, User
from auditpanel.accounts.sessions import hash_token
from auditpanel.errors import NotFound, Unauthorized
from auditpanel.fixed import FixedStatement
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
class Entry:
    """Who has logged in. `project` is the one they asked for; None where they asked for none, or may not open it.

    `told` is what else was asked along.
    """

    user_id: UUID
    email: str
    name: str
    is_superuser: bool
    project: ProjectScope | None
    told: tuple[Any, ...] = ()


MAY_ENTER = or_(User.is_superuser, Membership.role.is_not(None))


class Entrance:
    """By the token of a login, into the project that is asked for: one statement, as each click asks both.

    `along` is what a page tells besides; it may go by `User.id` and the value `project_id`. What is of the project may only be looked at
    where MAY_ENTER holds.
    """

    def __init__(self, *along: ColumnElement[Any]) -> None:
        self._statement: FixedStatement[*tuple[Any, ...]] = FixedStatement(
            select(
                User.id,
                User.email,
                User.name,
                User.is_superuser,
                Membership.role,
                Project.id,
                Project.name,
                Project.time_zone,
                Project.redact_paths,
                Project.body_limit_bytes,
                *along,
            )
            .join(LoginSession, LoginSession.user_id == User.id)
            .outerjoin(Project, Project.id == bindparam("project_id"))
            .outerjoin(Membership, (Membership.project_id == Project.id) & (Membership.user_id == User.id))
            .where(LoginSession.token_hash == bindparam("token_hash"), LoginSession.expires_at > bindparam("now"), User.is_active)
        )

    def find(self, session: Session, token: str, now: datetime, project_id: UUID | None, **values: object) -> Entry | None:
        """`values` are those that `along` goes by."""
        rows = self._statement.rows(session, {"token_hash": hash_token(token), "now": now, "project_id": project_id, **values})
        if not rows:
            return None
        ((user_id, email, name, is_superuser, of_member, found_id, project_name, time_zone, redact_paths, body_limit_bytes, *told),) = rows
        role = _role(is_superuser, of_member)
        scope = None
        if found_id and role:
            scope = ProjectScope(found_id, project_name, ZoneInfo(time_zone), role, tuple(redact_paths), body_limit_bytes)
        return Entry(user_id, email, name, is_superuser, scope, tuple(told))


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
    role = _role(user.is_superuser, found.role) if found else None
    if found is None or role is None:
        raise NotFound("There is no such project, or you are not a member of it.")
    return scope_of_project(found.Project, role)


def _role(is_superuser: bool, of_member: str | None) -> Role | None:
    if is_superuser:
        return Role.ADMIN
    return Role(of_member) if of_member else None


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
