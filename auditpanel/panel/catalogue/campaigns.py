"""`/projects/<project id>/catalogue/campaigns/`. What concerns all vouchers of one is done by background tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from flask import url_for
from flask_admin import expose
from werkzeug.wrappers import Response as BaseResponse
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue import campaigns, cells, lists
from auditpanel.catalogue.campaigns import CampaignUpdate
from auditpanel.catalogue.changes import Changes
from auditpanel.catalogue.lists import Count, Page, Place
from auditpanel.catalogue.models import Campaign, CampaignType, Resource
from auditpanel.catalogue.values import read_campaign
from auditpanel.extensions import db
from auditpanel.ids import Prefix
from auditpanel.panel.catalogue import vouchers
from auditpanel.panel.catalogue.forms import (
    EXACT,
    PLAIN,
    WORTH_CHOICES,
    WORTH_HINT,
    WORTHS,
    Initial,
    RecordForm,
    ValidityMixin,
    dates_body,
    read_cell,
    typed_moment,
    worth_body,
    worth_of,
)
from auditpanel.panel.catalogue.kind import Json
from auditpanel.panel.catalogue.showing import Act, Cell, Column, Fact, Related, Row, moment_cell, moment_fact
from auditpanel.panel.catalogue.views import RecordsView
from auditpanel.panel.catalogue.worth import State, state_of, validity_words, worth_words
from auditpanel.panel.formatters import count_text
from auditpanel.panel.scope import current_scope
from auditpanel.panel.tasks.asking import ask_for_task
from auditpanel.tasks.values import TaskType
from auditpanel.times import utc_now

KIND_LABELS = {
    CampaignType.DISCOUNT: "Discount coupons",
    CampaignType.GIFT: "Gift vouchers",
    CampaignType.LOYALTY: "Loyalty program",
}
CAMPAIGN_OF_WORTH = {"GIFT": CampaignType.GIFT, "LOYALTY": CampaignType.LOYALTY}
VOUCHERS_SHOWN = 10


class CampaignForm(ValidityMixin, RecordForm):
    shown: ClassVar[Sequence[str]] = ("value", "description", "category", "start_date", "expiration_date", "active")
    places = {"discount": "value", "gift": "value", "loyalty_card": "value", "code_config": "pattern", "redemption": "redemption_quantity"}

    value = StringField("How much each of its vouchers is worth", description=WORTH_HINT, render_kw=EXACT)
    description = TextAreaField("Description", render_kw={"rows": 3})


class NewCampaignForm(CampaignForm):
    shown: ClassVar[Sequence[str]] = (
        "name",
        "kind",
        "value",
        "vouchers_count",
        "pattern",
        "redemption_quantity",
        "type",
        "description",
        "category",
        "start_date",
        "expiration_date",
        "active",
    )

    name = StringField("Name", description="No two campaigns have the same", render_kw=PLAIN)
    kind = SelectField("Its vouchers are worth", choices=WORTH_CHOICES)
    vouchers_count = StringField("Vouchers to generate", description="A background task makes them. Empty: none yet", render_kw=EXACT)
    pattern = StringField(
        "Codes look like",
        description="Each # becomes a letter or figure, as in SUMMER-#######. Empty: eight of them",
        render_kw=EXACT,
    )
    redemption_quantity = StringField("Each can be redeemed", description="How often, like 1. Empty: without limit", render_kw=EXACT)
    type = SelectField(
        "More vouchers later",
        choices=[SelectChoice("AUTO_UPDATE", "Can be added at any time"), SelectChoice("STATIC", "Meant for those of its creation")],
    )


class CampaignsView(RecordsView[Campaign]):
    resource = Resource.CAMPAIGN
    prefix = Prefix.CAMPAIGN
    one, many, title = "campaign", "campaigns", "Campaigns"
    search_words = "Any part of a campaign's name"
    columns: ClassVar[Sequence[Column]] = (
        Column("Name"),
        Column("Kind", "kind"),
        Column("Worth", "worth"),
        Column("Vouchers", "number"),
        Column("State", "state"),
        Column("Created", "created"),
    )

    @expose("/<record_id>/enable", methods=["POST"])
    def enable(self, record_id: str) -> BaseResponse:
        return self._switch(record_id, "is active now.", is_on=True)

    @expose("/<record_id>/disable", methods=["POST"])
    def disable(self, record_id: str) -> BaseResponse:
        return self._switch(record_id, "is disabled now. Its vouchers stay as they are.", is_on=False)

    def _switch(self, record_id: str, message: str, *, is_on: bool) -> BaseResponse:
        changes = CampaignUpdate(Changes({"active": is_on}), None, {})
        scope, now = current_scope(), utc_now()
        return self.changed(record_id, lambda campaign: campaigns.change_campaign(db.session(), scope, campaign, changes, now=now), message)

    def get(self, scope: ProjectScope, record_id: str) -> Campaign:
        return campaigns.get_campaign(db.session(), scope, record_id)

    def page(self, scope: ProjectScope, place: Place | None, within: UUID | None, size: int) -> Page[Campaign]:
        return lists.list_campaigns(db.session(), scope, place=place, size=size)

    def count(self, scope: ProjectScope, within: UUID | None) -> Count:
        return lists.count_campaigns(db.session(), scope)

    def search(self, scope: ProjectScope, typed: str) -> list[Campaign]:
        return lists.find_campaigns(db.session(), scope, typed)

    def name_of(self, record: Campaign) -> str:
        return record.name

    def state_of(self, scope: ProjectScope, record: Campaign) -> State:
        return state_of(record.active, record.start_date, record.expiration_date, utc_now(), scope.time_zone)

    def rows(self, scope: ProjectScope, records: Sequence[Campaign]) -> list[Sequence[Cell]]:
        return [
            (
                Cell(campaign.name),
                Cell(_kind_words(campaign), "Kind"),
                Cell(_worth(campaign), "Worth"),
                Cell(count_text(campaign.vouchers_count), "Vouchers"),
                Cell(label="State", state=self.state_of(scope, campaign)),
                moment_cell(campaign.created_at, scope.time_zone),
            )
            for campaign in records
        ]

    def facts(self, scope: ProjectScope, record: Campaign) -> list[Fact]:
        zone = scope.time_zone
        vouchers_url = url_for("vouchers.index", campaign=self.id_of(record))
        config = record.voucher.get("code_config")
        return [
            Fact("Kind", _kind_words(record)),
            Fact("Each voucher is worth", _worth(record) or "Not told"),
            Fact("Vouchers", count_text(record.vouchers_count), vouchers_url),
            Fact("Generation", record.vouchers_generation_status.replace("_", " ").capitalize()),
            Fact("Codes look like", str(config.get("pattern", "")) if isinstance(config, dict) else "Not told", is_exact=True),
            Fact("More vouchers later", "Can be added" if record.type == "AUTO_UPDATE" else "Meant for those of its creation"),
            Fact("Valid", validity_words(record.start_date, record.expiration_date, zone)),
            Fact("Category", record.category or "None"),
            Fact("Description", record.description or "None"),
            moment_fact("Created", record.created_at, zone),
            moment_fact("Updated", record.updated_at, zone, missing="Never"),
            Fact("Campaign id", self.id_of(record), is_exact=True, copy=True),
        ]

    def as_json(self, scope: ProjectScope, record: Campaign) -> Json:
        return campaigns.campaign_as_json(record)

    def related(self, scope: ProjectScope, record: Campaign) -> Related:
        newest = lists.list_vouchers(db.session(), scope, campaign_id=record.id, place=None, size=VOUCHERS_SHOWN).rows
        within = self.id_of(record)
        return Related(
            title="Vouchers",
            columns=vouchers.COLUMNS_OF_CAMPAIGN,
            rows=[Row(vouchers.url_of(voucher), vouchers.cells_of_campaign(scope, voucher)) for voucher in newest],
            more_url=url_for("vouchers.index", campaign=within),
            more_words=f"All of its vouchers: {count_text(record.vouchers_count)}",
            new_url=url_for("vouchers.new", campaign=within),
            new_words="New voucher of it",
        )

    def acts(self, scope: ProjectScope, record: Campaign) -> list[Act]:
        record_id = self.id_of(record)
        switch = (
            Act("Disable", self.url_to("disable", record_id=record_id))
            if record.active
            else Act("Enable", self.url_to("enable", record_id=record_id))
        )
        effect = (
            f"A background task deletes it with its {count_text(record.vouchers_count)} vouchers. Nobody finds the campaign "
            "from that moment on, and it cannot be undone. Its logs stay."
        )
        return [switch, self.delete_act(record, effect)]

    def new_form(self) -> RecordForm:
        return NewCampaignForm()

    def create(self, scope: ProjectScope, form: RecordForm, metadata: Json) -> Campaign:
        kind = str(form["kind"].data)
        voucher = worth_body(kind, form.text("value"))
        if pattern := form.text("pattern"):
            voucher["code_config"] = {"pattern": pattern}
        if quantity := form.text("redemption_quantity"):
            voucher["redemption"] = {"quantity": read_cell(cells.limit, quantity, "redemption_quantity")}
        body = dates_body(form.given("name", "type", "description", "category", "start_date", "expiration_date"), scope.time_zone)
        if count := form.text("vouchers_count"):
            body["vouchers_count"] = read_cell(cells.whole, count, "vouchers_count")
        campaign_type = str(CAMPAIGN_OF_WORTH.get(kind, CampaignType.DISCOUNT))
        body |= {"campaign_type": campaign_type, "voucher": voucher, "metadata": metadata, "active": bool(form["active"].data)}
        new = read_campaign(body)
        campaign = campaigns.create_campaign(db.session(), scope, new)
        if new.vouchers_count:
            parameters = self._of(campaign) | {"vouchers_count": new.vouchers_count, "voucher": {}}
            ask_for_task(scope, TaskType.CAMPAIGN_VOUCHERS_GENERATE, parameters)
        return campaign

    def edit_form(self, scope: ProjectScope, record: Campaign) -> tuple[RecordForm, Initial]:
        initial: dict[str, str | bool] = {
            "value": self._stored_worth(record)[1],
            "description": record.description or "",
            "category": record.category or "",
            "start_date": typed_moment(record.start_date, scope.time_zone),
            "expiration_date": typed_moment(record.expiration_date, scope.time_zone),
            "active": record.active,
        }
        form = CampaignForm(data=initial)
        if not initial["value"]:
            del form.value
        return form, initial

    def change(self, scope: ProjectScope, record: Campaign, form: RecordForm, initial: Initial, metadata: Changes) -> str:
        body = dates_body(form.changed(initial, "description", "category", "start_date", "expiration_date"), scope.time_zone)
        if form.changed(initial, "value"):
            kind = self._stored_worth(record)[0]
            name = WORTHS[kind][0]
            stored = record.voucher.get(name) if name == "discount" else None
            changed = worth_body(kind, form.text("value"))[name]
            body["voucher"] = {name: {**(stored if isinstance(stored, dict) else {}), **changed}}
        body |= form.switched(initial) | {"metadata": metadata.metadata, "unset_metadata_fields": list(metadata.unset_metadata)}
        changes = campaigns.read_campaign_update(body, record)
        campaigns.change_campaign(db.session(), scope, record, changes, now=utc_now())
        if not changes.for_vouchers or not record.vouchers_count:
            return ""
        ask_for_task(scope, TaskType.CAMPAIGN_VOUCHERS_UPDATE, self._of(record) | {"changes": changes.for_vouchers})
        return f"A background task changes its {count_text(record.vouchers_count)} vouchers too."

    def delete(self, scope: ProjectScope, record: Campaign) -> str:
        record.deleted_at = utc_now()
        return url_for("tasks.show", task_id=ask_for_task(scope, TaskType.CAMPAIGN_VOUCHERS_DELETE, self._of(record)))

    def _of(self, campaign: Campaign) -> Json:
        return {"campaign_id": self.id_of(campaign), "campaign": campaign.name}

    def _stored_worth(self, campaign: Campaign) -> tuple[str, str]:
        discount, gift, card = (_object(campaign, name) for name in ("discount", "gift", "loyalty_card"))
        return worth_of(discount, gift, card)


def _kind_words(campaign: Campaign) -> str:
    return KIND_LABELS.get(CampaignType(campaign.campaign_type), campaign.campaign_type)


def _worth(campaign: Campaign) -> str:
    return worth_words(_object(campaign, "discount"), _object(campaign, "gift"), _object(campaign, "loyalty_card"))


def _object(campaign: Campaign, name: str) -> Json | None:
    value = campaign.voucher.get(name)
    return value if isinstance(value, dict) else None
