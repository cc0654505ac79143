"""Somebody with a browser: keeps cookies, and sends forms as the page that they were on has them."""

from __future__ import annotations

import re
import secrets

from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from auditpanel.accounts.models import Project, User
from auditpanel.ids import Prefix, format_id
from tests.factories import PASSWORD

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="csrf_token"')


class Visitor:
    """`address` is one of the visitor's own, so that the failures of one test do not hold up another."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        self.address = f"2001:db8:{secrets.randbelow(65536):x}:{secrets.randbelow(65536):x}::1"
        self.client.environ_base["REMOTE_ADDR"] = self.address

    def get(self, url: str) -> TestResponse:
        return self.client.get(url)

    def post(self, url: str, *, page: str | None = None, **fields: str) -> TestResponse:
        """`page` is where the form stands, if not at `url`."""
        return self.client.post(url, data={"csrf_token": self.form_token(page or url), **fields})

    def form_token(self, page: str) -> str:
        found = _TOKEN.search(self.get(page).text)
        assert found is not None, f"{page} has no form"
        return found[1] or found[2]

    def try_password(self, email: str, password: str, *, url: str = "/login") -> TestResponse:
        return self.post(url, email=email, password=password)

    def session_cookie(self) -> str:
        cookie = self.client.get_cookie("auditpanel")
        assert cookie is not None
        return cookie.value


def log_in(app: Flask, session: Session, user: User) -> Visitor:
    """Commits, so that the application sees the user."""
    session.commit()
    visitor = Visitor(app)
    answer = visitor.try_password(user.email, PASSWORD)
    assert answer.status_code == 302, answer.text
    return visitor


def settings_url(project: Project, page: str = "") -> str:
    return f"/projects/{format_id(Prefix.PROJECT, project.id)}/settings/{page}"
