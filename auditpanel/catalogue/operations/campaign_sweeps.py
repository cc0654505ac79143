"""All vouchers of a campaign, changed or deleted."""

from __future__ import annotations

from sqlalchemy import ColumnElement, CursorResult, Numeric, cast, delete, func, literal, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from auditpanel.catalogue.bodies import VoucherBody
from auditpanel.catalogue.changes import read_voucher_changes
from auditpanel.catalogue.definitions import gift_as_json, loyalty_card_as_json, redemption_quantity_of
from auditpanel.catalogue.models import Campaign, Voucher, VoucherType
from auditpanel.catalogue.operations.campaigns import campaign_id_of, campaign_of
from auditpanel.catalogue.operations.sweeps import Clauses, Sweep
from auditpanel.catalogue.reading import convert_body, given
from auditpanel.errors import InvalidInput
from auditpanel.tasks.values import Outcome, TaskInput
from auditpanel.times import utc_now

Json = dict[str, object]
Columns = dict[str, object]


def _of_campaign(task: TaskInput) -> Clauses:
    return [Voucher.campaign_id == campaign_id_of(task)]


def _check_update(session: Session, task: TaskInput) -> None:
    campaign = campaign_of(session, task)
    _, body = _changes_of(task)
    kind = VoucherType(str(campaign.voucher["type"]))
    worth = {VoucherType.DISCOUNT: body.discount, VoucherType.GIFT: body.gift, VoucherType.LOYALTY: body.loyalty_card}
    for other, value in worth.items():
        if given(value) and other is not kind:
            raise InvalidInput(f"is of a {other}; the campaign's vouchers are {kind}", field="changes")
    if not _changed_columns(task):
        raise InvalidInput('says nothing; write what is to change, like {"category": "summer"}', field="changes")


def _changes_of(task: TaskInput) -> tuple[Json, VoucherBody]:
    """Of the parameter `changes`, written like a voucher of the API."""
    changes = task.parameters.get("changes")
    if not isinstance(changes, dict):
        raise InvalidInput('is missing; write what is to change, like {"category": "summer"}', field="changes")
    return changes, convert_body(changes, VoucherBody)


def _changed_columns(task: TaskInput) -> Columns:
    """By column of the table, with expressions where what is there counts."""
    told, body = _changes_of(task)
    changes = read_voucher_changes(told)
    columns: Columns = dict(changes.columns)
    if changes.metadata:
        columns["metadata_"] = Voucher.metadata_.op("||")(literal(changes.metadata, JSONB))
    if changes.settings:
        columns["settings"] = Voucher.settings.op("||")(literal(changes.settings, JSONB))
    if "redemption" in told:
        columns["redemption_quantity"] = redemption_quantity_of(body.redemption)
    if given(body.gift):
        columns["gift"] = _gift(gift_as_json(body.gift))
    if given(body.loyalty_card):
        columns["loyalty_card"] = _loyalty_card(loyalty_card_as_json(body.loyalty_card))
    return columns


def _gift(gift: Json) -> ColumnElement[object]:
    """The new amount; what was redeemed of a card stays redeemed."""
    subtracted = func.coalesce(cast(Voucher.gift["subtracted_amount"].astext, Numeric), 0)
    balance = func.jsonb_build_object("balance", func.greatest(literal(gift["amount"], Numeric) - subtracted, 0))
    return Voucher.gift.op("||")(literal({"amount": gift["amount"], "effect": gift["effect"]}, JSONB)).op("||")(balance)


def _loyalty_card(card: Json) -> ColumnElement[object]:
    """What cards begin with; a balance is its owner's and stays."""
    return Voucher.loyalty_card.op("||")(literal({name: value for name, value in card.items() if name != "balance"}, JSONB))


def _update(session: Session, task: TaskInput, count: int, rows: Clauses) -> Outcome:
    columns = {getattr(Voucher, name): value for name, value in _changed_columns(task).items()}
    done = session.execute(
        update(Voucher).where(*rows).values(columns | {Voucher.updated_at: utc_now()}).execution_options(synchronize_session=False)
    )
    assert isinstance(done, CursorResult)
    return Outcome(updated=done.rowcount, skipped=max(count - done.rowcount, 0))


def _delete(session: Session, task: TaskInput, count: int, rows: Clauses) -> Outcome:
    """The campaign is marked as deleted by the first step at the latest: nothing is added to it from then on."""
    now = utc_now()
    done = session.execute(delete(Voucher).where(*rows).execution_options(synchronize_session=False))
    assert isinstance(done, CursorResult)
    session.execute(
        update(Campaign)
        .where(*_campaign(task))
        .values(
            vouchers_count=func.greatest(Campaign.vouchers_count - done.rowcount, 0), deleted_at=func.coalesce(Campaign.deleted_at, now)
        )
        .execution_options(synchronize_session=False)
    )
    return Outcome(deleted=done.rowcount, skipped=max(count - done.rowcount, 0))


def _remove_campaign(session: Session, task: TaskInput) -> None:
    """With what an import may have added before the campaign was marked."""
    session.execute(delete(Campaign).where(*_campaign(task)).execution_options(synchronize_session=False))
    left = delete(Voucher).where(Voucher.project_id == task.scope.project_id, *_of_campaign(task))
    session.execute(left.execution_options(synchronize_session=False))


def _show_campaign_again(session: Session, task: TaskInput) -> None:
    """With the vouchers that are left."""
    session.execute(update(Campaign).where(*_campaign(task)).values(deleted_at=None).execution_options(synchronize_session=False))


def _campaign(task: TaskInput) -> Clauses:
    return [Campaign.project_id == task.scope.project_id, Campaign.id == campaign_id_of(task)]


UPDATE = Sweep(Voucher, _of_campaign, _update, check=_check_update)
DELETE = Sweep(Voucher, _of_campaign, _delete, ending=_remove_campaign, giving_up=_show_campaign_again)
