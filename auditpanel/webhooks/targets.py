"""Webhooks of a project: made, changed, switched off and on, removed, read. The caller commits.

Whoever reads a secret or headers has to be an admin: the caller sees to it, from the scope's role.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project
from auditpanel.accounts.names import NAME_CHARACTERS, clean_name
from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import Conflict, InvalidInput
from auditpanel.ids import new_uuid
from auditpanel.webhooks.addresses import checked_url
from auditpanel.webhooks.custom_headers import checked_headers, open_headers, seal_headers
from auditpanel.webhooks.event_types import checked_choice
from auditpanel.webhooks.missed import NOTHING_MISSED, find_missed
from auditpanel.webhooks.models import Webhook
from auditpanel.webhooks.sealing import Seal, new_secret
from auditpanel.webhooks.target_records import Missed, NewWebhook, WebhookLine, WebhookRecord, no_such_webhook, rotation_of
from auditpanel.webhooks.values import GRACE, Headers

# Of a project. Each event may make as many sendouts, and lists tell of all of them.
MOST_WEBHOOKS = 100

LINE_COLUMNS = (
    Webhook.id,
    Webhook.name,
    Webhook.url,
    Webhook.event_types,
    Webhook.is_active,
    Webhook.created_at,
    Webhook.switched_off_at,
    Webhook.switched_off_reason,
    Webhook.last_delivered_at,
)


def create_webhook(
    session: Session,
    scope: ProjectScope,
    seal: Seal,
    *,
    name: str,
    url: str,
    event_types: Sequence[str] | None,
    headers: Headers,
    allow_private: bool,
    now: datetime,
) -> NewWebhook:
    """Without a name it is called by its host. `event_types` None: all that there are, and will be.

    Raises InvalidInput, naming the field; or none, where the project has MOST_WEBHOOKS already.
    """
    url = checked_url(url, allow_private=allow_private)
    _check_room(session, scope)
    secret = new_secret()
    webhook = Webhook(
        project_id=scope.project_id,
        id=new_uuid(),
        name=clean_name(name or _host(url), what="the webhook"),
        url=url,
        event_types=checked_choice(event_types),
        sealed_headers=seal_headers(seal, checked_headers(headers)),
        sealed_secret=seal.close(secret),
        is_active=True,
        created_at=now,
    )
    session.add(webhook)
    session.flush()
    return NewWebhook(webhook.id, secret)


def change_webhook(
    session: Session,
    scope: ProjectScope,
    seal: Seal,
    webhook_id: UUID,
    *,
    name: str,
    url: str,
    event_types: Sequence[str] | None,
    headers: Headers | None,
    allow_private: bool,
    now: datetime,
) -> None:
    """Sendouts that wait go to the new URL. `headers` None leaves those that are there: a form need not show them.

    Raises InvalidInput, naming the field, and NotFound.
    """
    webhook = _locked_webhook(session, scope, webhook_id)
    webhook.name = clean_name(name, what="the webhook")
    webhook.url = checked_url(url, allow_private=allow_private)
    webhook.event_types = checked_choice(event_types)
    if headers is not None:
        webhook.sealed_headers = seal_headers(seal, checked_headers(headers))
    webhook.updated_at = now
    session.flush()


def rotate_secret(session: Session, scope: ProjectScope, seal: Seal, webhook_id: UUID, now: datetime, *, seen: str | None = None) -> str:
    """The new secret. For GRACE the one before signs too; an older one, of a rotation within that time, does not any more.

    `seen` is the last rotation (`rotation_of`) that who asks knows of. Raises Conflict where there was another meanwhile: a second press
    must not put away the secret that the receiver has.
    """
    webhook = _locked_webhook(session, scope, webhook_id)
    if seen is not None and seen != rotation_of(webhook.previous_secret_until):
        raise Conflict("The secret was rotated meanwhile, so it was not done again.")
    secret = new_secret()
    webhook.sealed_previous_secret, webhook.previous_secret_until = webhook.sealed_secret, now + GRACE
    webhook.sealed_secret, webhook.updated_at = seal.close(secret), now
    session.flush()
    return secret


def read_secret(session: Session, scope: ProjectScope, seal: Seal, webhook_id: UUID) -> str:
    """Raises NotFound, and Unavailable where SECRET_KEY has changed."""
    return seal.open(_get_webhook(session, scope, webhook_id).sealed_secret)


def read_headers(session: Session, scope: ProjectScope, seal: Seal, webhook_id: UUID) -> Headers:
    """With their values. Raises NotFound, and Unavailable where SECRET_KEY has changed."""
    return open_headers(seal, _get_webhook(session, scope, webhook_id).sealed_headers)


def switch_off(session: Session, scope: ProjectScope, webhook_id: UUID, reason: str, now: datetime) -> None:
    """`reason` is for its page: who did it, or the rule that did. One that is off already keeps its first reason."""
    webhook = _locked_webhook(session, scope, webhook_id)
    if webhook.is_active:
        webhook.is_active, webhook.switched_off_at, webhook.switched_off_reason = False, now, reason
        session.flush()


def switch_on(session: Session, scope: ProjectScope, webhook_id: UUID) -> Missed:
    """What it missed is not sent by that: it is told, to be offered."""
    # Looked for before the lock: deliveries to it wait for that, and looking may take a while.
    missed = find_missed(session, scope, get_webhook(session, scope, webhook_id).line)
    webhook = _locked_webhook(session, scope, webhook_id)
    if webhook.is_active:
        return NOTHING_MISSED
    webhook.is_active, webhook.switched_off_at, webhook.switched_off_reason = True, None, None
    session.flush()
    return missed


def remove_webhook(session: Session, scope: ProjectScope, webhook_id: UUID, now: datetime) -> None:
    """Nothing goes to it any more: what waits is given up when its turn comes. Its sendouts stay."""
    webhook = _locked_webhook(session, scope, webhook_id)
    webhook.is_active, webhook.removed_at = False, now
    webhook.sealed_headers = webhook.sealed_previous_secret = webhook.previous_secret_until = None
    session.flush()


def list_webhooks(session: Session, scope: ProjectScope) -> list[WebhookLine]:
    """By name; without those that were removed."""
    statement = select(*LINE_COLUMNS).where(Webhook.project_id == scope.project_id, Webhook.removed_at.is_(None))
    return [WebhookLine(*row) for row in session.execute(statement.order_by(Webhook.name, Webhook.id))]


def get_webhook(session: Session, scope: ProjectScope, webhook_id: UUID) -> WebhookRecord:
    """Also one that was removed. Raises NotFound."""
    statement = select(Webhook, *LINE_COLUMNS).where(Webhook.project_id == scope.project_id, Webhook.id == webhook_id)
    found = session.execute(statement, execution_options={"populate_existing": True}).one_or_none()
    if found is None:
        raise no_such_webhook()
    webhook, *line = found
    has_headers = webhook.sealed_headers is not None
    return WebhookRecord(WebhookLine(*line), has_headers, webhook.updated_at, webhook.previous_secret_until, webhook.removed_at)


def _check_room(session: Session, scope: ProjectScope) -> None:
    """Two that are made at once go one after the other."""
    session.execute(select(Project.id).where(Project.id == scope.project_id).with_for_update(key_share=True))
    there = select(func.count()).where(Webhook.project_id == scope.project_id, Webhook.removed_at.is_(None))
    if (session.scalar(there) or 0) >= MOST_WEBHOOKS:
        raise InvalidInput(f"a project has {MOST_WEBHOOKS} webhooks at most; remove one that is not needed any more")


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "")[:NAME_CHARACTERS]


def _get_webhook(session: Session, scope: ProjectScope, webhook_id: UUID) -> Webhook:
    return _required(session.scalar(_present(scope, webhook_id), execution_options={"populate_existing": True}))


def _locked_webhook(session: Session, scope: ProjectScope, webhook_id: UUID) -> Webhook:
    """Deliveries write to the same row: two that change it go one after the other."""
    return _required(session.scalar(_present(scope, webhook_id).with_for_update(), execution_options={"populate_existing": True}))


def _present(scope: ProjectScope, webhook_id: UUID) -> Select[Webhook]:
    return select(Webhook).where(Webhook.project_id == scope.project_id, Webhook.id == webhook_id, Webhook.removed_at.is_(None))


def _required(webhook: Webhook | None) -> Webhook:
    if webhook is None:
        raise no_such_webhook()
    return webhook
