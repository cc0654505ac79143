"""What all commands have in common: the servers are there while they run, and what goes wrong is told in one line."""

from __future__ import annotations

import click
from flask.cli import ScriptInfo
from psycopg.errors import UndefinedTable
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError

from auditpanel.accounts import projects
from auditpanel.accounts.models import Project
from auditpanel.config import Settings
from auditpanel.errors import AuditpanelError
from auditpanel.extensions import db
from auditpanel.ids import Prefix, parse_id
from auditpanel.running import running_servers


class PanelCommand(click.Command):
    """Runs with the servers there, ours where none were given, and tells what goes wrong in one line."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            app = ctx.ensure_object(ScriptInfo).load_app()
            settings: Settings = app.config["SETTINGS"]
            # A context of its own, inside: Flask's ends after the servers have stopped, and would close the session at a dead one.
            with running_servers(settings), app.app_context():
                return super().invoke(ctx)
        except AuditpanelError as error:
            raise click.ClickException(str(error)) from None
        except (OperationalError, InterfaceError) as error:
            raise click.ClickException(f"the database does not answer: {_first_line(error)}") from None
        except ProgrammingError as error:
            if not isinstance(error.orig, UndefinedTable):
                raise
            raise click.ClickException("the database has no tables yet: run make up once, or flask --app wsgi db upgrade") from None


def get_project(text: str) -> Project:
    return projects.get_project(db.session(), parse_id(Prefix.PROJECT, text))


def _first_line(error: OperationalError | InterfaceError) -> str:
    return str(error.orig).strip().partition("\n")[0]
