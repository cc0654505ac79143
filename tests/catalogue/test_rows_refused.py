"""Rows that a task refuses for their metadata or their dates, and what it does with the others."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.models import Customer, MetadataSchema
from auditpanel.errors import InvalidInput
from auditpanel.ids import new_uuid
from auditpanel.tasks.values import TaskType
from tests.catalogue.driving import Ran, campaign_parameters, make_campaign, make_scope, make_task, run, write_csv, write_rows
from tests.catalogue.test_operations import PERCENT, customers, vouchers

Json = dict[str, object]


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    return make_scope(session)


def schema(session: Session, scope: ProjectScope, resource: str) -> None:
    properties: dict[str, Json] = {
        "season": {"type": "string", "optional": False, "eq": ["summer", "winter"]},
        "shelf": {"type": "string", "optional": True, "maxLength": 3},
    }
    session.add(MetadataSchema(project_id=scope.project_id, resource=resource, properties=properties))
    session.commit()


def test_imported_vouchers_are_held_to_the_metadata_schema_row_by_row(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    schema(session, scope, "voucher")
    file = write_csv(
        tmp_path, "Code,Value,Discount Type,Season,Shelf\nA,1,UNIT,summer,ab\nB,1,UNIT,,\nC,1,UNIT,spring,\nD,1,UNIT,winter,abcd\n"
    )
    ran = run(session, make_task(scope, TaskType.VOUCHERS_IMPORT_CSV, file=file))
    assert ran.reasons == {
        3: "season: is missing; the project's metadata schema asks for it",
        4: 'Season: "spring" is not one of the values that are taken; write "summer", "winter"',
        5: 'Shelf: "abcd" has 4 characters; write at most 3',
    }
    voucher: Json = {"type": "DISCOUNT_VOUCHER", "discount": PERCENT}
    rows = ({"code": "J1"}, {"code": "J2", "metadata": {"season": ["summer"]}}, {"code": "J3", "metadata": {"season": "summer"}})
    ran = run(session, make_task(scope, TaskType.VOUCHERS_IMPORT, file=write_rows(tmp_path, *(voucher | row for row in rows))))
    assert (ran.counts["created"], set(vouchers(session, scope))) == (1, {"A", "J3"})
    assert ran.reasons == {
        1: "metadata.season: is missing; the project's metadata schema asks for it",
        2: 'metadata.season: ["summer"] is not a text; write it in quotes',
    }
    changes = write_rows(tmp_path, {"code": "A", "metadata": {"season": None}}, {"code": "A", "metadata": {"shelf": "x"}})
    ran = run(session, make_task(scope, TaskType.VOUCHERS_BULK_UPDATE, file=changes))
    assert (ran.counts["updated"], list(ran.reasons)) == (1, [1])
    assert vouchers(session, scope)["A"].metadata_ == {"season": "summer", "shelf": "x"}


def test_only_new_customers_need_all_that_the_metadata_schema_asks_for(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    session.add(Customer(project_id=scope.project_id, id=new_uuid(), source_id="old"))
    schema(session, scope, "customer")
    file = write_csv(tmp_path, "source_id,name,season\nold,Anna,\nnew,Bob,\nnew,Bob,summer\nnew,Robert,\n")
    ran = run(session, make_task(scope, TaskType.CUSTOMERS_IMPORT_CSV, file=file))
    assert (ran.counts["created"], ran.counts["updated"], list(ran.reasons)) == (1, 2, [3])
    assert customers(session, scope)["new"].name == "Robert"
    wrong = write_rows(tmp_path, {"source_id": "old", "metadata": {"season": "spring"}})
    assert list(run(session, make_task(scope, TaskType.CUSTOMERS_BULK_UPDATE, file=wrong)).reasons) == [1]
    keys = write_rows(tmp_path, {"source_id": "old"})
    task = make_task(scope, TaskType.CUSTOMERS_METADATA_UPDATE, {"metadata": {"season": "spring"}}, file=keys)
    with pytest.raises(InvalidInput, match=r"metadata\.season"):
        run(session, task)


def test_an_update_refuses_the_vouchers_whose_own_dates_do_not_go_with_it(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    campaign = make_campaign(session, scope)
    dates = [("A", None, None), ("B", "2026-12-01", None), ("C", "2026-11-01", "2027-01-01")]
    rows = ({"code": code, "start_date": start, "expiration_date": end} for code, start, end in dates)
    imported = make_task(scope, TaskType.CAMPAIGN_VOUCHERS_IMPORT, campaign_parameters(campaign), file=write_rows(tmp_path, *rows))
    run(session, imported)

    def update(**changes: object) -> Ran:
        return run(session, make_task(scope, TaskType.CAMPAIGN_VOUCHERS_UPDATE, campaign_parameters(campaign, changes=changes)))

    ran = update(expiration_date="2026-11-25T00:00:00Z", category="sale")
    assert (ran.counts["updated"], ran.counts["skipped"]) == (2, 0)
    why = "is not after the voucher's start date, 2026-12-01T00:00:00Z; a voucher ends after it starts"
    (refused,) = ran.refused
    assert (refused.reason, refused.content["code"], refused.column) == (
        f'expiration_date: "2026-11-25T00:00:00Z" {why}',
        "B",
        "expiration_date",
    )
    found = vouchers(session, scope)
    assert (found["B"].expiration_date, found["B"].category, found["C"].category) == (None, None, "sale")
    ran = update(start_date="2026-11-26T00:00:00Z")
    assert (ran.counts["updated"], sorted(str(row.content["code"]) for row in ran.refused)) == (1, ["A", "C"])
    assert "is not before the voucher's expiration date, 2026-11-25T00:00:00Z" in ran.refused[0].reason
    assert len({row.line for row in ran.refused} & {1, 2, 3}) == 2
    ran = update(start_date="2026-11-26T00:00:00Z", expiration_date="2026-11-27T00:00:00Z")
    assert (ran.counts["updated"], ran.refused) == (3, [])


def test_dates_in_reasons_are_written_as_in_the_file_or_the_api(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    campaign = make_campaign(
        session, scope, start_date=datetime(2026, 11, 25, tzinfo=UTC), expiration_date=datetime(2027, 1, 1, 12, tzinfo=UTC)
    )
    file = write_csv(
        tmp_path,
        "Code,Start Date,Expiration Date\nA,2026-11-25,2026-11-24\nB,,2026-11-25T00:00:00Z\nC,2027-02-01,\nD,2026-12-01,2026-12-02\nE,,\n",
    )
    ran = run(session, make_task(scope, TaskType.CAMPAIGN_VOUCHERS_IMPORT_CSV, campaign_parameters(campaign), file=file))
    ends = "a voucher ends after it starts"
    assert ran.reasons == {
        2: f'Expiration Date: "2026-11-24" is not after the start date, 2026-11-25; {ends}',
        3: f'Expiration Date: "2026-11-25T00:00:00Z" is not after the start date, 2026-11-25T00:00:00Z of the campaign; {ends}',
        4: f'Start Date: "2027-02-01" is not before the campaign\'s expiration date, 2027-01-01T12:00:00Z; {ends}',
    }
    found = vouchers(session, scope)
    assert (found["D"].start_date, found["D"].expiration_date) == (datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC))
    assert (found["E"].start_date, found["E"].expiration_date) == (campaign.start_date, campaign.expiration_date)


def test_rows_with_dates_of_their_own_keep_them(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    days = [f"2026-12-{number:02d}" for number in range(1, 29)]
    file = write_csv(tmp_path, "\n".join(["Code,Value,Discount Type,Start Date", *(f"D{day},1,UNIT,{day}" for day in days)]))
    run(session, make_task(scope, TaskType.VOUCHERS_IMPORT_CSV, file=file))
    found = {code: f"{row.start_date:%Y-%m-%d}" for code, row in vouchers(session, scope).items()}
    assert found == {f"D{day}": day for day in days}
