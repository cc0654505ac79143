"""Logs, background tasks, exports and webhook sendouts."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from auditpanel.api.shapes.answers import Json, Listed, Shape
from auditpanel.exports.values import Exported, ExportStatus
from auditpanel.tasks.values import TaskStatus, TaskType
from auditpanel.webhooks.values import SendoutStatus


class AsyncAction(Shape):
    """`processing_time` is in milliseconds, `progress` in percent; `operation_status` is FAILED where rows were refused."""

    id: str
    type: TaskType
    status: TaskStatus
    operation_status: Literal["SUCCESS", "FAILED", "UNKNOWN"]
    created_at: datetime
    updated_at: datetime
    request_id: str
    processing_time: int | None
    progress: int
    object: Literal["async_action"]


class AsyncActionWithResult(AsyncAction):
    """`result` is null until it has ended; then it has the counts, and of the rows that were refused the first 1,000."""

    result: Json | None


class AsyncActionList(Listed):
    """`cursor` is where the next page begins."""

    async_actions: list[AsyncAction]
    has_more: bool
    cursor: str | None


class Log(Shape):
    """`error` is, of a failure, what its answer says of it."""

    id: str
    object: Literal["log"]
    occurred_at: datetime
    result: Literal["success", "failure"]
    method: str | None
    path: str
    route: str | None
    status_code: int
    error: str | None
    duration_ms: float | None
    origin: str
    channel: str | None
    user: str | None
    api_key: str | None
    customer: str | None
    client_ip: str | None
    user_agent: str | None
    request_id: str | None


class LogReference(Shape):
    type: str
    id: str


class LogWithContent(Log):
    """Headers are pairs of name and value. A body that is cut has its true size beside it."""

    query: str | None
    request_headers: list[list[str]]
    request_body: str | None
    request_size_bytes: int | None
    request_is_cut: bool
    response_headers: list[list[str]]
    response_body: str | None
    response_size_bytes: int | None
    response_is_cut: bool
    references: list[LogReference]


class LogList(Listed):
    """`cursor` is where the next page begins; `looked_back_to` how far the search got where its time was up."""

    logs: list[Log]
    cursor: str | None
    looked_back_to: datetime | None


class RefusedLog(Shape):
    """`index` is its place in the call, from 0."""

    index: int
    reason: str


class LogsStored(Shape):
    stored: int
    duplicates: int
    refused: list[RefusedLog]


class EventsRaised(Shape):
    """`ids` in the order of the events; `sendouts` are the new ones, a message to one webhook each."""

    ids: list[str]
    sendouts: int


class WebhookSendout(Shape):
    """`status_code`, `duration_ms` and `error` are those of the last attempt.

    `sent_again_by` is who has asked for an attempt whose outcome is not known yet.
    """

    id: str
    object: Literal["webhook_sendout"]
    status: SendoutStatus
    type: str
    target_url: str
    request_id: str | None
    source_id: str
    event_id: str
    created_at: datetime
    sent_at: datetime | None
    next_attempt_at: datetime | None
    attempts_count: int
    status_code: int | None
    duration_ms: float | None
    error: str | None
    sent_again_by: str | None


class WebhookSendoutAttempt(Shape):
    """Headers are pairs of name and value. `sent_again_by` is null for an attempt of the schedule."""

    started_at: datetime
    duration_ms: float
    url: str
    delivered: bool
    status_code: int | None
    error: str | None
    sent_again_by: str | None
    request_headers: list[list[str]]
    response_headers: list[list[str]]
    response_body: str | None
    response_size_bytes: int | None
    response_is_cut: bool


class WebhookSendoutWithAttempts(WebhookSendout):
    """`payload` is the body as it is sent, but for secrets; `attempts` are the newest, newest first."""

    payload: str
    attempts: list[WebhookSendoutAttempt]


class WebhookSendoutList(Listed):
    """`cursor` is where the next page begins."""

    webhook_sendouts: list[WebhookSendout]
    has_more: bool
    cursor: str | None


class WebhookSendoutResent(Shape):
    """`started` is false where an attempt is under way already, and nothing more was done."""

    id: str
    object: Literal["webhook_sendout"]
    started: bool
    message: str


class ExportResult(Shape):
    """`url` has a token in it and needs no key; it is good for 24 hours, and each answer has a new one."""

    url: str


class Export(Shape):
    """`result` is there while the file can be downloaded. `rows` are those written so far; `bytes` and `sha256` are the file's.

    `parameters` are as they were given.
    """

    id: str
    object: Literal["export"]
    created_at: datetime
    status: ExportStatus
    channel: str
    exported_object: Exported
    parameters: Json
    result: ExportResult | None
    user_id: str | None
    request_id: str
    rows: int
    bytes: int | None
    sha256: str | None
    expires_at: datetime | None
    error: str | None


class ExportList(Listed):
    """`cursor` is where the next page begins, in the order by creation."""

    exports: list[Export]
    has_more: bool
    cursor: str | None
