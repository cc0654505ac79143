"""All vouchers of a campaign, changed or deleted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, CursorResult, Numeric, cast, delete, false, func, literal, not_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from auditpanel.catalogue.bodies import VoucherBody
from auditpanel.catalogue.campaigns import CAMPAIGN_EVENTS
from auditpanel.catalogue.cells import written
from auditpanel.catalogue.changes import read_voucher_changes
from auditpanel.catalogue.definitions import gift_as_json, loyalty_card_as_json, redemption_quantity_of
from auditpanel.catalogue.happenings import changing, deleting
from auditpanel.catalogue.metadata_rules import check_given
from auditpanel.catalogue.models import Campaign, Resource, Voucher, VoucherType
from auditpanel.catalogue.operations.campaigns import campaign_id_of, campaign_of
from auditpanel.catalogue.operations.schemas import schema_of
from auditpanel.catalogue.operations.sweeps import Clauses, Sweep, SweepStep
from auditpanel.catalogue.reading import convert_body, given
from auditpanel.catalogue.vouchers import VOUCHER_EVENTS
from auditpanel.errors import InvalidInput
from auditpanel.tasks.values import Outcome, Refused, TaskInput
from auditpanel.times import utc_now

Json = dict[str, object]
Columns = dict[str, object]


def _of_campaign(task: TaskInput) -> Clauses:
    return [Voucher.campaign_id == campaign_id_of(task)]


def _check_update(session: Session, task: TaskInput) -> None:
    campaign = campaign_of(session, task)
    told, body = _changes_of(task)
    check_given(read_voucher_changes(told).metadata, schema_of(session, task.scope, Resource.VOUCHER))
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


def _update(session: Session, task: TaskInput, step: SweepStep, rows: Clauses) -> Outcome:
    changed = _changed_columns(task)
    columns = {getattr(Voucher, name): value for name, value in changed.items()}
    contrary = _contrary_dates(changed)
    refused = _refused_for(session, changed, step, [*rows, contrary]) if contrary is not None else []
    # Said here again: a voucher's own date may have changed since.
    fitting = [*rows, not_(func.coalesce(contrary, false()))] if contrary is not None else rows
    with changing(session, task.scope, VOUCHER_EVENTS, *fitting) as found:
        done = session.execute(
            update(Voucher).where(*found).values(columns | {Voucher.updated_at: utc_now()}).execution_options(synchronize_session=False)
        )
    assert isinstance(done, CursorResult)
    return Outcome(updated=done.rowcount, skipped=max(step.count - done.rowcount - len(refused), 0), refused=refused)


def _contrary_dates(changed: Columns) -> ColumnElement[bool] | None:
    """Of vouchers whose own other date does not go with the new one. Two new ones were compared when they were read."""
    start, end = changed.get("start_date"), changed.get("expiration_date")
    if isinstance(end, datetime) and "start_date" not in changed:
        return Voucher.start_date >= end
    if isinstance(start, datetime) and "expiration_date" not in changed:
        return Voucher.expiration_date <= start
    return None


def _refused_for(session: Session, changed: Columns, step: SweepStep, contrary: Clauses) -> list[Refused]:
    found = session.execute(
        select(Voucher.id, Voucher.code, Voucher.start_date, Voucher.expiration_date)
        .where(*contrary)
        .order_by(Voucher.id)
        .with_for_update()
    ).all()
    numbers = {id_: number for number, id_ in enumerate(step.ids, step.before + 1)}
    # One that was made just now is not of this step, though its id may lie in between.
    return [_refused(numbers[row.id], row.code, row.start_date, row.expiration_date, changed) for row in found if row.id in numbers]


def _refused(number: int, code: str, start: datetime | None, end: datetime | None, changed: Columns) -> Refused:
    content: Json = {"code": code, "start_date": written(start) if start else None, "expiration_date": written(end) if end else None}
    if isinstance(new_end := changed.get("expiration_date"), datetime):
        assert start is not None
        column, told, why = "expiration_date", written(new_end), f"is not after the voucher's start date, {written(start)}"
    else:
        new_start = changed["start_date"]
        assert isinstance(new_start, datetime) and end is not None
        column, told, why = "start_date", written(new_start), f"is not before the voucher's expiration date, {written(end)}"
    return Refused(number, content, f'{column}: "{told}" {why}; a voucher ends after it starts', column, told)


def _delete(session: Session, task: TaskInput, step: SweepStep, rows: Clauses) -> Outcome:
    """The campaign is marked as deleted by the first step at the latest: nothing is added to it from then on."""
    now = utc_now()
    with deleting(session, task.scope, VOUCHER_EVENTS, *rows) as found:
        done = session.execute(delete(Voucher).where(*found).execution_options(synchronize_session=False))
    assert isinstance(done, CursorResult)
    session.execute(
        update(Campaign)
        .where(*_campaign(task))
        .values(
            vouchers_count=func.greatest(Campaign.vouchers_count - done.rowcount, 0), deleted_at=func.coalesce(Campaign.deleted_at, now)
        )
        .execution_options(synchronize_session=False)
    )
    return Outcome(deleted=done.rowcount, skipped=max(step.count - done.rowcount, 0))


def _remove_campaign(session: Session, task: TaskInput) -> None:
    """With what an import may have added before the campaign was marked."""
    left = (Voucher.project_id == task.scope.project_id, *_of_campaign(task))
    # Events of the vouchers have the campaign's name.
    with deleting(session, task.scope, CAMPAIGN_EVENTS, *_campaign(task)), deleting(session, task.scope, VOUCHER_EVENTS, *left) as found:
        session.execute(delete(Campaign).where(*_campaign(task)).execution_options(synchronize_session=False))
        session.execute(delete(Voucher).where(*found).execution_options(synchronize_session=False))


def _show_campaign_again(session: Session, task: TaskInput) -> None:
    """With the vouchers that are left."""
    session.execute(update(Campaign).where(*_campaign(task)).values(deleted_at=None).execution_options(synchronize_session=False))


def _campaign(task: TaskInput) -> Clauses:
    return [Campaign.project_id == task.scope.project_id, Campaign.id == campaign_id_of(task)]


UPDATE = Sweep(Voucher, _of_campaign, _update, check=_check_update)
DELETE = Sweep(Voucher, _of_campaign, _delete, ending=_remove_campaign, giving_up=_show_campaign_again)
