"""A story for tests of the trace: an import with refused rows and one that failed, events, sendouts sent, waiting and given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update

from auditpanel.ids import new_request_id
from auditpanel.logs.store import store_logs
from auditpanel.tasks.models import AsyncAction
from auditpanel.tasks.store import request_task
from auditpanel.tasks.values import Refused, TaskStatus, TaskType
from auditpanel.times import utc_now
from auditpanel.webhooks.models import Sendout
from auditpanel.webhooks.values import SCHEDULE, SendoutStatus
from tests.logs.making import make_log
from tests.panel.tasks_made import Desk
from tests.tasks.making import make_asker
from tests.webhooks.raising import make_webhook
from tests.webhooks.sendout_making import make_attempt, make_sendout

ANSWER = "upstream connect error or disconnect before headers"


@dataclass(frozen=True, slots=True)
class Story:
    request_id: str
    shop: UUID
    crm: UUID
    sent: list[UUID]
    given_up: UUID
    waiting: UUID


def make_story(desk: Desk, *, began: datetime | None = None) -> Story:
    """It began 25 hours ago: there was time for 13 attempts."""
    began, request_id = began or utc_now() - timedelta(hours=25), new_request_id()
    make_call(desk, request_id, began)
    make_import(desk, request_id, began + timedelta(seconds=0.3))
    make_failed_import(desk, request_id, began + timedelta(seconds=1))
    shop = make_webhook(desk.session, desk.scope, name="Shop", url="https://hooks.acme-shop.example/in")
    crm = make_webhook(desk.session, desk.scope, name="CRM", url="https://crm.acme-shop.example/in?token=geheim-4711")
    sent = [make_delivered(desk, shop, request_id, began + timedelta(seconds=0.5 + number)) for number in range(12)]
    given_up = make_sendout_failed(desk, shop, request_id, began + timedelta(seconds=14), made=13)
    waiting = make_sendout_failed(desk, crm, request_id, began + timedelta(hours=20), made=10, type="voucher.updated")
    return Story(request_id, shop, crm, sent, given_up, waiting)


def make_call(desk: Desk, request_id: str, at: datetime) -> None:
    references = [{"type": "campaign", "id": "Autumn"}]
    values = {"path": "/v1/vouchers/importCSV", "status_code": 202, "method": "POST", "duration_ms": 184.0, "user": "nina@example.com"}
    log = make_log(occurred_at=at, request_id=request_id, references=references, **values)
    store_logs(desk.session, desk.scope, [log], now=utc_now())
    desk.session.commit()


def make_import(desk: Desk, request_id: str, at: datetime) -> UUID:
    """Done but for 40 refused rows."""
    reasons = ["exists already"] * 31 + ["is not a whole number; write 1500"] * 9
    task_id = _task(desk, request_id, at, seconds=14, status=TaskStatus.DONE, rows_total=1_240, rows_done=1_240, created=1_200, refused=40)
    desk.refuse(
        task_id, [Refused(line, {"Code": f"A-{line}"}, f"Code: {reason}", "Code", f"A-{line}") for line, reason in enumerate(reasons, 2)]
    )
    return task_id


def make_failed_import(desk: Desk, request_id: str, at: datetime) -> UUID:
    error = "the file cannot be read: it holds Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0NzExIn0.c2lnbmF0dXJlLW9mLWl0"
    return _task(desk, request_id, at, seconds=0.2, status=TaskStatus.FAILED, rows_total=10, rows_done=4, error=error)


def _task(desk: Desk, request_id: str, at: datetime, *, seconds: float, **columns: Any) -> UUID:
    asker = make_asker("nina@example.com", request_id=request_id)
    task_id = request_task(desk.session, desk.scope, TaskType.VOUCHERS_IMPORT_CSV, asker=asker, parameters={}, upload=desk.keep(), now=at)
    times = {"started_at": at + timedelta(seconds=0.2), "finished_at": at + timedelta(seconds=seconds)}
    values = times | {"processing_ms": int(seconds * 1_000)} | columns
    desk.session.execute(update(AsyncAction).where(AsyncAction.id == task_id).values(values))
    desk.session.commit()
    return task_id


def make_delivered(desk: Desk, webhook_id: UUID, request_id: str, at: datetime, **fields: Any) -> UUID:
    sent_at = at + timedelta(seconds=0.4)
    sendout_id = make_sendout(
        desk.session, desk.scope, webhook_id, SendoutStatus.SENT, created_at=at, request_id=request_id, sent_at=sent_at, **fields
    )
    make_attempt(desk.session, desk.scope, webhook_id, sendout_id, started_at=sent_at, duration_ms=61.0)
    _change(desk, sendout_id, first_attempt_at=sent_at, status_code=200, duration_ms=61.0)
    return sendout_id


def make_sendout_failed(
    desk: Desk, webhook_id: UUID, request_id: str, at: datetime, *, made: int, answer: str = ANSWER, **fields: Any
) -> UUID:
    """After as many attempts of the schedule, the first without an answer; given up where they were all there are."""
    is_over = made == SCHEDULE.attempts
    status = SendoutStatus.ERROR if is_over else SendoutStatus.RETRY
    sendout_id = make_sendout(desk.session, desk.scope, webhook_id, status, created_at=at, request_id=request_id, **fields)
    first = at + timedelta(seconds=0.5)
    for number, moment in enumerate(moments(first, made)):
        answered = {"status_code": 503, "response_body": answer} if number else {"status_code": None, "duration_ms": 10_000.0}
        make_attempt(desk.session, desk.scope, webhook_id, sendout_id, started_at=moment, **answered)
    changed: dict[str, Any] = {"tries": made, "attempts": made, "first_attempt_at": first, "status_code": 503, "error": "answered 503"}
    if not is_over:
        changed["next_attempt_at"] = first + timedelta(seconds=SCHEDULE.after_s[made - 1])
    _change(desk, sendout_id, **changed)
    return sendout_id


def moments(first: datetime, made: int) -> Sequence[datetime]:
    return [first, *(first + timedelta(seconds=after_s) for after_s in SCHEDULE.after_s[: made - 1])]


def _change(desk: Desk, sendout_id: UUID, **columns: Any) -> None:
    desk.session.execute(update(Sendout).where(Sendout.id == sendout_id).values(columns))
    desk.session.commit()
