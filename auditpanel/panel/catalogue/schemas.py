"""`/projects/<project id>/catalogue/metadata-schemas/`: what types and rules metadata has, which admins say and imports follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from flask import Response, make_response, render_template, request
from flask_admin import expose
from werkzeug.wrappers import Response as BaseResponse
from wtforms import BooleanField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.metadata_rules import rules_in_words
from auditpanel.catalogue.metadata_schemas import TYPES, define_key, find_schema, forget_key, list_schemas
from auditpanel.catalogue.models import Resource
from auditpanel.catalogue.reading import check_storable
from auditpanel.errors import InvalidInput
from auditpanel.extensions import db
from auditpanel.panel.catalogue.forms import EXACT, PLAIN
from auditpanel.panel.catalogue.metadata import KEY_CHARACTERS
from auditpanel.panel.forms import PanelForm
from auditpanel.panel.scope import current_scope, require_role
from auditpanel.panel.views import PanelView, done
from auditpanel.times import utc_now

RESOURCE_LABELS = {
    Resource.CAMPAIGN: "Campaigns",
    Resource.VOUCHER: "Vouchers",
    Resource.CUSTOMER: "Customers",
    Resource.PRODUCT: "Products",
    Resource.SKU: "SKUs",
}
TYPE_LABELS = {
    "string": "text",
    "number": "number",
    "boolean": "true or false",
    "date": "day",
    "datetime": "day and time",
    "object": "object in JSON",
    "geopoint": "place: latitude and longitude",
    "image_url": "address of a picture",
}
# What the two bounds of the form are of: a number's value, or the characters of a text.
BOUNDS: Mapping[str, tuple[str, str]] = {"number": ("gte", "lte"), "string": ("minLength", "maxLength")}
NO_BOUNDS = ("", "")
FIELDS_OF_RULES = {"eq": "choices", "gte": "least", "lte": "most", "minLength": "least", "maxLength": "most"}
_CHOICES_HINT = "One a line. Left empty: any value of the type"
_BOUND_HINT = "A whole number: of a number its value, of a text its characters"


@dataclass(frozen=True, slots=True)
class Key:
    name: str
    type: str
    words: str
    rules: str


@dataclass(frozen=True, slots=True)
class SchemaCard:
    resource: Resource
    title: str
    types: list[Key]


class KeyTypeForm(PanelForm):
    resource = SelectField("Metadata of", choices=[SelectChoice(resource.value, label) for resource, label in RESOURCE_LABELS.items()])
    key = StringField("Key", description="As it stands in the header of a file or the body of a call", render_kw=EXACT)
    type = SelectField("Type", choices=[SelectChoice(type_, f"{type_}: {TYPE_LABELS[type_]}") for type_ in TYPES])
    array = BooleanField("A list of such values")
    needed = BooleanField("Each new record has to have it")
    choices = TextAreaField("Only these values", description=_CHOICES_HINT, render_kw={"rows": 3, **EXACT})
    least = StringField("At least", description=_BOUND_HINT, render_kw={"inputmode": "numeric", **PLAIN})
    most = StringField("At most", description=_BOUND_HINT, render_kw={"inputmode": "numeric", **PLAIN})

    def rules(self) -> Mapping[str, object]:
        """In the words of the public API. Raises InvalidInput with the field that cannot be read."""
        type_ = str(self.type.data)
        choices = [_choice(line.strip(), type_) for line in (self.choices.data or "").splitlines() if line.strip()]
        low, high = BOUNDS.get(type_, NO_BOUNDS)
        rules = {"eq": choices or None, low: _bound(self.least, low), high: _bound(self.most, high)}
        for choice in choices:
            check_storable(choice, "eq")
        wanted = {rule: value for rule, value in rules.items() if value is not None}
        return {"array": bool(self.array.data), "optional": not self.needed.data} | wanted

    def refuse(self, error: InvalidInput) -> None:
        super().refuse(InvalidInput(error.reason, field=FIELDS_OF_RULES.get(error.field or "", error.field)))


class ForgottenKeyForm(PanelForm):
    resource = HiddenField()
    key = HiddenField()


class MetadataSchemasView(PanelView):
    def require_access(self) -> None:
        current_scope()

    @expose("/", methods=["GET", "POST"])
    def index(self) -> Response | BaseResponse:
        scope, form = current_scope(), KeyTypeForm()
        if request.method == "GET":
            _show_stored(form, scope, request.args.get("resource", ""), request.args.get("key", ""))
        if not form.validate_on_submit() or not self._define(scope, form):
            page = render_template(
                "catalogue/schemas.html", form=form, cards=_cards(scope), is_admin=scope.role.includes(Role.ADMIN), name=scope.name
            )
            return make_response(page, 400 if form.errors else 200)
        return done(f"{form.key.data} is {form.type.data} now. What is stored under it stays as it is.", "metadata_schemas.index")

    @expose("/forget", methods=["POST"])
    def forget(self) -> BaseResponse:
        scope, form = current_scope(), ForgottenKeyForm()
        require_role(scope, Role.ADMIN)
        if form.resource.data not in list(Resource):
            raise InvalidInput(f"write one of {', '.join(Resource)}", field="resource")
        key = str(form.key.data or "")
        forget_key(db.session(), scope, Resource(form.resource.data), key, now=utc_now())
        db.session.commit()
        return done(f"{key} has no type any more. What is stored under it stays as it is.", "metadata_schemas.index")

    def _define(self, scope: ProjectScope, form: KeyTypeForm) -> bool:
        require_role(scope, Role.ADMIN)
        key = (form.key.data or "").strip()
        try:
            if not 0 < len(key) <= KEY_CHARACTERS or "\x00" in key:
                raise InvalidInput(f"write the key, in 1 to {KEY_CHARACTERS} characters", field="key")
            define_key(db.session(), scope, Resource(form.resource.data), key, str(form.type.data), rules=form.rules(), now=utc_now())
        except InvalidInput as error:
            form.refuse(error)
            return False
        db.session.commit()
        return True


def _show_stored(form: KeyTypeForm, scope: ProjectScope, resource: str, key: str) -> None:
    """For a change of what is said of a key: a definition is saved as a whole."""
    schema = find_schema(db.session(), scope, Resource(resource)) if resource in list(Resource) else None
    if schema is None or key not in schema.properties:
        return
    definition = schema.properties[key]
    type_ = str(definition.get("type") or "string")
    low, high = BOUNDS.get(type_, NO_BOUNDS)
    choices = definition.get("eq")
    form.resource.data, form.key.data, form.type.data = resource, key, type_
    form.array.data, form.needed.data = bool(definition.get("array")), definition.get("optional") is False
    form.choices.data = "\n".join(map(_written, choices)) if isinstance(choices, list) else ""
    form.least.data, form.most.data = str(definition.get(low, "")), str(definition.get(high, ""))


def _cards(scope: ProjectScope) -> list[SchemaCard]:
    stored = {schema.resource: schema.properties for schema in list_schemas(db.session(), scope)}
    return [SchemaCard(resource, label, _keys(stored.get(resource, {}))) for resource, label in RESOURCE_LABELS.items()]


def _keys(properties: Mapping[str, Mapping[str, object]]) -> list[Key]:
    return [_key(name, definition) for name, definition in sorted(properties.items())]


def _key(name: str, definition: Mapping[str, object]) -> Key:
    type_ = str(definition.get("type") or "string")
    words = "" if type_ == TYPE_LABELS.get(type_) else TYPE_LABELS.get(type_, "")
    return Key(name, f"{type_} list" if definition.get("array") else type_, words, ", ".join(rules_in_words(definition)))


def _choice(line: str, type_: str) -> object:
    """A text needs no quotes here; what is of another type is written as in JSON."""
    if type_ == "string":
        return line
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return line


def _written(choice: object) -> str:
    return choice if isinstance(choice, str) else msgspec.json.encode(choice).decode()


def _bound(field: StringField, rule: str) -> int | None:
    text = (field.data or "").strip()
    if not text:
        return None
    if not rule:
        raise InvalidInput("only a number or a text has bounds; leave this empty", field=field.name)
    try:
        return int(text)
    except ValueError:
        raise InvalidInput("this is no whole number; write one like 10", field=field.name) from None
