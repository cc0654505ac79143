"""What staff do in the panel is in the history: of the project they do it in, or of the panel itself."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from auditpanel.accounts.models import PANEL_PROJECT_ID, Project, Role
from auditpanel.accounts.scope import ProjectScope, scope_of_panel, scope_of_project
from auditpanel.ids import Prefix, format_id
from auditpanel.logs.models import LogContent
from auditpanel.logs.queries import get_log
from auditpanel.logs.values import LogRecord
from tests.accounts.visitor import Visitor, log_in, settings_url
from tests.factories import PASSWORD, make_key, make_member, make_project, make_superuser, make_user
from tests.logs.making import find


def records(session: Session, scope: ProjectScope, **params: str) -> list[LogRecord]:
    session.expire_all()
    return [get_log(session, scope, line.key.id) for line in find(session, scope, **params).lines]


@pytest.fixture
def project(session: Session) -> Project:
    return make_project(session)


def scope_of(project: Project) -> ProjectScope:
    return scope_of_project(project, Role.ADMIN)


def test_a_page_of_a_project_is_in_its_history_without_what_it_showed(app: Flask, session: Session, project: Project) -> None:
    member = make_member(session, project)
    visitor = log_in(app, session, member)
    answer = visitor.get(f"/projects/{format_id(Prefix.PROJECT, project.id)}/logs/?range=all")
    (record,) = records(session, scope_of(project))
    line = record.line
    assert (line.origin, line.user, line.method, line.status_code) == ("DASHBOARD", member.email, "GET", 200)
    assert line.route == "GET /projects/{project_id}/logs/"
    assert line.request_id == answer.headers["X-Request-Id"]
    assert record.query == "range=all"
    assert record.response.body is None
    assert "[redacted" in dict(record.request.headers)["Cookie"]


def test_the_token_of_a_new_key_is_in_no_log(app: Flask, session: Session, project: Project) -> None:
    admin = log_in(app, session, make_member(session, project, role=Role.ADMIN))
    page = admin.post(settings_url(project, "keys"), name="shop", origin="API").text
    (record,) = records(session, scope_of(project), method="POST")
    assert "name=shop" in (record.request.body or "")
    stored = session.scalars(select(LogContent).where(LogContent.project_id == project.id)).all()
    kept = " ".join(f"{each.request_body} {each.response_body} {each.response_headers}" for each in stored)
    assert not [word for word in page.split('"') if len(word) > 40 and word in kept]


def test_a_page_that_is_refused_is_recorded_too(app: Flask, session: Session, project: Project) -> None:
    viewer = log_in(app, session, make_member(session, project))
    viewer.get(settings_url(project))
    assert [record.line.status_code for record in records(session, scope_of(project), path_contains="/settings")] == [403]


def test_waiting_for_the_first_call_is_not_recorded(app: Flask, session: Session, project: Project) -> None:
    visitor = log_in(app, session, make_member(session, project))
    visitor.get(f"/projects/{format_id(Prefix.PROJECT, project.id)}/logs/first-call")
    assert records(session, scope_of(project)) == []
    assert records(session, scope_of_panel(session), path_contains=format_id(Prefix.PROJECT, project.id)) == []


def test_logins_and_administration_are_the_panels_own_history(app: Flask, session: Session) -> None:
    panel = scope_of_panel(session)
    root = make_superuser(session)
    visitor = log_in(app, session, root)
    other = make_user(session)
    session.commit()
    visitor.post(f"/administration/users/{other.id}/deactivate", page="/account")
    (record,) = records(session, panel, user=root.email, path_contains=f"/administration/users/{other.id}/")
    assert (record.line.origin, record.line.status_code) == ("DASHBOARD", 302)
    assert record.line.key.id


def test_a_try_to_log_in_is_recorded_without_the_password(app: Flask, session: Session) -> None:
    user = make_user(session)
    session.commit()
    Visitor(app).try_password(user.email, "a wrong password")
    panel = scope_of_panel(session)
    found = records(session, panel, request_text=user.email.partition("@")[0], path_contains="/login")
    assert [record.line.status_code for record in found] == [401]
    assert "wrong" not in (found[0].request.body or "")


def test_the_own_password_is_in_no_log(app: Flask, session: Session) -> None:
    user = make_user(session)
    visitor = log_in(app, session, user)
    visitor.post("/account", current_password=PASSWORD, password="another good one")
    (record,) = records(session, scope_of_panel(session), user=user.email, method="POST", path_contains="/account")
    body = record.request.body or ""
    assert body.count("[redacted") == 3, body
    assert "another" not in body


def test_a_try_to_get_into_a_foreign_project_is_the_panels_history(app: Flask, session: Session, project: Project) -> None:
    stranger = make_user(session)
    visitor = log_in(app, session, stranger)
    visitor.get(settings_url(project))
    assert records(session, scope_of(project)) == []
    assert [record.line.status_code for record in records(session, scope_of_panel(session), user=stranger.email, status="404")] == [404]


def test_the_panels_history_is_open_to_superusers_only(app: Flask, session: Session, project: Project) -> None:
    url = f"/projects/{format_id(Prefix.PROJECT, PANEL_PROJECT_ID)}/logs/"
    assert log_in(app, session, make_member(session, project, role=Role.ADMIN)).get(url).status_code == 404
    assert log_in(app, session, make_superuser(session)).get(url).status_code == 200


def test_the_content_of_an_uploaded_file_is_in_no_log(app: Flask, session: Session, project: Project) -> None:
    key = make_key(session, project)
    session.commit()
    rows = b"Code,Voucher Type,api_token\nA1,DISCOUNT_VOUCHER,tok-in-a-column\n"
    app.test_client().post(
        "/v1/vouchers/importCSV",
        headers={"X-App-Id": key.app_id, "X-App-Token": key.app_token},
        data={"file": (io.BytesIO(rows), "codes.csv")},
    )
    (record,) = records(session, scope_of(project), path_contains="/importCSV")
    assert 'filename="codes.csv"' in (record.request.body or "")
    assert "[a file, not kept in the log]" in (record.request.body or "")
    assert "tok-in-a-column" not in repr(record)
