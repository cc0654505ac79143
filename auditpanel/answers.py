"""What every answer has (headers, a request id), and how an error becomes one: JSON below `/v1`, a page elsewhere."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
from flask import Flask, Response, current_app, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from werkzeug.exceptions import BadHost, HTTPException, InternalServerError, LengthRequired, RequestEntityTooLarge

from auditpanel.client.headers import REQUEST_ID, is_request_id
from auditpanel.errors import AuditpanelError, Forbidden, InvalidInput, NotFound, TooLarge, TooManyRequests, Unavailable
from auditpanel.extensions import db
from auditpanel.ids import new_request_id

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
REASONS = {
    404: ("It may belong to a project that you are not a member of.", "The address may have been cut when it was copied."),
    413: ("The panel takes CSV files of up to 256 MiB, API calls and lists in JSON of up to 32 MiB, and other forms of up to 1 MiB.",),
    500: ("This is a fault of the panel, not of what you did. Its own log has the details under the request id.",),
    503: ("The database or Redis is being started again, or cannot be reached.", "Nothing was lost: try again in a moment."),
}


# psycopg's own come where rows are copied into a table: SQLAlchemy knows nothing of that.
DATABASE_AWAY = (OperationalError, InterfaceError, NoConnectionFree, psycopg.OperationalError, psycopg.InterfaceError)


@dataclass(frozen=True, slots=True)
class ErrorPage:
    status: int
    title: str
    details: str
    reasons: tuple[str, ...]
    request_id: str
    back_url: str
    back_label: str


def register(app: Flask) -> None:
    app.after_request(_add_headers)
    app.register_error_handler(Exception, _answer_error)


def refuse_forms_without_length() -> None:
    """No browser sends one, and werkzeug would cut it at the limit without a word. The API looks after its own bodies."""
    if request.content_length is None and "Transfer-Encoding" in request.headers and not _is_api_call():
        raise LengthRequired("Send a form with its Content-Length, not in chunks.")


def request_id() -> str:
    """The id that ties together everything that this request sets off. The recorder has put it there, save for what it does not record."""
    if "request_id" not in g:
        received = request.headers.get(REQUEST_ID, "")
        g.request_id = received if is_request_id(received) else new_request_id()
    return str(g.request_id)


def _add_headers(response: Response) -> Response:
    response.headers.setdefault(REQUEST_ID, request_id())
    if response.location and urlsplit(response.location).scheme:
        response.location = _on_this_host(response.location)
    response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _answer_error(error: Exception) -> ResponseReturnValue:
    told = _told(error)
    if isinstance(told, HTTPException):
        return told
    headers = {"Retry-After": str(told.retry_after_s)} if isinstance(told, TooManyRequests) else {}
    if _is_api_call():
        body = {"code": told.status, "key": told.key, "message": told.title, "details": str(told), "request_id": request_id()}
        return jsonify(body), told.status, headers
    if isinstance(error, BadHost):
        # Without a host there are no addresses, and a page without its styles and links is none.
        return Response(f"{told}\n", told.status, mimetype="text/plain")
    _leave_transaction()
    # Who reads it, the database may not be able to say.
    g.stands_alone = told.status >= 500
    page = ErrorPage(
        told.status, told.title, _spelled_out(str(told)), REASONS.get(told.status, ()), request_id(), "/", "Back to the projects"
    )
    return render_template("error.html", error=page), told.status, headers


def _on_this_host(url: str) -> str:
    """Without the host that the caller named: routing puts it into the addresses that it leads to, and the panel never leads elsewhere."""
    parts = urlsplit(url)
    return f"/{parts.path.lstrip('/')}{'?' if parts.query else ''}{parts.query}"


def _is_api_call() -> bool:
    return request.path == "/v1" or request.path.startswith("/v1/")


def _spelled_out(text: str) -> str:
    """What was typed may stand in it. What no page may hold, or what turns its text round, is shown as \\x00 is."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _leave_transaction() -> None:
    """One that failed answers nothing more, not even what stands around the page."""
    with suppress(SQLAlchemyError):
        db.session.rollback()


def _told(error: Exception) -> AuditpanelError | HTTPException:
    """The error as the reader is told it; what it is in the code stays out of the answer."""
    if isinstance(error, InternalServerError) and isinstance(error.original_exception, Exception):
        # What went wrong while another error's page was made.
        return _told(error.original_exception)
    if isinstance(error, AuditpanelError):
        return error
    if isinstance(error, CSRFError):
        return InvalidInput("The form was open for too long, or you have logged out since. Go back, reload the page and send it again.")
    if isinstance(error, RequestEntityTooLarge):
        return TooLarge("The request is larger than what is taken here.")
    if isinstance(error, BadHost):
        named = _spelled_out(request.host[:80])
        return InvalidInput(f'"{named}" is not the name of a host; between its dots are 1 to 63 characters', field="Host")
    if isinstance(error, HTTPException):
        return _told_of_http(error)
    if isinstance(error, DATABASE_AWAY):
        current_app.logger.error("request %s: the database does not answer: %s", request_id(), getattr(error, "orig", error))
        return Unavailable("The database does not answer. Try again in a moment.")
    current_app.logger.exception("request %s failed", request_id())
    return AuditpanelError("The panel failed at this. Tell whoever runs it the request id below.")


def _told_of_http(error: HTTPException) -> AuditpanelError | HTTPException:
    if error.code is None or error.code < 400:
        return error
    told: AuditpanelError
    if error.code == 404:
        told = NotFound("There is nothing at this address.")
    elif error.code == 403:
        told = Forbidden(error.description or "This is not allowed.")
    elif error.code >= 500:
        told = AuditpanelError("The panel failed at this. Tell whoever runs it the request id below.")
    else:
        told = InvalidInput(error.description or error.name)
        told.status, told.title, told.key = error.code, error.name, error.name.lower().replace(" ", "_")
    return told
