"""Download tokens: what lets somebody have one file, for a while, without a login or keys of their own in the request.

A token is signed, and names project, export, its end, and whom it was given to. That one's right is asked for again at each download: a
member who has left, or a key that is revoked, has no use of a token.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.orm import Session

from auditpanel.accounts.keys import find_key_by_id
from auditpanel.accounts.models import Role, User
from auditpanel.accounts.scope import Caller, ProjectScope, scope_of_member, scope_of_project
from auditpanel.errors import NotFound, Unauthorized

# A large file is downloaded piece by piece over a slow line; a program comes back for it later than a person.
MEMBER_LIFE = timedelta(hours=1)
CLIENT_LIFE = timedelta(hours=24)

_MEMBER, _CLIENT = "member", "client"


@dataclass(frozen=True, slots=True)
class Download:
    """What a token gives. Either `user_id` or `key_id` is whom it was given to."""

    project_id: UUID
    export_id: UUID
    user_id: UUID | None = None
    key_id: UUID | None = None

    def __post_init__(self) -> None:
        if (self.user_id is None) == (self.key_id is None):
            raise ValueError("a download is given to a user or to a key")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Signs and reads them. `secret_key` is the application's."""

    secret_key: str

    def sign(self, download: Download, now: datetime) -> str:
        kind, holder = (_MEMBER, download.user_id) if download.user_id else (_CLIENT, download.key_id)
        assert holder is not None
        ends_at = now + (MEMBER_LIFE if kind == _MEMBER else CLIENT_LIFE)
        return self._signer.dumps([download.project_id.hex, download.export_id.hex, kind, holder.hex, int(ends_at.timestamp())])

    def read(self, token: str, export_id: UUID, now: datetime) -> Download:
        """Raises NotFound where it is no token of ours, of another export, or its time is over."""
        try:
            project, export, kind, holder, ends_at = self._signer.loads(token)
        except (BadSignature, ValueError, TypeError):
            raise _no_such_link() from None
        if UUID(export) != export_id or now >= datetime.fromtimestamp(ends_at, UTC):
            raise _no_such_link()
        given_to = {"user_id" if kind == _MEMBER else "key_id": UUID(holder)}
        return Download(UUID(project), export_id, **given_to)

    @property
    def _signer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.secret_key, salt="download of an export")


def scope_of_download(session: Session, download: Download) -> ProjectScope:
    """Raises NotFound where the member has left the project since or may not log in any more, Unauthorized where the key was revoked."""
    if download.key_id is not None:
        return _scope_of_key(session, download.project_id, download.key_id)
    user = session.get(User, download.user_id)
    if user is None or not user.is_active:
        raise _no_such_link()
    return scope_of_member(session, user, download.project_id)


def _scope_of_key(session: Session, project_id: UUID, key_id: UUID) -> ProjectScope:
    key, project = find_key_by_id(session, str(key_id)) or (None, None)
    if key is None or project is None or project.id != project_id or key.revoked_at is not None:
        raise Unauthorized("The API key that this link was given to is revoked.")
    return scope_of_project(project, Role.OPERATOR).entered_by(Caller(api_key=key.name))


def _no_such_link() -> NotFound:
    return NotFound("This link is not for this export, or its time is over. Open the export again for a new one.")
