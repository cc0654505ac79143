"""The commands for webhooks: each prints a line of JSON, a list one for each."""

from __future__ import annotations

import json
from datetime import datetime
from uuid import UUID

import click
from flask import current_app

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import Caller, ProjectScope, scope_of_project
from auditpanel.cli.command import PanelCommand, get_project
from auditpanel.config import Settings
from auditpanel.extensions import db
from auditpanel.ids import Prefix, format_id, parse_id
from auditpanel.times import iso_utc, utc_now
from auditpanel.webhooks import targets
from auditpanel.webhooks.events import raise_test
from auditpanel.webhooks.sealing import Seal
from auditpanel.webhooks.target_records import Missed, rotation_of

# Who has asked, where nobody has logged in.
BY = "command line"


@click.command("create-webhook", cls=PanelCommand)
@click.argument("project_id")
@click.argument("url")
@click.option("--event", "event_types", multiple=True, metavar="TYPE", help="An event type to send, like voucher.created; without: all.")
@click.option("--name", default="", help="What the panel calls it; without: the URL's host.")
def create_webhook(project_id: str, url: str, event_types: tuple[str, ...], name: str) -> None:
    """Make a webhook and print its id, and the secret that its receiver checks signatures with."""
    settings: Settings = current_app.config["SETTINGS"]
    webhook = targets.create_webhook(
        db.session(),
        _scope(project_id),
        _seal(),
        name=name,
        url=url,
        event_types=event_types or None,
        headers=[],
        allow_private=settings.allow_private_webhooks,
        now=utc_now(),
    )
    db.session.commit()
    _print({"id": webhook.id, "secret": webhook.secret})


@click.command("list-webhooks", cls=PanelCommand)
@click.argument("project_id")
def list_webhooks(project_id: str) -> None:
    """Print the webhooks of a project, a line each: where they go, what they are sent, and whether they are on."""
    for line in targets.list_webhooks(db.session(), _scope(project_id)):
        _print(
            {
                "id": line.id,
                "name": line.name,
                "url": line.url,
                "event_types": line.event_types,
                "active": line.is_active,
                "switched_off_at": _iso(line.switched_off_at),
                "switched_off_reason": line.switched_off_reason,
                "last_delivered_at": _iso(line.last_delivered_at),
            }
        )


@click.command("switch-webhook", cls=PanelCommand)
@click.argument("project_id")
@click.argument("webhook_id")
@click.argument("state", type=click.Choice(["on", "off"]))
def switch_webhook(project_id: str, webhook_id: str, state: str) -> None:
    """Switch a webhook on or off. Switched on, it says what it missed, which the panel sends again."""
    scope, parsed = _scope(project_id), _webhook_id(webhook_id)
    answer: dict[str, object] = {"id": format_id(Prefix.WEBHOOK, parsed), "active": state == "on"}
    if state == "on":
        answer |= _missed_as_json(targets.switch_on(db.session(), scope, parsed))
    else:
        targets.switch_off(db.session(), scope, parsed, "It was switched off by the command switch-webhook.", utc_now())
    db.session.commit()
    _print(answer)


@click.command("rotate-webhook-secret", cls=PanelCommand)
@click.argument("project_id")
@click.argument("webhook_id")
def rotate_webhook_secret(project_id: str, webhook_id: str) -> None:
    """Give a webhook a new secret and print it. The one before signs too, until the moment that is printed."""
    scope, parsed = _scope(project_id), _webhook_id(webhook_id)
    seen = rotation_of(targets.get_webhook(db.session(), scope, parsed).previous_secret_until)
    secret = targets.rotate_secret(db.session(), scope, _seal(), parsed, utc_now(), seen=seen)
    until = targets.get_webhook(db.session(), scope, parsed).previous_secret_until
    db.session.commit()
    _print({"id": format_id(Prefix.WEBHOOK, parsed), "secret": secret, "previous_secret_until": _iso(until)})


@click.command("test-webhook", cls=PanelCommand)
@click.argument("project_id")
@click.argument("webhook_id")
def test_webhook(project_id: str, webhook_id: str) -> None:
    """Send a test event and print the id of its sendout; a worker of the running panel delivers it."""
    scope = _scope(project_id).entered_by(Caller(user=BY))
    sendout_id = raise_test(db.session(), scope, _webhook_id(webhook_id), utc_now())
    db.session.commit()
    _print({"sendout_id": format_id(Prefix.SENDOUT, sendout_id)})


WEBHOOK_COMMANDS = (create_webhook, list_webhooks, switch_webhook, rotate_webhook_secret, test_webhook)


def _scope(project_id: str) -> ProjectScope:
    return scope_of_project(get_project(project_id), Role.ADMIN)


def _webhook_id(text: str) -> UUID:
    return parse_id(Prefix.WEBHOOK, text)


def _missed_as_json(missed: Missed) -> dict[str, object]:
    return {"missed": missed.count.value, "missed_is_exact": missed.count.is_exact, "missed_since": _iso(missed.since)}


def _iso(moment: datetime | None) -> str | None:
    return iso_utc(moment) if moment else None


def _seal() -> Seal:
    return Seal.of(current_app.config["SECRET_KEY"])


def _print(answer: dict[str, object]) -> None:
    click.echo(json.dumps(answer))
