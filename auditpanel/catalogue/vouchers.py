"""The vouchers of a project: created, found by code or id, listed, changed, deleted, and shown as the public API shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.changes import Changes, merged
from auditpanel.catalogue.codes import make_code
from auditpanel.catalogue.finding import (
    Duplicate,
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
from auditpanel.catalogue.happenings import Records, changing, deleting, raise_created
from auditpanel.catalogue.metadata_schemas import check_changed, check_new
from auditpanel.catalogue.models import Campaign, Voucher, VoucherType
from auditpanel.catalogue.moments import iso_moment
from auditpanel.catalogue.reading import check_order
from auditpanel.catalogue.values import NewVoucher
from auditpanel.ids import Prefix, format_id, new_uuid

Json = dict[str, object]

# A code that is made by chance may be taken; when this many were, there are hardly any left.
CODE_TRIES = 20
ORDERS: Orders = {
    # Ids are ordered by time, and the primary key has them in order.
    "created_at": (Voucher.id,),
    "updated_at": (Voucher.updated_at, Voucher.id),
    "code": (Voucher.code,),
    "type": (Voucher.type, Voucher.id),
    "category": (Voucher.category, Voucher.id),
    "campaign": (Voucher.campaign_id, Voucher.id),
}


@dataclass(frozen=True, slots=True)
class VoucherFilters:
    campaign_id: UUID | None = None
    category: str | None = None
    code: str | None = None
    ids: tuple[UUID, ...] = ()


def create_voucher(session: Session, scope: ProjectScope, new: NewVoucher, *, campaign: Campaign | None = None, random: Random) -> Voucher:
    """Raises Duplicate where the code is taken, or where no free one is found for its pattern."""
    if new.code is not None:
        return _insert(session, scope, new, new.code, campaign)
    for _ in range(CODE_TRIES):
        code = make_code(new.code_config, random)
        if find_voucher(session, scope, code) is None:
            return _insert(session, scope, new, code, campaign)
    raise Duplicate(f"No free code was found in {CODE_TRIES} tries: make the pattern or the length of code_config longer")


def _insert(session: Session, scope: ProjectScope, new: NewVoucher, code: str, campaign: Campaign | None) -> Voucher:
    voucher = Voucher(
        project_id=scope.project_id,
        id=new_uuid(),
        code=code,
        campaign_id=campaign.id if campaign else None,
        type=str(new.type),
        category=new.category,
        discount=new.discount,
        gift=new.gift,
        loyalty_card=new.loyalty_card,
        redemption_quantity=new.redemption_quantity,
        start_date=new.start_date,
        expiration_date=new.expiration_date,
        active=new.active,
        additional_info=new.additional_info,
        settings=new.settings,
        metadata_=new.metadata,
    )
    check_new(session, voucher)
    if campaign:
        # First, as it locks the campaign: none is added to one that is just being deleted.
        _count_one_more(session, scope, campaign)
    with refusing_duplicates(session, f"Voucher with code {code} already exists"):
        session.add(voucher)
    session.refresh(voucher)
    raise_created(session, scope, VOUCHER_EVENTS, Voucher.id, [voucher.id])
    return voucher


def find_voucher(session: Session, scope: ProjectScope, code_or_id: str) -> Voucher | None:
    if not is_findable(code_or_id):
        return None
    voucher_id = id_or_none(Prefix.VOUCHER, code_or_id)
    named = or_(Voucher.code == code_or_id, Voucher.id == voucher_id) if voucher_id else Voucher.code == code_or_id
    # One voucher's code may be written like another's id: the id decides.
    return session.scalar(
        select(Voucher).where(Voucher.project_id == scope.project_id, named).order_by((Voucher.code == code_or_id).asc()).limit(1)
    )


def get_voucher(session: Session, scope: ProjectScope, code_or_id: str) -> Voucher:
    voucher = find_voucher(session, scope, code_or_id)
    if voucher is None:
        raise ResourceNotFound("voucher", code_or_id)
    return voucher


def list_vouchers(session: Session, scope: ProjectScope, filters: VoucherFilters, asked: PageAsked) -> Listed[Voucher]:
    statement = select(Voucher).where(
        Voucher.project_id == scope.project_id, *asked.created.clauses(Voucher.created_at), *asked.updated.clauses(Voucher.updated_at)
    )
    if filters.campaign_id is not None:
        statement = statement.where(Voucher.campaign_id == filters.campaign_id)
    if filters.category is not None:
        statement = statement.where(Voucher.category == filters.category)
    if filters.code is not None:
        statement = statement.where(Voucher.code == filters.code)
    if filters.ids:
        statement = statement.where(Voucher.id.in_(filters.ids))
    return list_page(session, statement, asked, ORDERS)


def change_voucher(session: Session, scope: ProjectScope, voucher: Voucher, changes: Changes, *, now: datetime) -> None:
    lock(session, voucher, "voucher")
    with changing(session, scope, VOUCHER_EVENTS, Voucher.id == voucher.id):
        _change(session, voucher, changes, now)


def _change(session: Session, voucher: Voucher, changes: Changes, now: datetime) -> None:
    columns = dict(changes.columns)
    if voucher.type != VoucherType.DISCOUNT:
        columns.pop("discount", None)
    for name, value in columns.items():
        setattr(voucher, name, value)
    check_order(voucher.start_date, voucher.expiration_date)
    check_changed(session, voucher, changes.metadata, unset=changes.unset_metadata)
    voucher.metadata_ = merged(voucher.metadata_, changes)
    voucher.settings = voucher.settings | changes.settings
    voucher.updated_at = now
    session.flush()


def delete_voucher(session: Session, scope: ProjectScope, voucher: Voucher) -> None:
    lock(session, voucher, "voucher")
    with deleting(session, scope, VOUCHER_EVENTS, Voucher.id == voucher.id):
        session.execute(delete(Voucher).where(Voucher.project_id == scope.project_id, Voucher.id == voucher.id))
    if voucher.campaign_id is not None:
        session.execute(
            update(Campaign)
            .where(Campaign.project_id == scope.project_id, Campaign.id == voucher.campaign_id)
            .values(vouchers_count=Campaign.vouchers_count - 1)
        )


def _count_one_more(session: Session, scope: ProjectScope, campaign: Campaign) -> None:
    """Raises ResourceNotFound where the campaign was deleted meanwhile."""
    statement = (
        update(Campaign)
        .where(Campaign.project_id == scope.project_id, Campaign.id == campaign.id, Campaign.deleted_at.is_(None))
        .values(vouchers_count=Campaign.vouchers_count + 1)
        .returning(Campaign.id)
    )
    if session.scalar(statement) is None:
        raise ResourceNotFound("campaign", campaign.name)


def campaign_names(session: Session, scope: ProjectScope, vouchers: Iterable[Voucher]) -> dict[UUID, str]:
    """The names of the vouchers' campaigns, by their ids."""
    ids = {voucher.campaign_id for voucher in vouchers if voucher.campaign_id is not None}
    if not ids:
        return {}
    statement = select(Campaign.id, Campaign.name).where(Campaign.project_id == scope.project_id, Campaign.id.in_(ids))
    return {row.id: row.name for row in session.execute(statement)}


def voucher_as_json(voucher: Voucher, campaigns: Mapping[UUID, str]) -> Json:
    """`campaigns` has the campaigns' names, as of `campaign_names`."""
    campaign_id = voucher.campaign_id
    return {
        "id": format_id(Prefix.VOUCHER, voucher.id),
        "code": voucher.code,
        "campaign": campaigns.get(campaign_id) if campaign_id else None,
        "campaign_id": format_id(Prefix.CAMPAIGN, campaign_id) if campaign_id else None,
        "category": voucher.category,
        "category_id": voucher.settings.get("category_id"),
        "categories": [],
        "type": voucher.type,
        "discount": voucher.discount,
        "gift": voucher.gift,
        "loyalty_card": voucher.loyalty_card,
        "start_date": iso_moment(voucher.start_date),
        "expiration_date": iso_moment(voucher.expiration_date),
        "validity_timeframe": voucher.settings.get("validity_timeframe"),
        "validity_day_of_week": voucher.settings.get("validity_day_of_week"),
        "validity_hours": voucher.settings.get("validity_hours"),
        "active": voucher.active,
        "additional_info": voucher.additional_info,
        "metadata": voucher.metadata_,
        "is_referral_code": False,
        "holder_id": None,
        "redemption": {"quantity": voucher.redemption_quantity, "redeemed_quantity": 0, "object": "list"},
        "created_at": iso_moment(voucher.created_at),
        "updated_at": iso_moment(voucher.updated_at),
        "object": "voucher",
    }


def _shown(session: Session, scope: ProjectScope, vouchers: Sequence[Voucher]) -> list[Json]:
    campaigns = campaign_names(session, scope, vouchers)
    return [voucher_as_json(voucher, campaigns) for voucher in vouchers]


VOUCHER_EVENTS = Records("voucher", Voucher, _shown)
