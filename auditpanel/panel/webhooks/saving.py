"""What is saved of a webhook's form."""

from __future__ import annotations

from uuid import UUID

from flask import current_app

from auditpanel.accounts.scope import ProjectScope
from auditpanel.config import Settings
from auditpanel.extensions import db
from auditpanel.panel.login import logged_in
from auditpanel.panel.scope import current_scope
from auditpanel.panel.webhooks.forms import WebhookForm
from auditpanel.times import utc_now
from auditpanel.webhooks import targets
from auditpanel.webhooks.sealing import Seal
from auditpanel.webhooks.target_records import Missed, NewWebhook, WebhookRecord
from auditpanel.webhooks.values import Headers


def create_from(scope: ProjectScope, form: WebhookForm) -> NewWebhook:
    made = targets.create_webhook(
        db.session(),
        scope,
        seal(),
        name=form.name.data or "",
        url=form.url.data or "",
        event_types=form.event_types,
        headers=form.headers([]),
        allow_private=allow_private(),
        now=utc_now(),
    )
    if not form.active.data:
        targets.switch_off(db.session(), scope, made.webhook_id, switched_off_by_hand(), utc_now())
    return made


def change_by(record: WebhookRecord, form: WebhookForm, stored: Headers, shown_lines: str) -> Missed | None:
    """What it missed, where it is switched on by that. Headers that were left as they stood in the form are not touched."""
    scope, webhook_id = current_scope(), record.line.webhook_id
    # First: what it missed is looked for before its row is locked.
    missed = _switch(webhook_id, form) if form.is_switched else None
    targets.change_webhook(
        db.session(),
        scope,
        seal(),
        webhook_id,
        name=form.name.data or "",
        url=form.url.data or "",
        event_types=form.event_types,
        headers=None if "\n".join((form.header_secrets.data or "").split("\r\n")) == shown_lines else form.headers(stored),
        allow_private=allow_private(),
        now=utc_now(),
    )
    return missed


def _switch(webhook_id: UUID, form: WebhookForm) -> Missed | None:
    if form.active.data:
        return targets.switch_on(db.session(), current_scope(), webhook_id)
    targets.switch_off(db.session(), current_scope(), webhook_id, switched_off_by_hand(), utc_now())
    return None


def switched_off_by_hand() -> str:
    return f"{logged_in().email} switched it off."


def seal() -> Seal:
    return Seal.of(current_app.config["SECRET_KEY"])


def allow_private() -> bool:
    settings: Settings = current_app.config["SETTINGS"]
    return settings.allow_private_webhooks
