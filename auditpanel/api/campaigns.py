"""`/v1/campaigns`."""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from auditpanel.api import shapes
from auditpanel.api import vouchers as voucher_routes
from auditpanel.api.asking import answer_with_csv, answer_with_rows, answer_with_task, start_task
from auditpanel.api.calls import page_as_json, read_json, read_json_rows, read_number, read_page, refer, refuse_parameters, text_parameter
from auditpanel.api.describing import answers, answers_csv, answers_list_of, answers_task
from auditpanel.api.parameters import page_of, text
from auditpanel.api.scope import current_scope
from auditpanel.catalogue import campaigns
from auditpanel.catalogue.bodies import CampaignBody, VoucherBody
from auditpanel.catalogue.campaigns import CampaignFilters, CampaignUpdate
from auditpanel.catalogue.changes import Changes
from auditpanel.catalogue.models import Campaign, CampaignType, Resource
from auditpanel.catalogue.values import VOUCHERS_AT_ONCE, read_campaign, read_campaign_voucher
from auditpanel.errors import InvalidInput
from auditpanel.extensions import db
from auditpanel.ids import Prefix, format_id
from auditpanel.tasks.values import TaskType
from auditpanel.times import utc_now

Json = dict[str, object]


def add_routes(blueprint: Blueprint) -> None:
    blueprint.get("/campaigns")(list_campaigns)
    blueprint.post("/campaigns")(create_campaign)
    blueprint.get("/campaigns/<campaign_id>")(get_campaign)
    blueprint.put("/campaigns/<campaign_id>")(update_campaign)
    blueprint.delete("/campaigns/<campaign_id>")(delete_campaign)
    blueprint.post("/campaigns/<campaign_id>/enable")(enable_campaign)
    blueprint.post("/campaigns/<campaign_id>/disable")(disable_campaign)
    blueprint.post("/campaigns/<campaign_id>/vouchers")(add_vouchers)
    blueprint.post("/campaigns/<campaign_id>/vouchers/<code>")(add_voucher_with_code)
    blueprint.post("/campaigns/<campaign_id>/import")(import_campaign_vouchers)
    blueprint.post("/campaigns/<campaign_id>/importCSV")(import_campaign_vouchers_csv)


@answers(
    shapes.CampaignList,
    query=(
        *page_of(campaigns.ORDERS),
        text("campaign_type", ", ".join(CampaignType)),
        text("campaign_status", "DONE, or IN_PROGRESS while vouchers are generated"),
    ),
)
def list_campaigns() -> ResponseReturnValue:
    """A page of the campaigns. Narrowed by `campaign_type` and `campaign_status`; with `limit`, `page` and `order`."""
    refuse_parameters("filters", "access_settings", "is_referral_code")
    filters = CampaignFilters(text_parameter("campaign_type"), text_parameter("campaign_status"))
    found = campaigns.list_campaigns(db.session(), current_scope(), filters, read_page())
    return jsonify(page_as_json("campaigns", [campaigns.campaign_as_json(row) for row in found.rows], found))


@answers(shapes.Campaign, body=CampaignBody)
def create_campaign() -> ResponseReturnValue:
    """Create a campaign. Its `vouchers_count` vouchers are generated in a background task: `CAMPAIGN.VOUCHERS_GENERATE`."""
    new = read_campaign(read_json())
    campaign = campaigns.create_campaign(db.session(), current_scope(), new)
    refer(Prefix.CAMPAIGN, campaign.id)
    if not new.vouchers_count:
        return _committed(campaign)
    return _with_task(campaign, TaskType.CAMPAIGN_VOUCHERS_GENERATE, {"vouchers_count": new.vouchers_count, "voucher": {}})


@answers(shapes.Campaign)
def get_campaign(campaign_id: str) -> ResponseReturnValue:
    """A campaign by its id or name."""
    return _committed(_named(campaign_id))


def _named(campaign_id: str) -> Campaign:
    campaign = campaigns.get_campaign(db.session(), current_scope(), campaign_id)
    refer(Prefix.CAMPAIGN, campaign.id)
    return campaign


def _committed(campaign: Campaign) -> ResponseReturnValue:
    shown = campaigns.campaign_as_json(campaign)
    db.session.commit()
    return jsonify(shown)


def _with_task(campaign: Campaign, type_: TaskType, parameters: Json) -> ResponseReturnValue:
    shown = campaigns.campaign_as_json(campaign)
    return jsonify(shown | {"async_action_id": start_task(type_, _of(campaign) | parameters)})


def _of(campaign: Campaign) -> Json:
    return {"campaign_id": format_id(Prefix.CAMPAIGN, campaign.id), "campaign": campaign.name}


@answers(shapes.Campaign, body=CampaignBody)
def update_campaign(campaign_id: str) -> ResponseReturnValue:
    """Change what the body has. What the vouchers have from their campaign changes in a background task: `CAMPAIGN.VOUCHERS_UPDATE`."""
    campaign = _named(campaign_id)
    changed = campaigns.read_campaign_update(read_json(), campaign)
    campaigns.change_campaign(db.session(), current_scope(), campaign, changed, now=utc_now())
    if not changed.for_vouchers:
        return _committed(campaign)
    return _with_task(campaign, TaskType.CAMPAIGN_VOUCHERS_UPDATE, {"changes": changed.for_vouchers})


@answers_task()
def delete_campaign(campaign_id: str) -> ResponseReturnValue:
    """Delete a campaign with its vouchers, in a background task: `CAMPAIGN.VOUCHERS_DELETE`. It is not found any more at once."""
    campaign = _named(campaign_id)
    campaign.deleted_at = utc_now()
    return answer_with_task(TaskType.CAMPAIGN_VOUCHERS_DELETE, _of(campaign))


@answers(shapes.Campaign)
def enable_campaign(campaign_id: str) -> ResponseReturnValue:
    """Switch a campaign on."""
    return _switched(campaign_id, Changes({"active": True}))


@answers(shapes.Campaign)
def disable_campaign(campaign_id: str) -> ResponseReturnValue:
    """Switch a campaign off."""
    return _switched(campaign_id, Changes({"active": False}))


def _switched(campaign_id: str, changes: Changes) -> ResponseReturnValue:
    campaign = _named(campaign_id)
    campaigns.change_campaign(db.session(), current_scope(), campaign, CampaignUpdate(changes, None, {}), now=utc_now())
    return _committed(campaign)


@answers_task(body=VoucherBody, or_at_once=shapes.Voucher)
def add_vouchers(campaign_id: str) -> ResponseReturnValue:
    """Add `vouchers_count` vouchers. One is added at once and shown (200); more in a background task: `CAMPAIGN.VOUCHERS_GENERATE`."""
    campaign, body = _named(campaign_id), read_json()
    count = read_number("vouchers_count", default=1, highest=VOUCHERS_AT_ONCE)
    new = read_campaign_voucher(body, campaign.voucher)
    if count == 1:
        return jsonify(voucher_routes.create(new, campaign))
    if new.code is not None:
        raise InvalidInput("only one voucher can have it; leave it out, or write vouchers_count=1", field="code")
    campaign.vouchers_generation_status = "IN_PROGRESS"
    parameters = _of(campaign) | {"vouchers_count": count, "voucher": body}
    return answer_with_task(TaskType.CAMPAIGN_VOUCHERS_GENERATE, parameters)


@answers(shapes.Voucher, body=VoucherBody)
def add_voucher_with_code(campaign_id: str, code: str) -> ResponseReturnValue:
    """Add one voucher with this code."""
    campaign, body = _named(campaign_id), read_json()
    new = read_campaign_voucher(body | {"code": code} if isinstance(body, dict) else body, campaign.voucher)
    return jsonify(voucher_routes.create(new, campaign))


@answers_list_of(VoucherBody)
def import_campaign_vouchers(campaign_id: str) -> ResponseReturnValue:
    """Create vouchers of the campaign in a background task: `CAMPAIGN.VOUCHERS_IMPORT`."""
    campaign = _named(campaign_id)
    return answer_with_rows(TaskType.CAMPAIGN_VOUCHERS_IMPORT, read_json_rows(), _of(campaign))


@answers_csv(200)
def import_campaign_vouchers_csv(campaign_id: str) -> ResponseReturnValue:
    """Create vouchers of the campaign by a CSV file, in a background task: `CAMPAIGN.VOUCHERS_IMPORT_CSV`."""
    campaign = _named(campaign_id)
    return answer_with_csv(TaskType.CAMPAIGN_VOUCHERS_IMPORT_CSV, Resource.VOUCHER, _of(campaign), status=200)
