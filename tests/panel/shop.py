"""A project with somebody at its catalogue."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, Role
from auditpanel.accounts.scope import ProjectScope, scope_of_project
from tests.accounts.visitor import Visitor, log_in
from tests.factories import make_member, make_project


@dataclass(frozen=True, slots=True)
class Shop:
    """A project, and an operator of it at the panel."""

    project: Project
    scope: ProjectScope
    operator: Visitor

    def url(self, path: str = "") -> str:
        return f"/projects/{self.scope.id}/catalogue/{path}"


def make_shop(app: Flask, session: Session) -> Shop:
    project = make_project(session)
    return Shop(project, scope_of_project(project, Role.ADMIN), log_in(app, session, make_member(session, project, role=Role.OPERATOR)))
