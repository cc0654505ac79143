"""What holds for every answer and every form, walked over all the routes there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest
from flask import Flask, request
from sqlalchemy.orm import Session
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from auditpanel import create_app
from auditpanel.config import Settings
from tests.accounts.visitor import Visitor, log_in
from tests.factories import PASSWORD, make_key, make_member, make_project, make_superuser, make_user

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
MIB = 1024 * 1024
# Values for a URL's variables: of nothing that is there, save for the file.
VALUES = {"filename": "panel.css", "project_id": f"proj_{'0' * 32}", "log_id": f"log_{'0' * 32}"}
# The answer to OPTIONS is no page: it has nothing in it that a page has to have.
AS_A_FRAGMENT = {"X-Fragment": "none"}
TRACES_OF_CODE = ("Traceback", 'File "', "sqlalchemy", "psycopg", "SELECT ", "line 1:", ".py")


def calls(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """Each route with each of its methods and an address of it."""
    for rule in app.url_map.iter_rules():
        values = {name: VALUES.get(name, UUID(int=1)) for name in rule.arguments}
        built = rule.build(values, append_unknown=False)
        assert built is not None
        for method in sorted(rule.methods or ()):
            yield rule, method, built[1]


def assert_safe(answer: TestResponse, what: str) -> None:
    for name, value in HEADERS.items():
        assert answer.headers.get(name) == value, f"{what}: {name}"
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'" and policy["script-src"] == policy["style-src"] == "'self'", what
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'" and policy["form-action"] == "'self'", what
    assert "unsafe" not in answer.headers["Content-Security-Policy"], what
    assert re.fullmatch(r"[!-~]{1,128}", answer.headers["X-Request-Id"]), what
    is_file = "/static/" in answer.request.path
    assert is_file or answer.headers["Cache-Control"] == "no-store", what


def test_every_answer_has_the_security_headers(app: Flask, session: Session) -> None:
    stranger, superuser = app.test_client(), log_in(app, session, make_superuser(session)).client
    for rule, method, url in calls(app):
        for client in (stranger, superuser):
            # Without a form's token: what a POST would do is not done.
            assert_safe(client.open(url, method=method, headers=AS_A_FRAGMENT), f"{method} {rule.rule}")


@pytest.mark.parametrize(
    "url", ["/nothing", "/static/nothing.css", "/static/../wsgi.py", "/v1", "/v1/nothing", "/projects", "/login/", "//login"]
)
def test_errors_and_redirects_have_them_too(app: Flask, url: str) -> None:
    for method in ("GET", "HEAD", "POST", "DELETE", "TRACE", "PROPFIND", "CONNECT"):
        assert_safe(app.test_client().open(url, method=method, headers=AS_A_FRAGMENT), f"{method} {url}")


def test_every_post_outside_the_api_is_refused_without_the_forms_token(app: Flask, session: Session) -> None:
    project = make_project(session)
    superuser = log_in(app, session, make_superuser(session))
    walked = set()
    for rule, _, url in calls(app):
        unsafe = (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}
        if rule.rule.startswith("/v1/"):
            continue
        for method in unsafe:
            walked.add(rule.endpoint)
            url = url.replace(VALUES["project_id"], f"proj_{project.id.hex}")
            for fields in ({}, {"csrf_token": "guessed"}):
                answer = superuser.client.open(url, method=method, data=fields)
                assert answer.status_code == 400 and "The form was open for too long" in answer.text, f"{method} {rule.rule}"
    assert {"login.log_in", "login.log_out", "settings.index", "users.create"} <= walked


def test_a_forms_token_of_another_visitor_is_refused(app: Flask, session: Session) -> None:
    theirs = Visitor(app).form_token("/login")
    visitor = log_in(app, session, make_user(session))
    assert visitor.client.post("/logout", data={"csrf_token": theirs}).status_code == 400
    assert visitor.get("/account").status_code == 200


def test_the_session_cookie_is_for_tls_alone_where_the_visitor_came_with_it(settings: Settings, session: Session) -> None:
    proxied = create_app(replace(settings, behind_proxy=True))
    user = make_user(session)
    session.commit()
    for scheme, secure in (("https", True), ("http", False)):
        visitor = Visitor(proxied)
        visitor.client.environ_base |= {"HTTP_X_FORWARDED_PROTO": scheme, "HTTP_REFERER": "https://localhost/login"}
        answer = visitor.try_password(user.email, PASSWORD)
        assert answer.status_code == 302, answer.text
        attributes = answer.headers["Set-Cookie"].split("; ")
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
        assert ("Secure" in attributes) is secure
        assert ("Strict-Transport-Security" in answer.headers) is secure


def test_without_a_proxy_forwarded_headers_are_not_believed(app: Flask, session: Session) -> None:
    user = make_user(session)
    session.commit()
    visitor = Visitor(app)
    visitor.client.environ_base |= {
        "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_X_FORWARDED_FOR": "203.0.113.9",
        "HTTP_X_FORWARDED_HOST": "evil",
    }
    page = visitor.get("/login")
    assert "Secure" not in page.headers["Set-Cookie"] and "Strict-Transport-Security" not in page.headers
    assert "evil" not in page.text
    for number in range(20):
        visitor.client.environ_base["HTTP_X_FORWARDED_FOR"] = f"203.0.113.{number}"
        visitor.try_password(f"{number}-{user.email}", "wrong password")
    assert visitor.try_password(user.email, PASSWORD).status_code == 429, "another address in a header is no other address"


def test_behind_a_proxy_the_clients_address_is_the_one_that_the_proxy_saw(settings: Settings) -> None:
    proxied = create_app(replace(settings, behind_proxy=True))
    with proxied.test_client() as client:
        client.get("/healthz", headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"})
        assert request.remote_addr == "203.0.113.9"


def test_a_stolen_cookie_ends_with_a_new_password_and_with_a_reset_by_a_superuser(app: Flask, session: Session) -> None:
    user = make_user(session)
    visitor, superuser = log_in(app, session, user), log_in(app, session, make_superuser(session))
    thief = app.test_client()
    thief.set_cookie("auditpanel", visitor.session_cookie())
    assert thief.get("/account").status_code == 200
    assert visitor.post("/account", current_password=PASSWORD, password="another good password").status_code == 302
    thief.set_cookie("auditpanel", log_in_again(app, user.email, "another good password").session_cookie())
    assert thief.get("/account").status_code == 200
    page = f"/administration/users/{user.id}"
    reset = superuser.post(f"{page}/password", page="/account", password="a third good password")
    assert reset.status_code == 302, reset.text
    assert thief.get("/account").status_code == 302


def log_in_again(app: Flask, email: str, password: str) -> Visitor:
    visitor = Visitor(app)
    assert visitor.try_password(email, password).status_code == 302
    return visitor


def test_a_forged_or_changed_cookie_opens_nothing(app: Flask, session: Session) -> None:
    cookie = log_in(app, session, make_user(session)).session_cookie()
    for changed in (cookie[:-1], cookie[1:], cookie + "x", "", "x" * 5_000, "ünïcode", cookie.replace(".", "..")):
        thief = app.test_client()
        thief.set_cookie("auditpanel", changed)
        assert thief.get("/account").status_code == 302


NEXTS = ["//evil.example", "/\\evil.example", "\\\\evil.example", "https:evil.example", "https://evil.example", "javascript:alert(1)"]
NEXTS += [
    "/%0d%0aLocation:%20//evil.example",
    "/\r\nLocation: //evil.example",
    "/\t/evil.example",
    " //evil.example",
    "///evil.example",
    "/%09/evil.example",
]


@pytest.mark.parametrize("wanted", NEXTS)
def test_no_login_leads_out_of_the_panel(app: Flask, session: Session, wanted: str) -> None:
    user = make_user(session)
    session.commit()
    visitor = Visitor(app)
    token = visitor.form_token("/login")
    fields = {"csrf_token": token, "email": user.email, "password": PASSWORD}
    answer = visitor.client.post("/login", query_string={"next": wanted}, data=fields)
    assert answer.status_code == 302
    assert re.match(r"/(?![/\\])", answer.location), answer.location
    assert "evil" not in answer.location or answer.location.startswith("/%")
    assert answer.headers.get_all("Location") == [answer.location]


def test_a_form_over_the_limit_is_refused_with_413(app: Flask, session: Session) -> None:
    visitor = log_in(app, session, make_user(session))
    for url in ("/login", "/account", "/logout"):
        for content_type in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            answer = visitor.client.post(url, data=b"a=" + b"x" * MIB, content_type=content_type)
            assert answer.status_code == 413, url
            assert "forms of up to 1 MiB" in answer.text


def test_a_form_of_very_many_fields_is_refused(app: Flask) -> None:
    fields = "&".join(f"f{number}=" for number in range(100_000))
    answer = app.test_client().post("/login", data=fields, content_type="application/x-www-form-urlencoded")
    assert answer.status_code in (400, 413)


@pytest.mark.parametrize("given", ["x" * 10_240, "a b", "ü", "<script>", "a\tb", "", "'\";--"])
def test_a_request_id_of_the_clients_is_taken_only_where_it_is_short_and_plain(app: Flask, given: str) -> None:
    for url in ("/healthz", "/static/nothing", "/nothing", "/v1/logs"):
        answer = app.test_client().get(url, headers={"X-Request-Id": given})
        shown = answer.headers["X-Request-Id"]
        taken = re.fullmatch(r"[!-~]{1,128}", given) is not None
        assert (shown == given) is taken
        if answer.is_json and answer.status_code >= 400:
            assert answer.get_json()["request_id"] == shown
        elif answer.status_code >= 400:
            assert "<script>" not in re.sub(r"<script (type|src)[^>]*></script>", "", answer.text)
            assert taken or shown in answer.text


def test_a_request_id_that_was_not_taken_stands_nowhere_else(app: Flask, session: Session) -> None:
    key = make_key(session, make_project(session))
    session.commit()
    headers = {"X-App-Id": key.app_id, "X-App-Token": key.app_token, "X-Request-Id": "y" * 500}
    answer = app.test_client().get("/v1/logs?limit=0", headers=headers)
    assert answer.get_json()["request_id"] == answer.headers["X-Request-Id"]
    record = app.test_client().get("/v1/logs?range=all", headers=headers | {"X-Request-Id": "second"}).get_json()["logs"][0]
    assert record["request_id"] == answer.headers["X-Request-Id"]


HOSTILE = [
    "'",
    "%00",
    "%ff%fe",
    "../../etc/passwd",
    "{{7*7}}",
    "${7*7}",
    "%0d%0aX-Injected:1",
    "1%27%20OR%201=1--",
    "x" * 3_000,
    "🦀",
    "\\x00",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_answer_tells_of_the_code_or_the_database(app: Flask, session: Session, text: str) -> None:
    project = make_project(session)
    member = log_in(app, session, make_member(session, project))
    base = f"/projects/proj_{project.id.hex}/logs/"
    urls = [f"/{text}", f"/login?next={text}", f"/projects/{text}/logs/", f"{base}{text}", f"/static/{text}"]
    urls += [
        f"{base}?{name}={text}"
        for name in ("path_contains", "status", "created_after", "after", "cursor", "range", "request_text", "origin")
    ]
    for url in urls:
        answer = member.client.get(url, headers=AS_A_FRAGMENT)
        assert answer.status_code in (200, 302, 308, 400, 404), f"{url[:60]}: {answer.status}"
        assert "X-Injected" not in answer.headers
        if answer.status_code >= 400:
            assert not [trace for trace in TRACES_OF_CODE if trace in answer.text.replace(text, "")], url[:60]


def test_a_deeply_nested_body_is_an_error_or_text_but_no_fault(app: Flask, session: Session) -> None:
    key = make_key(session, make_project(session))
    session.commit()
    headers = {"X-App-Id": key.app_id, "X-App-Token": key.app_token}
    for body in (
        b"[" * 5_000_000,
        b"[" * 1_000_000 + b"]" * 1_000_000,
        b'{"a":' * 500_000,
        b'[{"references":' + b"[" * 100_000 + b"]" * 100_000 + b"}]",
    ):
        answer = app.test_client().post("/v1/logs", data=body, headers=headers)
        assert answer.status_code in (202, 400), answer.text
        assert not [trace for trace in TRACES_OF_CODE if trace in answer.text]
