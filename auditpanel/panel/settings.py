"""A project's settings, for its admins: its name and zone, what is kept of bodies and exports, its members, its API keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from flask import Response, flash, make_response, redirect, render_template
from flask_admin import BaseView, expose
from werkzeug.wrappers import Response as BaseResponse

from auditpanel.accounts import keys, members
from auditpanel.accounts.models import ApiKey, Project, Role
from auditpanel.accounts.projects import change_export_days, change_project, change_recording, get_project
from auditpanel.accounts.scope import ProjectScope, scope_of_project
from auditpanel.errors import InvalidInput
from auditpanel.exports.schedules import follow_time_zone
from auditpanel.extensions import db
from auditpanel.logs.redaction import check_path
from auditpanel.logs.values import Origin
from auditpanel.panel.forms import KIB, ExportsForm, KeyForm, MemberForm, PanelForm, ProjectForm, RecordingForm, RoleForm, zone_names
from auditpanel.panel.login import logged_in
from auditpanel.panel.moments import ShownMoment, show_moment
from auditpanel.panel.next_page import next_page
from auditpanel.panel.scope import current_scope, require_role
from auditpanel.panel.views import PanelView, done
from auditpanel.times import utc_now


@dataclass(frozen=True, slots=True)
class KeyRow:
    id: UUID
    name: str
    origin: str
    created: ShownMoment
    revoked: ShownMoment | None


class SettingsView(PanelView):
    def require_access(self) -> None:
        require_role(current_scope(), Role.ADMIN)

    @expose("/", methods=["GET", "POST"])
    def index(self) -> Response | BaseResponse:
        project = _project()
        form = ProjectForm(data={"name": project.name, "time_zone": project.time_zone})
        if not _takes(form, lambda: _change_general(project, form)):
            return _general_page(form, _recording_form(project), _exports_form(project))
        return done("Saved.", "settings.index")

    @expose("/recording", methods=["GET", "POST"])
    def recording(self) -> Response | BaseResponse:
        project = _project()
        form = RecordingForm(data=_recording_data(project))
        if not _takes(form, lambda: _change_recording(project, form)):
            return _general_page(_project_form(project), form, _exports_form(project))
        return done("Saved. It holds for what is recorded from now on.", "settings.index")

    @expose("/exports", methods=["GET", "POST"])
    def exports(self) -> Response | BaseResponse:
        project = _project()
        form = ExportsForm(data={"export_days": project.export_days})
        if not _takes(form, lambda: change_export_days(db.session(), project, form.export_days.data or 0)):
            return _general_page(_project_form(project), _recording_form(project), form)
        return done("Saved. It holds for exports that are asked for from now on.", "settings.index")

    @expose("/members", methods=["GET", "POST"])
    def members(self) -> Response | BaseResponse:
        form, scope = MemberForm(), current_scope()
        if not _takes(form, lambda: members.add_member(db.session(), scope.project_id, form.email.data or "", Role(form.role.data))):
            listed = members.list_members(db.session(), scope.project_id)
            values = {"members": listed, "has_admin": _has_admin(listed), "only_admin": _only_admin(listed), "roles": list(Role)}
            return self._page("settings/members.html", form, **values)
        return done(f"{(form.email.data or '').strip().lower()} is a member now.", "settings.members")

    @expose("/members/<uuid:user_id>/role", methods=["POST"])
    def change_role(self, user_id: UUID) -> BaseResponse:
        form, scope = RoleForm(), current_scope()
        member = members.get_member(db.session(), scope.project_id, user_id)
        if not form.validate():
            raise InvalidInput(f"choose one of {', '.join(Role)}", field="role")
        role = Role(form.role.data)
        members.change_role(db.session(), scope.project_id, user_id, role)
        note = self._admin_note()
        db.session.commit()
        return self._after_change_of(user_id, f"{member.email} is {role.label.lower()} now.{note}")

    @expose("/members/<uuid:user_id>/remove", methods=["POST"])
    def remove_member(self, user_id: UUID) -> BaseResponse:
        scope = current_scope()
        member = members.get_member(db.session(), scope.project_id, user_id)
        members.remove_member(db.session(), scope.project_id, user_id)
        note = self._admin_note()
        db.session.commit()
        return self._after_change_of(user_id, f"{member.email} is no longer a member.{note}")

    @expose("/keys", methods=["GET", "POST"])
    def keys(self) -> Response:
        form, scope = KeyForm(), current_scope()
        made: list[keys.NewKey] = []
        if not _takes(
            form, lambda: made.append(keys.create_key(db.session(), scope.project_id, form.name.data or "", form.origin.data or ""))
        ):
            rows = [_key_row(key, scope) for key in keys.list_keys(db.session(), scope.project_id)]
            return self._page("settings/keys.html", form, keys=rows)
        # Shown here and nowhere else, so it is the one answer to a POST that is a page and not a redirect.
        return self._page("settings/new_key.html", form, key=made[0], key_name=form.name.data)

    @expose("/keys/<uuid:key_id>/revoke", methods=["POST"])
    def revoke_key(self, key_id: UUID) -> BaseResponse:
        scope = current_scope()
        name = keys.get_key(db.session(), scope.project_id, key_id).name
        keys.revoke_key(db.session(), scope.project_id, key_id, utc_now())
        db.session.commit()
        return done(f"The key {name} is revoked: calls with it are refused from now on.", "settings.keys")

    def _page(self, template: str, form: PanelForm, **values: object) -> Response:
        return make_response(render_template(template, form=form, scope=current_scope(), **values), 400 if form.errors else 200)

    def _admin_note(self) -> str:
        scope = current_scope()
        if _has_admin(members.list_members(db.session(), scope.project_id)):
            return ""
        return f" {scope.name} has no admin now; superusers look after it."

    def _after_change_of(self, user_id: UUID, message: str) -> BaseResponse:
        """Back to the list; to the start page for those who may have given up their own right to see the list."""
        me = logged_in()
        if me.is_superuser or user_id != me.id:
            return done(message, "settings.members")
        flash(message)
        return redirect(next_page(None))


def views() -> list[BaseView]:
    return [SettingsView(name="Settings", endpoint="settings", url="/projects/<project_id>/settings")]


def _project() -> Project:
    return get_project(db.session(), current_scope().project_id)


def _takes(form: PanelForm, change: Callable[[], object]) -> bool:
    """Make and commit the change that the form asks for; False where nothing was sent or it was refused, which the form then says."""
    if not form.validate_on_submit():
        return False
    try:
        change()
    except InvalidInput as error:
        form.refuse(error)
        return False
    db.session.commit()
    return True


def _general_page(form: ProjectForm, recording_form: RecordingForm, exports_form: ExportsForm) -> Response:
    forms = {"form": form, "recording_form": recording_form, "exports_form": exports_form}
    page = render_template("settings/index.html", zones=zone_names(), scope=current_scope(), **forms)
    return make_response(page, 400 if any(each.errors for each in forms.values()) else 200)


def _project_form(project: Project) -> ProjectForm:
    return ProjectForm(formdata=None, data={"name": project.name, "time_zone": project.time_zone})


def _exports_form(project: Project) -> ExportsForm:
    return ExportsForm(formdata=None, data={"export_days": project.export_days})


def _recording_data(project: Project) -> dict[str, object]:
    return {"redact_paths": "\n".join(project.redact_paths), "body_limit_kib": project.body_limit_bytes // KIB}


def _recording_form(project: Project) -> RecordingForm:
    return RecordingForm(formdata=None, data=_recording_data(project))


def _change_general(project: Project, form: ProjectForm) -> None:
    change_project(db.session(), project, name=form.name.data or "", time_zone=form.time_zone.data or "")
    follow_time_zone(db.session(), scope_of_project(project, Role.ADMIN), utc_now())


def _change_recording(project: Project, form: RecordingForm) -> None:
    for number, path in enumerate(form.paths, 1):
        try:
            check_path(path)
        except InvalidInput as error:
            raise InvalidInput(f"path {number}: {error.reason}", field="redact_paths") from None
    change_recording(db.session(), project, redact_paths=form.paths, body_limit_bytes=(form.body_limit_kib.data or 0) * KIB)


def _key_row(key: ApiKey, scope: ProjectScope) -> KeyRow:
    revoked = show_moment(key.revoked_at, scope.time_zone) if key.revoked_at else None
    return KeyRow(key.id, key.name, Origin(key.origin).label, show_moment(key.created_at, scope.time_zone), revoked)


def _only_admin(listed: list[members.Member]) -> UUID | None:
    """Whose removal leaves the project without one."""
    admins = [member.user_id for member in listed if member.role is Role.ADMIN and member.is_active]
    return admins[0] if len(admins) == 1 else None


def _has_admin(listed: list[members.Member]) -> bool:
    return any(member.role is Role.ADMIN and member.is_active for member in listed)
