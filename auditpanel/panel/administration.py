"""For superusers: the users, and all projects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from uuid import UUID

from flask import Response, flash, make_response, redirect, render_template
from flask_admin import BaseView, expose
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from auditpanel.accounts import users
from auditpanel.accounts.members import list_projects
from auditpanel.accounts.models import User
from auditpanel.accounts.projects import ProjectLine, create_project, list_all_projects
from auditpanel.accounts.users import Kind, UserLine
from auditpanel.errors import Conflict, Forbidden, InvalidInput
from auditpanel.extensions import db
from auditpanel.ids import Prefix, format_id
from auditpanel.panel.forms import NewUserForm, PasswordForm, ProjectForm, UserForm, zone_names
from auditpanel.panel.login import forget_session, logged_in
from auditpanel.panel.moments import ShownMoment, show_moment
from auditpanel.panel.next_page import next_page
from auditpanel.panel.views import PanelView, done


@dataclass(frozen=True, slots=True)
class UserRow:
    id: UUID
    email: str
    name: str
    is_superuser: bool
    is_active: bool
    created: ShownMoment
    projects: int


@dataclass(frozen=True, slots=True)
class ProjectRow:
    id: str
    name: str
    time_zone: str
    created: ShownMoment
    members: int
    keys: int


class AdministrationView(PanelView):
    def require_access(self) -> None:
        if not current_user.is_superuser:
            raise Forbidden("Users and projects are managed by superusers. Ask one of them.")


class UsersView(AdministrationView):
    @expose("/")
    def index(self) -> str:
        return render_template("administration/users.html", users=[_user_row(user) for user in users.list_users(db.session())])

    @expose("/new", methods=["GET", "POST"])
    def create(self) -> Response | BaseResponse:
        form = NewUserForm()
        if not form.validate_on_submit():
            return self._new_page(form)
        try:
            user = users.create_user(
                db.session(), form.email.data or "", form.password.data or "", name=form.name.data or "", kind=_kind(form)
            )
        except InvalidInput as error:
            form.refuse(error)
            return self._new_page(form)
        email = user.email
        db.session.commit()
        return done(f"{email} can log in now. Next: make them a member of a project.", "users.index")

    @expose("/<uuid:user_id>/", methods=["GET", "POST"])
    def edit(self, user_id: UUID) -> Response | BaseResponse:
        user = users.get_user(db.session(), user_id)
        form = UserForm(data={"email": user.email, "name": user.name, "superuser": user.is_superuser})
        if not form.validate_on_submit():
            return self._user_page(user, form, PasswordForm(formdata=None))
        try:
            users.change_user(db.session(), user, email=form.email.data or "", name=form.name.data or "", kind=_kind(form))
        except (InvalidInput, Conflict) as error:
            form.refuse(error if isinstance(error, InvalidInput) else InvalidInput(error.details.rstrip("."), field="superuser"))
            return self._user_page(user, form, PasswordForm(formdata=None))
        db.session.commit()
        if user_id == logged_in().id and _kind(form) is not Kind.SUPERUSER:
            flash("Saved. You are no longer a superuser.")
            return redirect(next_page(None))
        return done("Saved.", "users.edit", user_id=str(user_id))

    @expose("/<uuid:user_id>/password", methods=["POST"])
    def reset_password(self, user_id: UUID) -> Response | BaseResponse:
        user = users.get_user(db.session(), user_id)
        form = PasswordForm()
        form.validate()
        try:
            users.set_password(db.session(), user, form.password.data or "")
        except InvalidInput as error:
            form.refuse(error)
            data = {"email": user.email, "name": user.name, "superuser": user.is_superuser}
            return self._user_page(user, UserForm(formdata=None, data=data), form)
        db.session.commit()
        if user_id == logged_in().id:
            forget_session()
            return done("Your password is changed. Log in with it.", "login.log_in")
        return done(f"{user.email} has a new password and is logged out everywhere.", "users.edit", user_id=str(user_id))

    @expose("/<uuid:user_id>/deactivate", methods=["POST"])
    def deactivate(self, user_id: UUID) -> BaseResponse:
        user = users.get_user(db.session(), user_id)
        users.deactivate(db.session(), user)
        db.session.commit()
        return done(f"{user.email} is deactivated and logged out.", "users.edit", user_id=str(user_id))

    @expose("/<uuid:user_id>/activate", methods=["POST"])
    def activate(self, user_id: UUID) -> BaseResponse:
        user = users.get_user(db.session(), user_id)
        users.activate(db.session(), user)
        db.session.commit()
        return done(f"{user.email} can log in again.", "users.edit", user_id=str(user_id))

    def _user_page(self, user: User, form: UserForm, password_form: PasswordForm) -> Response:
        projects = [] if user.is_superuser else list_projects(db.session(), user.id, is_superuser=False)
        page = render_template("administration/user.html", user=user, form=form, password_form=password_form, projects=projects)
        return make_response(page, 400 if form.errors or password_form.errors else 200)

    def _new_page(self, form: NewUserForm) -> Response:
        return make_response(render_template("administration/new_user.html", form=form), 400 if form.errors else 200)


class ProjectsView(AdministrationView):
    @expose("/")
    def index(self) -> str:
        return render_template("administration/projects.html", projects=[_project_row(each) for each in list_all_projects(db.session())])

    @expose("/new", methods=["GET", "POST"])
    def create(self) -> Response | BaseResponse:
        form = ProjectForm()
        if not form.validate_on_submit():
            return self._page(form)
        try:
            project = create_project(db.session(), form.name.data or "", form.time_zone.data or "")
        except InvalidInput as error:
            form.refuse(error)
            return self._page(form)
        name, project_id = project.name, format_id(Prefix.PROJECT, project.id)
        db.session.commit()
        return done(f"{name} is there. Next: its members and an API key.", "settings.members", project_id=project_id)

    def _page(self, form: ProjectForm) -> Response:
        page = render_template("administration/new_project.html", form=form, zones=zone_names())
        return make_response(page, 400 if form.errors else 200)


def views() -> list[BaseView]:
    return [
        UsersView(name="Users", endpoint="users", url="/administration/users"),
        ProjectsView(name="Projects", endpoint="projects_admin", url="/administration/projects"),
    ]


def _kind(form: UserForm) -> Kind:
    return Kind.SUPERUSER if form.superuser.data else Kind.USER


def _user_row(user: UserLine) -> UserRow:
    created = show_moment(user.created_at, UTC)
    return UserRow(user.id, user.email, user.name, user.is_superuser, user.is_active, created, user.projects)


def _project_row(project: ProjectLine) -> ProjectRow:
    created = show_moment(project.created_at, UTC)
    return ProjectRow(project.id, project.name, project.time_zone, created, project.members, project.keys)
