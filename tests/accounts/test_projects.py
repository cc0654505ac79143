from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from auditpanel.accounts import keys, members, projects
from auditpanel.accounts.models import ApiKey, Role
from auditpanel.accounts.scope import scope_of_key, scope_of_member
from auditpanel.errors import InvalidInput, NotFound, Unauthorized
from tests.factories import make_key, make_member, make_project, make_superuser, make_user

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_a_project_takes_an_iana_zone_only(session: Session) -> None:
    with pytest.raises(InvalidInput, match='time_zone: "Warsaw" is not a time zone; write a name of the IANA database'):
        projects.create_project(session, "Acme", "Warsaw")
    assert projects.create_project(session, "Acme", "Europe/Warsaw").time_zone == "Europe/Warsaw"


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\x07b", "a\u202eb"])
def test_a_project_has_a_name_that_can_be_seen(session: Session, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        projects.create_project(session, name, "UTC")
    assert refused.value.field == "name"


def test_the_body_limit_is_from_1_kib_to_1_mib(session: Session) -> None:
    project = make_project(session)
    assert project.body_limit_bytes == 65_536
    for limit in (1023, 1024 * 1024 + 1):
        with pytest.raises(InvalidInput, match="body_limit_bytes: write a number of bytes from 1,024 to 1,048,576"):
            projects.change_recording(session, project, redact_paths=[], body_limit_bytes=limit)
    projects.change_recording(session, project, redact_paths=["a.b", "a.b", "c"], body_limit_bytes=1024)
    assert (project.redact_paths, project.body_limit_bytes) == (["a.b", "c"], 1024)


def test_a_member_sees_their_projects_and_a_superuser_all(session: Session) -> None:
    mine, other = make_project(session), make_project(session)
    user = make_member(session, mine, role=Role.OPERATOR)
    found = members.list_projects(session, user.id, is_superuser=False)
    assert [(project.project_id, project.role) for project in found] == [(mine.id, Role.OPERATOR)]
    everything = {
        project.project_id: project.role for project in members.list_projects(session, make_superuser(session).id, is_superuser=True)
    }
    assert everything[mine.id] is everything[other.id] is Role.ADMIN


def test_a_strangers_project_is_no_different_from_none(session: Session) -> None:
    project, stranger = make_project(session), make_user(session)
    answers = []
    for project_id in (project.id, uuid4()):
        with pytest.raises(NotFound) as refused:
            scope_of_member(session, stranger, project_id)
        answers.append(str(refused.value))
    assert answers[0] == answers[1]


def test_a_member_is_added_once(session: Session) -> None:
    project, user = make_project(session), make_user(session)
    members.add_member(session, project.id, user.email.upper(), Role.VIEWER)
    with pytest.raises(InvalidInput, match=f"email: there is a member {user.email} already"):
        members.add_member(session, project.id, user.email, Role.ADMIN)
    assert [member.role for member in members.list_members(session, project.id)] == [Role.VIEWER]


def test_only_users_become_members(session: Session) -> None:
    with pytest.raises(InvalidInput, match='email: there is no user "nobody@example.com"'):
        members.add_member(session, make_project(session).id, "nobody@example.com", Role.VIEWER)


def test_a_role_changes_in_one_project_only(session: Session) -> None:
    one, other = make_project(session), make_project(session)
    user = make_member(session, one)
    members.add_member(session, other.id, user.email, Role.VIEWER)
    members.change_role(session, one.id, user.id, Role.ADMIN)
    assert [scope_of_member(session, user, project.id).role for project in (one, other)] == [Role.ADMIN, Role.VIEWER]


def test_a_removed_member_is_a_stranger_and_the_last_admin_may_go(session: Session) -> None:
    project = make_project(session)
    admin = make_member(session, project, role=Role.ADMIN)
    members.remove_member(session, project.id, admin.id)
    with pytest.raises(NotFound):
        scope_of_member(session, admin, project.id)
    assert scope_of_member(session, make_superuser(session), project.id).role is Role.ADMIN


def test_who_is_no_member_cannot_be_changed_or_removed(session: Session) -> None:
    project, stranger = make_project(session), make_user(session)
    with pytest.raises(NotFound, match="no such member"):
        members.change_role(session, project.id, stranger.id, Role.ADMIN)
    with pytest.raises(NotFound, match="no such member"):
        members.remove_member(session, project.id, stranger.id)


def test_a_keys_token_opens_its_project_and_only_its_hash_is_stored(session: Session) -> None:
    project = make_project(session)
    key = make_key(session, project)
    assert scope_of_key(session, key.app_id, key.app_token).project.project_id == project.id
    row = session.scalars(select(ApiKey).where(ApiKey.project_id == project.id)).one()
    assert key.app_token.encode() not in row.token_hash and len(row.token_hash) == 32


def test_a_wrong_token_an_unknown_key_and_a_revoked_key_get_the_same_answer(session: Session) -> None:
    project = make_project(session)
    key, revoked = make_key(session, project), make_key(session, project)
    keys.revoke_key(session, project.id, UUID(revoked.app_id), NOW)
    tries = [(key.app_id, revoked.app_token), (str(uuid4()), key.app_token), (revoked.app_id, revoked.app_token), ("x", ""), ("", "\udcff")]
    answers = set()
    for app_id, app_token in tries:
        with pytest.raises(Unauthorized) as refused:
            scope_of_key(session, app_id, app_token)
        answers.add(str(refused.value))
    assert len(answers) == 1


def test_a_key_is_revoked_in_its_own_project_only(session: Session) -> None:
    project, other = make_project(session), make_project(session)
    key = make_key(session, project)
    with pytest.raises(NotFound):
        keys.revoke_key(session, other.id, UUID(key.app_id), NOW)
    assert scope_of_key(session, key.app_id, key.app_token)
