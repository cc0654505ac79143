"""Users: made, found, let in by their password, switched off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Membership, User
from auditpanel.accounts.names import clean_email, clean_name
from auditpanel.accounts.passwords import hash_password, needs_rehash, password_matches
from auditpanel.accounts.sessions import close_all, close_others
from auditpanel.errors import Conflict, InvalidInput, NotFound


class Kind(StrEnum):
    """A superuser manages users and projects, and is an admin of every project."""

    USER = "user"
    SUPERUSER = "superuser"


@dataclass(frozen=True, slots=True)
class UserLine:
    """A user as the list of users shows them."""

    id: UUID
    email: str
    name: str
    is_superuser: bool
    is_active: bool
    created_at: datetime
    projects: int


def create_user(session: Session, email: str, password: str, *, name: str = "", kind: Kind = Kind.USER) -> User:
    """Without a name the user has that before the @. Raises InvalidInput, naming the field, also for an email that is taken."""
    email = clean_email(email)
    name = clean_name(name or email.partition("@")[0][:80], what="the user")
    user = session.scalars(
        insert(User)
        .values(email=email, name=name, password_hash=hash_password(password), is_superuser=kind is Kind.SUPERUSER)
        .on_conflict_do_nothing(index_elements=[User.email])
        .returning(User)
    ).one_or_none()
    if user is None:
        raise InvalidInput(f"there is a user {email} already; choose another address", field="email")
    return user


def find_by_email(session: Session, email: str) -> User | None:
    try:
        return session.scalars(select(User).where(User.email == clean_email(email))).one_or_none()
    except InvalidInput:
        return None


def get_user(session: Session, user_id: UUID) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFound("There is no such user.")
    return user


def find_by_password(session: Session, email: str, password: str) -> User | None:
    """The user who may log in with these; None tells neither which of them is wrong nor whether there is such a user."""
    user = find_by_email(session, email)
    matches = password_matches(user.password_hash if user else None, password)
    if user is None or not matches or not user.is_active:
        return None
    if needs_rehash(user.password_hash):
        user.password_hash = hash_password(password)
    return user


def has_superuser(session: Session) -> bool:
    return session.scalar(select(User.id).where(User.is_superuser).limit(1)) is not None


def list_users(session: Session) -> list[UserLine]:
    statement = (
        select(User.id, User.email, User.name, User.is_superuser, User.is_active, User.created_at, func.count(Membership.project_id))
        .outerjoin(Membership, Membership.user_id == User.id)
        .group_by(User.id)
        .order_by(User.email)
    )
    return [UserLine(*row) for row in session.execute(statement)]


def change_user(session: Session, user: User, *, email: str, name: str, kind: Kind) -> None:
    """Raises InvalidInput, naming the field; Conflict where no superuser would be left."""
    email, name = clean_email(email), clean_name(name, what="the user")
    if session.scalar(select(User.id).where(User.email == email, User.id != user.id)) is not None:
        raise InvalidInput(f"there is another user {email}; choose another address", field="email")
    if kind is not Kind.SUPERUSER:
        _keep_a_superuser(session, user)
    user.email, user.name, user.is_superuser = email, name, kind is Kind.SUPERUSER
    session.flush()


def set_password(session: Session, user: User, password: str, *, keep_token: str | None = None) -> None:
    """Logs the user out everywhere but in the session of `keep_token`."""
    user.password_hash = hash_password(password)
    session.flush()
    if keep_token is None:
        close_all(session, user.id)
    else:
        close_others(session, user.id, keep_token)


def change_own_password(session: Session, user: User, current: str, password: str, *, token: str) -> None:
    """Raises InvalidInput, field `current_password`, where that is not the password. `token` is of the session that stays."""
    if not password_matches(user.password_hash, current):
        raise InvalidInput("this is not your password", field="current_password")
    set_password(session, user, password, keep_token=token)


def deactivate(session: Session, user: User) -> None:
    """The user stays, for the records that name them, and can't log in. Raises Conflict for the last superuser."""
    _keep_a_superuser(session, user)
    user.is_active = False
    session.flush()
    close_all(session, user.id)


def activate(session: Session, user: User) -> None:
    user.is_active = True
    session.flush()


def _keep_a_superuser(session: Session, user: User) -> None:
    # Locked, so that two superusers who demote each other at once do not both succeed.
    superusers = session.scalars(select(User.id).where(User.is_superuser, User.is_active).order_by(User.id).with_for_update()).all()
    if list(superusers) == [user.id]:
        raise Conflict(f"{user.email} is the only active superuser; make another one first.")
