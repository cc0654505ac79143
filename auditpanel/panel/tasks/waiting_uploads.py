"""A file between its upload and the start of its task. It lies in `uploads/incoming`; what its page carries is a signed token.

The token is of one login and one project: nobody else can start, or see, what was uploaded.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import NotFound
from auditpanel.panel.login import logged_in
from auditpanel.panel.tasks.asking import uploads_folder
from auditpanel.tasks.uploads import INCOMING, ORPHAN_AGE, Upload
from auditpanel.tasks.values import TaskType


@dataclass(frozen=True, slots=True)
class WaitingUpload:
    """`campaign_id` is that of an import into a campaign."""

    type: TaskType
    upload: Upload
    campaign_id: str


def token_of(scope: ProjectScope, waiting: WaitingUpload) -> str:
    upload = waiting.upload
    return _signer(scope).dumps([waiting.type, upload.path.name, upload.name, upload.size_bytes, waiting.campaign_id])


def read_token(scope: ProjectScope, token: str) -> WaitingUpload:
    """Raises NotFound for a token of another login or project, and where the file is not there any more."""
    try:
        type_, place, name, size_bytes, campaign_id = _signer(scope).loads(token, max_age=int(ORPHAN_AGE.total_seconds()))
    except BadSignature:
        raise NotFound("There is no such upload of yours, or it waited for more than a day. Upload the file again.") from None
    path = uploads_folder() / INCOMING / place
    if not path.is_file():
        raise NotFound("This file waits no more: its task was started, or it waited for more than a day. Look into the list of tasks.")
    return WaitingUpload(TaskType(type_), Upload(name, path, size_bytes), campaign_id)


def _signer(scope: ProjectScope) -> URLSafeTimedSerializer:
    login = hashlib.sha256(logged_in().token.encode()).hexdigest()
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=f"upload {scope.id} {login}")
