"""Exports for tests of their pages: a project with somebody at work in it, records to export, and a worker that is called by hand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from auditpanel.accounts.models import Project, Role
from auditpanel.accounts.scope import ProjectScope, scope_of_project
from auditpanel.config import Settings
from auditpanel.exports.files import LocalFiles
from auditpanel.exports.models import Export
from auditpanel.exports.queries import get_export
from auditpanel.exports.records import ExportRecord
from auditpanel.exports.values import Exported
from auditpanel.ids import Prefix, format_id, parse_id
from tests.accounts.visitor import Visitor, log_in
from tests.exports.asking import make_customers, run
from tests.factories import make_member, make_project
from tests.pages import shown_text


@dataclass(frozen=True, slots=True)
class Desk:
    """Somebody at work in a project of their own. `files` are where the panel keeps them."""

    app: Flask
    visitor: Visitor
    session: Session
    engine: Engine
    project: Project
    scope: ProjectScope
    email: str
    files: LocalFiles

    @property
    def base(self) -> str:
        return f"/projects/{self.scope.id}/exports/"

    def url(self, export_id: UUID | str, rest: str = "") -> str:
        return f"{self.base}{export_id if isinstance(export_id, str) else format_id(Prefix.EXPORT, export_id)}{rest}"

    def new_url(self, exported: Exported = Exported.CUSTOMER, **filters: str) -> str:
        return f"{self.base}new?{urlencode({'exported': exported, **filters})}"

    def ask(self, url: str | None = None, **fields: Any) -> UUID:
        """By the form, with what stands in it, save for `fields`."""
        answer = self.send(url or self.new_url(), **fields)
        assert answer.status_code == 302, shown_text(answer)
        return parse_id(Prefix.EXPORT, answer.location.rpartition("/")[2])

    def send(self, url: str, **fields: Any) -> TestResponse:
        return self.visitor.client.post(url, data=filled(self.visitor.get(url)) | fields)

    def work(self, export_id: UUID) -> ExportRecord:
        return run(self.engine, self.files, self.scope, export_id)

    def make_done(self, url: str | None = None, **fields: Any) -> ExportRecord:
        return self.work(self.ask(url, **fields))

    def make_customers(self, count: int) -> None:
        make_customers(self.session, self.scope, count)

    def change(self, export_id: UUID, **columns: object) -> None:
        self.session.execute(update(Export).where(Export.id == export_id).values(**columns))
        self.session.commit()

    def read(self, export_id: UUID) -> ExportRecord:
        self.session.rollback()
        return get_export(self.session, self.scope, export_id)

    def exports(self) -> list[UUID]:
        self.session.rollback()
        return list(self.session.scalars(select(Export.id).where(Export.project_id == self.scope.project_id).order_by(Export.created_at)))

    def other(self, role: Role) -> Desk:
        """Another member of the same project."""
        member = make_member(self.session, self.project, role=role)
        return Desk(
            self.app,
            log_in(self.app, self.session, member),
            self.session,
            self.engine,
            self.project,
            scope_of_project(self.project, role),
            member.email,
            self.files,
        )


def make_desk(app: Flask, session: Session, engine: Engine, settings: Settings, *, role: Role = Role.VIEWER) -> Desk:
    project = make_project(session)
    member = make_member(session, project, role=role)
    session.commit()
    visitor = log_in(app, session, member)
    files = LocalFiles(settings.data / "exports")
    return Desk(app, visitor, session, engine, project, scope_of_project(project, role), member.email, files)


_INPUT = re.compile(r"<input\b([^>]*)>")
_SELECT = re.compile(r'<select\b[^>]*name="([^"]+)"[^>]*>(.*?)</select>', re.DOTALL)
_CHOSEN = re.compile(r'<option value="([^"]*)" selected>')
_ATTRIBUTE = re.compile(r'([\w-]+)(?:="([^"]*)")?')


def filled(page: TestResponse) -> dict[str, Any]:
    """What a browser would send of the form that is in the page's main part, by any of its buttons that has no name."""
    assert page.status_code in (200, 400), page.status
    fields: MultiDict[str, object] = MultiDict()
    main = page.text[page.text.index("<main") :]
    for attributes in (dict(_ATTRIBUTE.findall(found)) for found in _INPUT.findall(main)):
        is_left_out = attributes.get("type") in ("checkbox", "radio") and "checked" not in attributes
        if attributes.get("name") and not is_left_out:
            fields.add(attributes["name"], attributes.get("value") or "on")
    for name, options in _SELECT.findall(main):
        fields.add(name, (_CHOSEN.findall(options) or [""])[0])
    return {name: values if len(values) > 1 else values[0] for name, values in fields.lists()}
