"""New vouchers, copied into their table many at a time. A code that is there already is told apart, and stops none of the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
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
                _copy(session, _lines(scope.project_id, campaign_id, rows))
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


def _lines(project_id: UUID, campaign_id: UUID | None, vouchers: Iterable[CodedVoucher]) -> Iterator[str]:
    """In the order of COLUMNS, as COPY reads them: most of a line is that of the one before, which psycopg would write anew."""
    ends: dict[int, tuple[str, str, str]] = {}
    dates_of: dict[int, str] = {}
    start, campaign = f"{project_id}\t", _plain(campaign_id)
    for code, metadata, like, own_dates in vouchers:
        # By identity: many codes have the very same voucher.
        end = ends.get(id(like))
        if end is None:
            end = ends[id(like)] = _end_of_line(like)
        worth, dates, rest = end
        if own_dates is not None:
            dates = dates_of.get(id(own_dates)) or dates_of.setdefault(id(own_dates), f"{_plain(own_dates[0])}\t{_plain(own_dates[1])}")
        yield f"{start}{new_uuid().hex}\t{campaign}\t{_cell(code)}\t{_cell(_json(metadata))}\t{worth}\t{dates}\t{rest}\n"


def _end_of_line(voucher: NewVoucher) -> tuple[str, str, str]:
    """What is before the dates, the dates, and what is behind them."""
    worth = (
        voucher.type.value,
        _cell(voucher.category),
        _cell(_json(voucher.discount)),
        _cell(_json(voucher.gift)),
        _cell(_json(voucher.loyalty_card)),
        _plain(voucher.redemption_quantity),
    )
    dates = (_plain(voucher.start_date), _plain(voucher.expiration_date))
    rest = (_plain(voucher.active), _cell(voucher.additional_info), _cell(_json(voucher.settings)))
    return "\t".join(worth), "\t".join(dates), "\t".join(rest)


def _json(value: object) -> str | None:
    # Most have neither settings nor metadata.
    return None if value is None else _encode(value).decode() if value else "{}"


def _cell(text: str | None) -> str:
    if text is None:
        return "\\N"
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _plain(value: int | datetime | UUID | None) -> str:
    return "\\N" if value is None else str(value)


def _copy(session: Session, lines: Iterable[str]) -> None:
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.write("".join(lines))
