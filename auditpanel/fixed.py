"""Statements of which only the values change."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVarTuple, cast

from psycopg import sql
from sqlalchemy import Dialect, Select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from auditpanel.time_limit import execute_text_within, psycopg_connection

Columns = TypeVarTuple("Columns")
_DIALECT: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


class FixedStatement(Generic[*Columns]):
    """Its text is made once, and psycopg alone runs it. For what every page asks: SQLAlchemy's way from a statement to its text, and
    from its answer to rows, takes longer than the database.

    Its values are those of `bindparam`, and those by whose `stand_ins` it was built; both go by their names. It has columns, no
    entities, and no `IN`, whose text depends on the values.
    """

    def __init__(self, statement: Select[*Columns], stand_ins: Mapping[str, object] | None = None) -> None:
        compiled = statement.compile(dialect=_DIALECT)
        names = {id(stand_in): name for name, stand_in in (stand_ins or {}).items()}
        if compiled.post_compile_params:
            raise ValueError(f"a fixed statement has no IN and nothing else whose text depends on the values: {compiled}")
        texts = {parameter: f"%({names[id(value)]})s" for parameter, value in compiled.params.items() if id(value) in names}
        # Constants are written out, so that a plan for any values knows which partial index will do.
        texts |= {
            parameter: sql.Literal(value).as_string().replace("%", "%%")
            for parameter, value in compiled.params.items()
            if parameter not in texts and not compiled.binds[parameter].required
        }
        self._text = _PLACEHOLDER.sub(lambda found: texts.get(found[1], found[0]), str(compiled)).encode()

    def rows(self, session: Session, values: Mapping[str, object]) -> Sequence[tuple[*Columns]]:
        connection = psycopg_connection(session)
        # What is prepared outlives no ROLLBACK, which ends other requests.
        cursor = connection.execute(self._text, values, prepare=connection.autocommit)
        return cast(list[tuple[*Columns]], cursor.fetchall())

    def rows_within(
        self, session: Session, values: Mapping[str, object], timeout_s: float, *, planned_once: bool = False
    ) -> Sequence[tuple[Any, ...]]:
        """Raises TimeIsUp where the time was not enough; the transaction goes on. It is planned for its values, unless `planned_once`."""
        return execute_text_within(session, self._text, values, timeout_s, planned_once=planned_once)
