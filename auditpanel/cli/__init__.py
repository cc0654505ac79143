"""The flask commands: thin, each asks one function and prints JSON where a program may want the answer."""

from __future__ import annotations

import io
import json
import os
import secrets
import stat
import sys
from collections.abc import Callable, Sequence
from typing import IO, TYPE_CHECKING, cast

import click
import flask_migrate
from flask import Flask, current_app
from tqdm import tqdm

from auditpanel.accounts import keys, members, projects, users
from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import scope_of_project
from auditpanel.accounts.users import Kind
from auditpanel.cli.command import PanelCommand, get_project
from auditpanel.cli.webhooks import WEBHOOK_COMMANDS
from auditpanel.config import Settings
from auditpanel.demo import make_demo
from auditpanel.errors import InvalidInput
from auditpanel.extensions import db
from auditpanel.ids import Prefix, format_id
from auditpanel.logs.importing import import_logs
from auditpanel.logs.partitions import make_months_ahead
from auditpanel.logs.readers import Format, reader_for
from auditpanel.logs.store import Stored, store_logs
from auditpanel.logs.values import NewLog, Origin
from auditpanel.times import utc_now
from auditpanel.webhooks.sealing import Seal

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ADMIN_EMAIL = "admin@localhost"


@click.command("create-project", cls=PanelCommand)
@click.argument("name")
@click.option("--timezone", "time_zone", required=True, metavar="TZ", help="A name of the IANA database, like Europe/Warsaw.")
def create_project(name: str, time_zone: str) -> None:
    """Make a project and print its id."""
    project = projects.create_project(db.session(), name, time_zone)
    answer = {"id": format_id(Prefix.PROJECT, project.id)}
    db.session.commit()
    click.echo(json.dumps(answer))


@click.command("create-user", cls=PanelCommand)
@click.argument("email")
@click.option("--superuser", "kind", flag_value=Kind.SUPERUSER, type=Kind, default=Kind.USER, help="May manage users and all projects.")
def create_user(email: str, kind: Kind) -> None:
    """Make a user; the password is read from standard input, one line."""
    user = users.create_user(db.session(), email, _read_password(), kind=kind)
    answer = {"id": format_id(Prefix.USER, user.id), "email": user.email}
    db.session.commit()
    click.echo(json.dumps(answer))


@click.command("add-member", cls=PanelCommand)
@click.argument("project_id")
@click.argument("email")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
def add_member(project_id: str, email: str, role: str) -> None:
    """Let a user into a project."""
    project = get_project(project_id)
    user = members.add_member(db.session(), project.id, email, Role(role))
    answer = {"project_id": format_id(Prefix.PROJECT, project.id), "email": user.email, "role": role}
    db.session.commit()
    click.echo(json.dumps(answer))


@click.command("create-api-key", cls=PanelCommand)
@click.argument("project_id")
@click.argument("name")
@click.option("--origin", default=Origin.API.value, show_default=True, type=click.Choice([origin.value for origin in Origin]))
def create_api_key(project_id: str, name: str, origin: str) -> None:
    """Make an API key and print it; the token is shown only this once."""
    key = keys.create_key(db.session(), get_project(project_id).id, name, origin)
    db.session.commit()
    click.echo(json.dumps({"app_id": key.app_id, "app_token": key.app_token}))


@click.command("import-logs", cls=PanelCommand)
@click.argument("project_id")
@click.argument("file", type=click.File("rb"))
@click.option("--format", "format_name", required=True, type=click.Choice([each.value for each in Format]))
def import_from_file(project_id: str, file: IO[bytes], format_name: str) -> None:
    """Store the calls in FILE ("-" is standard input; gzip is taken) as logs. Doing it twice stores nothing twice."""
    scope = scope_of_project(get_project(project_id), Role.ADMIN)

    def store(logs: Sequence[NewLog]) -> Stored:
        stored = store_logs(db.session(), scope, logs, now=utc_now())
        db.session.commit()
        return stored

    with tqdm(total=_size_bytes(file), unit="B", unit_scale=True, unit_divisor=1024, desc="Reading", leave=False) as bar:
        records = reader_for(Format(format_name))(cast(IO[bytes], CountedReads(file, bar.update)))
        counts = import_logs(records, store, lambda _: None)
    click.echo(f"{counts.stored:,} stored, {counts.already_there:,} already there, {counts.refused:,} refused")
    for reason in counts.first_reasons:
        click.echo(f"  {reason}", err=True)
    if counts.refused > len(counts.first_reasons):
        click.echo(f"  and {counts.refused - len(counts.first_reasons):,} more", err=True)


class CountedReads(io.RawIOBase):
    """A stream that tells how many bytes were read of it."""

    def __init__(self, stream: IO[bytes], count: Callable[[int], object]) -> None:
        self._stream = stream
        self._count = count

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        data = self._stream.read(len(view))
        view[: len(data)] = data
        self._count(len(data))
        return len(data)


@click.command("prepare", cls=PanelCommand)
def prepare() -> None:
    """Bring the tables up to date. On the first start: make the superuser and the demo project."""
    settings: Settings = current_app.config["SETTINGS"]
    flask_migrate.upgrade()
    make_months_ahead(db.engine, utc_now())
    if not users.has_superuser(db.session()):
        _prepare_superuser(settings.admin_password)
    # Looked at by itself: a first start that was cut off before the demo was whole makes it the next time.
    if settings.with_demo and not projects.has_project(db.session()):
        make_demo(db.session(), utc_now(), uploads=settings.data / "uploads", seal=Seal.of(current_app.config["SECRET_KEY"]))
        db.session.commit()


def register(app: Flask) -> None:
    for each in (create_project, create_user, add_member, create_api_key, *WEBHOOK_COMMANDS, import_from_file, prepare):
        app.cli.add_command(each)


def _prepare_superuser(given: str | None) -> None:
    password = given or secrets.token_urlsafe(12)
    try:
        users.create_user(db.session(), ADMIN_EMAIL, password, name="Admin", kind=Kind.SUPERUSER)
    except InvalidInput as error:
        raise InvalidInput(error.reason, field="AUDITPANEL_ADMIN_PASSWORD") from None
    db.session.commit()
    click.echo(f"Log in as {ADMIN_EMAIL} with {'the password of AUDITPANEL_ADMIN_PASSWORD' if given else f'the password {password}'}")


def _size_bytes(file: IO[bytes]) -> int | None:
    """None for what has no size before its end, like a pipe."""
    try:
        status = os.fstat(file.fileno())
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _read_password() -> str:
    if sys.stdin.isatty():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return password
    return sys.stdin.readline().rstrip("\r\n")
