from __future__ import annotations

import re
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from auditpanel.accounts import members
from auditpanel.accounts.models import ApiKey, Project, Role
from auditpanel.accounts.scope import scope_of_key, scope_of_project
from auditpanel.exports.layouts import checked_layout
from auditpanel.exports.schedules import NewSchedule, create_schedule, get_schedule
from auditpanel.exports.subjects import SUBJECTS
from auditpanel.exports.timing import Timing
from auditpanel.exports.values import Exported, Period
from auditpanel.times import utc_now
from tests.accounts.visitor import Visitor, log_in, settings_url
from tests.factories import make_key, make_member, make_project, make_superuser, make_user

PAGES = ("", "members", "keys")


@pytest.mark.parametrize("page", PAGES)
def test_settings_are_for_admins_and_strangers_see_nothing(app: Flask, session: Session, page: str) -> None:
    project = make_project(session)
    admin, operator, viewer = (make_member(session, project, role=role) for role in (Role.ADMIN, Role.OPERATOR, Role.VIEWER))
    visitors = [log_in(app, session, user) for user in (admin, make_superuser(session), operator, viewer, make_user(session))]
    assert [visitor.get(settings_url(project, page)).status_code for visitor in visitors] == [200, 200, 403, 403, 404]
    assert app.test_client().get(settings_url(project, page)).status_code == 302


def test_what_changes_settings_is_refused_to_others(app: Flask, session: Session) -> None:
    project = make_project(session)
    member, key = make_member(session, project), make_key(session, project)
    posts = ["", "recording", "members", f"members/{member.id}/role", f"members/{member.id}/remove", "keys", f"keys/{key.app_id}/revoke"]
    viewer, stranger = log_in(app, session, make_member(session, project)), log_in(app, session, make_user(session))
    for post in posts:
        url = settings_url(project, post)
        assert viewer.post(url, page="/account", name="Mine", email="x@example.com", role="admin").status_code == 403
        assert stranger.post(url, page="/account", name="Mine", email="x@example.com", role="admin").status_code == 404
    session.expire_all()
    assert project.name == "Acme Shop"
    assert scope_of_key(session, key.app_id, key.app_token)


def test_an_admin_of_one_project_reaches_nothing_of_another(app: Flask, session: Session) -> None:
    mine, other = make_project(session), make_project(session)
    visitor = log_in(app, session, make_member(session, mine, role=Role.ADMIN))
    stranger, key = make_member(session, other), make_key(session, other)
    session.commit()
    for post in (f"members/{stranger.id}/role", f"members/{stranger.id}/remove", f"keys/{key.app_id}/revoke"):
        assert visitor.post(settings_url(mine, post), page=settings_url(mine), role="admin").status_code == 404
    assert scope_of_key(session, key.app_id, key.app_token)


def test_an_admin_changes_name_and_zone(app: Flask, session: Session) -> None:
    project, visitor = _administered(app, session)
    assert visitor.post(settings_url(project), name="Acme Store", time_zone="America/New_York").status_code == 302
    assert "Saved." in visitor.get(settings_url(project)).text
    session.refresh(project)
    assert (project.name, project.time_zone) == ("Acme Store", "America/New_York")


def test_scheduled_exports_follow_the_zone_of_their_project(app: Flask, session: Session) -> None:
    project, visitor = _administered(app, session)
    subject, scope = SUBJECTS[Exported.LOG], scope_of_project(project, Role.ADMIN)
    new = NewSchedule("Calls", Exported.LOG, subject.read_filters([]), checked_layout(subject), Timing(Period.DAILY, 6), keep_days=14)
    schedule_id = create_schedule(session, scope, new, by="nina@example.com", now=utc_now())
    session.commit()
    visitor.post(settings_url(project), name="Acme Store", time_zone="America/New_York")
    session.expire_all()
    due = get_schedule(session, scope, schedule_id).next_run_at
    assert due.astimezone(ZoneInfo("America/New_York")).hour == 6 and due > utc_now()


def test_a_refused_field_keeps_what_was_typed_and_says_what_would_be_right(app: Flask, session: Session) -> None:
    project, visitor = _administered(app, session)
    page = visitor.post(settings_url(project), name="Acme Store", time_zone="Warsaw")
    assert page.status_code == 400
    assert 'value="Warsaw"' in page.text and 'value="Acme Store"' in page.text
    assert "write a name of the IANA database, like Europe/Warsaw or UTC." in page.text
    assert 'aria-invalid="true"' in page.text
    session.refresh(project)
    assert project.name == "Acme Shop"


def test_redacted_places_and_the_limit_are_kept_one_path_a_line(app: Flask, session: Session) -> None:
    project, visitor = _administered(app, session)
    url, form = settings_url(project, "recording"), settings_url(project)
    assert visitor.post(url, page=form, redact_paths="customer.phone\r\n\r\n orders[*].card \r\n", body_limit_kib="32").status_code == 302
    session.refresh(project)
    assert project.redact_paths == ["customer.phone", "orders[*].card"]
    assert project.body_limit_bytes == 32 * 1024


def test_a_path_that_is_none_and_a_limit_out_of_range_are_refused(app: Flask, session: Session) -> None:
    project, visitor = _administered(app, session)
    url, form = settings_url(project, "recording"), settings_url(project)
    page = visitor.post(url, page=form, redact_paths="customer.phone\n]nonsense[", body_limit_kib="32")
    assert page.status_code == 400 and "Path 2: " in page.text
    for limit in ("0", "1025", "much", ""):
        page = visitor.post(url, page=form, redact_paths="", body_limit_kib=limit)
        assert page.status_code == 400 and "body_limit_kib-error" in page.text
    session.refresh(project)
    assert (project.redact_paths, project.body_limit_bytes) == ([], 65_536)


def test_members_are_added_changed_and_removed(app: Flask, session: Session) -> None:
    project, visitor = _administered(app, session)
    user = make_user(session)
    session.commit()
    url = settings_url(project, "members")
    assert visitor.post(url, email=user.email.upper(), role="viewer").status_code == 302
    assert user.email in visitor.get(url).text
    again = visitor.post(url, email=user.email, role="viewer")
    assert again.status_code == 400 and f"There is a member {user.email} already." in again.text
    assert visitor.post(f"{url}/{user.id}/role", page=url, role="operator").status_code == 302
    assert _role(session, project, user.id) is Role.OPERATOR
    assert visitor.post(f"{url}/{user.id}/role", page=url, role="owner").status_code == 400
    assert visitor.post(f"{url}/{user.id}/remove", page=url).status_code == 302
    assert _role(session, project, user.id) is None


def test_the_last_admin_may_go_and_is_told_what_it_means(app: Flask, session: Session) -> None:
    project = make_project(session)
    admin = make_member(session, project, role=Role.ADMIN)
    visitor = log_in(app, session, admin)
    url = settings_url(project, "members")
    assert "The project then has no admin" in visitor.get(url).text
    answer = visitor.post(f"{url}/{admin.id}/remove", page=url)
    assert (answer.status_code, answer.location) == (302, "/")
    assert "has no admin now; superusers look after it." in visitor.get("/").text
    assert visitor.get(url).status_code == 404
    assert "No admin" not in log_in(app, session, make_superuser(session)).get(url).text, "there is no member at all"


def test_a_token_is_shown_once_and_stored_as_a_hash(app: Flask, session: Session) -> None:
    project, visitor = _administered(app, session)
    url = settings_url(project, "keys")
    page = visitor.post(url, name="shopify-prod", origin="SHOPIFY")
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert "It is shown only this once" in page.text
    key = session.scalars(select(ApiKey).where(ApiKey.project_id == project.id)).one()
    token = next(text for text in re.findall(r'<span class="id">([^<]+)</span>', page.text) if text != str(key.id))
    assert scope_of_key(session, str(key.id), token).origin == "SHOPIFY"
    assert token.encode() not in key.token_hash

    listed = visitor.get(url).text
    assert "shopify-prod" in listed and str(key.id) in listed and "Shopify" in listed
    assert token not in listed


def test_a_revoked_key_stays_in_the_list_and_opens_nothing(app: Flask, session: Session) -> None:
    project, visitor = _administered(app, session)
    key = make_key(session, project, name="old-shop")
    session.commit()
    url = settings_url(project, "keys")
    assert visitor.post(f"{url}/{key.app_id}/revoke", page=url).status_code == 302
    page = visitor.get(url).text
    assert "The key old-shop is revoked" in page and "Revoked" in page
    assert app.test_client().get("/v1/logs", headers={"X-App-Id": key.app_id, "X-App-Token": key.app_token}).status_code == 401
    assert visitor.post(f"{url}/{key.app_id}/revoke", page=url).status_code == 404


def test_an_unknown_origin_and_an_empty_name_make_no_key(app: Flask, session: Session) -> None:
    project, visitor = _administered(app, session)
    url = settings_url(project, "keys")
    assert visitor.post(url, name="x", origin="FACEBOOK").status_code == 400
    assert visitor.post(url, name="  ", origin="API").status_code == 400
    assert session.scalars(select(ApiKey).where(ApiKey.project_id == project.id)).all() == []


def test_a_hostile_name_shows_as_text(app: Flask, session: Session) -> None:
    project, visitor = _administered(app, session)
    hostile = "<script>alert(1)</script>\"'>"
    visitor.post(settings_url(project, "keys"), name=hostile, origin="API")
    visitor.post(settings_url(project), name=hostile, time_zone="UTC")
    for page in PAGES:
        assert "<script>alert" not in visitor.get(settings_url(project, page)).text


def _administered(app: Flask, session: Session) -> tuple[Project, Visitor]:
    project = make_project(session)
    return project, log_in(app, session, make_member(session, project, role=Role.ADMIN))


def _role(session: Session, project: Project, user_id: UUID) -> Role | None:
    session.rollback()
    return next((member.role for member in members.list_members(session, project.id) if member.user_id == user_id), None)
