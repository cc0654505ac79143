"""Accounts to test with. They are flushed, not committed: a test commits what the application is to see."""

from __future__ import annotations

from functools import cache
from uuid import uuid4

from sqlalchemy.orm import Session

from auditpanel.accounts.keys import NewKey, create_key
from auditpanel.accounts.members import add_member
from auditpanel.accounts.models import Project, Role, User
from auditpanel.accounts.passwords import hash_password
from auditpanel.accounts.projects import create_project
from auditpanel.accounts.users import Kind

PASSWORD = "correct horse battery"


def make_user(session: Session, *, email: str | None = None, kind: Kind = Kind.USER) -> User:
    """With PASSWORD as the password; it is hashed once for all, as that is slow on purpose."""
    email = email or f"user-{uuid4().hex[:12]}@example.com"
    user = User(email=email, name="Nina Kowalska", password_hash=_password_hash(), is_superuser=kind is Kind.SUPERUSER, is_active=True)
    session.add(user)
    session.flush()
    return user


def make_superuser(session: Session) -> User:
    return make_user(session, kind=Kind.SUPERUSER)


def make_project(session: Session, *, name: str = "Acme Shop", time_zone: str = "Europe/Warsaw") -> Project:
    return create_project(session, name, time_zone)


def make_member(session: Session, project: Project, *, role: Role = Role.VIEWER) -> User:
    user = make_user(session)
    add_member(session, project.id, user.email, role)
    return user


def make_key(session: Session, project: Project, *, name: str = "shop", origin: str = "API") -> NewKey:
    return create_key(session, project.id, name, origin)


@cache
def _password_hash() -> str:
    return hash_password(PASSWORD)
