"""Login sessions: one row for each login of each browser, so that logging out ends one for good, even where the cookie was kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from auditpanel.accounts.models import LoginSession

# Counted from the login. It does not slide: a stolen cookie is worth nothing after it, however much it is used.
LIFETIME = timedelta(days=14)


def open_session(session: Session, user_id: UUID, now: datetime) -> str:
    """Gives the token for the cookie. The user's sessions that have run out are cleared away on this occasion."""
    session.execute(delete(LoginSession).where(LoginSession.user_id == user_id, LoginSession.expires_at <= now))
    token = secrets.token_urlsafe(32)
    session.add(LoginSession(token_hash=hash_token(token), user_id=user_id, created_at=now, expires_at=now + LIFETIME))
    session.flush()
    return token


def close_session(session: Session, token: str) -> None:
    session.execute(delete(LoginSession).where(LoginSession.token_hash == hash_token(token)))


def close_all(session: Session, user_id: UUID) -> None:
    session.execute(delete(LoginSession).where(LoginSession.user_id == user_id))


def close_others(session: Session, user_id: UUID, token: str) -> None:
    """All sessions of the user but that of `token`."""
    session.execute(delete(LoginSession).where(LoginSession.user_id == user_id, LoginSession.token_hash != hash_token(token)))


def hash_token(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()
