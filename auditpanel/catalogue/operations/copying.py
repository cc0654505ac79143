"""New vouchers, copied into their table many at a time. A code that is there already is told apart, and stops none of the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from uuid import UUID

import msgspec
import psycopg
from psycopg import errors, sql
from sqlalchemy import select
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.catalogue.models import Voucher
from auditpanel.catalogue.rows import CodedVoucher
from auditpanel.catalogue.values import NewVoucher
from auditpanel.ids import new_uuid

# Somebody else may be making the same codes at the same time; each round leaves out what they have made.
TRIES = 10
COLUMNS = (
    "project_id",
    "id",
    "campaign_id",
    "code",
    "metadata",
    "type",
    "category",
    "discount",
    "gift",
    "loyalty_card",
    "redemption_quantity",
    "start_date",
    "expiration_date",
    "active",
    "additional_info",
    "settings",
)

_encode = msgspec.json.Encoder().encode
_COPY = sql.SQL("COPY vouchers ({}) FROM STDIN").format(sql.SQL(", ").join(map(sql.Identifier, COLUMNS)))


@dataclass(slots=True)
class Copied:
    """`taken` are codes that were there, `unstorable` those that the database would not have, with its reason."""

    count: int = 0
    taken: set[str] = field(default_factory=set)
    unstorable: dict[str, str] = field(default_factory=dict)


def copy_vouchers(session: Session, scope: ProjectScope, campaign_id: UUID | None, vouchers: Sequence[CodedVoucher]) -> Copied:
    """The codes differ. Nothing is committed here.

    COPY fails on the first code that is there, which is rare: it is tried at once, and only then asked which they are.
    """
    copied = Copied()
    # In one order for everybody: two tasks with the same codes then wait for each other and cannot deadlock.
    rows = sorted(vouchers, key=itemgetter(0))
    for _ in range(TRIES):
        if not rows:
            return copied
        try:
            with session.begin_nested():
                _copy(session, _rows(scope.project_id, campaign_id, rows))
            copied.count += len(rows)
            return copied
        except errors.UniqueViolation:
            copied.taken |= taken_codes(session, scope, [row.code for row in rows])
            rows = [row for row in rows if row.code not in copied.taken]
        except errors.DataError as error:
            return _copy_in_halves(session, scope, campaign_id, rows, copied, error)
    raise RuntimeError(f"{len(rows)} vouchers could not be stored in {TRIES} tries, others were making the same codes each time")


def taken_codes(session: Session, scope: ProjectScope, codes: Sequence[str]) -> set[str]:
    return set(session.scalars(select(Voucher.code).where(Voucher.project_id == scope.project_id, Voucher.code.in_(codes))))


def _copy_in_halves(
    session: Session, scope: ProjectScope, campaign_id: UUID | None, rows: Sequence[CodedVoucher], copied: Copied, error: Exception
) -> Copied:
    """What is checked before should leave nothing that PostgreSQL refuses; should it, one row does not cost the others."""
    if len(rows) == 1:
        copied.unstorable[rows[0].code] = str(error).partition("\n")[0]
        return copied
    half = len(rows) // 2
    for part in (copy_vouchers(session, scope, campaign_id, rows[:half]), copy_vouchers(session, scope, campaign_id, rows[half:])):
        copied.count += part.count
        copied.taken |= part.taken
        copied.unstorable |= part.unstorable
    return copied


def _rows(project_id: UUID, campaign_id: UUID | None, vouchers: Iterable[CodedVoucher]) -> Iterator[tuple[object, ...]]:
    """In the order of COLUMNS."""
    made: dict[int, tuple[object, ...]] = {}
    for code, metadata, like in vouchers:
        # By identity: many codes have the very same voucher.
        others = made.get(id(like))
        if others is None:
            others = made[id(like)] = _others(like)
        yield project_id, new_uuid(), campaign_id, code, _json(metadata), *others


def _others(voucher: NewVoucher) -> tuple[object, ...]:
    return (
        voucher.type.value,
        voucher.category,
        _json(voucher.discount),
        _json(voucher.gift),
        _json(voucher.loyalty_card),
        voucher.redemption_quantity,
        voucher.start_date,
        voucher.expiration_date,
        voucher.active,
        voucher.additional_info,
        _json(voucher.settings),
    )


def _json(value: object) -> str | None:
    # Most have neither settings nor metadata.
    return None if value is None else _encode(value).decode() if value else "{}"


def _copy(session: Session, rows: Iterable[tuple[object, ...]]) -> None:
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            copy.write_row(row)
