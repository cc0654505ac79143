from __future__ import annotations

import time

import pytest
from argon2 import PasswordHasher
from sqlalchemy.orm import Session

from auditpanel.accounts.passwords import hash_password, needs_rehash, password_matches
from auditpanel.accounts.users import find_by_password
from auditpanel.errors import InvalidInput
from tests.factories import PASSWORD, make_user


def test_a_hash_matches_its_password_and_no_other() -> None:
    password_hash = hash_password(PASSWORD)
    assert password_matches(password_hash, PASSWORD)
    assert not password_matches(password_hash, PASSWORD + " ")
    assert PASSWORD not in password_hash


@pytest.mark.parametrize("password", ["", "1234567", "x" * 257])
def test_a_password_out_of_range_is_refused_with_the_range(password: str) -> None:
    with pytest.raises(InvalidInput, match="password: a password takes 8 to 256 characters"):
        hash_password(password)


@pytest.mark.parametrize("password", ["12345678", "x" * 256])
def test_passwords_at_both_ends_of_the_range_work(password: str) -> None:
    assert password_matches(hash_password(password), password)


def test_an_accent_typed_as_one_character_or_two_is_the_same_password() -> None:
    assert password_matches(hash_password("caf\u00e9 caf\u00e9 caf\u00e9"), "cafe\u0301 cafe\u0301 cafe\u0301")


def test_a_password_that_is_no_text_is_refused_and_matches_nothing() -> None:
    with pytest.raises(InvalidInput, match="not valid text"):
        hash_password("\udcff" * 12)
    assert not password_matches(hash_password(PASSWORD), "\udcff" * 12)


def test_a_longer_password_does_not_match_by_its_first_256_characters() -> None:
    assert not password_matches(hash_password("x" * 256), "x" * 300)


def test_an_unknown_user_takes_as_long_as_a_wrong_password(session: Session) -> None:
    user = make_user(session)
    find_by_password(session, "nobody@example.com", "wrong")

    def least_seconds(email: str) -> float:
        return min(_seconds_of(session, email) for _ in range(5))

    known, unknown = least_seconds(user.email), least_seconds("nobody@example.com")
    assert unknown > known / 2


def test_a_hash_with_weaker_parameters_is_replaced_at_the_next_login(session: Session) -> None:
    user = make_user(session)
    user.password_hash = PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
    assert needs_rehash(user.password_hash)
    assert find_by_password(session, user.email, PASSWORD) is user
    assert not needs_rehash(user.password_hash)
    assert password_matches(user.password_hash, PASSWORD)


def _seconds_of(session: Session, email: str) -> float:
    start = time.perf_counter()
    find_by_password(session, email, "wrong password")
    return time.perf_counter() - start
