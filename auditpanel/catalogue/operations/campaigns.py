"""The campaign that a task is about: found by the task's parameters, with its count of vouchers kept right."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from auditpanel.catalogue.models import Campaign
from auditpanel.catalogue.reading import check_order
from auditpanel.catalogue.values import NewVoucher, read_voucher
from auditpanel.errors import InvalidInput
from auditpanel.ids import Prefix, parse_id
from auditpanel.tasks.values import TaskInput

Json = dict[str, object]

IN_PROGRESS = "IN_PROGRESS"
DONE = "DONE"
FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class CampaignOfTask:
    id: UUID
    name: str
    voucher: Json
    category: str | None
    start_date: datetime | None
    expiration_date: datetime | None

    @property
    def template(self) -> NewVoucher:
        """What its vouchers are like where nothing else is said of them."""
        return self.inherited(read_voucher(self.voucher))

    def inherited(self, voucher: NewVoucher) -> NewVoucher:
        start_date, expiration_date = voucher.start_date or self.start_date, voucher.expiration_date or self.expiration_date
        check_order(start_date, expiration_date)
        return replace(voucher, category=voucher.category or self.category, start_date=start_date, expiration_date=expiration_date)


def campaign_id_of(task: TaskInput) -> UUID:
    """Of the parameter `campaign_id`, as the API shows it."""
    told = task.parameters.get("campaign_id")
    if not isinstance(told, str):
        raise InvalidInput("is missing; name the campaign by its id", field="campaign_id")
    return parse_id(Prefix.CAMPAIGN, told)


def campaign_of(session: Session, task: TaskInput) -> CampaignOfTask:
    """Raises InvalidInput where there is none, or it is being deleted."""
    campaign_id = campaign_id_of(task)
    found = session.execute(
        select(Campaign.id, Campaign.name, Campaign.voucher, Campaign.category, Campaign.start_date, Campaign.expiration_date).where(
            Campaign.project_id == task.scope.project_id, Campaign.id == campaign_id, Campaign.deleted_at.is_(None)
        )
    ).one_or_none()
    if found is None:
        raise gone(task)
    return CampaignOfTask(*found)


def gone(task: TaskInput) -> InvalidInput:
    return InvalidInput(f"There is no campaign {task.parameters.get('campaign_id')} (any more); choose one that is there.")


def count_vouchers(session: Session, task: TaskInput, more: int, *, generation: str | None = None) -> None:
    """In the transaction that adds the vouchers. Raises InvalidInput where the campaign was deleted meanwhile: they are not added then."""
    changed: Json = {"vouchers_count": Campaign.vouchers_count + more}
    if generation is not None:
        changed["vouchers_generation_status"] = generation
    done = session.execute(
        update(Campaign)
        .where(Campaign.project_id == task.scope.project_id, Campaign.id == campaign_id_of(task), Campaign.deleted_at.is_(None))
        .values(changed)
    )
    assert isinstance(done, CursorResult)
    if done.rowcount == 0:
        raise gone(task)
