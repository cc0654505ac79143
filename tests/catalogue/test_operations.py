from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.models import Campaign, Customer, MetadataSchema, Product, Sku, Voucher
from auditpanel.catalogue.operations import OPERATIONS
from auditpanel.errors import InvalidInput
from auditpanel.ids import Prefix, format_id, new_uuid
from auditpanel.tasks.values import TaskType
from tests.catalogue.driving import campaign_parameters, make_campaign, make_scope, make_task, run, write_csv, write_rows

Json = dict[str, object]
CATALOGUE: dict[str, type[Voucher] | type[Customer] | type[Product]] = {"V": Voucher, "C": Customer, "P": Product}
PERCENT = {"type": "PERCENT", "percent_off": 10}


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    return make_scope(session)


def vouchers(session: Session, scope: ProjectScope) -> dict[str, Voucher]:
    session.expire_all()
    return {voucher.code: voucher for voucher in session.scalars(select(Voucher).where(Voucher.project_id == scope.project_id))}


def customers(session: Session, scope: ProjectScope) -> dict[str | None, Customer]:
    session.expire_all()
    return {row.source_id: row for row in session.scalars(select(Customer).where(Customer.project_id == scope.project_id))}


def products(session: Session, scope: ProjectScope) -> dict[str | None, Product]:
    session.expire_all()
    return {row.source_id: row for row in session.scalars(select(Product).where(Product.project_id == scope.project_id))}


def skus(session: Session, scope: ProjectScope) -> dict[str | None, Sku]:
    session.expire_all()
    return {row.source_id: row for row in session.scalars(select(Sku).where(Sku.project_id == scope.project_id))}


def import_vouchers(session: Session, scope: ProjectScope, folder: Path, *codes: str) -> None:
    rows = ({"code": code, "type": "DISCOUNT_VOUCHER", "discount": PERCENT, "metadata": {"batch": 1}} for code in codes)
    run(session, make_task(scope, TaskType.VOUCHERS_IMPORT, file=write_rows(folder, *rows)))


def test_each_type_of_task_has_its_operation() -> None:
    assert set(OPERATIONS) == set(TaskType)


def test_vouchers_of_every_kind_are_imported_by_csv(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    session.add(MetadataSchema(project_id=scope.project_id, resource="voucher", properties={"shops": {"type": "number", "array": True}}))
    session.commit()
    file = write_csv(
        tmp_path,
        "Code;Voucher Type;Value;Discount Type;Category;Active;Start Date;Expiration Date;Redemption Limit;"
        "Gift Amount;Loyalty Points;shops;Region\n"
        "A;DISCOUNT_VOUCHER;12.5;PERCENT;summer;true;2026-11-25;2026-12-31T23:59:59Z;3;;;1,2;north\n"
        "B;discount voucher;1500;amount;;no;;;;;;;\n"
        "C;GIFT_VOUCHER;;;;;;;;10000;;;\n"
        "D;LOYALTY_CARD;;;;;;;;;250;;\n",
    )
    ran = run(session, make_task(scope, TaskType.VOUCHERS_IMPORT_CSV, file=file))
    assert (ran.total, ran.rows, ran.counts["created"], ran.refused) == (4, 4, 4, [])
    found = vouchers(session, scope)
    assert found["A"].discount == {"type": "PERCENT", "percent_off": 12.5, "effect": "APPLY_TO_ORDER"}
    assert (found["A"].category, found["A"].redemption_quantity, found["A"].active) == ("summer", 3, True)
    assert found["A"].start_date == datetime(2026, 11, 25, tzinfo=UTC)
    assert found["A"].metadata_ == {"shops": [1, 2], "Region": "north"}
    assert found["B"].discount == {"type": "AMOUNT", "amount_off": 1500, "effect": "APPLY_TO_ORDER"}
    assert not found["B"].active
    assert found["C"].gift == {"amount": 10000, "subtracted_amount": 0, "balance": 10000, "effect": "APPLY_TO_ORDER"}
    assert found["D"].loyalty_card == {"points": 250, "balance": 250}


def test_a_refused_row_tells_its_line_its_content_and_what_would_be_right(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    import_vouchers(session, scope, tmp_path, "OLD")
    file = write_csv(
        tmp_path,
        "Code,Value,Discount Type,Expiration Date,Active\n"
        "GOOD,10,PERCENT,,\n"
        "OLD,10,PERCENT,,\n"
        "GOOD,10,PERCENT,,\n"
        "P,110,PERCENT,,\n"
        "M,15.00,AMOUNT,,\n"
        "T,1,HALF,,\n"
        "E,1,UNIT,31.12.2026,\n"
        "B,1,UNIT,,perhaps\n"
        ",1,UNIT,,\n"
        "N,1,,,\n"
        "L,1,UNIT,,,more\n"
        '"X\nY",1,UNIT,,\n',
    )
    ran = run(session, make_task(scope, TaskType.VOUCHERS_IMPORT_CSV, file=file))
    assert ran.counts["created"] == 2
    assert ran.reasons == {
        3: 'Code: "OLD" exists already; each code can be imported once',
        4: 'Code: "GOOD" is in line 2 too; each code can be imported once',
        5: 'Value: "110" is not a percentage; write a number from 0 to 100, like 10 or 12.5',
        6: 'Value: "15.00" is not in the currency\'s smallest unit; write 1500 for 15.00',
        7: 'Discount Type: "HALF" is no type of discount; write AMOUNT, PERCENT, UNIT, FIXED',
        8: 'Expiration Date: "31.12.2026" is not a date in ISO 8601; write it like 2026-11-25T08:30:00Z or 2026-11-25',
        9: 'Active: "perhaps" is neither yes nor no; write true or false (yes, no, 1 and 0 are taken too)',
        10: "Code: is missing; each voucher has a code of its own",
        11: "Discount Type: is missing; write AMOUNT, PERCENT, UNIT, FIXED",
        12: "has 6 cells, but the header 5 columns; a cell that has a comma in it stands in quotes",
    }
    wrong = ran.refused[2]
    assert (wrong.column, wrong.value, wrong.content["Code"]) == ("Value", "110", "P")
    assert set(vouchers(session, scope)) == {"OLD", "GOOD", "X\nY"}


def test_a_corrected_file_of_refused_rows_is_imported_as_its_original_would_be(
    session: Session, scope: ProjectScope, tmp_path: Path
) -> None:
    header = "Code,Value,Discount Type,Phone,Refused line,Refused reason"
    file = write_csv(tmp_path, f"{header}\n'=1+1,10,PERCENT,'+48 600,7,too much\nB,20,PERCENT,,9,\n")
    assert run(session, make_task(scope, TaskType.VOUCHERS_IMPORT_CSV, file=file)).counts["created"] == 2
    assert {code: row.metadata_ for code, row in vouchers(session, scope).items()} == {"=1+1": {"Phone": "+48 600"}, "B": {}}


def test_rows_that_repeat_all_but_code_and_metadata_keep_their_own(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    lines = [f"R{number},{number % 3},UNIT,shelf {number}" for number in range(9)]
    file = write_csv(tmp_path, "\n".join(["Code,Value,Discount Type,Shelf", *lines]))
    run(session, make_task(scope, TaskType.VOUCHERS_IMPORT_CSV, file=file))
    found = {code: (row.discount or {}, row.metadata_) for code, row in vouchers(session, scope).items()}
    assert found == {f"R{number}": ({"type": "UNIT", "unit_off": number % 3}, {"Shelf": f"shelf {number}"}) for number in range(9)}


def test_vouchers_are_imported_by_json(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    file = write_rows(
        tmp_path,
        {"code": "J1", "type": "DISCOUNT_VOUCHER", "discount": PERCENT},
        {"code": "J2", "type": "GIFT_VOUCHER"},
        {"type": "DISCOUNT_VOUCHER", "discount": PERCENT},
        "J4",
        {"code": "J1", "type": "GIFT_VOUCHER", "gift": {"amount": 5}},
        {"code": "J\x00", "type": "GIFT_VOUCHER", "gift": {"amount": 5}},
    )
    ran = run(session, make_task(scope, TaskType.VOUCHERS_IMPORT, file=file))
    assert ran.counts["created"] == 1
    assert set(ran.reasons) == {2, 3, 4, 5, 6}
    assert ran.reasons[3] == "code: is missing; each voucher that is imported has a code of its own"
    assert ran.refused[0].column == "gift"


@pytest.mark.parametrize("type_", [TaskType.CAMPAIGN_VOUCHERS_IMPORT, TaskType.CAMPAIGN_VOUCHERS_IMPORT_CSV])
def test_what_an_imported_voucher_does_not_say_comes_from_its_campaign(
    session: Session, scope: ProjectScope, tmp_path: Path, type_: TaskType
) -> None:
    campaign = make_campaign(session, scope, category="summer", expiration_date=datetime(2027, 1, 1, tzinfo=UTC))
    if type_ is TaskType.CAMPAIGN_VOUCHERS_IMPORT:
        own = {"code": "K2", "discount": {"type": "AMOUNT", "amount_off": 500}, "category": "own"}
        file = write_rows(tmp_path, {"code": "K1"}, own, {"code": "K3", "type": "GIFT_VOUCHER", "gift": {"amount": 1}})
    else:
        file = write_csv(tmp_path, "code,value,discount_type,category,voucher_type\nK1,,,,\nK2,500,AMOUNT,own,\nK3,,,,GIFT_VOUCHER\n")
    ran = run(session, make_task(scope, type_, campaign_parameters(campaign), file=file))
    assert (ran.counts["created"], len(ran.refused)) == (2, 1)
    assert '"GIFT_VOUCHER" does not fit the campaign; its vouchers are DISCOUNT_VOUCHER' in ran.refused[0].reason
    found = vouchers(session, scope)
    assert found["K1"].discount == {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ORDER"}
    assert (found["K1"].category, found["K1"].redemption_quantity, found["K1"].campaign_id) == ("summer", 1, campaign.id)
    assert found["K1"].expiration_date == datetime(2027, 1, 1, tzinfo=UTC)
    assert (found["K2"].category, found["K2"].discount) == ("own", {"type": "AMOUNT", "amount_off": 500, "effect": "APPLY_TO_ORDER"})
    session.refresh(campaign)
    assert campaign.vouchers_count == 2


def test_nothing_is_imported_into_a_campaign_that_is_being_deleted(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    campaign = make_campaign(session, scope)
    task = make_task(scope, TaskType.CAMPAIGN_VOUCHERS_IMPORT, campaign_parameters(campaign), file=write_rows(tmp_path, {"code": "Z"}))
    operation = OPERATIONS[task.type]
    batch = next(operation.batches(session, task))
    campaign.deleted_at = datetime(2026, 11, 25, tzinfo=UTC)
    session.commit()
    with pytest.raises(InvalidInput, match="There is no campaign"):
        operation.apply(session, task, batch)
    session.rollback()
    assert vouchers(session, scope) == {}


def test_customers_are_created_and_updated_by_csv(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    first = write_csv(
        tmp_path, "Name,Email,Source_id,Birthdate,Address_line_1,Address_City,VIP\nAnna,a@example.com,c1,1990-02-28,Main 1,Łódź,yes\n"
    )
    run(session, make_task(scope, TaskType.CUSTOMERS_IMPORT_CSV, file=first))
    anna = customers(session, scope)["c1"]
    second = write_csv(
        tmp_path,
        "source_id,id,name,phone,address_city,address_line_2\n"
        "c1,,,123,Kraków,Flat 2\n"
        "c2,,Bob,,,\n"
        "c2,,Robert,,,\n"
        f",{format_id(Prefix.CUSTOMER, anna.id)},Anne,,,\n"
        f",{format_id(Prefix.CUSTOMER, new_uuid())},Nobody,,,\n"
        "c1,,,,,\n",
    )
    ran = run(session, make_task(scope, TaskType.CUSTOMERS_IMPORT_CSV, file=second))
    assert dict(ran.counts) == {"created": 1, "updated": 3, "deleted": 0, "skipped": 1}
    assert "is no customer here" in ran.reasons[6]
    found = customers(session, scope)
    anna = found["c1"]
    assert (anna.name, anna.email, anna.phone, anna.birthdate) == ("Anne", "a@example.com", "123", date(1990, 2, 28))
    assert anna.address == {"line_1": "Main 1", "line_2": "Flat 2", "city": "Kraków"}
    assert anna.metadata_ == {"VIP": "yes"}
    assert found["c2"].name == "Robert"


def test_a_bulk_update_creates_customers_and_products_that_are_not_there(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    file = write_rows(tmp_path, {"source_id": "c1", "name": "Anna", "metadata": {"a": 1}}, {"source_id": "c1", "metadata": {"b": 2}})
    ran = run(session, make_task(scope, TaskType.CUSTOMERS_BULK_UPDATE, file=file))
    assert (ran.counts["created"], ran.counts["updated"]) == (1, 1)
    run(session, make_task(scope, TaskType.CUSTOMERS_BULK_UPDATE, file=write_rows(tmp_path, {"source_id": "c1", "name": None})))
    assert (customers(session, scope)["c1"].name, customers(session, scope)["c1"].metadata_) == (None, {"a": 1, "b": 2})

    file = write_rows(tmp_path, {"source_id": "p1", "name": "Shoe", "price": 1500, "attributes": ["size"]}, {"name": "No source id"})
    ran = run(session, make_task(scope, TaskType.PRODUCTS_BULK_UPDATE, file=file))
    assert (ran.counts["created"], ran.reasons) == (1, {2: "source_id: is missing; name the product by its source id"})
    assert (products(session, scope)["p1"].price, products(session, scope)["p1"].attributes) == (1500, ["size"])


def test_products_and_their_skus_are_imported_by_csv(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    file = write_csv(
        tmp_path, 'name,source_id,price,attributes,image_url,colour\nShoe,p1,1500,"size, colour",https://e.com/1.png,red\nHat,p2,,,,\n'
    )
    ran = run(session, make_task(scope, TaskType.PRODUCTS_IMPORT_CSV, file=file))
    assert ran.counts["created"] == 2
    shoe = products(session, scope)["p1"]
    assert (shoe.attributes, shoe.metadata_, products(session, scope)["p2"].attributes) == (["size", "colour"], {"colour": "red"}, [])
    shoe_id = format_id(Prefix.PRODUCT, shoe.id)
    file = write_csv(
        tmp_path,
        "product_id,sku,source_id,price,currency,attributes\n"
        f"{shoe_id},Red 40,s1,1600,eur,\"{{'colour': 'red'}}\"\n"
        "p2,Hat,s2,,,\n"
        "p3,Lost,s3,,,\n"
        "p1,Priceless,s4,12.50,,\n",
    )
    ran = run(session, make_task(scope, TaskType.SKUS_IMPORT_CSV, file=file))
    assert ran.counts["created"] == 2
    assert ran.reasons[4] == 'product_id: "p3" is no product here; import the product first, or write its id or source id'
    assert ran.reasons[5] == 'price: "12.50" is not in the currency\'s smallest unit; write 1250 for 12.50'
    found = skus(session, scope)
    assert (found["s1"].product_id, found["s1"].attributes, found["s1"].currency) == (shoe.id, {"colour": "red"}, "EUR")
    again = write_csv(tmp_path, "product_id,source_id,price\np1,s1,1700\n")
    ran = run(session, make_task(scope, TaskType.SKUS_IMPORT_CSV, file=again))
    assert (ran.counts["updated"], skus(session, scope)["s1"].price, skus(session, scope)["s1"].sku) == (1, 1700, "Red 40")


def test_metadata_of_many_is_updated_at_once(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    import_vouchers(session, scope, tmp_path, "V1", "V2")
    parameters: Json = {"metadata": {"season": "summer"}}
    ran = run(session, make_task(scope, TaskType.VOUCHERS_METADATA_UPDATE, parameters | {"codes": ["V1", "V3"]}))
    assert (ran.total, ran.counts["updated"]) == (2, 1)
    assert ran.reasons == {2: 'code: "V3" is no voucher here; a voucher that is to be changed has to be there'}
    assert vouchers(session, scope)["V1"].metadata_ == {"batch": 1, "season": "summer"}
    for type_, read in ((TaskType.CUSTOMERS_METADATA_UPDATE, customers), (TaskType.PRODUCTS_METADATA_UPDATE, products)):
        ran = run(session, make_task(scope, type_, parameters, file=write_rows(tmp_path, {"source_id": "a"}, "b")))
        assert ran.counts["created"] == 2
        assert {key: row.metadata_ for key, row in read(session, scope).items()} == {"a": {"season": "summer"}, "b": {"season": "summer"}}


def test_vouchers_are_updated_in_bulk(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    import_vouchers(session, scope, tmp_path, "V1", "V2")
    file = write_rows(
        tmp_path,
        {"code": "V1", "metadata": {"a": 1}},
        {"code": "V1", "metadata": {"b": 2}, "category": "late"},
        {"code": "V2", "active": False, "start_date": "2026-11-25", "expiration_date": "2026-11-24"},
        {"code": "V9", "metadata": {"a": 1}},
        {"metadata": {"a": 1}},
        {"code": "V2"},
        {"code": "V2", "metadata": "none"},
    )
    ran = run(session, make_task(scope, TaskType.VOUCHERS_BULK_UPDATE, file=file))
    assert (ran.counts["updated"], ran.counts["skipped"], set(ran.reasons)) == (2, 1, {3, 4, 5, 7})
    found = vouchers(session, scope)
    assert (found["V1"].metadata_, found["V1"].category) == ({"batch": 1, "a": 1, "b": 2}, "late")
    assert found["V2"].active


@pytest.mark.parametrize(
    "type_", [TaskType.VOUCHERS_METADATA_KEY_PURGE, TaskType.CUSTOMERS_METADATA_KEY_PURGE, TaskType.PRODUCTS_METADATA_KEY_PURGE]
)
def test_a_key_is_purged_from_all_metadata_of_the_project_alone(
    session: Session, scope: ProjectScope, tmp_path: Path, type_: TaskType
) -> None:
    model = CATALOGUE[type_[0]]
    other = make_scope(session)
    for project in (scope, other):
        for code, metadata in (("x", {"old": 1, "kept": 2}), ("y", {"kept": 2})):
            own: Json = {"code": code, "type": "DISCOUNT_VOUCHER"} if model is Voucher else {}
            session.add(model(project_id=project.project_id, metadata_=metadata, **own))
    session.commit()
    ran = run(session, make_task(scope, type_, {"key": "old"}))
    assert (ran.total, ran.counts["updated"], ran.counts["skipped"]) == (2, 1, 1)
    still = select(model.project_id, model.metadata_).where(model.metadata_.has_key("old"))
    left = {row.project_id: row.metadata_ for row in session.execute(still)}
    assert scope.project_id not in left
    assert left[other.project_id] == {"old": 1, "kept": 2}


def test_all_vouchers_of_a_campaign_are_updated(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    campaign = make_campaign(session, scope)
    import_vouchers(session, scope, tmp_path, "ALONE")
    file = write_rows(tmp_path, {"code": "A"}, {"code": "B", "metadata": {"own": 1}})
    run(session, make_task(scope, TaskType.CAMPAIGN_VOUCHERS_IMPORT, campaign_parameters(campaign), file=file))
    changes = {
        "category": "new",
        "discount": {"type": "AMOUNT", "amount_off": 5},
        "metadata": {"more": 2},
        "redemption": {"quantity": None},
    }
    ran = run(session, make_task(scope, TaskType.CAMPAIGN_VOUCHERS_UPDATE, campaign_parameters(campaign, changes=changes)))
    assert (ran.total, ran.counts["updated"]) == (2, 2)
    found = vouchers(session, scope)
    assert (found["B"].category, found["B"].metadata_, found["B"].redemption_quantity) == ("new", {"own": 1, "more": 2}, None)
    assert found["ALONE"].category is None


def test_a_gift_card_keeps_what_was_redeemed_when_its_campaign_changes(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    gift = {"amount": 1000, "subtracted_amount": 0, "balance": 1000, "effect": "APPLY_TO_ORDER"}
    voucher = {"type": "GIFT_VOUCHER", "gift": gift, "redemption": {"quantity": None}}
    campaign = make_campaign(session, scope, campaign_type="GIFT_VOUCHERS", voucher=voucher)
    file = write_csv(tmp_path, "Code,Redeemed Amount\nG1,400\n")
    run(session, make_task(scope, TaskType.CAMPAIGN_VOUCHERS_IMPORT_CSV, campaign_parameters(campaign), file=file))
    assert vouchers(session, scope)["G1"].gift == {"amount": 1000, "subtracted_amount": 400, "balance": 600, "effect": "APPLY_TO_ORDER"}
    changes = {"gift": {"amount": 2000}}
    run(session, make_task(scope, TaskType.CAMPAIGN_VOUCHERS_UPDATE, campaign_parameters(campaign, changes=changes)))
    assert vouchers(session, scope)["G1"].gift == {"amount": 2000, "subtracted_amount": 400, "balance": 1600, "effect": "APPLY_TO_ORDER"}


def test_a_deleted_campaign_is_gone_with_its_vouchers_and_no_others(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    campaign = make_campaign(session, scope)
    import_vouchers(session, scope, tmp_path, "ALONE")
    generate = make_task(scope, TaskType.CAMPAIGN_VOUCHERS_GENERATE, campaign_parameters(campaign, vouchers_count=12_000))
    run(session, generate)
    task = make_task(scope, TaskType.CAMPAIGN_VOUCHERS_DELETE, campaign_parameters(campaign))
    half = run(session, task, batches=1)
    session.refresh(campaign)
    assert (half.counts["deleted"], campaign.vouchers_count, campaign.deleted_at is not None) == (5_000, 7_000, True)
    rest = run(session, replace(task, position=half.positions[-1]))
    assert rest.counts["deleted"] == 7_000
    assert set(vouchers(session, scope)) == {"ALONE"}
    assert session.scalars(select(Campaign).where(Campaign.project_id == scope.project_id)).all() == []


def test_a_campaign_whose_deletion_is_given_up_is_there_again_with_what_is_left(session: Session, scope: ProjectScope) -> None:
    campaign = make_campaign(session, scope)
    run(session, make_task(scope, TaskType.CAMPAIGN_VOUCHERS_GENERATE, campaign_parameters(campaign, vouchers_count=6_000)))
    task = make_task(scope, TaskType.CAMPAIGN_VOUCHERS_DELETE, campaign_parameters(campaign))
    run(session, task, batches=1)
    OPERATIONS[task.type].give_up(session, task)
    session.commit()
    session.refresh(campaign)
    assert (campaign.vouchers_count, campaign.deleted_at) == (1_000, None)


def test_a_generation_that_is_given_up_has_failed(session: Session, scope: ProjectScope) -> None:
    campaign = make_campaign(session, scope)
    task = make_task(scope, TaskType.CAMPAIGN_VOUCHERS_GENERATE, campaign_parameters(campaign, vouchers_count=6_000))
    run(session, task, batches=1)
    OPERATIONS[task.type].give_up(session, task)
    session.commit()
    session.refresh(campaign)
    assert campaign.vouchers_generation_status == "FAILED"


def test_generated_codes_are_the_same_when_a_task_is_run_from_any_committed_position(session: Session) -> None:
    task_id, seen = new_uuid(), []
    for stops in ([], [1], [1, 1]):
        scope = make_scope(session)
        campaign = make_campaign(session, scope)
        task = make_task(scope, TaskType.CAMPAIGN_VOUCHERS_GENERATE, campaign_parameters(campaign, vouchers_count=5_000), task_id=task_id)
        for batches in stops:
            task = replace(task, position=run(session, task, batches=batches).positions[-1])
        run(session, task)
        session.refresh(campaign)
        assert (campaign.vouchers_count, campaign.vouchers_generation_status) == (5_000, "DONE")
        seen.append(set(vouchers(session, scope)))
    assert len(seen[0]) == 5_000
    assert seen[0] == seen[1] == seen[2]


def test_generation_finds_the_last_free_codes_of_its_pattern(session: Session, scope: ProjectScope) -> None:
    campaign = make_campaign(session, scope)
    config = {"pattern": "##", "charset": "0123456789", "prefix": "N#"}
    parameters = campaign_parameters(campaign, vouchers_count=60, code_config=config, voucher={"category": "drawn"})
    assert run(session, make_task(scope, TaskType.CAMPAIGN_VOUCHERS_GENERATE, parameters)).counts["created"] == 60
    ran = run(session, make_task(scope, TaskType.CAMPAIGN_VOUCHERS_GENERATE, parameters))
    assert (ran.counts["created"], len(ran.refused)) == (40, 20)
    assert ran.refused[0].reason == "no code is left: all 100 of the pattern are taken"
    found = vouchers(session, scope)
    assert set(found) == {f"N#{number:02}" for number in range(100)}
    assert {voucher.category for voucher in found.values()} == {"drawn"}


def test_more_codes_than_the_pattern_has_are_refused_before_anything_is_made(session: Session, scope: ProjectScope) -> None:
    parameters = campaign_parameters(
        make_campaign(session, scope), vouchers_count=101, code_config={"pattern": "##", "charset": "0123456789"}
    )
    with pytest.raises(InvalidInput, match="101 codes are asked for, but the pattern has only 100"):
        run(session, make_task(scope, TaskType.CAMPAIGN_VOUCHERS_GENERATE, parameters))


def test_an_import_that_goes_on_from_each_committed_position_ends_with_the_same_rows_and_counts(session: Session, tmp_path: Path) -> None:
    lines = [f"code-{number % 6_900},{number % 130},PERCENT" for number in range(7_000)]
    file = write_csv(tmp_path, "\n".join(["Code,Value,Discount Type", *lines]))
    ended = []
    for stops in (0, 1, 3):
        scope = make_scope(session)
        task = make_task(scope, TaskType.VOUCHERS_IMPORT_CSV, file=file)
        counts, refused = [], []
        for _ in range(stops):
            part = run(session, task, batches=1)
            counts.append(part.counts)
            refused += part.refused
            task = replace(task, position=part.positions[-1])
        last = run(session, task)
        refused += last.refused
        created = last.counts["created"] + sum(part["created"] for part in counts)
        ended.append((created, [(row.line, row.reason) for row in refused], set(vouchers(session, scope))))
    assert ended[0] == ended[1] == ended[2]
    assert ended[0][0] == len(ended[0][2]) == 7_000 - len(ended[0][1])


def test_a_file_that_is_gone_or_of_another_kind_is_refused_whole(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is not kept any more"):
        run(session, make_task(scope, TaskType.VOUCHERS_IMPORT_CSV, file=tmp_path / "gone"))
    with pytest.raises(InvalidInput, match="no known column"):
        run(session, make_task(scope, TaskType.VOUCHERS_IMPORT_CSV, file=write_csv(tmp_path, "Colour,Size\nred,40\n")))
    parameters: Json = {"campaign_id": format_id(Prefix.CAMPAIGN, new_uuid())}
    with pytest.raises(InvalidInput, match="There is no campaign"):
        run(session, make_task(scope, TaskType.CAMPAIGN_VOUCHERS_IMPORT, parameters, file=write_rows(tmp_path, {"code": "A"})))
