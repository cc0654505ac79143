"""`/projects/<project id>/catalogue/metadata-schemas/`: what types metadata has, which admins say and imports follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Response, make_response, render_template
from flask_admin import expose
from werkzeug.wrappers import Response as BaseResponse
from wtforms import HiddenField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.metadata_schemas import TYPES, define_key, forget_key, list_schemas
from auditpanel.catalogue.models import Resource
from auditpanel.errors import InvalidInput
from auditpanel.extensions import db
from auditpanel.panel.catalogue.forms import EXACT
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


@dataclass(frozen=True, slots=True)
class Key:
    name: str
    type: str
    words: str


@dataclass(frozen=True, slots=True)
class SchemaCard:
    resource: Resource
    title: str
    types: list[Key]


class KeyTypeForm(PanelForm):
    resource = SelectField("Metadata of", choices=[SelectChoice(resource.value, label) for resource, label in RESOURCE_LABELS.items()])
    key = StringField("Key", description="As it stands in the header of a file or the body of a call", render_kw=EXACT)
    type = SelectField("Type", choices=[SelectChoice(type_, f"{type_}: {TYPE_LABELS[type_]}") for type_ in TYPES])


class ForgottenKeyForm(PanelForm):
    resource = HiddenField()
    key = HiddenField()


class MetadataSchemasView(PanelView):
    def require_access(self) -> None:
        current_scope()

    @expose("/", methods=["GET", "POST"])
    def index(self) -> Response | BaseResponse:
        scope, form = current_scope(), KeyTypeForm()
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
            define_key(db.session(), scope, Resource(form.resource.data), key, str(form.type.data), now=utc_now())
        except InvalidInput as error:
            form.refuse(error)
            return False
        db.session.commit()
        return True


def _cards(scope: ProjectScope) -> list[SchemaCard]:
    stored = {schema.resource: schema.properties for schema in list_schemas(db.session(), scope)}
    return [SchemaCard(resource, label, _keys(stored.get(resource, {}))) for resource, label in RESOURCE_LABELS.items()]


def _keys(properties: Mapping[str, Mapping[str, object]]) -> list[Key]:
    return [_key(name, definition) for name, definition in sorted(properties.items())]


def _key(name: str, definition: Mapping[str, object]) -> Key:
    type_ = str(definition.get("type") or "string")
    return Key(name, f"{type_} list" if definition.get("array") else type_, TYPE_LABELS.get(type_, ""))
