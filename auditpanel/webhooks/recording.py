"""What came of attempts, written for many at once: one statement for each project.

It gets its rows as one JSON text, in which what is nothing is left out. To adapt a dozen arrays in Python took longer than the rest of the
recording.

Written twice, it stands once: an attempt's id is its lease, and a sendout is changed only by who still holds its lease. Where another has
taken over meanwhile, the attempt is kept (it was made), and what it means is the other's to say.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from auditpanel.ids import Prefix, format_id
from auditpanel.webhooks.outcomes import Outcome, SwitchOff
from auditpanel.webhooks.values import Attempt, Headers

_NEVER = datetime.min.replace(tzinfo=UTC)

_encode = msgspec.json.Encoder().encode

# What a row says of an attempt, and how the attempt is written; the only texts that statements here are put together of.
_FIELDS = """
    started_at timestamptz, duration_ms float8, url text, request_headers json, status_code int2, error text, response_headers json,
    response_body text, response_size_bytes int8, response_is_cut bool, asked_by text, resend_id uuid
"""
_INSERT = """
    INSERT INTO sendout_attempts (
        project_id, sendout_id, id, webhook_id, started_at, duration_ms, url, request_headers, status_code, error, response_headers,
        response_body, response_size_bytes, response_is_cut, asked_by, resend_id)
    SELECT :project_id, sendout_id, token, webhook_id, started_at, duration_ms, url, request_headers, status_code, error,
           response_headers, response_body, response_size_bytes, response_is_cut, asked_by, resend_id
"""

# Each part finds the tables as they were before, so none reads what another has written. What comes back is what is not ours any more.
# Of what is ours, nobody has written the attempt before: with that its lease had ended.
_RECORD = text(f"""
    WITH made AS MATERIALIZED (
        SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS made (
            sendout_id uuid, token uuid, status text, tries int2, first_attempt_at timestamptz, next_attempt_at timestamptz,
            due_at timestamptz, reason text, {_FIELDS})
    ), done AS (
        DELETE FROM due_sendouts AS due USING made
        WHERE due.project_id = :project_id AND due.sendout_id = made.sendout_id AND due.lease_token = made.token AND made.due_at IS NULL
        RETURNING due.created_at, due.webhook_id, made.*
    ), later AS (
        UPDATE due_sendouts AS due SET due_at = made.due_at, lease_token = NULL, lease_until = NULL, asked_by = NULL, resend_id = NULL
        FROM made
        WHERE due.project_id = :project_id AND due.sendout_id = made.sendout_id AND due.lease_token = made.token
          AND made.due_at IS NOT NULL
        RETURNING due.created_at, due.webhook_id, made.*
    ), ours AS (
        SELECT * FROM done UNION ALL SELECT * FROM later
    ), tried AS (
        {_INSERT} FROM ours WHERE started_at IS NOT NULL
    ), changed AS (
        UPDATE sendouts AS sendout SET
            status = ours.status, tries = ours.tries, attempts = sendout.attempts + CAST(ours.started_at IS NOT NULL AS int),
            first_attempt_at = ours.first_attempt_at, next_attempt_at = ours.next_attempt_at, error = ours.reason,
            sent_at = coalesce(ours.started_at, sendout.sent_at),
            status_code = CASE WHEN ours.started_at IS NULL THEN sendout.status_code ELSE ours.status_code END,
            duration_ms = coalesce(ours.duration_ms, sendout.duration_ms)
        FROM ours
        WHERE sendout.project_id = :project_id AND sendout.created_at = ours.created_at AND sendout.id = ours.sendout_id
    )
    SELECT sendout_id, token FROM made WHERE (sendout_id, token) NOT IN (SELECT sendout_id, token FROM ours)
""")  # noqa: S608
# What was written before is counted already.
_RECORD_STRAYS = text(f"""
    WITH made AS MATERIALIZED (
        SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS made (
            sendout_id uuid, token uuid, created_at timestamptz, webhook_id uuid,
            {_FIELDS})
    ), tried AS (
        {_INSERT} FROM made
        ON CONFLICT DO NOTHING
        RETURNING sendout_id, id AS token
    ), counted AS (
        SELECT sendout_id, created_at, count(*) AS attempts FROM made JOIN tried USING (sendout_id, token) GROUP BY sendout_id, created_at
    ), changed AS (
        UPDATE sendouts AS sendout SET attempts = sendout.attempts + counted.attempts
        FROM counted
        WHERE sendout.project_id = :project_id AND sendout.created_at = counted.created_at AND sendout.id = counted.sendout_id
    )
    SELECT sendout_id FROM tried
""")  # noqa: S608
_DELIVERED = text("""
    UPDATE webhooks SET last_delivered_at = greatest(last_delivered_at, CAST(:at AS timestamptz))
    WHERE project_id = :project_id AND id = :webhook_id
""")
_SWITCH_OFF = text("""
    UPDATE webhooks SET is_active = false, switched_off_at = :at, switched_off_reason = :reason
    WHERE project_id = :project_id AND id = :webhook_id AND is_active
      AND (CAST(:since AS timestamptz) IS NULL OR last_delivered_at IS NULL OR last_delivered_at < :since)
""")


class _Row(msgspec.Struct, omit_defaults=True, gc=False):
    """An outcome, and the attempt that it comes of, if any. Named as the columns are; `reason` is the sendout's error."""

    sendout_id: UUID
    token: UUID
    status: str
    tries: int
    first_attempt_at: datetime | None
    next_attempt_at: datetime | None = None
    due_at: datetime | None = None
    reason: str | None = None
    asked_by: str | None = None
    resend_id: UUID | None = None
    started_at: datetime | None = None
    duration_ms: float | None = None
    url: str | None = None
    request_headers: Headers | None = None
    status_code: int | None = None
    error: str | None = None
    response_headers: Headers | None = None
    response_body: str | None = None
    response_size_bytes: int | None = None
    response_is_cut: bool | None = None
    # Of those that lost their lease; else the row that says what is due knows them.
    created_at: datetime | None = None
    webhook_id: UUID | None = None


def record(session: Session, outcomes: Sequence[Outcome], now: datetime) -> None:
    """The caller commits."""
    by_project: dict[UUID, list[Outcome]] = {}
    for outcome in outcomes:
        by_project.setdefault(outcome.claimed.source.project_id, []).append(outcome)
    # In one order for everybody: two workers that deliver for the same webhooks write to the same rows of these.
    for project_id in sorted(by_project):
        _record_of_project(session, project_id, by_project[project_id], now)


def _record_of_project(session: Session, project_id: UUID, outcomes: Sequence[Outcome], now: datetime) -> None:
    rows = _encode([_row(outcome) for outcome in outcomes]).decode()
    taken = session.execute(_RECORD, {"project_id": project_id, "rows": rows}).all()
    if taken:
        # By the lease too: of one sendout there may be the outcome of a lease that was lost, and of the one after it.
        lost = {(sendout_id, token) for sendout_id, token in taken}
        _record_strays(session, project_id, [outcome for outcome in outcomes if _lease_of(outcome) in lost])
        outcomes = [outcome for outcome in outcomes if _lease_of(outcome) not in lost]
    _write_deliveries(session, project_id, outcomes)
    _switch_off(session, project_id, outcomes, now)


def _write_deliveries(session: Session, project_id: UUID, outcomes: Sequence[Outcome]) -> None:
    delivered: dict[UUID, datetime] = {}
    for outcome in outcomes:
        if outcome.attempt and outcome.counts_as_delivery:
            webhook_id, at = outcome.claimed.source.webhook_id, outcome.attempt.started_at
            if webhook_id not in delivered or at > delivered[webhook_id]:
                delivered[webhook_id] = at
    for webhook_id in sorted(delivered):
        session.execute(_DELIVERED, {"project_id": project_id, "webhook_id": webhook_id, "at": delivered[webhook_id]})


def _switch_off(session: Session, project_id: UUID, outcomes: Sequence[Outcome], now: datetime) -> None:
    ends: dict[UUID, SwitchOff] = {}
    for outcome in outcomes:
        if outcome.switch_off:
            webhook_id = outcome.claimed.source.webhook_id
            ends[webhook_id] = max(ends.get(webhook_id, outcome.switch_off), outcome.switch_off, key=_reach)
    for webhook_id in sorted(ends):
        end = ends[webhook_id]
        values = {"project_id": project_id, "webhook_id": webhook_id, "reason": end.reason, "since": end.unless_delivered_since, "at": now}
        session.execute(_SWITCH_OFF, values)


def _reach(end: SwitchOff) -> tuple[bool, datetime]:
    """Of two, the one that holds wherever the other does is the greater: above all the one without a condition."""
    return end.unless_delivered_since is None, end.unless_delivered_since or _NEVER


def _record_strays(session: Session, project_id: UUID, strays: Sequence[Outcome]) -> None:
    rows = [_stray_row(stray) for stray in strays if stray.attempt]
    for sendout_id in session.scalars(_RECORD_STRAYS, {"project_id": project_id, "rows": _encode(rows).decode()}) if rows else ():
        logging.getLogger(__name__).warning("sendout %s: another has taken it over meanwhile", format_id(Prefix.SENDOUT, sendout_id))


def _lease_of(outcome: Outcome) -> tuple[UUID, UUID]:
    return outcome.claimed.sendout_id, outcome.claimed.token


def _row(outcome: Outcome) -> _Row:
    claimed, attempt = outcome.claimed, outcome.attempt
    row = _Row(
        claimed.sendout_id,
        claimed.token,
        outcome.status,
        outcome.tries,
        outcome.first_attempt_at,
        outcome.next_attempt_at,
        outcome.due_at,
        outcome.error,
        claimed.asked_by,
        claimed.resend_id,
    )
    if attempt is not None:
        _add_attempt(row, attempt)
    return row


def _stray_row(outcome: Outcome) -> _Row:
    row = _row(outcome)
    row.created_at, row.webhook_id = outcome.claimed.created_at, outcome.claimed.source.webhook_id
    return row


def _add_attempt(row: _Row, attempt: Attempt) -> None:
    row.url, row.request_headers = attempt.url, attempt.request_headers
    row.started_at, row.duration_ms, row.error = attempt.started_at, attempt.duration_ms, attempt.error
    row.response_headers, row.response_is_cut = [], False
    if answer := attempt.answer:
        row.status_code, row.response_headers, row.response_body = answer.status_code, answer.headers, answer.body
        row.response_size_bytes, row.response_is_cut = answer.size_bytes, answer.is_cut
