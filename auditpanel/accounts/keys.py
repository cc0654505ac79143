"""API keys: made with a token that is shown once, found by id and token, revoked."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from auditpanel.accounts.models import ApiKey, Project
from auditpanel.accounts.names import clean_name
from auditpanel.errors import NotFound
from auditpanel.ids import new_uuid


@dataclass(frozen=True, slots=True)
class NewKey:
    """What the client is given; the token cannot be shown again."""

    app_id: str
    app_token: str


def create_key(session: Session, project_id: UUID, name: str, origin: str) -> NewKey:
    """Raises InvalidInput, field `name`."""
    name = clean_name(name, what="the key")
    token = secrets.token_urlsafe(32)
    key = ApiKey(project_id=project_id, id=new_uuid(), name=name, token_hash=_hash(token), origin=origin)
    session.add(key)
    session.flush()
    return NewKey(str(key.id), token)


def find_key(session: Session, app_id: str, app_token: str) -> tuple[ApiKey, Project] | None:
    found = find_key_by_id(session, app_id)
    if found is None or found[0].revoked_at is not None or not hmac.compare_digest(found[0].token_hash, _hash(app_token)):
        return None
    return found


def find_key_by_id(session: Session, app_id: str) -> tuple[ApiKey, Project] | None:
    """Also a revoked one."""
    try:
        key_id = UUID(app_id)
    except ValueError:
        return None
    row = session.execute(select(ApiKey, Project).join(Project, Project.id == ApiKey.project_id).where(ApiKey.id == key_id)).one_or_none()
    return (row.ApiKey, row.Project) if row else None


def list_keys(session: Session, project_id: UUID) -> list[ApiKey]:
    return list(session.scalars(select(ApiKey).where(ApiKey.project_id == project_id).order_by(ApiKey.created_at, ApiKey.id)))


def get_key(session: Session, project_id: UUID, key_id: UUID) -> ApiKey:
    key = session.get(ApiKey, (project_id, key_id))
    if key is None:
        raise NotFound("There is no such key in this project.")
    return key


def revoke_key(session: Session, project_id: UUID, key_id: UUID, now: datetime) -> None:
    revoked = session.execute(
        update(ApiKey)
        .where(ApiKey.project_id == project_id, ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(ApiKey.id)
    ).one_or_none()
    if revoked is None:
        raise NotFound("There is no such key in this project, or it is revoked already.")


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()
