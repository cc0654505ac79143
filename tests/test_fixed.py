"""Statements whose text is made once."""

from __future__ import annotations

from uuid import UUID

import psycopg
import pytest
from flask import Flask
from psycopg.pq import TransactionStatus
from sqlalchemy import Integer, bindparam, func, literal, literal_column, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project
from auditpanel.extensions import db
from auditpanel.fixed import FixedStatement
from auditpanel.time_limit import TimeIsUp, execute_within, psycopg_connection
from tests.factories import make_project

SLOW = FixedStatement(select(func.pg_sleep(5)))


def test_values_take_the_place_of_their_names_and_stand_ins_and_constants_stay(session: Session) -> None:
    one, other = make_project(session, name="One"), make_project(session, name="Other")
    session.commit()
    stand_in = UUID(int=0)
    statement = FixedStatement(
        select(Project.id).where(Project.id == stand_in, Project.name == bindparam("name"), Project.time_zone != "Mars"), {"id": stand_in}
    )
    for project in (one, other):
        assert statement.rows(session, {"id": project.id, "name": project.name}) == [(project.id,)]
    assert statement.rows(session, {"id": one.id, "name": other.name}) == []


def test_a_constant_that_reads_like_a_place_for_a_value_stays_what_it_is(session: Session) -> None:
    texts = ("%(param_2)s", "%(param_1)s", "100% of 'it' \\ %s")
    statement = FixedStatement(select(literal(texts[0]), literal(texts[1]), literal(texts[2])))
    assert statement.rows(session, {}) == [texts]
    assert statement.rows_within(session, {}, 5) == [texts]


def test_a_statement_that_takes_too_long_is_ended_and_the_transaction_goes_on(session: Session) -> None:
    project = make_project(session, name="Not committed yet")
    with pytest.raises(TimeIsUp):
        SLOW.rows_within(session, {}, 0.05)
    with pytest.raises(TimeIsUp):
        execute_within(session, select(func.pg_sleep(5)), 0.05)
    quick = FixedStatement(select(Project.name).where(Project.id == bindparam("id"), Project.name.like("Not%")))
    assert quick.rows_within(session, {"id": project.id}, 5) == [("Not committed yet",)]
    assert session.scalar(select(func.current_setting("statement_timeout"))) == "0"
    session.rollback()


def test_a_reader_without_a_transaction_has_statements_prepared_and_ended_in_time(app: Flask) -> None:
    with app.test_request_context():
        connection = psycopg_connection(db.session())
        with pytest.raises(TimeIsUp):
            SLOW.rows_within(db.session(), {}, 0.05)
        with pytest.raises(TimeIsUp):
            execute_within(db.session(), select(func.pg_sleep(5)), 0.05)
        assert execute_within(db.session(), select(func.current_setting("statement_timeout")), 5) == [("5s",)]
        assert db.session.scalar(select(func.current_setting("statement_timeout"))) == "0"
        prepared = FixedStatement(select(func.count()).where(literal_column("'it is prepared'") == bindparam("text")))
        assert prepared.rows(db.session(), {"text": "no"}) == [(0,)]
        assert connection.info.transaction_status is TransactionStatus.IDLE
        db.session.rollback()
        names = connection.execute("SELECT statement FROM pg_prepared_statements WHERE statement LIKE %s", ["%it is prepared%"]).fetchall()
        # It is the pool's again.
        connection.rollback()
        assert len(names) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_statement_that_fails_within_its_limit_leaves_the_connection_as_it_was(app: Flask, method: str) -> None:
    divided = FixedStatement(select(literal(1, Integer) / bindparam("by", type_=Integer)))
    with app.test_request_context(method=method):
        status = psycopg_connection(db.session()).info.transaction_status
        for planned_once in (True, False):
            with pytest.raises(psycopg.errors.DivisionByZero):
                divided.rows_within(db.session(), {"by": 0}, 5, planned_once=planned_once)
            assert divided.rows_within(db.session(), {"by": 1}, 5, planned_once=planned_once) == [(1,)]
            with pytest.raises(DBAPIError):
                execute_within(db.session(), select(literal(1, Integer) / literal(0, Integer)), 5)
            assert execute_within(db.session(), select(literal(1, Integer)), 5) == [(1,)]
            settings = [func.current_setting(name) for name in ("statement_timeout", "plan_cache_mode", "enable_seqscan")]
            assert FixedStatement(select(*settings)).rows(db.session(), {}) == [("0", "auto", "on")]
        assert psycopg_connection(db.session()).info.transaction_status in (status, TransactionStatus.INTRANS)


def test_a_form_has_one_transaction(app: Flask) -> None:
    with app.test_request_context(method="POST"):
        assert FixedStatement(select(func.count())).rows(db.session(), {}) == [(1,)]
        assert psycopg_connection(db.session()).info.transaction_status is TransactionStatus.INTRANS


def test_a_text_that_depends_on_its_values_is_refused() -> None:
    with pytest.raises(ValueError, match="a fixed statement has no IN"):
        FixedStatement(select(Project.id).where(Project.name.in_(["One", "Other"])))
