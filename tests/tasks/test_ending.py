"""The end of a task as an event, whichever way it ends, once."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.tasks.ending import raise_ended
from auditpanel.tasks.store import ask_to_cancel
from auditpanel.webhooks.models import Event
from tests.tasks.making import NOW, Counting, make_asker, make_scope, make_task, run
from tests.webhooks.raising import happened, make_webhook


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    """Of a project with a webhook that wants all events."""
    scope = make_scope(session)
    make_webhook(session, scope)
    session.commit()
    return scope


def event_of(session: Session, scope: ProjectScope) -> Event:
    return session.scalars(select(Event).where(Event.project_id == scope.project_id)).one()


def test_a_task_that_is_done_is_told_with_its_counts_and_refused_rows(engine: Engine, session: Session, scope: ProjectScope) -> None:
    task_id = make_task(session, scope, asker=make_asker(request_id="v-0199c2f47b1e7d21a1f6e8407cd4c44b"))
    run(engine, scope, task_id)
    [(type_, told)] = happened(session, scope)
    assert (type_, told["status"], told["progress"], told["operation_status"]) == ("async_action.finished", "DONE", 100, "FAILED")
    result = told["result"]
    assert isinstance(result, dict) and (result["done_count"], result["failed_count"]) == (9, 1)
    assert result["failed"] == [{"row": 9, "source_id": "", "reason": '"7" ends in 7'}]
    event = event_of(session, scope)
    assert (event.entity_id, event.request_id) == (told["id"], "v-0199c2f47b1e7d21a1f6e8407cd4c44b")
    assert (event.user, event.channel) == ("nina@example.com", "DASHBOARD")


def test_a_task_that_is_cancelled_has_failed(engine: Engine, session: Session, scope: ProjectScope) -> None:
    task_id = make_task(session, scope)
    ask_to_cancel(session, scope, task_id, "nina@example.com", NOW)
    session.commit()
    record = run(engine, scope, task_id)
    [(type_, told)] = happened(session, scope)
    assert (type_, told["status"]) == ("async_action.failed", "FAILED")
    assert isinstance(told["result"], dict) and told["result"]["message"] == record.line.error


def test_a_task_is_told_of_when_it_ends_and_not_before(engine: Engine, session: Session, scope: ProjectScope) -> None:
    class Breaking(Counting):
        def finish(self, session: Session, task: object) -> None:
            raise RuntimeError("the disk is full")

    task_id = make_task(session, scope)
    run(engine, scope, task_id, Breaking())
    assert happened(session, scope) == []
    run(engine, scope, task_id)
    assert [type_ for type_, _ in happened(session, scope)] == ["async_action.finished"]


def test_an_end_that_is_told_twice_is_one_event(engine: Engine, session: Session, scope: ProjectScope) -> None:
    task_id: UUID = make_task(session, scope)
    run(engine, scope, task_id)
    raise_ended(session, scope, task_id)
    session.commit()
    assert len(happened(session, scope)) == 1


def test_a_webhook_that_wants_only_failures_hears_of_no_task_that_is_done(engine: Engine, session: Session) -> None:
    scope = make_scope(session)
    make_webhook(session, scope, "async_action.failed")
    run(engine, scope, make_task(session, scope))
    assert happened(session, scope) == []
