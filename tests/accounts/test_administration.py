from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, Role
from auditpanel.accounts.users import find_by_email, find_by_password
from tests.accounts.visitor import Visitor, log_in
from tests.factories import PASSWORD, make_member, make_project, make_superuser, make_user

USERS = "/administration/users/"
PROJECTS = "/administration/projects/"


@pytest.mark.parametrize("url", [USERS, f"{USERS}new", PROJECTS, f"{PROJECTS}new"])
def test_administration_is_for_superusers(app: Flask, session: Session, url: str) -> None:
    admin = make_member(session, make_project(session), role=Role.ADMIN)
    assert log_in(app, session, make_superuser(session)).get(url).status_code == 200
    assert log_in(app, session, admin).get(url).status_code == 403
    assert app.test_client().get(url).status_code == 302


def test_who_is_no_superuser_changes_no_user(app: Flask, session: Session) -> None:
    user, visitor = make_user(session), log_in(app, session, make_user(session))
    for url in ("new", f"{user.id}/", f"{user.id}/password", f"{user.id}/deactivate", f"{user.id}/activate"):
        answer = visitor.post(USERS + url, page="/account", email="x@example.com", name="x", password="another good password")
        assert answer.status_code == 403
    session.rollback()
    assert find_by_password(session, user.email, PASSWORD) is not None


def test_a_superuser_makes_a_user_who_can_log_in(app: Flask, session: Session) -> None:
    visitor = log_in(app, session, make_superuser(session))
    email = f"new-{make_user(session).id.hex}@example.com"
    assert visitor.post(f"{USERS}new", email=email.upper(), name="", password="a good password").status_code == 302
    assert email in visitor.get(USERS).text
    again = visitor.post(f"{USERS}new", email=email, name="", password="a good password")
    assert again.status_code == 400 and f"There is a user {email} already" in again.text
    assert "a good password" not in again.text
    assert Visitor(app).try_password(email, "a good password").status_code == 302
    user = find_by_email(session, email)
    assert user is not None and not user.is_superuser


def test_a_user_is_edited_and_made_a_superuser(app: Flask, session: Session) -> None:
    user = make_user(session)
    visitor = log_in(app, session, make_superuser(session))
    assert visitor.post(f"{USERS}{user.id}/", email=user.email, name="Nina K.", superuser="y").status_code == 302
    session.refresh(user)
    assert (user.name, user.is_superuser) == ("Nina K.", True)
    assert visitor.post(f"{USERS}{user.id}/", email="nina", name="Nina").status_code == 400


def test_a_superuser_who_gives_it_up_is_led_away(app: Flask, session: Session) -> None:
    make_superuser(session)
    me = make_superuser(session)
    visitor = log_in(app, session, me)
    answer = visitor.post(f"{USERS}{me.id}/", email=me.email, name=me.name)
    assert (answer.status_code, answer.location) == (302, "/")
    assert visitor.get(USERS).status_code == 403


def test_a_reset_password_logs_the_user_out_everywhere(app: Flask, session: Session) -> None:
    user = make_user(session)
    theirs, visitor = log_in(app, session, user), log_in(app, session, make_superuser(session))
    page = f"{USERS}{user.id}/"
    short = visitor.post(f"{page}password", page=page, password="short")
    assert short.status_code == 400 and "A password takes 8 to 256 characters; this one has 5." in short.text
    assert visitor.post(f"{page}password", page=page, password="another good password").status_code == 302
    assert theirs.get("/account").status_code == 302
    assert Visitor(app).try_password(user.email, "another good password").status_code == 302


def test_a_deactivated_user_is_out_until_activated(app: Flask, session: Session) -> None:
    user = make_user(session)
    theirs, visitor = log_in(app, session, user), log_in(app, session, make_superuser(session))
    page = f"{USERS}{user.id}/"
    assert visitor.post(f"{page}deactivate", page=page).status_code == 302
    assert theirs.get("/account").status_code == 302
    refused = Visitor(app).try_password(user.email, PASSWORD)
    assert refused.status_code == 401 and "Email and password do not match." in refused.text
    assert visitor.post(f"{page}activate", page=page).status_code == 302
    assert Visitor(app).try_password(user.email, PASSWORD).status_code == 302


def test_an_unknown_user_is_not_found(app: Flask, session: Session) -> None:
    visitor = log_in(app, session, make_superuser(session))
    for text in ("01990000-0000-7000-8000-000000000000", "nobody"):
        assert visitor.get(f"{USERS}{text}/").status_code == 404


def test_a_superuser_makes_a_project(app: Flask, session: Session) -> None:
    visitor = log_in(app, session, make_superuser(session))
    assert visitor.post(f"{PROJECTS}new", name="Shop of Łódź", time_zone="Europe/Warsaw").status_code == 302
    assert session.scalars(select(Project).where(Project.name == "Shop of Łódź")).first() is not None
    assert "Shop of Łódź" in visitor.get(PROJECTS).text
    wrong = visitor.post(f"{PROJECTS}new", name="Shop", time_zone="CEST")
    assert wrong.status_code == 400 and "is not a time zone" in wrong.text
