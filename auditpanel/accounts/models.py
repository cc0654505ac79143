"""Users, projects, who is a member of which, and the keys of a project's API clients.

`projects` and `users` are small and read by everybody (on Citus, reference tables). Everything else that belongs to a project has
`project_id` at the head of its primary key.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column, relationship

from auditpanel.ids import new_uuid
from auditpanel.tables import Model


class Role(StrEnum):
    """What a member may do, each role all that the one before may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    @property
    def label(self) -> str:
        return self.value.capitalize()

    def includes(self, other: Role) -> bool:
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)


class User(Model):
    __tablename__ = "users"
    # Emails are kept in lower case, so the unique constraint takes Nina@ and nina@ for one.
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_is_lower_case"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    email: Mapped[str] = mapped_column(TEXT, unique=True)
    name: Mapped[str] = mapped_column(TEXT)
    password_hash: Mapped[str] = mapped_column(TEXT)
    is_superuser: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())

    memberships: Mapped[list[Membership]] = relationship(back_populates="user", lazy="raise", passive_deletes=True)


class LoginSession(Model):
    """One login of one browser. The cookie holds the token; the row only its SHA-256, so that a copy of the table logs nobody in."""

    __tablename__ = "login_sessions"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


# The project that the panel's own history is in: logins, administration, whatever belongs to no other. A migration makes it.
PANEL_PROJECT_ID = UUID("00000000-0000-7000-8000-000000000001")


class Project(Model):
    """`redact_paths` are the places in JSON bodies that this project wants redacted beside what always is (logs/redaction)."""

    __tablename__ = "projects"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    name: Mapped[str] = mapped_column(TEXT)
    time_zone: Mapped[str] = mapped_column(TEXT, default="UTC")
    redact_paths: Mapped[list[str]] = mapped_column(ARRAY(TEXT), default=list)
    body_limit_bytes: Mapped[int]
    # How long the files of exports are kept.
    export_days: Mapped[int] = mapped_column(default=30, server_default=text("30"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())

    memberships: Mapped[list[Membership]] = relationship(back_populates="project", lazy="raise", passive_deletes=True)


class Membership(Model):
    __tablename__ = "memberships"

    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(TEXT)

    user: Mapped[User] = relationship(back_populates="memberships", lazy="raise")
    project: Mapped[Project] = relationship(back_populates="memberships", lazy="raise")


class ApiKey(Model):
    """An API client's key. `id` is its `X-App-Id`; of the token only the SHA-256 is kept (it is 256 random bits: no salt is needed)."""

    __tablename__ = "api_keys"
    __table_args__ = (Index("ix_api_keys_id", "id"),)  # a call names the key, not the project

    project_id: Mapped[UUID] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_uuid)
    name: Mapped[str] = mapped_column(TEXT)
    token_hash: Mapped[bytes]
    origin: Mapped[str] = mapped_column(TEXT)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
