"""What stands around every page: the project and its clock, the way to its records, the user."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from flask import g, get_template_attribute, request, url_for
from flask_login import current_user
from markupsafe import Markup

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.extensions import db
from auditpanel.filters import Range
from auditpanel.keyset import Count
from auditpanel.panel.around import AroundCounts
from auditpanel.panel.catalogue_links import CATALOGUE_VIEWS
from auditpanel.panel.exports.notices import Notices, awaited_notices
from auditpanel.panel.formatters import count_text, initials_of
from auditpanel.panel.login import LoggedIn, logged_in
from auditpanel.panel.sendouts.showing import short_count

NAVIGATION = (("Logs", "logs"), ("Background tasks", "tasks"), ("Exports", "exports"), ("Webhook sendouts", "sendouts"))
# The last one is for admins.
BELOW = (("Catalogue", "catalogue"), ("Webhooks", "webhooks"), ("Settings", "settings"))
ADMINISTRATION = (("Users", "users"), ("Projects", "projects_admin"))


@dataclass(frozen=True, slots=True)
class ShellProject:
    """`role` is the reader's in it."""

    id: str
    name: str
    time_zone: str
    role: Role

    @property
    def initial(self) -> str:
        return self.name[:1].upper()


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

    @classmethod
    def of(cls, reader: LoggedIn, project: ShellProject | None) -> ShellUser:
        role = "Superuser" if reader.is_superuser else project.role.label if project else "Member"
        return cls(reader.name, reader.email, initials_of(reader.name), role)


# Without equality: what is drawn of one is looked up by which it is.
@dataclass(frozen=True, slots=True, eq=False)
class Shell:
    project: ShellProject | None
    user: ShellUser
    navigation: list[ShellLink]
    navigation_below: list[ShellLink]
    administration: list[ShellLink]
    logout_url: str


def add_shell() -> dict[str, Shell | Markup | Notices | None]:
    """None also where the page tells of a fault: it may be that the database cannot say who reads."""
    if g.get("stands_alone") or not current_user.is_authenticated:
        return {"shell": None}
    me, around = logged_in(), logged_in().around
    scope: ProjectScope | None = g.get("project_scope")
    project = ShellProject(scope.id, scope.name, scope.time_zone.key, scope.role) if scope else None
    user = ShellUser.of(me, project)
    return {
        "shell": _shell(user, me.is_superuser, project, around.counts, request.blueprint, request.script_root),
        "project_menu": _project_menu(around.projects, project, request.script_root),
        "awaited": awaited_notices(db.session(), scope, me.email) if scope else None,
    }


# These two are the same from page to page until something runs or fails. All they show, and where their links lead, is in their arguments.


@lru_cache(200)
def _shell(
    user: ShellUser, is_superuser: bool, project: ShellProject | None, counts: AroundCounts, blueprint: str | None, script_root: str
) -> Shell:
    return Shell(
        project=project,
        user=user,
        navigation=_navigation(project, blueprint, counts) if project else [],
        navigation_below=_below(project, blueprint) if project else [],
        administration=[_link(label, view, blueprint) for label, view in ADMINISTRATION] if is_superuser else [],
        logout_url=url_for("login.log_out"),
    )


@lru_cache(50)
def _project_menu(projects: tuple[tuple[str, str], ...], project: ShellProject | None, script_root: str) -> Markup:
    """Fewer than shells, as a superuser may have a thousand projects."""
    links = [_project(project_id, name, project) for project_id, name in projects]
    drawn: Markup = get_template_attribute("shell/project.html", "project_menu")(project, links)
    return drawn


def _navigation(project: ShellProject, blueprint: str | None, counts: AroundCounts) -> list[ShellLink]:
    logs, tasks, exports, sendouts = (_link(label, view, blueprint, view, project.id) for label, view in NAVIGATION)
    # Of the last 24 hours, as other lists begin, there are few exports.
    exports = replace(exports, url=url_for("exports.index", project_id=project.id, range=Range.MONTH))
    running = _with_running(tasks, counts.running_tasks), _with_running(exports, counts.running_exports)
    return [logs, *running, _with_errors(sendouts, counts.errors)]


def _with_running(link: ShellLink, running: int) -> ShellLink:
    return replace(link, count_text=count_text(running), count_words=f"{count_text(running)} not ended yet") if running else link


def _with_errors(link: ShellLink, errors: Count) -> ShellLink:
    """With those given up in the last 24 hours: only they need somebody."""
    if not errors.value:
        return link
    more = "" if errors.is_exact else "+"
    words = f"{count_text(errors.value)}{more} in error in the last 24 hours"
    return replace(link, count_text=f"{short_count(errors.value)}{more}", count_words=words, is_bad=True)


def _project(project_id: str, name: str, current: ShellProject | None) -> ShellLink:
    return ShellLink(name, url_for("logs.index", project_id=project_id), current=current is not None and project_id == current.id)


def _below(project: ShellProject, blueprint: str | None) -> list[ShellLink]:
    catalogue, *others = (_link(label, view, blueprint, view, project.id) for label, view in BELOW)
    links = [replace(catalogue, current=blueprint in CATALOGUE_VIEWS), *others]
    return links if project.role.includes(Role.ADMIN) else links[:-1]


def _link(label: str, view: str, blueprint: str | None, icon: str = "", project_id: str | None = None) -> ShellLink:
    return ShellLink(label, url_for(f"{view}.index", project_id=project_id), current=blueprint == view, icon=icon)
