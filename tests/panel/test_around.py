"""Who reads a page, and what stands around it."""

from __future__ import annotations

import re
from datetime import timedelta

from flask import Flask
from sqlalchemy.orm import Session

from auditpanel.accounts import sessions
from auditpanel.accounts.members import add_member
from auditpanel.accounts.models import Project, Role
from auditpanel.accounts.scope import scope_of_project
from auditpanel.keyset import Count
from auditpanel.panel.around import AroundCounts, find_reader
from auditpanel.times import utc_now
from tests.accounts.visitor import log_in
from tests.factories import make_project, make_superuser, make_user
from tests.tasks.making import make_task
from tests.webhooks.sendout_making import make_sendout, make_webhook


def test_a_member_is_told_what_runs_and_failed_and_a_stranger_nothing_of_it(session: Session) -> None:
    now = utc_now()
    project = make_project(session, name="Shop")
    scope = scope_of_project(project, Role.ADMIN)
    webhook_id = make_webhook(session, scope)
    make_sendout(session, scope, webhook_id, created_at=now - timedelta(hours=1))
    make_sendout(session, scope, webhook_id, created_at=now - timedelta(hours=25))
    make_task(session, scope)
    member, stranger = make_user(session), make_user(session)
    add_member(session, project.id, member.email, Role.VIEWER)
    session.commit()
    tokens = [sessions.open_session(session, user.id, now) for user in (member, stranger)]
    (entry, around), (outside, nothing) = (found for token in tokens if (found := find_reader(session, token, now, project.id)))
    assert entry.project is not None and entry.project.role is Role.VIEWER
    assert around.projects == ((scope.id, "Shop"),)
    assert around.counts == AroundCounts(1, 0, Count(1, is_exact=True))
    assert outside.project is None
    assert nothing.projects == ()
    assert nothing.counts == AroundCounts(0, 0, Count(0, is_exact=True))
    assert find_reader(session, "no token", now, project.id) is None


def test_the_projects_of_a_superuser_are_all_of_them_by_name_in_any_case(session: Session) -> None:
    names = ["beta", "Alpha", "gamma"]
    for name in names:
        make_project(session, name=name)
    user = make_superuser(session)
    session.commit()
    found = find_reader(session, sessions.open_session(session, user.id, utc_now()), utc_now(), None)
    assert found is not None
    told = [name for _, name in found[1].projects]
    assert [name for name in told if name in names] == ["Alpha", "beta", "gamma"]
    assert told == sorted(told, key=str.lower)


def test_the_side_of_a_page_is_each_readers_own_and_never_an_old_one(app: Flask, session: Session) -> None:
    project = make_project(session, name="Before")
    admin, viewer = make_user(session), make_user(session)
    admin.name, viewer.name = "Ada Admin", "Vera Viewer"
    for user, role in ((admin, Role.ADMIN), (viewer, Role.VIEWER)):
        add_member(session, project.id, user.email, role)
    session.commit()
    scope = scope_of_project(project, Role.ADMIN)
    url = f"/projects/{scope.id}/logs/"
    ada, vera = log_in(app, session, admin), log_in(app, session, viewer)
    for _ in range(2):
        page, other = ada.get(url).text, vera.get(url).text
        assert "Ada Admin" in page and f"/projects/{scope.id}/settings/" in page and "Vera" not in page
        assert "Vera Viewer" in other and f"/projects/{scope.id}/settings/" not in other and "Ada" not in other
        assert _shown(page) == "Logs"
        assert _shown(ada.get(f"/projects/{scope.id}/background-tasks/").text) == "Background tasks"
    session.get_one(Project, project.id).name = "After"
    make_task(session, scope)
    session.commit()
    page = ada.get(url).text
    assert "Before" not in page and "After" in page
    assert "1 not ended yet" in page


def test_the_links_of_a_panel_below_a_path_lead_there(app: Flask, session: Session) -> None:
    project = make_project(session)
    visitor = log_in(app, session, make_superuser(session))
    url = f"/projects/{scope_of_project(project, Role.ADMIN).id}/logs/"
    for root in ("", "/audit", ""):
        page = visitor.client.get(url, base_url=f"http://localhost{root}").text
        side = re.findall(r'class="(?:side-link|menu-item)" href="([^"]+)"', page)
        assert f"{root}{url}" in side
        assert all(link.startswith((f"{root}/projects/", f"{root}/administration/", f"{root}/account")) for link in side)


def _shown(page: str) -> str:
    """Where the navigation says that the reader is."""
    found = re.search(r'class="side-link"[^>]*aria-current="page"><svg.*?</svg>([^<]+)', page)
    assert found is not None
    return found[1]
