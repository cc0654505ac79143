"""Who belongs to which project, and what they may do there."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, SQLColumnExpression, case, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from auditpanel.accounts.models import Membership, Project, Role, User
from auditpanel.accounts.users import find_by_email
from auditpanel.errors import InvalidInput, NotFound
from auditpanel.ids import Prefix, format_id


@dataclass(frozen=True, slots=True)
class Member:
    user_id: UUID
    email: str
    name: str
    is_active: bool
    role: Role


@dataclass(frozen=True, slots=True)
class OwnProject:
    """A project that a user may open, and as what."""

    project_id: UUID
    name: str
    time_zone: str
    role: Role

    @property
    def id(self) -> str:
        return format_id(Prefix.PROJECT, self.project_id)

    @property
    def role_label(self) -> str:
        return self.role.label


def own_projects(user_id: SQLColumnExpression[UUID], is_superuser: SQLColumnExpression[bool]) -> Select[UUID, str, str, str]:
    """The projects that a user may open, by name: a superuser all of them, as an admin."""
    project, membership = aliased(Project), aliased(Membership)
    return (
        select(project.id, project.name, project.time_zone, case((is_superuser, Role.ADMIN.value), else_=membership.role))
        .select_from(project)
        .outerjoin(membership, (membership.project_id == project.id) & (membership.user_id == user_id))
        .where(or_(is_superuser, membership.user_id.is_not(None)))
        .order_by(func.lower(project.name), project.id)
    )


def add_member(session: Session, project_id: UUID, email: str, role: Role) -> User:
    """Raises InvalidInput, field `email`, where there is no such user or they are a member already."""
    user = find_by_email(session, email)
    if user is None:
        raise InvalidInput(f'there is no user "{email.strip()[:80]}"; a superuser can make one', field="email")
    added = session.execute(
        insert(Membership)
        .values(project_id=project_id, user_id=user.id, role=role.value)
        .on_conflict_do_nothing(index_elements=[Membership.project_id, Membership.user_id])
        .returning(Membership.user_id)
    ).one_or_none()
    if added is None:
        raise InvalidInput(f"there is a member {user.email} already", field="email")
    return user


def change_role(session: Session, project_id: UUID, user_id: UUID, role: Role) -> None:
    changed = session.execute(
        update(Membership)
        .where(Membership.project_id == project_id, Membership.user_id == user_id)
        .values(role=role.value)
        .returning(Membership.user_id)
    ).one_or_none()
    if changed is None:
        raise NotFound("There is no such member in this project.")


def remove_member(session: Session, project_id: UUID, user_id: UUID) -> None:
    """The last admin may go too: superusers can do in any project what its admins can."""
    removed = session.execute(
        delete(Membership).where(Membership.project_id == project_id, Membership.user_id == user_id).returning(Membership.user_id)
    ).one_or_none()
    if removed is None:
        raise NotFound("There is no such member in this project.")


def get_member(session: Session, project_id: UUID, user_id: UUID) -> Member:
    member = next((member for member in list_members(session, project_id) if member.user_id == user_id), None)
    if member is None:
        raise NotFound("There is no such member in this project.")
    return member


def list_members(session: Session, project_id: UUID) -> list[Member]:
    rows = session.execute(
        select(User.id, User.email, User.name, User.is_active, Membership.role)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.project_id == project_id)
        .order_by(User.email)
    )
    return [Member(user_id, email, name, is_active, Role(role)) for user_id, email, name, is_active, role in rows]


def list_projects(session: Session, user_id: UUID, *, is_superuser: bool) -> list[OwnProject]:
    rows = session.execute(own_projects(literal(user_id), literal(is_superuser)))
    return [OwnProject(project_id, name, time_zone, Role(role)) for project_id, name, time_zone, role in rows]
