"""Download tokens are of one project, one export and one holder, for a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session

from auditpanel.accounts.keys import revoke_key
from auditpanel.accounts.models import Membership, Project, Role
from auditpanel.errors import NotFound, Unauthorized
from auditpanel.exports.tokens import CLIENT_LIFE, MEMBER_LIFE, Download, Tokens, scope_of_download
from tests.factories import make_key, make_member, make_project

NOW = datetime(2026, 11, 24, 15, 42, 8, tzinfo=UTC)
TOKENS = Tokens("of the tests")


def a_download(*, user_id: UUID | None = None, key_id: UUID | None = None) -> Download:
    return Download(uuid4(), uuid4(), user_id=user_id, key_id=key_id)


@pytest.mark.parametrize(
    ("download", "life"), [(a_download(user_id=uuid4()), MEMBER_LIFE), (a_download(key_id=uuid4()), CLIENT_LIFE)], ids=["member", "client"]
)
def test_a_token_is_read_back_until_its_time_is_over(download: Download, life: timedelta) -> None:
    token = TOKENS.sign(download, NOW)
    assert TOKENS.read(token, download.export_id, NOW + life - timedelta(seconds=1)) == download
    with pytest.raises(NotFound, match="its time is over"):
        TOKENS.read(token, download.export_id, NOW + life)


def test_a_token_is_not_for_another_export() -> None:
    token = TOKENS.sign(a_download(user_id=uuid4()), NOW)
    with pytest.raises(NotFound, match="not for this export"):
        TOKENS.read(token, uuid4(), NOW)


def test_a_token_that_was_changed_or_signed_by_others_is_none() -> None:
    download = a_download(user_id=uuid4())
    token = TOKENS.sign(download, NOW)
    for tried in ("", "a", ".", token[:-1], token[1:], token + "a", Tokens("another").sign(download, NOW), "\x00" * 50, "ż.ż"):
        with pytest.raises(NotFound):
            TOKENS.read(tried, download.export_id, NOW)


def test_a_download_has_one_holder() -> None:
    for given in ({}, {"user_id": uuid4(), "key_id": uuid4()}):
        with pytest.raises(ValueError, match="a user or to a key"):
            a_download(**given)


@pytest.fixture
def project(session: Session) -> Project:
    return make_project(session)


def test_a_member_who_has_left_has_no_use_of_a_token(session: Session, project: Project) -> None:
    user = make_member(session, project, role=Role.VIEWER)
    download = Download(project.id, uuid4(), user_id=user.id)
    assert (scope_of_download(session, download).project_id, scope_of_download(session, download).role) == (project.id, Role.VIEWER)
    session.execute(delete(Membership).where(Membership.user_id == user.id))
    with pytest.raises(NotFound):
        scope_of_download(session, download)


def test_a_user_who_may_not_log_in_any_more_has_no_use_of_a_token(session: Session, project: Project) -> None:
    user = make_member(session, project)
    user.is_active = False
    for user_id in (user.id, uuid4()):
        with pytest.raises(NotFound):
            scope_of_download(session, Download(project.id, uuid4(), user_id=user_id))


def test_a_revoked_key_has_no_use_of_a_token(session: Session, project: Project) -> None:
    key_id = UUID(make_key(session, project, name="shop").app_id)
    download = Download(project.id, uuid4(), key_id=key_id)
    scope = scope_of_download(session, download)
    assert (scope.project_id, scope.caller.api_key) == (project.id, "shop")
    with pytest.raises(Unauthorized):
        scope_of_download(session, Download(make_project(session).id, uuid4(), key_id=key_id))
    revoke_key(session, project.id, key_id, NOW)
    with pytest.raises(Unauthorized, match="is revoked"):
        scope_of_download(session, download)
