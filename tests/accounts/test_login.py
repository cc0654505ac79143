from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from flask import Flask
from itsdangerous import base64_decode
from sqlalchemy import select
from sqlalchemy.orm import Session

from auditpanel.accounts.models import LoginSession
from auditpanel.errors import TooManyRequests
from auditpanel.panel.throttle import LoginThrottle, shared_storage
from tests.accounts.visitor import Visitor, log_in
from tests.factories import PASSWORD, make_user

MISMATCH = "Email and password do not match."


def test_a_login_leads_to_the_page_that_was_asked_for(app: Flask, session: Session) -> None:
    user = make_user(session)
    session.commit()
    visitor = Visitor(app)
    sent_away = visitor.get("/account")
    assert sent_away.status_code == 302
    answer = visitor.try_password(user.email.upper(), PASSWORD, url=sent_away.location)
    assert (answer.status_code, answer.location) == (302, "/account")
    assert visitor.get("/account").status_code == 200


def test_the_filters_of_a_list_are_there_after_the_login(app: Flask) -> None:
    sent_away = app.test_client().get("/account?path=/v1/%C5%81%C3%B3d%C5%BA&match=any")
    query = parse_qs(urlsplit(sent_away.location).query)
    assert query == {"next": ["/account?path=/v1/%C5%81%C3%B3d%C5%BA&match=any"]}


def test_what_a_form_is_sent_to_is_no_page_for_after_the_login(app: Flask, session: Session) -> None:
    visitor = Visitor(app)
    sent_away = visitor.post("/account/log-out-everywhere", page="/login")
    assert (sent_away.status_code, sent_away.location) == (302, "/login")


def test_a_login_with_a_foreign_next_leads_to_the_start_page(app: Flask, session: Session) -> None:
    user = make_user(session)
    session.commit()
    answer = Visitor(app).try_password(user.email, PASSWORD, url="/login?next=//evil.example/")
    assert (answer.status_code, answer.location) == (302, "/")


def test_who_is_logged_in_is_not_asked_again(app: Flask, session: Session) -> None:
    answer = log_in(app, session, make_user(session)).get("/login?next=https://evil.example")
    assert (answer.status_code, answer.location) == (302, "/")


def test_a_wrong_password_and_an_unknown_email_get_the_same_words(app: Flask, session: Session) -> None:
    user = make_user(session)
    session.commit()
    pages = [Visitor(app).try_password(email, "wrong password") for email in (user.email, "nobody@example.com")]
    assert [page.status_code for page in pages] == [401, 401]
    for page in pages:
        assert MISMATCH in page.text
        assert "more tries, then a pause of 15 minutes." in page.text
        assert "wrong password" not in page.text


def test_a_form_without_its_token_is_refused(app: Flask, session: Session) -> None:
    user = make_user(session)
    session.commit()
    client = app.test_client()
    for url in ("/login", "/logout"):
        assert client.post(url, data={"email": user.email, "password": PASSWORD}).status_code == 400


def test_the_sixth_try_within_15_minutes_waits_even_with_the_right_password(app: Flask, session: Session) -> None:
    user = make_user(session)
    session.commit()
    words = []
    for _ in range(5):
        page = Visitor(app).try_password(user.email, "wrong password")
        assert page.status_code == 401
        words.append(re.findall(r"(\d+ more tr\w+, then|Try again in 15 minutes)", page.text))
    assert words == [
        ["4 more tries, then"],
        ["3 more tries, then"],
        ["2 more tries, then"],
        ["1 more try, then"],
        ["Try again in 15 minutes"],
    ]

    paused = Visitor(app).try_password(user.email, PASSWORD)
    assert paused.status_code == 429
    assert 14 * 60 < int(paused.headers["Retry-After"]) <= 15 * 60
    assert "Too many tries." in paused.text
    assert "Try again in 15 minutes." in paused.text


def test_after_the_pause_the_account_can_log_in(app: Flask, session: Session) -> None:
    user = make_user(session)
    session.commit()
    for _ in range(5):
        Visitor(app).try_password(user.email, "wrong password")
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16)):
        assert Visitor(app).try_password(user.email, PASSWORD).status_code == 302


def test_a_success_gives_the_account_its_tries_back(app: Flask, session: Session) -> None:
    user = make_user(session)
    session.commit()
    for password in ["wrong password"] * 4 + [PASSWORD] + ["wrong password"] * 4:
        Visitor(app).try_password(user.email, password)
    assert Visitor(app).try_password(user.email, PASSWORD).status_code == 302


def test_an_address_that_guesses_at_many_accounts_waits(app: Flask, session: Session) -> None:
    user = make_user(session)
    session.commit()
    visitor = Visitor(app)
    for number in range(20):
        assert visitor.try_password(f"guess-{number}-{user.email}", "wrong password").status_code == 401
    assert visitor.try_password(user.email, PASSWORD).status_code == 429
    assert Visitor(app).try_password(user.email, PASSWORD).status_code == 302, "others are let in"


def test_addresses_of_one_ipv6_network_count_as_one(app: Flask) -> None:
    throttle = _throttle(app)
    for number in range(20):
        throttle.record_failure(f"2001:db8:77:1::{number:x}")
    with pytest.raises(TooManyRequests):
        throttle.take_try("somebody@example.com", "2001:db8:77:1:ffff::1")
    throttle.take_try("somebody@example.com", "2001:db8:77:2::1")


def test_many_tries_at_once_are_not_more_than_allowed(app: Flask) -> None:
    throttle = _throttle(app)

    def is_allowed(_: int) -> bool:
        try:
            throttle.take_try("at-once@example.com", "192.0.2.1")
        except TooManyRequests:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(is_allowed, range(40))) == 5


def test_without_redis_the_process_counts_by_itself() -> None:
    throttle = LoginThrottle(shared_storage("redis://127.0.0.1:1/0"))
    assert [throttle.take_try("alone@example.com", "192.0.2.1") for _ in range(5)] == [4, 3, 2, 1, 0]
    with pytest.raises(TooManyRequests):
        throttle.take_try("alone@example.com", "192.0.2.1")
    throttle.record_success("alone@example.com")
    assert throttle.take_try("alone@example.com", "192.0.2.1") == 4


def test_a_login_takes_over_nothing_of_the_session_before(app: Flask, session: Session) -> None:
    user = make_user(session)
    session.commit()
    visitor = Visitor(app)
    with visitor.client.session_transaction() as planted:
        planted["planted"] = "by somebody else"
    token = visitor.form_token("/login")
    before = visitor.session_cookie()
    assert visitor.client.post("/login", data={"csrf_token": token, "email": user.email, "password": PASSWORD}).status_code == 302
    with visitor.client.session_transaction() as kept:
        assert "planted" not in kept
        assert kept.get("csrf_token") is None, "the token of forms is a new one too"
    assert visitor.session_cookie() != before


def test_logging_out_ends_the_session_for_a_kept_cookie_too(app: Flask, session: Session) -> None:
    visitor = log_in(app, session, make_user(session))
    kept = visitor.session_cookie()
    answer = visitor.post("/logout", page="/account")
    assert (answer.status_code, answer.location) == (302, "/login")
    assert visitor.get("/account").status_code == 302
    thief = app.test_client()
    thief.set_cookie("auditpanel", kept)
    assert thief.get("/account").status_code == 302


def test_logging_out_takes_a_post(app: Flask, session: Session) -> None:
    visitor = log_in(app, session, make_user(session))
    assert visitor.get("/logout").status_code == 405
    assert visitor.get("/account").status_code == 200


def test_the_cookie_holds_a_token_of_which_the_database_has_only_the_hash(app: Flask, session: Session) -> None:
    user = make_user(session)
    visitor = log_in(app, session, user)
    with visitor.client.session_transaction() as cookie:
        token = cookie["_user_id"]
    row = session.scalars(select(LoginSession).where(LoginSession.user_id == user.id)).one()
    assert token.encode() != row.token_hash
    assert str(user.id) not in base64_decode(visitor.session_cookie().lstrip(".").split(".")[0]).decode(errors="replace")


def test_the_cookie_is_kept_from_scripts_and_other_sites(app: Flask, session: Session) -> None:
    user = make_user(session)
    session.commit()
    answer = Visitor(app).try_password(user.email, PASSWORD)
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


def test_a_changed_password_ends_the_other_logins(app: Flask, session: Session) -> None:
    user = make_user(session)
    here, elsewhere = log_in(app, session, user), log_in(app, session, user)
    wrong = here.post("/account", current_password="not my password", password="another good password")
    assert wrong.status_code == 400 and "This is not your password." in wrong.text
    assert here.post("/account", current_password=PASSWORD, password="short").status_code == 400
    assert here.post("/account", current_password=PASSWORD, password="another good password").status_code == 302
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 302
    assert Visitor(app).try_password(user.email, "another good password").status_code == 302


def test_logging_out_everywhere_ends_every_login(app: Flask, session: Session) -> None:
    user = make_user(session)
    here, elsewhere = log_in(app, session, user), log_in(app, session, user)
    assert here.post("/account/log-out-everywhere", page="/account").status_code == 302
    assert [visitor.get("/account").status_code for visitor in (here, elsewhere)] == [302, 302]


def _throttle(app: Flask) -> LoginThrottle:
    with app.app_context():
        return LoginThrottle(shared_storage(app.config["REDIS_URL"]))
