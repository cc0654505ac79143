from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from auditpanel.accounts import sessions, users
from auditpanel.accounts.models import LoginSession, User
from auditpanel.accounts.scope import Entrance
from auditpanel.accounts.users import Kind
from auditpanel.errors import Conflict, InvalidInput
from tests.factories import PASSWORD, make_superuser, make_user

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def user_of(session: Session, token: str, now: datetime) -> User | None:
    entry = Entrance().find(session, token, now, project_id=None)
    return session.get_one(User, entry.user_id) if entry else None


def test_an_email_is_kept_in_lower_case_and_found_in_any(session: Session) -> None:
    user = users.create_user(session, " Nina.Kowalska@Acme.Example ", PASSWORD)
    assert user.email == "nina.kowalska@acme.example"
    assert user.name == "nina.kowalska"
    assert users.find_by_email(session, "NINA.kowalska@acme.example") is user


def test_the_same_email_is_taken_once_whatever_its_case(session: Session) -> None:
    users.create_user(session, "tom@acme.example", PASSWORD)
    with pytest.raises(InvalidInput, match="there is a user tom@acme.example already") as refused:
        users.create_user(session, "TOM@acme.example", PASSWORD)
    assert refused.value.field == "email"
    assert users.find_by_email(session, "tom@acme.example") is not None, "the transaction goes on after a refusal"


@pytest.mark.parametrize("email", ["", "nina", "@acme", "nina@", "a b@acme", "a@b@c", "a\x00@b.c", "x" * 251 + "@b.c"])
def test_what_can_be_no_address_is_refused(session: Session, email: str) -> None:
    with pytest.raises(InvalidInput, match="is not an email address; write one like") as refused:
        users.create_user(session, email, PASSWORD)
    assert refused.value.field == "email"
    assert users.find_by_email(session, email) is None


def test_an_address_without_a_dot_will_do(session: Session) -> None:
    assert users.create_user(session, "root@localhost", PASSWORD).email == "root@localhost"


def test_a_new_password_ends_every_session(session: Session) -> None:
    user = make_user(session)
    tokens = [sessions.open_session(session, user.id, NOW) for _ in range(2)]
    users.set_password(session, user, "another good password")
    assert [user_of(session, token, NOW) for token in tokens] == [None, None]
    assert users.find_by_password(session, user.email, PASSWORD) is None
    assert users.find_by_password(session, user.email, "another good password") is user


def test_changing_ones_own_password_keeps_the_session_it_is_done_in(session: Session) -> None:
    user = make_user(session)
    here, elsewhere = (sessions.open_session(session, user.id, NOW) for _ in range(2))
    users.change_own_password(session, user, PASSWORD, "another good password", token=here)
    assert user_of(session, here, NOW) is user
    assert user_of(session, elsewhere, NOW) is None


def test_changing_ones_own_password_takes_the_old_one(session: Session) -> None:
    user = make_user(session)
    with pytest.raises(InvalidInput, match="current_password: this is not your password"):
        users.change_own_password(session, user, "a wrong password", "another good password", token="")


def test_a_deactivated_user_is_out_at_once_and_can_be_let_in_again(session: Session) -> None:
    make_superuser(session)
    user = make_user(session)
    token = sessions.open_session(session, user.id, NOW)
    users.deactivate(session, user)
    assert user_of(session, token, NOW) is None
    assert users.find_by_password(session, user.email, PASSWORD) is None
    users.activate(session, user)
    assert users.find_by_password(session, user.email, PASSWORD) is user
    assert user_of(session, token, NOW) is None, "the old session stays closed"


def test_the_last_superuser_can_neither_go_nor_be_demoted(session: Session) -> None:
    session.execute(update(User).values(is_superuser=False))
    last = make_superuser(session)
    with pytest.raises(Conflict, match="the only active superuser"):
        users.deactivate(session, last)
    with pytest.raises(Conflict, match="the only active superuser"):
        users.change_user(session, last, email=last.email, name=last.name, kind=Kind.USER)
    make_superuser(session)
    users.deactivate(session, last)
    assert not last.is_active


def test_a_changed_email_must_not_be_another_users(session: Session) -> None:
    make_superuser(session)
    user, other = make_user(session), make_user(session)
    users.change_user(session, user, email=user.email.upper(), name="Nina", kind=Kind.USER)
    with pytest.raises(InvalidInput, match=f"there is another user {other.email}"):
        users.change_user(session, user, email=other.email, name="Nina", kind=Kind.USER)


def test_only_the_hash_of_a_sessions_token_is_stored(session: Session) -> None:
    user = make_user(session)
    token = sessions.open_session(session, user.id, NOW)
    row = session.scalars(select(LoginSession).where(LoginSession.user_id == user.id)).one()
    assert token.encode() not in row.token_hash
    assert len(row.token_hash) == 32
    assert len(token) >= 43, "256 bits in base64"


def test_a_session_ends_14_days_after_the_login_however_much_it_is_used(session: Session) -> None:
    user = make_user(session)
    token = sessions.open_session(session, user.id, NOW)
    end = NOW + timedelta(days=14)
    assert user_of(session, token, end - timedelta(microseconds=1)) is user
    assert user_of(session, token, end) is None


def test_a_login_clears_away_the_users_sessions_that_have_run_out(session: Session) -> None:
    user = make_user(session)
    sessions.open_session(session, user.id, NOW)
    sessions.open_session(session, user.id, NOW + timedelta(days=15))
    assert len(session.scalars(select(LoginSession).where(LoginSession.user_id == user.id)).all()) == 1


def test_closing_one_session_leaves_the_others(session: Session) -> None:
    user = make_user(session)
    one, other = (sessions.open_session(session, user.id, NOW) for _ in range(2))
    sessions.close_session(session, one)
    assert user_of(session, one, NOW) is None
    assert user_of(session, other, NOW) is user
