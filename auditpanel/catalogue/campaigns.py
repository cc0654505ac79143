"""The campaigns of a project: created, found by id or name, listed, changed, and shown as the public API shows them.

Their vouchers are generated, changed and deleted by background tasks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.bodies import VoucherBody
from auditpanel.catalogue.changes import Changes, merged, read_campaign_changes
from auditpanel.catalogue.definitions import campaign_voucher_as_json
from auditpanel.catalogue.finding import (
    Listed,
    Orders,
    PageAsked,
    ResourceNotFound,
    id_or_none,
    is_findable,
    list_page,
    lock,
    refusing_duplicates,
)
from auditpanel.catalogue.happenings import Records, changing, raise_created
from auditpanel.catalogue.metadata_schemas import check_changed, check_new
from auditpanel.catalogue.models import Campaign, VoucherType
from auditpanel.catalogue.moments import iso_moment
from auditpanel.catalogue.reading import check_order, convert_body
from auditpanel.catalogue.values import NewCampaign, NewVoucher
from auditpanel.ids import Prefix, format_id, new_uuid

Json = dict[str, object]

ORDERS: Orders = {"created_at": (Campaign.id,), "updated_at": (Campaign.updated_at, Campaign.id)}
KEPT = (
    "category_id",
    "auto_join",
    "join_once",
    "use_voucher_metadata_schema",
    "validity_timeframe",
    "validity_day_of_week",
    "validity_hours",
    "activity_duration_after_publishing",
    "loyalty_tiers_expiration",
)
# What the vouchers of a campaign have from it: a change of it is one of theirs too.
VOUCHER_COLUMNS = ("category", "start_date", "expiration_date")
WORTH = ("discount", "gift", "loyalty_card", "redemption")
VOUCHER_SETTINGS = ("category_id", "validity_timeframe", "validity_day_of_week", "validity_hours")


@dataclass(frozen=True, slots=True)
class CampaignFilters:
    campaign_type: str | None = None
    generation_status: str | None = None


def create_campaign(session: Session, scope: ProjectScope, new: NewCampaign) -> Campaign:
    """Without vouchers: a task generates them, which the caller asks for. Raises Duplicate where the name is taken."""
    campaign = Campaign(
        project_id=scope.project_id,
        id=new_uuid(),
        name=new.name,
        description=new.description,
        campaign_type=str(new.campaign_type),
        type=new.type,
        category=new.category,
        voucher=new.voucher,
        settings=new.settings,
        vouchers_generation_status="IN_PROGRESS" if new.vouchers_count else "DONE",
        start_date=new.start_date,
        expiration_date=new.expiration_date,
        active=new.active,
        metadata_=new.metadata,
    )
    check_new(session, campaign)
    with refusing_duplicates(session, f"Campaign with name {new.name} already exists"):
        session.add(campaign)
    session.refresh(campaign)
    raise_created(session, scope, CAMPAIGN_EVENTS, Campaign.id, [campaign.id])
    return campaign


def inherited(campaign: Campaign, voucher: NewVoucher) -> NewVoucher:
    """The voucher as one of the campaign: with its category and dates, where it has none of its own."""
    made = replace(
        voucher,
        category=voucher.category or campaign.category,
        start_date=voucher.start_date or campaign.start_date,
        expiration_date=voucher.expiration_date or campaign.expiration_date,
    )
    check_order(made.start_date, made.expiration_date)
    return made


def find_campaign(session: Session, scope: ProjectScope, id_or_name: str) -> Campaign | None:
    if not is_findable(id_or_name):
        return None
    campaign_id = id_or_none(Prefix.CAMPAIGN, id_or_name)
    named = or_(Campaign.name == id_or_name, Campaign.id == campaign_id) if campaign_id else Campaign.name == id_or_name
    statement = select(Campaign).where(Campaign.project_id == scope.project_id, Campaign.deleted_at.is_(None), named)
    return session.scalar(statement.order_by((Campaign.name == id_or_name).asc()).limit(1))


def get_campaign(session: Session, scope: ProjectScope, id_or_name: str) -> Campaign:
    campaign = find_campaign(session, scope, id_or_name)
    if campaign is None:
        raise ResourceNotFound("campaign", id_or_name)
    return campaign


def list_campaigns(session: Session, scope: ProjectScope, filters: CampaignFilters, asked: PageAsked) -> Listed[Campaign]:
    statement = select(Campaign).where(
        Campaign.project_id == scope.project_id,
        Campaign.deleted_at.is_(None),
        *asked.created.clauses(Campaign.created_at),
        *asked.updated.clauses(Campaign.updated_at),
    )
    if filters.campaign_type is not None:
        statement = statement.where(Campaign.campaign_type == filters.campaign_type)
    if filters.generation_status is not None:
        statement = statement.where(Campaign.vouchers_generation_status == filters.generation_status)
    return list_page(session, statement, asked, ORDERS)


@dataclass(frozen=True, slots=True)
class CampaignUpdate:
    """`voucher` is the campaign's new `voucher`, or None where it stays. `for_vouchers` is the part that its vouchers get too."""

    campaign: Changes
    voucher: Json | None
    for_vouchers: Json


def read_campaign_update(data: object, campaign: Campaign) -> CampaignUpdate:
    """The body of `PUT /v1/campaigns/{id}`. What it says of the vouchers is laid over what the campaign has."""
    changes = read_campaign_changes(data)
    voucher = _laid_over(data, campaign) if isinstance(data, dict) else None
    shared = _shared(changes)
    if voucher is not None:
        shared |= {name: voucher[name] for name in WORTH if name in voucher and voucher[name] != campaign.voucher.get(name)}
    return CampaignUpdate(changes, voucher, shared)


def _laid_over(data: Json, campaign: Campaign) -> Json | None:
    inside = data.get("voucher")
    named = (inside if isinstance(inside, dict) else {}) | {name: data[name] for name in WORTH if name in data}
    given = {name: value for name, value in named.items() if value is not None}
    if not given:
        return None
    whole = convert_body(campaign.voucher | given, VoucherBody)
    return campaign_voucher_as_json(whole, VoucherType(str(campaign.voucher["type"])))


def _shared(changes: Changes) -> Json:
    """In the API's words: a task gets it as one of its parameters."""
    columns = {name: value for name, value in changes.columns.items() if name in VOUCHER_COLUMNS}
    settings = {name: value for name, value in changes.settings.items() if name in VOUCHER_SETTINGS}
    return {name: iso_moment(value) if isinstance(value, datetime) else value for name, value in columns.items()} | settings


def change_campaign(session: Session, scope: ProjectScope, campaign: Campaign, changed: CampaignUpdate, *, now: datetime) -> None:
    lock(session, campaign, "campaign")
    with changing(session, scope, CAMPAIGN_EVENTS, Campaign.id == campaign.id):
        _change(session, campaign, changed, now)


def _change(session: Session, campaign: Campaign, changed: CampaignUpdate, now: datetime) -> None:
    changes = changed.campaign
    for name, value in changes.columns.items():
        setattr(campaign, name, value)
    check_order(campaign.start_date, campaign.expiration_date)
    if changed.voucher is not None:
        campaign.voucher = changed.voucher
    check_changed(session, campaign, changes.metadata, unset=changes.unset_metadata)
    campaign.metadata_ = merged(campaign.metadata_, changes)
    campaign.settings = campaign.settings | changes.settings
    campaign.updated_at = now
    session.flush()


def campaign_as_json(campaign: Campaign) -> Json:
    return {
        "id": format_id(Prefix.CAMPAIGN, campaign.id),
        "name": campaign.name,
        "description": campaign.description,
        "campaign_type": campaign.campaign_type,
        "type": campaign.type,
        "category": campaign.category,
        "categories": [],
        "voucher": campaign.voucher,
        "vouchers_count": campaign.vouchers_count,
        "vouchers_generation_status": campaign.vouchers_generation_status,
        "creation_status": "DONE",
        "start_date": iso_moment(campaign.start_date),
        "expiration_date": iso_moment(campaign.expiration_date),
        "active": campaign.active,
        "metadata": campaign.metadata_,
        "protected": False,
        "readonly": False,
        "created_at": iso_moment(campaign.created_at),
        "updated_at": iso_moment(campaign.updated_at),
        "object": "campaign",
    } | {name: campaign.settings.get(name) for name in KEPT}


def _shown(session: Session, scope: ProjectScope, campaigns: Sequence[Campaign]) -> list[Json]:
    return [campaign_as_json(campaign) for campaign in campaigns]


CAMPAIGN_EVENTS = Records("campaign", Campaign, _shown)
