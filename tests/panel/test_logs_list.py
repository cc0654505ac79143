"""The list of logs: what it asks the database, and when a project is empty."""

from __future__ import annotations

from datetime import UTC
from typing import Any, Self
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import psycopg
from flask import Flask
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.filters import FilterSet
from auditpanel.ids import new_request_id
from auditpanel.logs import served
from auditpanel.logs.filters import LOG_FIELDS
from auditpanel.logs.store import store_logs
from auditpanel.panel.logs.listing import draw_row
from auditpanel.panel.tasks.showing import CausedView
from auditpanel.times import utc_now
from tests.accounts.visitor import log_in
from tests.factories import make_superuser
from tests.logs.making import make_log
from tests.panel.recorded import make_record
from tests.tasks.making import make_scope


def store_now(session: Session, scope: ProjectScope, *, number: int) -> None:
    now = utc_now()
    store_logs(session, scope, [make_log(occurred_at=now, request_id=new_request_id()) for _ in range(number)], now=now)
    session.commit()


def test_a_page_asks_who_reads_it_then_for_its_rows_and_all_beside_them_and_is_recorded(
    app: Flask, session: Session, engine: Engine
) -> None:
    scope = make_scope(session)
    store_now(session, scope, number=3)
    visitor = log_in(app, session, make_superuser(session))
    statements: list[str] = []

    class NotingCursor(psycopg.Cursor[psycopg.rows.TupleRow]):
        def execute(self, query: psycopg.abc.Query, *args: Any, **options: Any) -> Self:
            statements.append(query.decode() if isinstance(query, bytes) else str(query))
            return super().execute(query, *args, **options)

    def note(connection: psycopg.Connection, *rest: object) -> None:
        connection.cursor_factory = NotingCursor

    event.listen(engine, "checkout", note)
    try:
        page = visitor.get(f"/projects/{scope.id}/logs/")
    finally:
        event.remove(engine, "checkout", note)
        engine.dispose()
    assert "<b data-total>3</b>" in page.text
    told = [statement for statement in statements if not statement.startswith("SELECT set_config")]
    for statement, parts in zip(told, (("login_sessions", "due_tasks"), ("logs", "count", "sendouts"), ("INSERT",)), strict=True):
        assert all(part in statement for part in parts)


def test_a_project_is_empty_until_somebody_elses_call_comes(app: Flask, session: Session) -> None:
    scope = make_scope(session)
    visitor = log_in(app, session, make_superuser(session))
    url = f"/projects/{scope.id}/logs/"
    for _ in range(3):
        assert "data-shown" not in visitor.get(url).text, "the panel's own calls are no history yet"
    store_now(session, scope, number=1)
    assert "data-shown" in visitor.get(url).text


def test_what_is_searched_for_may_read_like_a_part_of_a_statement(app: Flask, session: Session) -> None:
    scope = make_scope(session)
    odd = "%(request_id_2)s %(param_1)s ' OR 1=1 --"
    now = utc_now()
    store_logs(session, scope, [make_log(occurred_at=now, request_id=odd, path="/odd"), make_log(occurred_at=now)], now=now)
    session.commit()
    page = log_in(app, session, make_superuser(session)).get(f"/projects/{scope.id}/logs/?{urlencode({'request_id': odd})}")
    assert page.status_code == 200 and "<b data-total>1</b>" in page.text and "/odd" in page.text


def test_a_page_that_shows_all_there_is_counts_that_whatever_was_counted_before(app: Flask, session: Session) -> None:
    scope = make_scope(session)
    store_now(session, scope, number=3)
    served.CAPPED.note(scope.project_id, FilterSet.parse([("range", "1h")], LOG_FIELDS))
    page = log_in(app, session, make_superuser(session)).get(f"/projects/{scope.id}/logs/?range=1h")
    assert "<b data-total>3</b>" in page.text


def test_a_row_that_was_drawn_is_shown_again_only_where_all_that_it_shows_is_the_same(app: Flask) -> None:
    one, other, line = UUID(int=1), UUID(int=2), make_record().line
    failed, warsaw = CausedView("broken", "", "Its task failed"), ZoneInfo("Europe/Warsaw")
    asked = [
        (one, line, "/one", UTC, None),
        (other, line, "/other", UTC, None),
        (one, line, "/one?times=utc", UTC, None),
        (one, line, "/one", warsaw, None),
        (one, line, "/one", UTC, failed),
        (one, msgspec.structs.replace(line, path="/v1/orders"), "/one", UTC, None),
    ]
    with app.test_request_context():
        first, again = ([draw_row(*arguments) for arguments in asked] for _ in range(2))
    assert first == again
    assert len(set(first)) == len(asked)
    assert 'href="/other"' in first[1]
    assert "16:41:59" in first[3]
    assert "Its task failed" in first[4]
