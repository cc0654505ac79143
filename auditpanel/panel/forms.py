"""The forms of accounts, projects and keys. They say what fields there are; what may stand in them, `accounts` decides."""

from __future__ import annotations

from zoneinfo import available_timezones

from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, IntegerField, PasswordField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import InputRequired, NumberRange

from auditpanel.accounts.models import Role
from auditpanel.accounts.names import EMAIL_CHARACTERS, NAME_CHARACTERS
from auditpanel.accounts.passwords import LEAST_CHARACTERS, MOST_CHARACTERS
from auditpanel.accounts.projects import LEAST_BODY_LIMIT_BYTES, LONGEST_EXPORT_DAYS, MOST_BODY_LIMIT_BYTES
from auditpanel.errors import InvalidInput
from auditpanel.logs.values import ORIGIN_LABELS, Origin

ROLE_WORDS = {
    Role.VIEWER: "reads and exports everything of the project",
    Role.OPERATOR: "also sends again, imports and schedules exports",
    Role.ADMIN: "also changes settings, members and keys",
}
ROLE_CHOICES = [SelectChoice(role.value, role.label) for role in Role]
ROLE_CHOICES_IN_WORDS = [SelectChoice(role.value, f"{role.label}: {words}") for role, words in ROLE_WORDS.items()]
ORIGIN_CHOICES = [SelectChoice(origin.value, label) for origin, label in ORIGIN_LABELS.items()]
KIB = 1024
_PASSWORD_HINT = f"{LEAST_CHARACTERS} to {MOST_CHARACTERS} characters"
_NAME = {"autocomplete": "off", "maxlength": NAME_CHARACTERS}
_EMAIL = {"autocomplete": "off", "maxlength": EMAIL_CHARACTERS}
_NEW_PASSWORD = {"autocomplete": "new-password"}


def zone_names() -> list[str]:
    """For the field's list of suggestions, which browsers search by any part of a name."""
    return sorted(name for name in available_timezones() if "/" in name or name == "UTC")


class PanelForm(FlaskForm):
    def refuse(self, error: InvalidInput) -> None:
        """Show the error under its field, or above the form where it has none."""
        sentence = f"{error.reason[:1].upper()}{error.reason[1:]}."
        field = self._fields.get(error.field or "")
        if field is None:
            self.form_errors.append(sentence)
        else:
            field.errors = [*field.errors, sentence]


class LoginForm(PanelForm):
    email = EmailField("Email", [InputRequired("Write your email.")], render_kw={"autocomplete": "username", "maxlength": EMAIL_CHARACTERS})
    password = PasswordField("Password", [InputRequired("Write your password.")], render_kw={"autocomplete": "current-password"})


class OwnPasswordForm(PanelForm):
    current_password = PasswordField(
        "Your password now", [InputRequired("Write the password that you logged in with.")], render_kw={"autocomplete": "current-password"}
    )
    password = PasswordField("New password", description=_PASSWORD_HINT, render_kw=_NEW_PASSWORD)


class PasswordForm(PanelForm):
    password = PasswordField("New password", description=_PASSWORD_HINT, render_kw=_NEW_PASSWORD)


class UserForm(PanelForm):
    email = EmailField("Email", render_kw=_EMAIL)
    name = StringField("Name", description="As others see it", render_kw=_NAME)
    superuser = BooleanField("Superuser", description="Manages users and projects, and is an admin of every project")


class NewUserForm(UserForm):
    name = StringField("Name", description="As others see it. Left empty: what stands before the @ in the email", render_kw=_NAME)
    password = PasswordField("Password", description=f"{_PASSWORD_HINT}. Tell it to the user, who can change it", render_kw=_NEW_PASSWORD)


class ProjectForm(PanelForm):
    name = StringField("Name", render_kw=_NAME)
    time_zone = StringField(
        "Time zone",
        description="Project time: the same for all members. Type a part of a name, like Warsaw",
        render_kw={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"},
    )


class RecordingForm(PanelForm):
    redact_paths = TextAreaField(
        "Places to redact in JSON bodies",
        description="One path a line, like customer.phone or order.items[*].serial. Passwords, tokens and card numbers are redacted always",
        render_kw={"rows": 6, "spellcheck": "false", "autocomplete": "off"},
    )
    body_limit_kib = IntegerField(
        "Kept of each body, in KiB",
        [
            NumberRange(
                LEAST_BODY_LIMIT_BYTES // KIB,
                MOST_BODY_LIMIT_BYTES // KIB,
                f"Write a whole number from {LEAST_BODY_LIMIT_BYTES // KIB} to {MOST_BODY_LIMIT_BYTES // KIB:,}.",
            )
        ],
        description="What is longer is cut, and marked with its true size",
    )

    @property
    def paths(self) -> list[str]:
        return [line.strip() for line in (self.redact_paths.data or "").splitlines() if line.strip()]


class ExportsForm(PanelForm):
    export_days = IntegerField(
        "Files are kept, in days",
        [NumberRange(1, LONGEST_EXPORT_DAYS, f"Write a whole number from 1 to {LONGEST_EXPORT_DAYS:,}.")],
        description="After that a file is removed; the record of its export stays",
    )


class MemberForm(PanelForm):
    email = EmailField("Email", render_kw=_EMAIL)
    role = RadioField("Role", choices=ROLE_CHOICES_IN_WORDS, default=Role.VIEWER.value)


class RoleForm(PanelForm):
    role = SelectField("Role", choices=ROLE_CHOICES)


class KeyForm(PanelForm):
    name = StringField(
        "Name",
        description="Which client it is for, like shopify-prod. Logs show it",
        render_kw=_NAME,
    )
    origin = SelectField(
        "Origin", choices=ORIGIN_CHOICES, default=Origin.API.value, description="What the logs of its calls say, unless the call says it"
    )
