"""The project of the request at hand, for every view below `/projects/<project id>/`."""

from __future__ import annotations

from flask import Response, current_app, g, request
from flask_login import current_user

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import Caller, ProjectScope, scope_of_panel
from auditpanel.answers import request_id
from auditpanel.errors import Forbidden, InvalidInput, NotFound
from auditpanel.extensions import db
from auditpanel.ids import Prefix, parse_id
from auditpanel.logs.recorder import CALL, CallDetails
from auditpanel.logs.values import Origin
from auditpanel.panel.login import logged_in


def pull_project_id(endpoint: str | None, values: dict[str, str] | None) -> None:
    """Take the project id out of the URL's values: no view has it as an argument, so none can forget to check it."""
    g.project_id_text = values.pop("project_id", None) if values else None
    try:
        g.project_id = parse_id(Prefix.PROJECT, g.project_id_text or "")
    except InvalidInput:
        g.project_id = None


def add_project_id(endpoint: str, values: dict[str, object]) -> None:
    """Links on a project's pages lead to the same project, unless they name another."""
    if "project_id" not in values and g.get("project_id_text") and current_app.url_map.is_endpoint_expecting(endpoint, "project_id"):
        values["project_id"] = g.project_id_text


def current_scope() -> ProjectScope:
    """The project of the URL. From here on the call is recorded in its history.

    Raises NotFound where the project does not exist or the user is not a member of it.
    """
    if "project_scope" not in g:
        me = logged_in()
        if me.project is None:
            raise NotFound("There is no such project, or you are not a member of it.")
        g.project_scope = me.project.entered_by(Caller(request_id(), str(Origin.DASHBOARD), user=me.email))
        request.environ[CALL] = CallDetails(g.project_scope, Origin.DASHBOARD, user=me.email, keeps_answer=False)
    scope: ProjectScope = g.project_scope
    return scope


def record_outside_projects(response: Response) -> Response:
    """What users do outside of all projects, tries to log in or to get into a foreign project among it, is the panel's own history."""
    if response.status_code == 503:
        # The database is away: it can neither say who asks nor keep a record.
        return response
    of_the_panel = request.blueprint is not None and request.blueprint != "api" and request.endpoint != "home.static"
    if of_the_panel and CALL not in request.environ and (request.method == "POST" or current_user.is_authenticated):
        user = logged_in().email if current_user.is_authenticated else None
        request.environ[CALL] = CallDetails(scope_of_panel(db.session()), Origin.DASHBOARD, user=user, keeps_answer=False)
    return response


def require_role(scope: ProjectScope, role: Role) -> None:
    if not scope.role.includes(role):
        raise Forbidden(f"This takes the role {role} in {scope.name}; yours is {scope.role}. Ask an admin of the project.")
