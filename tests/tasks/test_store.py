"""Asking for a task, taking that back, asking again."""

from __future__ import annotations

import io
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import Conflict, NotFound
from auditpanel.ids import Prefix, format_id
from auditpanel.tasks import leases
from auditpanel.tasks.queries import RUNNING, get_task
from auditpanel.tasks.store import ask_to_cancel, record_refused_upload, request_task, run_again
from auditpanel.tasks.uploads import keep, path_of
from auditpanel.tasks.values import TaskStatus
from tests.tasks.making import NOW, TYPE, make_asker, make_scope, make_task, run


@pytest.fixture
def scope(session: Session) -> ProjectScope:
    return make_scope(session)


def test_a_task_is_asked_for_with_its_file_its_parameters_and_who_asked(session: Session, scope: ProjectScope, tmp_path: Path) -> None:
    upload = keep(io.BytesIO(b"code\nA\n"), "codes.csv", folder=tmp_path, limit_bytes=100)
    asker = make_asker(None, api_key="shop")
    task_id = request_task(session, scope, TYPE, asker=asker, parameters={"campaign": "camp_1"}, upload=upload, now=NOW)
    task = get_task(session, scope, task_id)
    assert (task.line.status, task.line.progress, task.line.created_at) == (TaskStatus.ENQUEUED, 0, NOW)
    assert (task.line.who, task.line.request_id, task.parameters) == ("shop", asker.request_id, {"campaign": "camp_1"})
    assert (task.file_name, task.file_bytes) == ("codes.csv", 7)
    assert path_of(tmp_path, scope.project_id, task_id).read_bytes() == b"code\nA\n"
    assert session.scalar(RUNNING, {"project_id": scope.project_id}) == 1


def test_a_refused_upload_is_a_failed_task_that_says_why(session: Session, scope: ProjectScope) -> None:
    task_id = record_refused_upload(
        session, scope, TYPE, asker=make_asker(), parameters={}, file_name="codes.pdf", error="it is a PDF; send CSV", now=NOW
    )
    task = get_task(session, scope, task_id)
    assert (task.line.status, task.line.error, task.file_name) == (TaskStatus.FAILED, "it is a PDF; send CSV", "codes.pdf")
    assert session.scalar(RUNNING, {"project_id": scope.project_id}) == 0
    with pytest.raises(Conflict, match="upload it again"):
        run_again(session, scope, task_id, asker=make_asker(), folder=Path("/nowhere-at-all"), now=NOW)


def test_a_waiting_task_that_is_cancelled_ends_before_its_first_row(engine: Engine, session: Session, scope: ProjectScope) -> None:
    task_id = make_task(session, scope)
    ask_to_cancel(session, scope, task_id, "nina@example.com", NOW)
    session.commit()
    cancelled = run(engine, scope, task_id)
    assert cancelled.line.error == "Cancelled by nina@example.com before its first row; nothing was changed."
    assert cancelled.line.was_cancelled and cancelled.counts.created == 0
    assert (cancelled.cancel_asked_by, cancelled.cancel_asked_at) == ("nina@example.com", NOW)


def test_a_task_that_waits_for_a_worker_to_take_over_is_cancelled_by_that_one(
    engine: Engine, session: Session, scope: ProjectScope
) -> None:
    task_id = make_task(session, scope)
    lease = leases.claim(session, scope.project_id, task_id)
    assert lease is not None
    ask_to_cancel(session, scope, task_id, "nina@example.com", NOW)
    ask_to_cancel(session, scope, task_id, "omar@example.com", NOW)
    leases.release(session, lease)
    session.commit()
    cancelled = run(engine, scope, task_id)
    assert cancelled.line.error and cancelled.line.error.startswith("Cancelled by nina@example.com")


def test_what_has_ended_cannot_be_cancelled_and_what_has_not_failed_not_run_again(
    engine: Engine, session: Session, scope: ProjectScope
) -> None:
    task_id = make_task(session, scope)
    with pytest.raises(Conflict, match="this one is ENQUEUED"):
        run_again(session, scope, task_id, asker=make_asker(), folder=Path("unused"), now=NOW)
    session.rollback()
    run(engine, scope, task_id)
    with pytest.raises(Conflict, match="it is DONE"):
        ask_to_cancel(session, scope, task_id, "nina@example.com", NOW)


def test_a_cancelled_task_is_run_again_with_its_file_and_parameters(
    engine: Engine, session: Session, scope: ProjectScope, tmp_path: Path
) -> None:
    upload = keep(io.BytesIO(b"code\nA\n"), "codes.csv", folder=tmp_path, limit_bytes=100)
    first = make_task(session, scope, rows=8, upload=upload)
    ask_to_cancel(session, scope, first, "nina@example.com", NOW)
    session.commit()
    run(engine, scope, first)
    second = run_again(session, scope, first, asker=make_asker("omar@example.com"), folder=tmp_path, now=NOW)
    session.commit()
    done = run(engine, scope, second)
    assert (done.line.status, done.line.who, done.parameters) == (TaskStatus.DONE, "omar@example.com", {"rows": 8})
    assert (done.again_of, done.file_name) == (format_id(Prefix.ASYNC_ACTION, first), "codes.csv")
    assert path_of(tmp_path, scope.project_id, second).read_bytes() == b"code\nA\n"


def test_another_projects_task_is_not_there(session: Session, scope: ProjectScope) -> None:
    task_id = make_task(session, make_scope(session))
    for ask in (
        lambda: ask_to_cancel(session, scope, task_id, "nina@example.com", NOW),
        lambda: run_again(session, scope, task_id, asker=make_asker(), folder=Path("unused"), now=NOW),
        lambda: get_task(session, scope, task_id),
        lambda: get_task(session, scope, uuid4()),
    ):
        with pytest.raises(NotFound):
            ask()
