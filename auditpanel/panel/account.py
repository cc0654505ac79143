"""A user's own page: their password, and their logins."""

from __future__ import annotations

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_login import login_required
from werkzeug.wrappers import Response as BaseResponse

from auditpanel.accounts import sessions
from auditpanel.accounts.users import change_own_password, get_user
from auditpanel.errors import InvalidInput, TooManyRequests
from auditpanel.extensions import db
from auditpanel.panel.forms import OwnPasswordForm
from auditpanel.panel.login import forget_session, logged_in, throttle

blueprint = Blueprint("account", __name__, url_prefix="/account")


@blueprint.route("", methods=["GET", "POST"])
@login_required
def index() -> Response | BaseResponse:
    form = OwnPasswordForm()
    if not form.validate_on_submit():
        return _page(form)
    me = logged_in()
    try:
        # A guess here is as good as one at the login page, for somebody who found an open browser.
        throttle().take_try(me.email, request.remote_addr or "")
        user = get_user(db.session(), me.id)
        change_own_password(db.session(), user, form.current_password.data or "", form.password.data or "", token=me.token)
    except TooManyRequests as error:
        form.refuse(InvalidInput(f"too many tries. {error.details.rstrip('.')}", field="current_password"))
        return _page(form)
    except InvalidInput as error:
        form.refuse(error)
        return _page(form)
    throttle().record_success(me.email)
    db.session.commit()
    flash("Your password is changed. Your other logins have ended.")
    return redirect(url_for("account.index"))


@blueprint.route("/log-out-everywhere", methods=["POST"])
@login_required
def log_out_everywhere() -> BaseResponse:
    sessions.close_all(db.session(), logged_in().id)
    db.session.commit()
    forget_session()
    flash("You are logged out everywhere.")
    return redirect(url_for("login.log_in"))


def _page(form: OwnPasswordForm) -> Response:
    return make_response(render_template("account/index.html", form=form), 400 if form.errors else 200)
