"""The demo project: what a first look finds on each page, before and after the workers have had their turn."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from auditpanel.accounts.models import Project, Role
from auditpanel.accounts.scope import ProjectScope, scope_of_project
from auditpanel.catalogue.models import Campaign, Customer, Product, Sku, Voucher
from auditpanel.config import Settings
from auditpanel.demo import make_demo
from auditpanel.demo.catalogue import VOUCHERS
from auditpanel.demo.tasks import WRONG_VOUCHERS
from auditpanel.exports.models import DueExport, Export
from auditpanel.exports.queries import get_export
from auditpanel.exports.values import ExportStatus
from auditpanel.ids import Prefix, format_id
from auditpanel.logs.models import Log, LogContent
from auditpanel.tables import Model
from auditpanel.tasks.models import AsyncAction, DueTask
from auditpanel.tasks.store import has_task
from auditpanel.tasks.uploads import remove_orphans
from auditpanel.tasks.values import TaskStatus, TaskType
from auditpanel.times import utc_now
from auditpanel.webhooks.claiming import due_sources
from auditpanel.webhooks.health import health_of
from auditpanel.webhooks.models import DueSendout, Sendout, SendoutAttempt, Webhook
from auditpanel.webhooks.outcomes import GONE
from auditpanel.webhooks.sealing import Seal
from auditpanel.webhooks.values import EventType, SendoutStatus
from tests.api.working import run_due_tasks
from tests.exports.asking import content, local_files, run
from tests.webhooks.delivering import deliver

SEAL = Seal.of("of the tests")
LISTED: tuple[type[Model], ...] = (Log, AsyncAction, Export, Sendout, Webhook, Campaign, Voucher, Customer, Product, Sku)


@dataclass(frozen=True, slots=True)
class Demo:
    """As the first start leaves it."""

    session: Session
    scope: ProjectScope
    made_at: datetime

    def webhook(self, name: str) -> Webhook:
        return self.session.scalars(select(Webhook).where(Webhook.project_id == self.scope.project_id, Webhook.name == name)).one()

    def sendouts(self, webhook: Webhook) -> list[Sendout]:
        statement = select(Sendout).where(Sendout.project_id == self.scope.project_id, Sendout.webhook_id == webhook.id)
        return list(self.session.scalars(statement.order_by(Sendout.created_at)))

    def tasks(self) -> dict[str, AsyncAction]:
        statement = select(AsyncAction).where(AsyncAction.project_id == self.scope.project_id)
        return {task.type: task for task in self.session.scalars(statement, execution_options={"populate_existing": True})}


@pytest.fixture
def demo(session: Session, settings: Settings) -> Demo:
    now = utc_now()
    project = make_demo(session, now, uploads=settings.data / "uploads", seal=SEAL)
    session.commit()
    return Demo(session, scope_of_project(project, Role.ADMIN), now)


def test_every_list_has_something_to_show(demo: Demo) -> None:
    assert not [table.__tablename__ for table in LISTED if not _count(demo.session, table, demo.scope.project_id)]


def test_nothing_of_the_demo_is_in_another_project(session: Session, tmp_path: Path) -> None:
    tables: tuple[type[Model], ...] = (*LISTED, DueTask, DueExport, DueSendout, SendoutAttempt)
    before = {table: _count(session, table) for table in tables}
    project = make_demo(session, utc_now(), uploads=tmp_path, seal=SEAL)
    assert {table: _count(session, table) - before[table] for table in tables} == {
        table: _count(session, table, project.id) for table in tables
    }


def test_the_catalogue_has_what_the_calls_name(demo: Demo) -> None:
    session, project_id = demo.session, demo.scope.project_id
    named: dict[str, set[str]] = {}
    for (references,) in session.execute(select(LogContent.references).where(LogContent.project_id == project_id)):
        for reference in references:
            named.setdefault(reference["type"], set()).add(reference["id"])
    assert named["voucher"] == set(session.scalars(select(Voucher.code).where(Voucher.project_id == project_id)))
    assert named["customer"] == set(session.scalars(select(Customer.source_id).where(Customer.project_id == project_id)))
    skus = set(session.scalars(select(Sku.source_id).where(Sku.project_id == project_id)))
    bodies = session.scalars(
        select(LogContent.request_body).where(LogContent.project_id == project_id, LogContent.request_body.is_not(None))
    )
    items = {item["sku_id"] for body in bodies if body and '"items"' in body for item in json.loads(body)["order"]["items"]}
    assert items == skus


def test_the_workers_do_the_tasks_and_refuse_a_dozen_rows_for_different_reasons(demo: Demo, app: Flask) -> None:
    run_due_tasks(app, demo.scope)
    tasks = demo.tasks()
    assert {type_: (task.status, task.created, task.updated, task.refused) for type_, task in tasks.items()} == {
        TaskType.CUSTOMERS_IMPORT_CSV: (TaskStatus.DONE, 34, 5, 1),
        TaskType.VOUCHERS_IMPORT_CSV: (TaskStatus.DONE, 238, 0, 12),
        TaskType.CAMPAIGN_VOUCHERS_GENERATE: (TaskStatus.DONE, 120, 0, 0),
        TaskType.SKUS_IMPORT_CSV: (TaskStatus.FAILED, 0, 0, 0),
    }
    assert "no column product_id" in (tasks[TaskType.SKUS_IMPORT_CSV].error or "")
    assert len(tasks[TaskType.VOUCHERS_IMPORT_CSV].refused_reasons) >= 8


def test_the_import_has_no_code_of_the_catalogue_which_postgresql_would_report_on_the_console() -> None:
    assert not {row.partition(",")[0] for row in WRONG_VOUCHERS.values()} & VOUCHERS.keys()


def test_each_task_and_the_export_has_the_call_that_asked_for_it(demo: Demo) -> None:
    session, project_id = demo.session, demo.scope.project_id
    asked = [(task.request_id, task.created_at, format_id(Prefix.ASYNC_ACTION, task.id)) for task in demo.tasks().values()]
    export = session.scalars(select(Export).where(Export.project_id == project_id)).one()
    asked.append((export.request_id, export.created_at, format_id(Prefix.EXPORT, export.id)))
    for request_id, created_at, id in asked:
        log = session.scalars(select(Log).where(Log.project_id == project_id, Log.request_id == request_id)).one()
        made = session.scalars(select(LogContent).where(LogContent.project_id == project_id, LogContent.id == log.id)).one()
        assert (log.occurred_at, log.method) == (created_at, "POST")
        assert id in (made.response_body or "")
        assert id in {reference["id"] for reference in made.references}


def test_the_export_is_made_of_the_failed_calls(demo: Demo, engine: Engine, tmp_path: Path) -> None:
    export_id = demo.session.scalars(select(Export.id).where(Export.project_id == demo.scope.project_id)).one()
    files = local_files(tmp_path)
    record = run(engine, files, demo.scope, export_id)
    assert record.line.status is ExportStatus.DONE
    header, *rows = content(files, record).decode().splitlines()
    codes = {row.split(",")[header.split(",").index("status_code")] for row in rows}
    assert len(rows) > 40
    assert {"400", "500"} <= codes <= {"400", "404", "500"}
    assert get_export(demo.session, demo.scope, export_id).parameters["format"] == "csv"


def test_the_rule_of_the_product_has_switched_off_the_webhook_that_is_gone(demo: Demo) -> None:
    webhook = demo.webhook("Shop backend")
    assert not webhook.is_active
    assert "answered 410 Gone" in (webhook.switched_off_reason or "")
    assert webhook.switched_off_at is not None and webhook.last_delivered_at is not None
    ago = demo.made_at - webhook.switched_off_at
    assert timedelta(hours=1) < ago <= timedelta(hours=2)
    assert demo.made_at - webhook.last_delivered_at > timedelta(hours=4)


def test_its_sendouts_tell_of_an_outage(demo: Demo) -> None:
    webhook = demo.webhook("Shop backend")
    down_at, off_at = demo.made_at - timedelta(hours=4), webhook.switched_off_at
    assert off_at is not None
    sendouts = demo.sendouts(webhook)
    before = [sendout for sendout in sendouts if sendout.created_at < down_at]
    during = [sendout for sendout in sendouts if down_at <= sendout.created_at < off_at]
    after = [sendout for sendout in sendouts if sendout.created_at >= off_at]
    assert {sendout.status for sendout in before} == {SendoutStatus.SENT}
    assert {sendout.tries for sendout in before} == {1, 2}
    assert {sendout.status for sendout in during} == {SendoutStatus.ERROR}
    assert min(sendout.attempts for sendout in during) > 3
    gone, *missed = [sendout for sendout in after if sendout.type != EventType.TASK_FAILED]
    assert (gone.status_code, gone.error) == (GONE, "answered 410")
    assert {(sendout.status, sendout.attempts, sendout.error) for sendout in missed} == {
        (SendoutStatus.ERROR, 0, "the webhook is switched off")
    }
    assert min(map(len, (before, during, missed))) > 8
    made = demo.session.execute(select(SendoutAttempt.status_code, SendoutAttempt.error).where(SendoutAttempt.webhook_id == webhook.id))
    assert {row.status_code or row.error for row in made} == {200, 503, GONE, "no answer in 10 s", "the name does not resolve"}
    bars = health_of(demo.session, demo.scope, webhook.id, demo.made_at).day.buckets
    worst = max(bars, key=lambda bar: bar.attempts - bar.delivered)
    assert demo.made_at - timedelta(hours=4) <= worst.start < demo.made_at - timedelta(hours=2)


def test_attempts_are_as_if_they_had_been_made(demo: Demo) -> None:
    attempts = list(demo.session.scalars(select(SendoutAttempt).where(SendoutAttempt.project_id == demo.scope.project_id)))
    sendouts = {sendout.id: sendout for name in ("Shop backend", "Loyalty app") for sendout in demo.sendouts(demo.webhook(name))}
    assert Counter(attempt.sendout_id for attempt in attempts) == Counter({id: each.attempts for id, each in sendouts.items()})
    for attempt in attempts:
        headers = dict(attempt.request_headers)
        assert headers["webhook-id"] == format_id(Prefix.SENDOUT, attempt.sendout_id)
        assert headers["webhook-timestamp"] == str(int(attempt.started_at.timestamp()))
        assert sendouts[attempt.sendout_id].created_at < attempt.started_at
    busy = next(attempt for attempt in attempts if attempt.status_code == 503)
    assert ["Retry-After", "120"] in busy.response_headers


def test_a_sendout_belongs_to_a_call_that_was_answered_200(demo: Demo) -> None:
    requests = {sendout.request_id for sendout in demo.sendouts(demo.webhook("Loyalty app"))}
    statement = select(Log.request_id, Log.route, Log.status_code).where(Log.project_id == demo.scope.project_id)
    calls = [row for row in demo.session.execute(statement) if row.request_id in requests]
    assert len(calls) == len(requests)
    assert {(call.route, call.status_code) for call in calls} == {("POST /v1/redemptions", 200)}


def test_the_workers_send_nothing_of_the_demo_and_what_the_tasks_tell_is_missed(demo: Demo, app: Flask, engine: Engine) -> None:
    run_due_tasks(app, demo.scope)
    statement = select(SendoutAttempt.id).where(SendoutAttempt.project_id == demo.scope.project_id)
    before = set(demo.session.scalars(statement))
    demo.session.rollback()
    assert {source.webhook_id for source in due_sources(demo.session) if source.project_id == demo.scope.project_id} == {
        demo.webhook("Shop backend").id
    }
    demo.session.rollback()
    deliver(engine)
    demo.session.expire_all()
    assert set(demo.session.scalars(statement)) == before
    assert _count(demo.session, DueSendout, demo.scope.project_id) == 0
    told = [sendout for sendout in demo.sendouts(demo.webhook("Shop backend")) if sendout.type.startswith("async_action.")]
    assert Counter(sendout.type for sendout in told) == {EventType.TASK_FINISHED: 3, EventType.TASK_FAILED: 1}
    assert {(sendout.status, sendout.error) for sendout in told} == {(SendoutStatus.ERROR, "the webhook is switched off")}


def test_it_is_the_same_story_at_another_time(session: Session, tmp_path: Path) -> None:
    later = utc_now()
    told = [_story(session, make_demo(session, now, uploads=tmp_path, seal=SEAL), now) for now in (later - timedelta(hours=9), later)]
    assert told[0] == told[1]


def test_a_first_start_that_was_cut_off_leaves_files_that_go_and_the_next_makes_it(session: Session, tmp_path: Path) -> None:
    make_demo(session, utc_now(), uploads=tmp_path, seal=SEAL)
    session.rollback()
    cut_off = {path for path in tmp_path.glob("*/*") if path.is_file()}
    assert len(cut_off) == 2
    project = make_demo(session, utc_now(), uploads=tmp_path, seal=SEAL)
    session.commit()
    assert all(_count(session, table, project.id) for table in LISTED)
    tomorrow = datetime.now(UTC) + timedelta(days=2)
    assert remove_orphans(tmp_path, tomorrow, has_task=lambda project_id, task_id: has_task(session, project_id, task_id)) == 2
    left = {path for path in tmp_path.glob("*/*") if path.is_file()}
    assert len(left) == 2
    assert not left & cut_off


def _story(session: Session, project: Project, now: datetime) -> tuple[object, ...]:
    session.flush()
    logs = session.execute(
        select(Log.occurred_at, Log.status_code, Log.origin).where(Log.project_id == project.id).order_by(Log.occurred_at)
    )
    sendouts = session.execute(
        select(Sendout.created_at, Sendout.status, Sendout.type, Sendout.tries)
        .where(Sendout.project_id == project.id, Sendout.type != EventType.TASK_FAILED)
        .order_by(Sendout.created_at, Sendout.target_url)
    )
    tasks = session.execute(
        select(AsyncAction.created_at, AsyncAction.type, AsyncAction.status, AsyncAction.file_bytes)
        .where(AsyncAction.project_id == project.id)
        .order_by(AsyncAction.created_at)
    )
    return tuple([(now - at, *rest) for at, *rest in rows] for rows in (logs, sendouts, tasks))


def _count(session: Session, table: type[Model], project_id: UUID | None = None) -> int:
    statement = select(func.count()).select_from(table)
    if project_id is not None:
        statement = statement.where(table.__table__.c.project_id == project_id)
    return session.scalar(statement) or 0
