"""`/projects/<project id>/webhooks/`: the list, each webhook's page, and what can be done to it.

Everybody sees how webhooks do. Secrets and the values of headers are for admins, who ask for them by a POST: the log of that call says who
did, and keeps nothing of the answer.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import Conflict, InvalidInput, NotFound, Unavailable
from auditpanel.extensions import db
from auditpanel.ids import Prefix, format_id, parse_id
from auditpanel.logs.recorder import refer
from auditpanel.logs.values import Reference
from auditpanel.panel.login import logged_in
from auditpanel.panel.moments import show_moment
from auditpanel.panel.scope import current_scope, require_role
from auditpanel.panel.sendouts.again import ASKED_ALREADY, read_resend_id
from auditpanel.panel.tasks.views import leave_refresh_unrecorded
from auditpanel.panel.views import PanelView, done
from auditpanel.panel.webhooks.events import GROUPS
from auditpanel.panel.webhooks.forms import WebhookForm, form_data, header_lines
from auditpanel.panel.webhooks.listing import build_list
from auditpanel.panel.webhooks.record import Revealed, build_record, missed_filters, missed_offer, test_outcome
from auditpanel.panel.webhooks.saving import allow_private, change_by, create_from, seal, switched_off_by_hand
from auditpanel.queues import enqueue_delivery
from auditpanel.times import Edge, iso_utc, parse_typed, utc_now
from auditpanel.webhooks import targets
from auditpanel.webhooks.events import raise_test
from auditpanel.webhooks.resends import request_resend_once
from auditpanel.webhooks.target_records import Missed, WebhookRecord
from auditpanel.webhooks.values import GRACE, Headers


class WebhooksView(PanelView):
    def require_access(self) -> None:
        current_scope()

    @expose("/")
    def index(self) -> ResponseReturnValue:
        return render_template("webhooks/list.html", page=build_list(db.session(), current_scope(), utc_now()))

    @expose("/new", methods=["GET", "POST"])
    def create(self) -> ResponseReturnValue:
        scope, form = _scope_of(Role.ADMIN), WebhookForm()
        if not form.validate_on_submit():
            return _form_page(form, None)
        try:
            made = create_from(scope, form)
        except InvalidInput as error:
            form.refuse(error)
            return _form_page(form, None)
        db.session.commit()
        refer(request.environ, Reference("webhook", made.id))
        # The secret stands on this page, so it is an answer to a POST that is a page and not a redirect.
        return render_template(
            "webhooks/created.html", webhook=targets.get_webhook(db.session(), scope, made.webhook_id), secret=made.secret
        )

    @expose("/<webhook_id>")
    def show(self, webhook_id: str) -> ResponseReturnValue:
        record = _webhook(webhook_id)
        leave_refresh_unrecorded()
        return _record_page(record)

    @expose("/<webhook_id>/edit", methods=["GET", "POST"])
    def edit(self, webhook_id: str) -> ResponseReturnValue:
        record = _webhook_for(Role.ADMIN, webhook_id)
        stored = _headers(record)
        header_names = [] if isinstance(stored, Unavailable) else [name for name, _ in stored]
        form = WebhookForm(data=form_data(record.line, header_names))
        if not form.validate_on_submit():
            return _form_page(form, record)
        try:
            missed = change_by(record, form, [] if isinstance(stored, Unavailable) else stored, header_lines(header_names))
        except InvalidInput as error:
            db.session.rollback()
            form.refuse(error)
            return _form_page(form, record)
        db.session.commit()
        is_active = targets.get_webhook(db.session(), current_scope(), record.line.webhook_id).line.is_active
        flash(
            "Saved."
            if is_active == bool(form.active.data)
            else f"Saved. It was switched {'on' if is_active else 'off'} meanwhile, and stays so."
        )
        return _to_page(webhook_id, missed)

    @expose("/<webhook_id>/secret", methods=["POST"])
    def secret(self, webhook_id: str) -> ResponseReturnValue:
        record = _webhook_for(Role.ADMIN, webhook_id)
        secret = targets.read_secret(db.session(), current_scope(), seal(), record.line.webhook_id)
        return _record_page(record, Revealed(secret=secret))

    @expose("/<webhook_id>/headers", methods=["POST"])
    def headers(self, webhook_id: str) -> ResponseReturnValue:
        record = _webhook_for(Role.ADMIN, webhook_id)
        headers = targets.read_headers(db.session(), current_scope(), seal(), record.line.webhook_id)
        return _record_page(record, Revealed(headers=headers))

    @expose("/<webhook_id>/rotate", methods=["POST"])
    def rotate(self, webhook_id: str) -> ResponseReturnValue:
        record, now = _webhook_for(Role.ADMIN, webhook_id), utc_now()
        try:
            targets.rotate_secret(db.session(), current_scope(), seal(), record.line.webhook_id, now, seen=request.form.get("seen", ""))
        except Conflict as error:
            return done(str(error), "webhooks.show", webhook_id=webhook_id)
        db.session.commit()
        until = show_moment(now + GRACE, current_scope().time_zone).words
        return done(
            f"There is a new secret. Give it to the receiver until {until}: so long, the one before signs as well.",
            "webhooks.show",
            webhook_id=webhook_id,
            _anchor="secret",
        )

    @expose("/<webhook_id>/test", methods=["POST"])
    def test(self, webhook_id: str) -> ResponseReturnValue:
        record = _webhook_for(Role.OPERATOR, webhook_id)
        sendout_id = raise_test(db.session(), current_scope(), record.line.webhook_id, utc_now())
        _commit_and_deliver()
        return redirect(url_for("webhooks.show", webhook_id=webhook_id, test=format_id(Prefix.SENDOUT, sendout_id)))

    @expose("/<webhook_id>/switch-off", methods=["POST"])
    def switch_off(self, webhook_id: str) -> ResponseReturnValue:
        record = _webhook_for(Role.ADMIN, webhook_id)
        targets.switch_off(db.session(), current_scope(), record.line.webhook_id, switched_off_by_hand(), utc_now())
        db.session.commit()
        return done(f"{record.line.name} is switched off: it is sent nothing any more.", "webhooks.show", webhook_id=webhook_id)

    @expose("/<webhook_id>/switch-on", methods=["POST"])
    def switch_on(self, webhook_id: str) -> ResponseReturnValue:
        record = _webhook_for(Role.ADMIN, webhook_id)
        missed = targets.switch_on(db.session(), current_scope(), record.line.webhook_id)
        db.session.commit()
        flash(f"{record.line.name} is switched on: what happens from now on is sent to it.")
        return _to_page(webhook_id, missed)

    @expose("/<webhook_id>/send-missed", methods=["POST"])
    def send_missed(self, webhook_id: str) -> ResponseReturnValue:
        record, scope, now = _webhook_for(Role.OPERATOR, webhook_id), current_scope(), utc_now()
        since, rate_per_s = _read_since(request.form.get("since", "")), _read_rate(request.form.get("rate_per_s", ""))
        if since is None:
            raise InvalidInput("say since when, like 2026-11-24T14:00:00Z", field="since")
        filters, resend_id = missed_filters(record.line.id, since), read_resend_id(request.form)
        span = filters.range.resolve(now, scope.time_zone)
        is_new = request_resend_once(db.session(), scope, resend_id, filters, span, rate_per_s, logged_in().email, now)
        _commit_and_deliver()
        flash(f"What {record.line.name} missed is being sent again, at most {rate_per_s:,} a second." if is_new else ASKED_ALREADY)
        return redirect(url_for("sendouts.index", source_id=record.line.id, created_after=iso_utc(since)))

    @expose("/<webhook_id>/remove", methods=["POST"])
    def remove(self, webhook_id: str) -> ResponseReturnValue:
        record = _webhook_for(Role.ADMIN, webhook_id)
        targets.remove_webhook(db.session(), current_scope(), record.line.webhook_id, utc_now())
        db.session.commit()
        return done(f"{record.line.name} is removed. Its sendouts stay in the list.", "webhooks.index")


def _scope_of(role: Role) -> ProjectScope:
    scope = current_scope()
    require_role(scope, role)
    return scope


def _webhook(webhook_id: str) -> WebhookRecord:
    try:
        parsed = parse_id(Prefix.WEBHOOK, webhook_id)
    except InvalidInput as error:
        raise NotFound(f"There is no such webhook: {error}.") from None
    record = targets.get_webhook(db.session(), current_scope(), parsed)
    refer(request.environ, Reference("webhook", record.line.id))
    return record


def _webhook_for(role: Role, webhook_id: str) -> WebhookRecord:
    """To be changed or asked for what is not for everybody. Raises NotFound also for one that was removed."""
    _scope_of(role)
    record = _webhook(webhook_id)
    if record.removed_at is not None:
        raise NotFound(f"The webhook {record.line.name} was removed, so nothing can be done with it any more.")
    return record


def _headers(record: WebhookRecord) -> Headers | Unavailable:
    """Or why they cannot be read: that is said beside what can be."""
    try:
        return targets.read_headers(db.session(), current_scope(), seal(), record.line.webhook_id) if record.has_headers else []
    except Unavailable as error:
        return error


def _form_page(form: WebhookForm, record: WebhookRecord | None) -> ResponseReturnValue:
    form.describe(is_new=record is None, allow_private=allow_private())
    page = render_template("webhooks/form.html", form=form, webhook=record.line if record else None, groups=GROUPS)
    return page, 400 if form.errors or form.form_errors else 200


def _record_page(record: WebhookRecord, revealed: Revealed | None = None) -> ResponseReturnValue:
    session, scope, now = db.session(), current_scope(), utc_now()
    test, since = request.args.get("test"), _read_since(request.args.get("missed_since", ""))
    page = build_record(
        session,
        scope,
        record,
        _headers(record),
        now,
        revealed=revealed or Revealed(),
        test=test_outcome(session, scope, record, _parsed_sendout(test), now) if test else None,
        missed=missed_offer(session, scope, record.line.id, since, now) if since and record.line.is_active else None,
    )
    return render_template("webhooks/record.html", page=page)


def _to_page(webhook_id: str, missed: Missed | None) -> ResponseReturnValue:
    since = iso_utc(missed.since) if missed and missed.since else None
    return redirect(url_for("webhooks.show", webhook_id=webhook_id, missed_since=since))


def _parsed_sendout(text: str) -> UUID:
    try:
        return parse_id(Prefix.SENDOUT, text)
    except InvalidInput as error:
        raise NotFound(f"There is no such sendout: {error}.") from None


def _read_since(text: str) -> datetime | None:
    """None where it is empty. Raises InvalidInput where it is no date."""
    return parse_typed(text, current_scope().time_zone, Edge.START).at if text else None


def _read_rate(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise InvalidInput(f'"{text[:20]}" is not a number of sendouts a second; write one like 50', field="rate_per_s")
    return int(text)


def _commit_and_deliver() -> None:
    db.session.commit()
    enqueue_delivery(current_app.config["REDIS_URL"])
