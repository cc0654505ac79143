"""`/projects/<project id>/catalogue/vouchers/`."""

from __future__ import annotations

from collections.abc import Sequence
from random import SystemRandom
from typing import ClassVar
from uuid import UUID

from flask import request, url_for
from flask_admin import expose
from werkzeug.wrappers import Response as BaseResponse
from wtforms import StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue import cells, lists, vouchers
from auditpanel.catalogue.campaigns import find_campaign, get_campaign
from auditpanel.catalogue.changes import Changes, read_voucher_changes
from auditpanel.catalogue.lists import Count, Page, Place
from auditpanel.catalogue.models import Campaign, Resource, Voucher
from auditpanel.catalogue.values import NewVoucher, read_campaign_voucher, read_voucher
from auditpanel.errors import InvalidInput
from auditpanel.extensions import db
from auditpanel.ids import Prefix, format_id
from auditpanel.panel.catalogue.forms import (
    EXACT,
    PLAIN,
    WORTH_HINT,
    Initial,
    RecordForm,
    ValidityMixin,
    dates_body,
    read_cell,
    typed_moment,
    worth_body,
    worth_of,
    worth_select,
)
from auditpanel.panel.catalogue.kind import Json
from auditpanel.panel.catalogue.showing import Act, Cell, Column, Fact, Within, moment_cell, moment_fact
from auditpanel.panel.catalogue.views import RecordsView
from auditpanel.panel.catalogue.worth import State, state_of, validity_words, worth_words
from auditpanel.panel.formatters import count_text
from auditpanel.panel.scope import current_scope
from auditpanel.times import utc_now

TYPE_LABELS = {"DISCOUNT_VOUCHER": "Discount", "GIFT_VOUCHER": "Gift card", "LOYALTY_CARD": "Loyalty card"}
COLUMNS_OF_CAMPAIGN = (Column("Code"), Column("Worth", "worth"), Column("State", "state"), Column("Created", "created"))


class VoucherForm(ValidityMixin, RecordForm):
    shown: ClassVar[Sequence[str]] = ("value", "category", "start_date", "expiration_date", "additional_info", "active")
    places = {
        "discount": "value",
        "gift": "value",
        "loyalty_card": "value",
        "type": "kind",
        "campaign_id": "campaign",
        "redemption": "redemption_quantity",
    }

    value = StringField("How much it is worth", description=WORTH_HINT, render_kw=EXACT)
    additional_info = TextAreaField("Additional information", render_kw={"rows": 3})


class NewVoucherForm(VoucherForm):
    shown: ClassVar[Sequence[str]] = (
        "code",
        "campaign",
        "kind",
        "value",
        "redemption_quantity",
        "category",
        "start_date",
        "expiration_date",
        "additional_info",
        "active",
    )

    code = StringField("Code", description="Left empty, one is made", render_kw=EXACT)
    campaign = StringField("Campaign", description="Its name or id, where the voucher belongs to one", render_kw=PLAIN)
    kind = worth_select(SelectChoice("", "As its campaign says"))
    redemption_quantity = StringField("Can be redeemed", description="How often, like 1. Empty: without limit", render_kw=EXACT)


class VouchersView(RecordsView[Voucher]):
    resource = Resource.VOUCHER
    prefix = Prefix.VOUCHER
    one, many, title = "voucher", "vouchers", "Vouchers"
    search_words = "The beginning of a voucher's code"
    columns: ClassVar[Sequence[Column]] = (
        Column("Code"),
        Column("Worth", "worth"),
        Column("Campaign", "kind"),
        Column("State", "state"),
        Column("Created", "created"),
    )

    @expose("/<record_id>/enable", methods=["POST"])
    def enable(self, record_id: str) -> BaseResponse:
        return self._switch(record_id, "is active now.", Changes({"active": True}))

    @expose("/<record_id>/disable", methods=["POST"])
    def disable(self, record_id: str) -> BaseResponse:
        return self._switch(record_id, "is disabled now.", Changes({"active": False}))

    def _switch(self, record_id: str, message: str, changes: Changes) -> BaseResponse:
        scope, now = current_scope(), utc_now()
        return self.changed(record_id, lambda voucher: vouchers.change_voucher(db.session(), scope, voucher, changes, now=now), message)

    def get(self, scope: ProjectScope, record_id: str) -> Voucher:
        return vouchers.get_voucher(db.session(), scope, record_id)

    def find_within(self, scope: ProjectScope) -> tuple[UUID, Within] | None:
        if not request.args.get("campaign"):
            return None
        campaign = get_campaign(db.session(), scope, request.args["campaign"])
        url = url_for("campaigns.show", record_id=format_id(Prefix.CAMPAIGN, campaign.id))
        return campaign.id, Within("Campaign is", campaign.name, url, self.url_to("index"))

    def page(self, scope: ProjectScope, place: Place | None, within: UUID | None, size: int) -> Page[Voucher]:
        return lists.list_vouchers(db.session(), scope, campaign_id=within, place=place, size=size)

    def count(self, scope: ProjectScope, within: UUID | None) -> Count:
        return lists.count_vouchers(db.session(), scope, campaign_id=within)

    def search(self, scope: ProjectScope, typed: str) -> list[Voucher]:
        return lists.find_vouchers(db.session(), scope, typed)

    def name_of(self, record: Voucher) -> str:
        return record.code

    def state_of(self, scope: ProjectScope, record: Voucher) -> State:
        return _state(scope, record)

    def rows(self, scope: ProjectScope, records: Sequence[Voucher]) -> list[Sequence[Cell]]:
        names = vouchers.campaign_names(db.session(), scope, records)
        return [
            (
                Cell(voucher.code, is_exact=True),
                Cell(_worth(voucher), "Worth"),
                _campaign_cell(voucher, names),
                Cell(label="State", state=_state(scope, voucher)),
                moment_cell(voucher.created_at, scope.time_zone),
            )
            for voucher in records
        ]

    def facts(self, scope: ProjectScope, record: Voucher) -> list[Fact]:
        zone = scope.time_zone
        campaign = _campaign_cell(record, vouchers.campaign_names(db.session(), scope, [record]))
        quantity = record.redemption_quantity
        return [
            Fact("Code", record.code, is_exact=True, copy=True),
            Fact("Type", TYPE_LABELS.get(record.type, record.type)),
            Fact("Worth", _worth(record) or "Not told"),
            Fact("Campaign", campaign.text or "None", campaign.url),
            Fact("Can be redeemed", "Without limit" if quantity is None else f"{count_text(quantity)} times" if quantity > 1 else "Once"),
            Fact("Category", record.category or "None"),
            Fact("Valid", validity_words(record.start_date, record.expiration_date, zone)),
            Fact("Additional information", record.additional_info or "None"),
            moment_fact("Created", record.created_at, zone),
            moment_fact("Updated", record.updated_at, zone, missing="Never"),
            Fact("Voucher id", self.id_of(record), is_exact=True, copy=True),
        ]

    def as_json(self, scope: ProjectScope, record: Voucher) -> Json:
        return vouchers.voucher_as_json(record, vouchers.campaign_names(db.session(), scope, [record]))

    def acts(self, scope: ProjectScope, record: Voucher) -> list[Act]:
        record_id = self.id_of(record)
        switch = (
            Act("Disable", self.url_to("disable", record_id=record_id))
            if record.active
            else Act("Enable", self.url_to("enable", record_id=record_id))
        )
        return [switch, self.delete_act(record, "Nobody can redeem it any more, and it cannot be undone. Its logs stay.")]

    def new_form(self) -> RecordForm:
        return NewVoucherForm(data={"campaign": request.args.get("campaign", ""), "active": True})

    def create(self, scope: ProjectScope, form: RecordForm, metadata: Json) -> Voucher:
        campaign = self._campaign(scope, form.text("campaign"))
        new = self._read(scope, form, metadata, campaign)
        voucher = vouchers.create_voucher(db.session(), scope, new, campaign=campaign, random=SystemRandom())
        if campaign is not None:
            self.refer_to_other(Resource.CAMPAIGN, Prefix.CAMPAIGN, campaign.id)
        return voucher

    def _campaign(self, scope: ProjectScope, text: str | None) -> Campaign | None:
        campaign = find_campaign(db.session(), scope, text) if text else None
        if text and campaign is None:
            raise InvalidInput(f'"{text[:60]}" is no campaign of this project; write its name or id, or nothing', field="campaign")
        return campaign

    def _read(self, scope: ProjectScope, form: RecordForm, metadata: Json, campaign: Campaign | None) -> NewVoucher:
        kind = str(form["kind"].data or "")
        if not kind and campaign is None:
            raise InvalidInput("choose what it is worth, or name a campaign that says it", field="kind")
        if not kind and form.text("value"):
            raise InvalidInput("choose what it is worth, or leave the number empty: the campaign says it", field="kind")
        body = dates_body(form.given("code", "category", "start_date", "expiration_date", "additional_info"), scope.time_zone)
        body |= worth_body(kind, form.text("value")) if kind else {}
        if quantity := form.text("redemption_quantity"):
            body["redemption"] = {"quantity": read_cell(cells.limit, quantity, "redemption_quantity")}
        body |= {"metadata": metadata, "active": bool(form["active"].data)}
        if campaign is None:
            return read_voucher(body)
        if kind:
            body["type"] = _type_of(body)
        return read_campaign_voucher(body, campaign.voucher)

    def edit_form(self, scope: ProjectScope, record: Voucher) -> tuple[RecordForm, Initial]:
        initial: dict[str, str | bool] = {
            "value": worth_of(record.discount, None, None)[1],
            "category": record.category or "",
            "start_date": typed_moment(record.start_date, scope.time_zone),
            "expiration_date": typed_moment(record.expiration_date, scope.time_zone),
            "additional_info": record.additional_info or "",
            "active": record.active,
        }
        form = VoucherForm(data=initial)
        if not initial["value"]:
            # What is on a gift or loyalty card changes by redemptions, and a formula is more than a number.
            del form.value
        return form, initial

    def change(self, scope: ProjectScope, record: Voucher, form: RecordForm, initial: Initial, metadata: Changes) -> str:
        texts = form.changed(initial, "category", "start_date", "expiration_date", "additional_info")
        body = dates_body(texts, scope.time_zone) | form.switched(initial) | {"metadata": metadata.metadata}
        if record.discount and form.changed(initial, "value"):
            kind, _ = worth_of(record.discount, None, None)
            changed = worth_body(kind, form.text("value"))["discount"]
            body["discount"] = {**record.discount, **changed}
        read = read_voucher_changes(body)
        changes = Changes(read.columns, read.metadata, read.settings, metadata.unset_metadata)
        vouchers.change_voucher(db.session(), scope, record, changes, now=utc_now())
        return ""

    def delete(self, scope: ProjectScope, record: Voucher) -> str:
        vouchers.delete_voucher(db.session(), scope, record)
        return self.url_to("index")


def url_of(voucher: Voucher) -> str:
    return url_for("vouchers.show", record_id=format_id(Prefix.VOUCHER, voucher.id))


def cells_of_campaign(scope: ProjectScope, voucher: Voucher) -> Sequence[Cell]:
    """A voucher's row on the page of its campaign: COLUMNS_OF_CAMPAIGN."""
    return (
        Cell(voucher.code, is_exact=True),
        Cell(_worth(voucher), "Worth"),
        Cell(label="State", state=_state(scope, voucher)),
        moment_cell(voucher.created_at, scope.time_zone),
    )


def _type_of(body: Json) -> str:
    types = {"discount": "DISCOUNT_VOUCHER", "gift": "GIFT_VOUCHER", "loyalty_card": "LOYALTY_CARD"}
    return next(type_ for name, type_ in types.items() if name in body)


def _campaign_cell(voucher: Voucher, names: dict[UUID, str]) -> Cell:
    if voucher.campaign_id is None:
        return Cell(label="Campaign")
    campaign_id = format_id(Prefix.CAMPAIGN, voucher.campaign_id)
    # A campaign that is being deleted has its name still, but no page.
    return Cell(names.get(voucher.campaign_id, campaign_id), "Campaign", url_for("campaigns.show", record_id=campaign_id))


def _worth(voucher: Voucher) -> str:
    return worth_words(voucher.discount, voucher.gift, voucher.loyalty_card)


def _state(scope: ProjectScope, voucher: Voucher) -> State:
    return state_of(voucher.active, voucher.start_date, voucher.expiration_date, utc_now(), scope.time_zone)
