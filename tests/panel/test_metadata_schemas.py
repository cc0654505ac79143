"""What admins say of metadata at the panel: types and rules."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Role
from auditpanel.catalogue.metadata_schemas import define_key, find_schema
from auditpanel.catalogue.models import Resource
from auditpanel.times import utc_now
from tests.accounts.visitor import log_in
from tests.factories import make_member
from tests.panel.shop import Shop, make_shop


@pytest.fixture
def shop(app: Flask, session: Session) -> Shop:
    return make_shop(app, session)


def test_admins_say_the_types_of_metadata_and_others_read_them(app: Flask, session: Session, shop: Shop) -> None:
    admin, url = log_in(app, session, make_member(session, shop.project, role=Role.ADMIN)), shop.url("metadata-schemas/")
    fields = {"resource": "voucher", "key": "step", "type": "number"}
    assert admin.post(url, **fields).status_code == 302
    session.expire_all()
    schema = find_schema(session, shop.scope, Resource.VOUCHER)
    assert schema is not None and schema.properties["step"]["type"] == "number"
    assert "step" in shop.operator.get(url).text
    assert shop.operator.post(url, page=shop.url("vouchers/new"), **fields).status_code == 403
    assert admin.post(url, resource="voucher", key="", type="number").status_code == 400
    admin.post(f"{url}forget", page=url, resource="voucher", key="step")
    session.expire_all()
    assert schema.properties == {}


def test_admins_set_the_rules_of_a_key_which_hold_and_are_told_in_words(app: Flask, session: Session, shop: Shop) -> None:
    admin, url = log_in(app, session, make_member(session, shop.project, role=Role.ADMIN)), shop.url("metadata-schemas/")
    fields = {"resource": "voucher", "key": "season", "type": "string", "needed": "y", "choices": "summer\r\n winter \r\n", "most": "10"}
    assert admin.post(url, **fields).status_code == 302
    assert admin.post(url, resource="voucher", key="step", type="number", array="y", least="1").status_code == 302
    session.expire_all()
    schema = find_schema(session, shop.scope, Resource.VOUCHER)
    assert schema is not None and schema.properties == {
        "season": {"type": "string", "array": False, "optional": False, "eq": ["summer", "winter"], "maxLength": 10},
        "step": {"type": "number", "array": True, "optional": True, "gte": 1},
    }
    page = shop.operator.get(url).text
    assert "in each new record, one of &#34;summer&#34;, &#34;winter&#34;, at most 10 characters" in page
    assert "<td>at least 1</td>" in page
    refused = shop.operator.post(
        shop.url("vouchers/new"), code="A", value="10", kind="PERCENT", metadata_key="season", metadata_value="autumn"
    )
    assert refused.status_code == 400
    assert "is not one of the values that are taken; write &#34;summer&#34;, &#34;winter&#34;" in refused.text


def test_a_change_of_a_key_begins_with_what_is_said_of_it(app: Flask, session: Session, shop: Shop) -> None:
    admin, url = log_in(app, session, make_member(session, shop.project, role=Role.ADMIN)), shop.url("metadata-schemas/")
    given: dict[str, object] = {"array": True, "optional": False, "eq": [1, 2.5], "gte": 1}
    define_key(session, shop.scope, Resource.SKU, "size", "number", rules=given, now=utc_now())
    session.commit()
    page = admin.get(f"{url}?resource=sku&key=size").text
    assert re.findall(r'<option selected value="(\w+)"', page) == ["sku", "number"]
    assert re.findall(r'<input checked[^>]*name="(\w+)"', page) == ["array", "needed"]
    assert re.search(r'<textarea[^>]*name="choices"[^>]*>\s*1\n2\.5</textarea>', page)
    assert re.search(r'name="key"[^>]*value="size"', page) and re.search(r'name="least"[^>]*value="1"', page)
    assert "Change size" in page and 'value="size"' not in admin.get(f"{url}?resource=voucher&key=size").text.split("</form>")[0]


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"type": "number", "choices": "1\nx"}, "&#34;x&#34; is not a number"),
        ({"type": "number", "least": "1.5"}, "This is no whole number; write one like 10."),
        ({"type": "boolean", "most": "1"}, "Only a number or a text has bounds; leave this empty."),
        ({"type": "string", "most": "-1"}, "-1 is not a whole number"),
        ({"type": "number", "most": "1", "least": "10"}, "1 is below 10, the least that is taken."),
        ({"type": "number", "choices": "[" * 5_000}, "is not a number"),
    ],
    ids=["choice", "bound", "no-bound", "length", "bounds", "nesting"],
)
def test_a_rule_that_cannot_hold_is_refused_at_its_field(
    app: Flask, session: Session, shop: Shop, fields: dict[str, str], answer: str
) -> None:
    admin = log_in(app, session, make_member(session, shop.project, role=Role.ADMIN))
    page = admin.post(shop.url("metadata-schemas/"), resource="voucher", key="step", **fields)
    assert page.status_code == 400
    field = next(name for name in fields if name != "type")
    assert answer in page.text.split(f'id="{field}-error"')[1].split("</p>")[0]
    assert find_schema(session, shop.scope, Resource.VOUCHER) is None
