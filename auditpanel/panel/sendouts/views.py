"""`/projects/<project id>/webhook-sendouts/`: the list, each sendout's page, and sending again, one or all that match."""

from __future__ import annotations

from uuid import UUID

from flask import Response, current_app, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import InvalidInput, NotFound
from auditpanel.extensions import db
from auditpanel.ids import Prefix, format_id, parse_id
from auditpanel.logs.recorder import refer
from auditpanel.logs.redaction import Redactor
from auditpanel.logs.sendout_secrets import redacted_line, redacted_sendout
from auditpanel.logs.values import Reference
from auditpanel.panel.list_page import Listing
from auditpanel.panel.login import logged_in
from auditpanel.panel.scope import current_scope, require_role
from auditpanel.panel.sendouts.again import ASKED_ALREADY, ask_all, ask_one, confirmed_span, read_resend_id
from auditpanel.panel.sendouts.curl import sendout_as_curl
from auditpanel.panel.sendouts.listing import build_list, read_request, sendout_fields
from auditpanel.panel.sendouts.record import build_record
from auditpanel.panel.tasks.showing import counted
from auditpanel.panel.tasks.views import leave_refresh_unrecorded
from auditpanel.panel.views import PanelView
from auditpanel.queues import enqueue_delivery
from auditpanel.times import utc_now
from auditpanel.webhooks.progress import get_resend
from auditpanel.webhooks.queries import get_sendout
from auditpanel.webhooks.records import SendoutRecord
from auditpanel.webhooks.resends import request_resend_once, send_again, stop_resend


class SendoutsView(PanelView):
    def require_access(self) -> None:
        current_scope()

    @expose("/")
    def index(self) -> ResponseReturnValue:
        scope = current_scope()
        fields = sendout_fields(db.session(), scope)
        page = build_list(db.session(), scope, read_request(_pairs(), fields), fields, utc_now())
        leave_refresh_unrecorded()
        if page.empty and "after" in request.args:
            # Newer than the newest: that is the first page.
            return redirect(page.reload_url)
        return render_template("sendouts/list.html", page=page), 400 if page.errors else 200

    @expose("/<sendout_id>")
    def show(self, sendout_id: str) -> ResponseReturnValue:
        scope, record = current_scope(), _sendout(sendout_id)
        leave_refresh_unrecorded()
        page = build_record(db.session(), scope, record, _listing(scope))
        return render_template("sendouts/record.html", page=page)

    @expose("/<sendout_id>/curl")
    def curl(self, sendout_id: str) -> Response:
        """Alone, for the list: fifty payloads need not be in its page."""
        shown = redacted_sendout(Redactor.of(current_scope().redact_paths), _sendout(sendout_id))
        return Response(sendout_as_curl(shown), mimetype="text/plain")

    @expose("/<sendout_id>/send-again")
    def ask(self, sendout_id: str) -> ResponseReturnValue:
        scope = _scope_to_send()
        line = redacted_line(Redactor.of(scope.redact_paths), _sendout(sendout_id).line)
        return render_template("sendouts/ask_one.html", asked=ask_one(line, scope.time_zone, _query()))

    @expose("/<sendout_id>/send-again", methods=["POST"])
    def again(self, sendout_id: str) -> ResponseReturnValue:
        scope, parsed = _scope_to_send(), _parsed(sendout_id)
        answer = send_again(db.session(), scope, parsed, logged_in().email)
        db.session.commit()
        refer(request.environ, Reference("webhook_sendout", format_id(Prefix.SENDOUT, parsed)))
        # Also where it is under way: the job of the first click may have got lost.
        enqueue_delivery(current_app.config["REDIS_URL"])
        if request.accept_mimetypes.best == "application/json":
            return jsonify(message=answer.words, is_new=answer.is_new)
        flash(answer.words)
        from_record = request.form.get("back") == "record"
        page = url_for("sendouts.show", sendout_id=sendout_id) if from_record else url_for("sendouts.index")
        return redirect(f"{page}{_query()}")

    @expose("/send-again")
    def ask_all(self) -> ResponseReturnValue:
        scope = _scope_to_send()
        return render_template("sendouts/ask_all.html", asked=ask_all(db.session(), scope, _readable(_listing(scope)), _query()))

    @expose("/send-again", methods=["POST"])
    def again_all(self) -> ResponseReturnValue:
        scope = _scope_to_send()
        listing = _readable(_listing(scope))
        span = confirmed_span(listing, scope, request.form.get("confirmed_at", ""))
        resend_id, by = read_resend_id(request.form), logged_in().email
        is_new = request_resend_once(db.session(), scope, resend_id, listing.filters, span, _rate_per_s(), by, listing.now)
        total = get_resend(db.session(), scope, resend_id).total
        db.session.commit()
        enqueue_delivery(current_app.config["REDIS_URL"])
        asked = f"{counted(total, 'sendout')} {'is' if total == 1 else 'are'} being sent again, from the oldest."
        flash(f"{asked if is_new else ASKED_ALREADY} How far it is stands here.")
        return redirect(f"{url_for('sendouts.index')}{_query()}")

    @expose("/resends/<resend_id>/stop", methods=["POST"])
    def stop(self, resend_id: str) -> ResponseReturnValue:
        scope = _scope_to_send()
        try:
            parsed = parse_id(Prefix.RESEND, resend_id)
        except InvalidInput as error:
            raise NotFound(f"There is no such sending again: {error}.") from None
        stop_resend(db.session(), scope, parsed, logged_in().email, utc_now())
        db.session.commit()
        flash("Stopped. What is being sent at this moment still ends; nothing more goes out.")
        return redirect(f"{url_for('sendouts.index')}{_query()}")


def _pairs() -> list[tuple[str, str]]:
    return list(request.args.items(multi=True))


def _query() -> str:
    """The state of the list, as it came: it is only ever put behind the panel's own addresses."""
    text = request.query_string.decode("ascii", "ignore")
    return f"?{text}" if text else ""


def _listing(scope: ProjectScope) -> Listing:
    fields = sendout_fields(db.session(), scope)
    return Listing.of(read_request(_pairs(), fields), fields, scope, url_for("sendouts.index"), utc_now())


def _readable(listing: Listing) -> Listing:
    """Raises InvalidInput: what a filter that cannot be read would send again, nobody knows."""
    for name, reason in listing.asked.errors.items():
        raise InvalidInput(reason, field=name)
    return listing


def _rate_per_s() -> int:
    text = request.form.get("rate_per_s", "")
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise InvalidInput(f'"{text[:20]}" is not a whole number; write how many may go out each second, like 20', field="rate_per_s")
    return int(text)


def _scope_to_send() -> ProjectScope:
    scope = current_scope()
    require_role(scope, Role.OPERATOR)
    return scope


def _sendout(sendout_id: str) -> SendoutRecord:
    return get_sendout(db.session(), current_scope(), _parsed(sendout_id))


def _parsed(sendout_id: str) -> UUID:
    try:
        return parse_id(Prefix.SENDOUT, sendout_id)
    except InvalidInput as error:
        raise NotFound(f"There is no such webhook sendout: {error}.") from None
