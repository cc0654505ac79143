"""Logging in and out. What the browser keeps is the token of a row in `login_sessions`."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, flash, g, make_response, redirect, render_template, request, session, url_for
from flask_login import UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response as BaseResponse

from auditpanel.accounts import sessions
from auditpanel.accounts.models import User
from auditpanel.accounts.scope import Entry
from auditpanel.accounts.users import find_by_password
from auditpanel.errors import TooManyRequests
from auditpanel.extensions import db, login_manager
from auditpanel.panel.around import NOTHING_AROUND, Around, find_reader
from auditpanel.panel.forms import LoginForm
from auditpanel.panel.next_page import next_page
from auditpanel.panel.throttle import PAUSE_MINUTES, LoginThrottle, shared_storage
from auditpanel.times import utc_now

blueprint = Blueprint("login", __name__)


class LoggedIn(UserMixin):
    """The user as Flask-Login has them: `get_id()`, which goes into the cookie, is the token of this one login.

    `project` is that of the URL, where they may open it; `around` is what stands around their page.
    """

    def __init__(self, entry: Entry, token: str, around: Around = NOTHING_AROUND) -> None:
        self.token = token
        self.id = entry.user_id
        self.email = entry.email
        self.name = entry.name
        self.is_superuser = entry.is_superuser
        self.project = entry.project
        self.around = around

    def get_id(self) -> str:
        return self.token


def logged_in() -> LoggedIn:
    """For views behind the login."""
    assert isinstance(user := current_user._get_current_object(), LoggedIn)
    return user


@login_manager.user_loader
def load_user(token: str) -> LoggedIn | None:
    found = find_reader(db.session(), token, utc_now(), g.get("project_id"))
    if found is None:
        return None
    entry, around = found
    return LoggedIn(entry, token, around)


@login_manager.unauthorized_handler
def ask_to_log_in() -> BaseResponse:
    # What a form was sent to is no page to go to after the login.
    wanted = request.full_path.removesuffix("?") if request.method in ("GET", "HEAD") and request.path != "/" else None
    return redirect(url_for("login.log_in", next=wanted))


@blueprint.route("/login", methods=["GET", "POST"])
def log_in() -> Response | BaseResponse:
    if current_user.is_authenticated:
        return redirect(next_page(request.args.get("next")))
    form = LoginForm()
    if not form.validate_on_submit():
        return _login_page(form, status=200 if request.method == "GET" else 400)
    email, address = form.email.data or "", request.remote_addr or ""
    try:
        tries_left = throttle().take_try(email, address)
    except TooManyRequests as error:
        return _pause_page(form, error)
    user = find_by_password(db.session(), email, form.password.data or "")
    if user is None:
        throttle().record_failure(address)
        return _login_page(form, status=401, failure="Email and password do not match.", failure_rest=_tries_words(tries_left))
    throttle().record_success(email)
    start_session(user)
    return redirect(next_page(request.args.get("next")))


@blueprint.route("/logout", methods=["POST"])
def log_out() -> BaseResponse:
    if current_user.is_authenticated:
        sessions.close_session(db.session(), logged_in().token)
        db.session.commit()
    forget_session()
    flash("You are logged out.")
    return redirect(url_for("login.log_in"))


def start_session(user: User) -> None:
    """Nothing of the session before the login lives on in it: neither its id nor what somebody may have put there."""
    token = sessions.open_session(db.session(), user.id, utc_now())
    db.session.commit()
    session.clear()
    session.permanent = True
    login_user(LoggedIn(Entry(user.id, user.email, user.name, user.is_superuser, project=None), token))


def forget_session() -> None:
    logout_user()
    session.clear()


def throttle() -> LoginThrottle:
    if "login_throttle" not in current_app.extensions:
        current_app.extensions["login_throttle"] = LoginThrottle(shared_storage(current_app.config["REDIS_URL"]))
    found: LoginThrottle = current_app.extensions["login_throttle"]
    return found


def _tries_words(left: int) -> str:
    if left == 0:
        return f"Try again in {PAUSE_MINUTES} minutes."
    return f"{left} more {'try' if left == 1 else 'tries'}, then a pause of {PAUSE_MINUTES} minutes."


def _pause_page(form: LoginForm, error: TooManyRequests) -> Response:
    page = _login_page(form, status=429, failure="Too many tries.", failure_rest=error.details)
    page.headers["Retry-After"] = str(error.retry_after_s)
    return page


def _login_page(form: LoginForm, *, status: int, failure: str | None = None, failure_rest: str | None = None) -> Response:
    return make_response(render_template("login.html", form=form, failure=failure, failure_rest=failure_rest, host=request.host), status)
