"""Events of what background tasks do to records, one for each that really changed. Calls one by one: tests/api/test_raised_events."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.happenings import PART
from auditpanel.catalogue.models import Voucher
from auditpanel.catalogue.operations import OPERATIONS
from auditpanel.catalogue.vouchers import voucher_as_json
from auditpanel.tasks.values import TaskType
from tests.catalogue.driving import campaign_parameters, make_campaign, make_scope, make_task, run, write_csv, write_rows
from tests.tasks.inputs import make_input
from tests.webhooks.raising import happened, make_webhook

ROWS = 700
# Of each 97 rows of an input one is bad; sweeps have none.
GOOD = ROWS - 8


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    """Of a project with a webhook that wants all events."""
    scope = make_scope(session)
    make_webhook(session, scope)
    session.commit()
    return scope


def types(session: Session, scope: ProjectScope) -> Counter[str]:
    return Counter(type_ for type_, _ in happened(session, scope))


EXPECTED = {
    TaskType.CAMPAIGN_VOUCHERS_IMPORT: {"voucher.created": GOOD},
    TaskType.CAMPAIGN_VOUCHERS_IMPORT_CSV: {"voucher.created": GOOD},
    TaskType.CAMPAIGN_VOUCHERS_UPDATE: {"voucher.updated": ROWS},
    TaskType.CAMPAIGN_VOUCHERS_DELETE: {"voucher.deleted": ROWS, "campaign.deleted": 1},
    TaskType.CAMPAIGN_VOUCHERS_GENERATE: {"voucher.created": ROWS, "campaign.vouchers.generation.completed": 1},
    TaskType.CUSTOMERS_IMPORT_CSV: {"customer.created": GOOD},
    TaskType.CUSTOMERS_BULK_UPDATE: {"customer.updated": GOOD},
    TaskType.CUSTOMERS_METADATA_UPDATE: {"customer.updated": GOOD},
    TaskType.CUSTOMERS_METADATA_KEY_PURGE: {"customer.updated": ROWS},
    TaskType.PRODUCTS_BULK_UPDATE: {"product.updated": GOOD},
    TaskType.PRODUCTS_METADATA_UPDATE: {"product.updated": GOOD},
    TaskType.PRODUCTS_METADATA_KEY_PURGE: {"product.updated": ROWS},
    TaskType.PRODUCTS_IMPORT_CSV: {"product.created": GOOD},
    TaskType.SKUS_IMPORT_CSV: {},
    TaskType.VOUCHERS_IMPORT: {"voucher.created": GOOD},
    TaskType.VOUCHERS_IMPORT_CSV: {"voucher.created": GOOD},
    TaskType.VOUCHERS_BULK_UPDATE: {"voucher.updated": GOOD},
    TaskType.VOUCHERS_METADATA_UPDATE: {"voucher.updated": GOOD},
    TaskType.VOUCHERS_METADATA_KEY_PURGE: {"voucher.updated": ROWS},
}


@pytest.mark.parametrize("type_", TaskType)
def test_a_task_raises_one_event_for_each_record_that_it_changes(
    session: Session, scope: ProjectScope, tmp_path: Path, type_: TaskType
) -> None:
    parameters, upload = make_input(session, scope, type_, rows=ROWS, folder=tmp_path)
    session.execute(text("DELETE FROM events WHERE project_id = :id"), {"id": scope.project_id})
    session.commit()
    run(session, make_task(scope, type_, parameters, file=upload.path if upload else None))
    raised = happened(session, scope)
    assert Counter(type_ for type_, _ in raised) == EXPECTED[type_]
    about = [told["id"] for _, told in raised if told["object"] != "campaign"]
    assert len(set(about)) == len(about)


def test_what_is_told_of_imported_vouchers_is_what_the_api_shows_of_them(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    campaign = make_campaign(session, scope, category="summer")
    file = write_csv(tmp_path, "code,season\nA-1,warm\nA-2,hot\n")
    run(session, make_task(scope, TaskType.CAMPAIGN_VOUCHERS_IMPORT_CSV, campaign_parameters(campaign), file=file))
    vouchers = session.scalars(select(Voucher).where(Voucher.campaign_id == campaign.id).order_by(Voucher.code))
    shown = [("voucher.created", voucher_as_json(voucher, {campaign.id: campaign.name})) for voucher in vouchers]
    assert sorted(happened(session, scope), key=lambda each: str(each[1]["code"])) == shown
    assert shown[0][1]["campaign"] == campaign.name and shown[0][1]["category"] == "summer"


def test_codes_that_are_there_already_raise_nothing(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    for codes in ("A-1\nA-2\n", "A-2\nA-3\nA-3\n"):
        run(session, make_task(scope, TaskType.VOUCHERS_IMPORT_CSV, file=write_csv(tmp_path, f"code,discount_type,value\n{_lines(codes)}")))
    assert [told["code"] for _, told in happened(session, scope)] == ["A-1", "A-2", "A-3"]


def _lines(codes: str) -> str:
    return "".join(f"{code},PERCENT,10\n" for code in codes.split())


def test_an_update_that_switches_vouchers_off_says_so_of_those_that_were_on(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    file = write_csv(tmp_path, "code,discount_type,value,active\non,PERCENT,10,true\noff,PERCENT,10,false\nboth,PERCENT,10,true\n")
    run(session, make_task(scope, TaskType.VOUCHERS_IMPORT_CSV, file=file))
    changes = [{"code": "on", "active": False}, {"code": "off", "active": False}, {"code": "both", "active": False, "category": "old"}]
    ran = run(session, make_task(scope, TaskType.VOUCHERS_BULK_UPDATE, file=write_rows(tmp_path, *changes)))
    assert ran.counts["updated"] == 3
    raised = [(type_, told["code"], told["active"]) for type_, told in happened(session, scope)[3:]]
    assert sorted(raised) == [("voucher.disabled", "both", False), ("voucher.disabled", "on", False), ("voucher.updated", "both", False)]


def test_an_import_creates_and_changes_customers_and_leaves_out_those_that_stay_as_they_are(
    session: Session, scope: ProjectScope, tmp_path: Path
) -> None:
    for lines in ("anna,Anna\npiotr,Piotr\n", "anna,Anna\npiotr,Peter\nsofia,Sofia\nsofia,Sofie\n"):
        file = write_csv(tmp_path, f"source_id,name\n{lines}")
        run(session, make_task(scope, TaskType.CUSTOMERS_IMPORT_CSV, file=file))
    raised = [(type_, told["name"]) for type_, told in happened(session, scope)]
    created = [("customer.created", name) for name in ("Anna", "Piotr", "Sofie")]
    assert sorted(raised) == [*created, ("customer.updated", "Peter")]


def test_a_purge_is_told_of_those_that_had_the_key_also_in_a_step_of_many_parts(
    session: Session, scope: ProjectScope, tmp_path: Path
) -> None:
    count = PART * 2 + 50
    rows = [{"source_id": f"customer-{number}", "metadata": {"season": "warm"} if number % 2 else {}} for number in range(count)]
    run(session, make_task(scope, TaskType.CUSTOMERS_BULK_UPDATE, file=write_rows(tmp_path, *rows)))
    ran = run(session, make_task(scope, TaskType.CUSTOMERS_METADATA_KEY_PURGE, {"key": "season"}))
    assert (ran.counts["updated"], ran.counts["skipped"], len(ran.positions)) == (count // 2, count // 2, 1)
    assert types(session, scope) == {"customer.created": count, "customer.updated": count // 2}


def test_dates_that_do_not_fit_are_refused_with_their_own_numbers_in_a_step_of_many_parts(
    session: Session, scope: ProjectScope, tmp_path: Path
) -> None:
    campaign, count = make_campaign(session, scope), PART + 20
    lines = "".join(f"N-{number:04},{'2027-06-01' if number % 100 == 10 else '2026-06-01'}\n" for number in range(1, count + 1))
    file = write_csv(tmp_path, f"code,start_date\n{lines}")
    run(session, make_task(scope, TaskType.CAMPAIGN_VOUCHERS_IMPORT_CSV, campaign_parameters(campaign), file=file))
    ids = list(session.scalars(select(Voucher.id).where(Voucher.campaign_id == campaign.id).order_by(Voucher.id)))
    late = session.scalars(select(Voucher.id).where(Voucher.campaign_id == campaign.id, Voucher.code.like("%10")))
    numbers = sorted(ids.index(id_) + 1 for id_ in late)
    parameters = campaign_parameters(campaign, changes={"expiration_date": "2027-01-01T00:00:00Z"})
    ran = run(session, make_task(scope, TaskType.CAMPAIGN_VOUCHERS_UPDATE, parameters))
    assert [row.line for row in ran.refused] == numbers and len(numbers) == 6
    assert types(session, scope)["voucher.updated"] == ran.counts["updated"] == count - 6


def test_a_webhook_that_wants_something_else_makes_a_task_raise_nothing(session: Session, tmp_path: Path) -> None:
    scope = make_scope(session)
    make_webhook(session, scope, "customer.created")
    run(session, make_task(scope, TaskType.VOUCHERS_IMPORT_CSV, file=write_csv(tmp_path, f"code,discount_type,value\n{_lines('A-1')}")))
    assert happened(session, scope) == []


def test_a_batch_that_is_rolled_back_raises_nothing_and_is_told_once_when_it_is_done(
    session: Session, scope: ProjectScope, tmp_path: Path
) -> None:
    file = write_csv(tmp_path, "code,discount_type,value\n" + _lines(" ".join(f"A-{number}" for number in range(4_100))))
    task = make_task(scope, TaskType.VOUCHERS_IMPORT_CSV, file=file)
    ran = run(session, task, batches=1)
    operation, going_on = OPERATIONS[task.type], replace(task, position=ran.positions[-1])
    batch = next(iter(operation.batches(session, going_on)))
    assert operation.apply(session, going_on, batch).created == 2_000
    # The worker is killed before the commit.
    session.rollback()
    assert types(session, scope) == {"voucher.created": 2_000}
    run(session, going_on)
    codes = [told["code"] for _, told in happened(session, scope)]
    assert len(codes) == len(set(codes)) == 4_100
