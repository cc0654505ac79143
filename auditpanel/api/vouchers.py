"""`/v1/vouchers`."""

from __future__ import annotations

from random import SystemRandom
from uuid import UUID

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from auditpanel.api import shapes
from auditpanel.api.asking import answer_with_csv, answer_with_rows
from auditpanel.api.calls import (
    list_as_json,
    no_content,
    page_as_json,
    read_json,
    read_json_rows,
    read_page,
    refer,
    refuse_parameters,
    text_parameter,
)
from auditpanel.api.describing import answers, answers_csv, answers_list_of, answers_nothing, answers_task
from auditpanel.api.parameters import page_of, text
from auditpanel.api.scope import current_scope
from auditpanel.catalogue import vouchers
from auditpanel.catalogue.bodies import VoucherBody, VouchersMetadataBody
from auditpanel.catalogue.campaigns import find_campaign, get_campaign, inherited
from auditpanel.catalogue.changes import Changes, read_voucher_changes
from auditpanel.catalogue.models import Campaign, Resource, Voucher
from auditpanel.catalogue.values import NewVoucher, read_voucher, read_vouchers_metadata
from auditpanel.errors import InvalidInput
from auditpanel.extensions import db
from auditpanel.ids import Prefix, parse_id
from auditpanel.tasks.values import TaskType
from auditpanel.times import utc_now

Json = dict[str, object]


def add_routes(blueprint: Blueprint) -> None:
    blueprint.get("/vouchers")(list_vouchers)
    blueprint.post("/vouchers")(create_voucher)
    blueprint.post("/vouchers/import")(import_vouchers)
    blueprint.post("/vouchers/importCSV")(import_vouchers_csv)
    blueprint.post("/vouchers/bulk/async")(update_vouchers_in_bulk)
    blueprint.post("/vouchers/metadata/async")(update_vouchers_metadata)
    blueprint.get("/vouchers/<code>")(get_voucher)
    blueprint.post("/vouchers/<code>")(create_voucher_with_code)
    blueprint.put("/vouchers/<code>")(update_voucher)
    blueprint.delete("/vouchers/<code>")(delete_voucher)
    blueprint.post("/vouchers/<code>/enable")(enable_voucher)
    blueprint.post("/vouchers/<code>/disable")(disable_voucher)


@answers(
    shapes.VoucherList,
    query=(
        *page_of(vouchers.ORDERS),
        text("campaign_id", "An id"),
        text("campaign", "A name"),
        text("category"),
        text("code"),
        text("ids", "Several with commas between"),
    ),
)
def list_vouchers() -> ResponseReturnValue:
    """A page of the vouchers.

    Narrowed by `campaign_id`, `campaign` (a name), `category`, `code`, `ids`, `created_at[after]`, `created_at[before]`,
    `updated_at[…]`; with `limit`, `page` and `order`.
    """
    refuse_parameters("filters", "customer")
    scope, asked = current_scope(), read_page()
    named = text_parameter("campaign_id") or text_parameter("campaign")
    campaign = find_campaign(db.session(), scope, named) if named else None
    if named and campaign is None:
        return jsonify(list_as_json("vouchers", [], 0))
    filters = vouchers.VoucherFilters(campaign.id if campaign else None, text_parameter("category"), text_parameter("code"), _ids())
    found = vouchers.list_vouchers(db.session(), scope, filters, asked)
    names = vouchers.campaign_names(db.session(), scope, found.rows)
    return jsonify(page_as_json("vouchers", [vouchers.voucher_as_json(row, names) for row in found.rows], found))


def _ids() -> tuple[UUID, ...]:
    texts = [text for given in request.args.getlist("ids") + request.args.getlist("ids[]") for text in given.split(",") if text]
    try:
        return tuple(parse_id(Prefix.VOUCHER, text) for text in texts)
    except InvalidInput as error:
        raise InvalidInput(error.reason, field="ids") from None


@answers(shapes.Voucher, body=VoucherBody)
def create_voucher() -> ResponseReturnValue:
    """Create a voucher, with a `code` of its own or one that is made by `code_config`."""
    return _create(read_voucher(read_json()))


@answers(shapes.Voucher, body=VoucherBody)
def create_voucher_with_code(code: str) -> ResponseReturnValue:
    """Create a voucher with this code."""
    body = read_json()
    return _create(read_voucher(body | {"code": code} if isinstance(body, dict) else body))


def _create(new: NewVoucher) -> ResponseReturnValue:
    scope = current_scope()
    campaign = get_campaign(db.session(), scope, new.campaign) if new.campaign else None
    return jsonify(create(new, campaign))


def create(new: NewVoucher, campaign: Campaign | None) -> Json:
    """Create it, refer to it and show it."""
    if campaign is not None:
        new = inherited(campaign, new)
        refer(Prefix.CAMPAIGN, campaign.id)
    voucher = vouchers.create_voucher(db.session(), current_scope(), new, campaign=campaign, random=SystemRandom())
    return _committed(voucher)


def _named(code: str) -> Voucher:
    voucher = vouchers.get_voucher(db.session(), current_scope(), code)
    refer(Prefix.VOUCHER, voucher.id)
    return voucher


def _committed(voucher: Voucher) -> Json:
    shown = vouchers.voucher_as_json(voucher, vouchers.campaign_names(db.session(), current_scope(), [voucher]))
    refer(Prefix.VOUCHER, voucher.id)
    db.session.commit()
    return shown


@answers(shapes.Voucher)
def get_voucher(code: str) -> ResponseReturnValue:
    """A voucher by its code or id."""
    return jsonify(_committed(_named(code)))


@answers(shapes.Voucher, body=VoucherBody)
def update_voucher(code: str) -> ResponseReturnValue:
    """Change what the body has. Metadata is set key by key; null clears a field."""
    voucher = _named(code)
    return _changed(voucher, read_voucher_changes(read_json()))


@answers(shapes.Voucher)
def enable_voucher(code: str) -> ResponseReturnValue:
    """Switch a voucher on."""
    return _changed(_named(code), Changes({"active": True}))


@answers(shapes.Voucher)
def disable_voucher(code: str) -> ResponseReturnValue:
    """Switch a voucher off."""
    return _changed(_named(code), Changes({"active": False}))


def _changed(voucher: Voucher, changes: Changes) -> ResponseReturnValue:
    vouchers.change_voucher(db.session(), current_scope(), voucher, changes, now=utc_now())
    return jsonify(_committed(voucher))


@answers_nothing()
def delete_voucher(code: str) -> ResponseReturnValue:
    """Delete a voucher for good."""
    voucher = _named(code)
    vouchers.delete_voucher(db.session(), current_scope(), voucher)
    db.session.commit()
    return no_content()


@answers_list_of(VoucherBody)
def import_vouchers() -> ResponseReturnValue:
    """Create vouchers in a background task: `VOUCHERS.IMPORT`. What is wrong with one of them is in the task's result."""
    return answer_with_rows(TaskType.VOUCHERS_IMPORT, read_json_rows(), {})


@answers_csv(202)
def import_vouchers_csv() -> ResponseReturnValue:
    """Create vouchers by a CSV file, in a background task: `VOUCHERS.IMPORT_CSV`."""
    return answer_with_csv(TaskType.VOUCHERS_IMPORT_CSV, Resource.VOUCHER, {})


@answers_list_of(VoucherBody)
def update_vouchers_in_bulk() -> ResponseReturnValue:
    """Set the metadata of each voucher named by its `code`, in a background task: `VOUCHERS.BULK_UPDATE`."""
    return answer_with_rows(TaskType.VOUCHERS_BULK_UPDATE, read_json_rows(), {})


@answers_task(body=VouchersMetadataBody)
def update_vouchers_metadata() -> ResponseReturnValue:
    """Set the same metadata for all the vouchers named by `codes`, in a background task: `VOUCHERS.METADATA_UPDATE`."""
    asked = read_vouchers_metadata(read_json())
    return answer_with_rows(TaskType.VOUCHERS_METADATA_UPDATE, [{"code": code} for code in asked.keys], {"metadata": asked.metadata})
