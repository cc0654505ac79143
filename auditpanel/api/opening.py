"""Who may call, and whose log a call is: by a key, or, for the file of an export, by the token of its address alone."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from flask import current_app, g, request
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import KeyScope, ProjectScope, scope_of_app_id, scope_of_key, scope_of_member
from auditpanel.accounts.users import get_user
from auditpanel.api.calls import asker, read_export_id
from auditpanel.errors import NotFound, Unauthorized
from auditpanel.exports.tokens import Download, Tokens, scope_of_download
from auditpanel.extensions import db
from auditpanel.logs.recorder import CALL, CallDetails
from auditpanel.logs.values import Origin
from auditpanel.times import utc_now

BODY_LIMIT_BYTES = 32 * 1024 * 1024
LONG_AGO = datetime.min.replace(tzinfo=UTC)


def open_call() -> None:
    """Let the call into its project, and have it recorded there; also a refused one, where it is known which project it meant."""
    request.max_content_length = BODY_LIMIT_BYTES
    g.project_scope = _open_with_token(db.session()) if asks_for_file() else _open_with_key(db.session())


def asks_for_file() -> bool:
    return request.endpoint == "api.get_export" and bool(request.args.get("token"))


def key_id() -> UUID:
    """Of a call that a key has let in."""
    return UUID(request.headers["X-App-Id"])


def tokens() -> Tokens:
    return Tokens(current_app.config["SECRET_KEY"])


def _open_with_key(session: Session) -> ProjectScope:
    app_id, app_token = request.headers.get("X-App-Id", ""), request.headers.get("X-App-Token", "")
    try:
        scope = scope_of_key(session, app_id, app_token)
    except Unauthorized:
        refused = scope_of_app_id(session, app_id)
        if refused is not None:
            _record(_of_key(refused))
        raise
    _record(_of_key(scope))
    return scope.project.entered_by(asker().caller)


def _open_with_token(session: Session) -> ProjectScope:
    """The token is enough: who has the address, has the file. Keys beside it do not matter."""
    assert request.view_args is not None
    token, export_id = request.args["token"], read_export_id(request.view_args["export_id"])
    # One whose time is over still tells whose it was.
    with suppress(NotFound):
        _record(_of_download(session, tokens().read(token, export_id, LONG_AGO)))
    return scope_of_download(session, tokens().read(token, export_id, utc_now()))


def _of_download(session: Session, download: Download) -> CallDetails | None:
    """Raises NotFound for a user who has left the project."""
    if download.user_id is None:
        key = scope_of_app_id(session, str(download.key_id))
        return _of_key(key) if key and key.project.project_id == download.project_id else None
    user = get_user(session, download.user_id)
    return CallDetails(scope_of_member(session, user, download.project_id), Origin.DASHBOARD, user=user.email)


def _of_key(key: KeyScope) -> CallDetails:
    return CallDetails(key.project, Origin(key.origin), api_key=key.key_name)


def _record(details: CallDetails | None) -> None:
    request.environ[CALL] = details
