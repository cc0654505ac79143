"""A demo project, so that a first look at the panel shows something: a shop, an integration that breaks, a receiver that was down."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from random import Random

from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, Role
from auditpanel.accounts.projects import create_project
from auditpanel.accounts.scope import scope_of_project
from auditpanel.demo.calls import make_history
from auditpanel.demo.catalogue import make_catalogue
from auditpanel.demo.exports import ask_for_export
from auditpanel.demo.sendouts import make_sendouts
from auditpanel.demo.tasks import ask_for_tasks
from auditpanel.logs.store import store_logs
from auditpanel.webhooks.sealing import Seal

BATCH = 500


def make_demo(session: Session, now: datetime, *, uploads: Path, seal: Seal) -> Project:
    """The same story each time, at other times. What it asks for, tasks and an export, is done by the workers. The caller commits."""
    project = create_project(session, "Acme Shop (demo)", "Europe/Warsaw")
    scope = scope_of_project(project, Role.ADMIN)
    random = Random(20261122)
    calls = make_history(random, now)
    # Before there is a webhook: nobody is told of what has been there for weeks.
    stock = make_catalogue(session, scope, now)
    make_sendouts(session, scope, seal, calls, stock, random, now)
    calls += ask_for_tasks(session, scope, uploads, stock.black_friday, random, now)
    calls.append(ask_for_export(session, scope, random, now))
    for start in range(0, len(calls), BATCH):
        store_logs(session, scope, calls[start : start + BATCH], now=now)
    return project
