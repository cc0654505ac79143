"""New vouchers as COPY's text format has them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from auditpanel.catalogue.models import Voucher, VoucherType
from auditpanel.catalogue.operations.copying import copy_vouchers
from auditpanel.catalogue.rows import CodedVoucher
from auditpanel.catalogue.values import NewVoucher
from tests.catalogue.driving import make_scope

SPECIAL = ["\\N", "\\.", "a\tb", "a\nb", "a\r\nb", "a\\tb\\", '"quoted"', "Zażółć 🎟"]


@pytest.mark.parametrize("text", SPECIAL)
def test_what_copy_takes_for_a_sign_of_its_own_is_stored_as_it_is(session: Session, text: str) -> None:
    scope = make_scope(session)
    like = NewVoucher(
        code=None,
        type=VoucherType.DISCOUNT,
        discount={"type": "UNIT", "unit_type": text},
        category=text,
        additional_info=text,
        settings={text: text},
    )
    assert copy_vouchers(session, scope, None, [CodedVoucher(text, {text: [text]}, like)]).count == 1
    stored = session.scalars(select(Voucher).where(Voucher.project_id == scope.project_id)).one()
    assert (stored.code, stored.category, stored.additional_info) == (text, text, text)
    assert (stored.metadata_, stored.settings, stored.discount) == ({text: [text]}, {text: text}, like.discount)


def test_each_kind_of_value_comes_back_and_nothing_stays_null(session: Session) -> None:
    scope, start = make_scope(session), datetime(2026, 11, 25, 8, 30, 0, 123456, tzinfo=UTC)
    full = NewVoucher(code=None, type=VoucherType.GIFT, gift={"amount": 100}, redemption_quantity=3, start_date=start, active=False)
    bare = NewVoucher(code=None, type=VoucherType.DISCOUNT)
    assert copy_vouchers(session, scope, None, [CodedVoucher("full", {}, full), CodedVoucher("bare", {}, bare)]).count == 2
    stored = {row.code: row for row in session.scalars(select(Voucher).where(Voucher.project_id == scope.project_id))}
    one, other = stored["full"], stored["bare"]
    assert (one.gift, one.redemption_quantity, one.start_date, one.active) == ({"amount": 100}, 3, start, False)
    assert (other.gift, other.redemption_quantity, other.start_date, other.category, other.active) == (None, None, None, None, True)
