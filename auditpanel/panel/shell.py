"""What stands around every page: the project and its clock, the way to its records, the user."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import g, request, url_for
from flask_login import current_user

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.extensions import db
from auditpanel.filters import Range
from auditpanel.keyset import Count
from auditpanel.panel.around import Around
from auditpanel.panel.catalogue_links import CATALOGUE_VIEWS
from auditpanel.panel.exports.notices import Notices, awaited_notices
from auditpanel.panel.formatters import count_text, initials_of
from auditpanel.panel.login import logged_in
from auditpanel.panel.sendouts.showing import short_count


@dataclass(frozen=True, slots=True)
class ShellProject:
    id: str
    name: str
    time_zone: str
    initial: str


@dataclass(frozen=True, slots=True)
class ShellLink:
    """`count_text` is of what runs, or, where the count `is_bad`, of what needs a person; nothing else is counted here."""

    label: str
    url: str
    current: bool
    icon: str = ""
    count_text: str = ""
    count_words: str = ""
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class ShellUser:
    name: str
    email: str
    initials: str
    role_label: str


@dataclass(frozen=True, slots=True)
class Shell:
    project: ShellProject | None
    projects: list[ShellLink]
    user: ShellUser
    navigation: list[ShellLink]
    navigation_below: list[ShellLink]
    administration: list[ShellLink]
    logout_url: str
    awaited: Notices | None


def add_shell() -> dict[str, Shell | None]:
    """None also where the page tells of a fault: it may be that the database cannot say who reads."""
    if g.get("stands_alone"):
        return {"shell": None}
    return {"shell": _shell() if current_user.is_authenticated else None}


def _shell() -> Shell:
    me = logged_in()
    scope: ProjectScope | None = g.get("project_scope")
    role = "Superuser" if me.is_superuser else scope.role.label if scope else "Member"
    return Shell(
        project=ShellProject(scope.id, scope.name, scope.time_zone.key, scope.name[:1].upper()) if scope else None,
        projects=[_project(project_id, name, scope) for project_id, name in me.around.projects],
        user=ShellUser(me.name, me.email, initials_of(me.name), role),
        navigation=_navigation(me.around) if scope else [],
        navigation_below=_below(scope) if scope else [],
        administration=[_link("Users", "users"), _link("Projects", "projects_admin")] if me.is_superuser else [],
        logout_url=url_for("login.log_out"),
        awaited=awaited_notices(db.session(), scope, me.email) if scope else None,
    )


def _navigation(around: Around) -> list[ShellLink]:
    tasks = _with_running(_link("Background tasks", "tasks", "tasks"), around.running_tasks)
    # Of the last 24 hours, as other lists begin, there are few exports.
    exports = replace(_link("Exports", "exports", "exports"), url=url_for("exports.index", range=Range.MONTH))
    return [_link("Logs", "logs", "logs"), tasks, _with_running(exports, around.running_exports), _sendouts(around.errors)]


def _with_running(link: ShellLink, running: int) -> ShellLink:
    return replace(link, count_text=count_text(running), count_words=f"{count_text(running)} not ended yet") if running else link


def _sendouts(errors: Count) -> ShellLink:
    """With those given up in the last 24 hours: only they need somebody."""
    link = _link("Webhook sendouts", "sendouts", "sendouts")
    if not errors.value:
        return link
    more = "" if errors.is_exact else "+"
    words = f"{count_text(errors.value)}{more} in error in the last 24 hours"
    return replace(link, count_text=f"{short_count(errors.value)}{more}", count_words=words, is_bad=True)


def _project(project_id: str, name: str, scope: ProjectScope | None) -> ShellLink:
    return ShellLink(name, url_for("logs.index", project_id=project_id), current=scope is not None and project_id == scope.id)


def _below(scope: ProjectScope) -> list[ShellLink]:
    catalogue = ShellLink("Catalogue", url_for("catalogue.index"), current=request.blueprint in CATALOGUE_VIEWS, icon="catalogue")
    links = [catalogue, _link("Webhooks", "webhooks", "webhooks")]
    return [*links, _link("Settings", "settings", "settings")] if scope.role.includes(Role.ADMIN) else links


def _link(label: str, view: str, icon: str = "") -> ShellLink:
    return ShellLink(label, url_for(f"{view}.index"), current=request.blueprint == view, icon=icon)
