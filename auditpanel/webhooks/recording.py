"""What came of attempts, written for many at once: one statement for each table and project.

A statement gets its rows as one JSON text. To adapt a dozen arrays in Python took longer than the rest of the recording.

Written twice, it stands once: an attempt's id is made of its lease and its sendout, and a sendout is changed only by who still holds its
lease. Where another has taken over meanwhile, the attempt is kept (it was made), and what it means is the other's to say.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from auditpanel.webhooks.claiming import Claimed
from auditpanel.webhooks.outcomes import Outcome, SwitchOff
from auditpanel.webhooks.values import Attempt, Headers

_NEVER = datetime.min.replace(tzinfo=UTC)

_encode = msgspec.json.Encoder().encode

_ATTEMPTS = text("""
    INSERT INTO sendout_attempts (project_id, sendout_id, id, webhook_id, started_at, duration_ms, url, request_headers, status_code,
                                  error, response_headers, response_body, response_size_bytes, response_is_cut, asked_by, resend_id)
    SELECT :project_id, sendout_id, id, webhook_id, started_at, duration_ms, url, request_headers, status_code,
           error, response_headers, response_body, response_size_bytes, response_is_cut, asked_by, resend_id
    FROM json_to_recordset(CAST(:rows AS json)) AS made (
        sendout_id uuid, id uuid, webhook_id uuid, started_at timestamptz, duration_ms float8, url text, request_headers jsonb,
        status_code int2, error text, response_headers jsonb, response_body text, response_size_bytes int8, response_is_cut bool,
        asked_by text, resend_id uuid)
    ON CONFLICT DO NOTHING
    RETURNING id
""")
_DUE_NO_MORE = text("""
    DELETE FROM due_sendouts AS due
    USING json_to_recordset(CAST(:rows AS json)) AS made (sendout_id uuid, token uuid, due_at timestamptz)
    WHERE due.project_id = :project_id AND due.sendout_id = made.sendout_id AND due.lease_token = made.token AND made.due_at IS NULL
    RETURNING due.sendout_id, made.token
""")
_DUE_LATER = text("""
    UPDATE due_sendouts AS due SET due_at = made.due_at, lease_token = NULL, asked_by = NULL, resend_id = NULL
    FROM json_to_recordset(CAST(:rows AS json)) AS made (sendout_id uuid, token uuid, due_at timestamptz)
    WHERE due.project_id = :project_id AND due.sendout_id = made.sendout_id AND due.lease_token = made.token
    RETURNING due.sendout_id, made.token
""")
_SENDOUTS = text("""
    UPDATE sendouts AS sendout SET
        status = made.status, tries = made.tries, attempts = sendout.attempts + made.is_attempt,
        first_attempt_at = made.first_attempt_at, next_attempt_at = made.next_attempt_at, error = made.error,
        sent_at = coalesce(made.started_at, sendout.sent_at),
        status_code = CASE WHEN made.is_attempt = 1 THEN made.status_code ELSE sendout.status_code END,
        duration_ms = coalesce(made.duration_ms, sendout.duration_ms)
    FROM json_to_recordset(CAST(:rows AS json)) AS made (
        sendout_id uuid, created_at timestamptz, status text, tries int2, is_attempt int4, first_attempt_at timestamptz,
        next_attempt_at timestamptz, error text, started_at timestamptz, status_code int2, duration_ms float8)
    WHERE sendout.project_id = :project_id AND sendout.created_at = made.created_at AND sendout.id = made.sendout_id
""")
_STRAY_ATTEMPTS = text("""
    UPDATE sendouts AS sendout SET attempts = sendout.attempts + made.attempts
    FROM (
        SELECT sendout_id, created_at, count(*) AS attempts
        FROM json_to_recordset(CAST(:rows AS json)) AS stray (sendout_id uuid, created_at timestamptz)
        GROUP BY sendout_id, created_at
    ) AS made
    WHERE sendout.project_id = :project_id AND sendout.created_at = made.created_at AND sendout.id = made.sendout_id
""")
_DELIVERED = text("""
    UPDATE webhooks SET last_delivered_at = greatest(last_delivered_at, CAST(:at AS timestamptz))
    WHERE project_id = :project_id AND id = :webhook_id
""")
_SWITCH_OFF = text("""
    UPDATE webhooks SET is_active = false, switched_off_at = :at, switched_off_reason = :reason
    WHERE project_id = :project_id AND id = :webhook_id AND is_active
      AND (CAST(:since AS timestamptz) IS NULL OR last_delivered_at IS NULL OR last_delivered_at < :since)
""")


# Named as the columns of the statements are.
class _AttemptRow(msgspec.Struct, gc=False):
    sendout_id: UUID
    id: UUID
    webhook_id: UUID
    started_at: datetime
    duration_ms: float
    url: str
    request_headers: Headers
    status_code: int | None
    error: str | None
    response_headers: Headers
    response_body: str | None
    response_size_bytes: int | None
    response_is_cut: bool
    asked_by: str | None
    resend_id: UUID | None


class _SendoutRow(msgspec.Struct, gc=False):
    """With what is due of it."""

    sendout_id: UUID
    token: UUID
    created_at: datetime
    status: str
    tries: int
    is_attempt: int
    first_attempt_at: datetime | None
    next_attempt_at: datetime | None
    due_at: datetime | None
    error: str | None
    started_at: datetime | None
    status_code: int | None
    duration_ms: float | None


Rows = Sequence[_AttemptRow] | Sequence[_SendoutRow]


def record(session: Session, outcomes: Sequence[Outcome], now: datetime) -> None:
    """The caller commits."""
    by_project: dict[UUID, list[Outcome]] = {}
    for outcome in outcomes:
        by_project.setdefault(outcome.claimed.source.project_id, []).append(outcome)
    # In one order for everybody: two workers that deliver for the same webhooks write to the same rows of these.
    for project_id in sorted(by_project):
        _record_of_project(session, project_id, by_project[project_id], now)


def _record_of_project(session: Session, project_id: UUID, outcomes: Sequence[Outcome], now: datetime) -> None:
    # Read only where it is asked for.
    new = _write(session, _ATTEMPTS, project_id, [_attempt_row(one.claimed, one.attempt) for one in outcomes if one.attempt])
    rows = [_sendout_row(outcome) for outcome in outcomes]
    done, later = [row for row in rows if row.due_at is None], [row for row in rows if row.due_at is not None]
    mine = [*_write(session, _DUE_NO_MORE, project_id, done), *_write(session, _DUE_LATER, project_id, later)]
    if len(mine) < len(outcomes):
        # By the lease too: of one sendout there may be the outcome of a lease that was lost, and of the one after it.
        held = {(sendout_id, token) for sendout_id, token in mine}
        strays = [outcome for outcome in outcomes if (outcome.claimed.sendout_id, outcome.claimed.token) not in held]
        _write_strays(session, project_id, strays, {id for (id,) in new})
        outcomes = [outcome for outcome in outcomes if (outcome.claimed.sendout_id, outcome.claimed.token) in held]
        rows = [row for row in rows if (row.sendout_id, row.token) in held]
    _change(session, _SENDOUTS, project_id, rows)
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


def _write_strays(session: Session, project_id: UUID, outcomes: Sequence[Outcome], new: set[UUID]) -> None:
    """What was written before is counted already."""
    strays = [outcome for outcome in outcomes if _attempt_id(outcome.claimed) in new]
    for stray in strays:
        logging.getLogger(__name__).warning("sendout %s: another has taken it over meanwhile", stray.claimed.message.id)
    _change(session, _STRAY_ATTEMPTS, project_id, [_sendout_row(stray) for stray in strays])


def _write(session: Session, statement: TextClause, project_id: UUID, rows: Rows) -> Iterable[Row[*tuple[Any, ...]]]:
    """What it returns of those that were written."""
    return session.execute(statement, {"project_id": project_id, "rows": _encode(rows).decode()}) if rows else ()


def _change(session: Session, statement: TextClause, project_id: UUID, rows: Rows) -> None:
    if rows:
        session.execute(statement, {"project_id": project_id, "rows": _encode(rows).decode()})


def _attempt_id(claimed: Claimed) -> UUID:
    return UUID(bytes=hashlib.md5(claimed.token.bytes + claimed.sendout_id.bytes, usedforsecurity=False).digest())


def _attempt_row(claimed: Claimed, attempt: Attempt) -> _AttemptRow:
    answer = attempt.answer
    return _AttemptRow(
        claimed.sendout_id,
        _attempt_id(claimed),
        claimed.source.webhook_id,
        attempt.started_at,
        attempt.duration_ms,
        attempt.url,
        attempt.request_headers,
        answer.status_code if answer else None,
        attempt.error,
        answer.headers if answer else [],
        answer.body if answer else None,
        answer.size_bytes if answer else None,
        answer is not None and answer.is_cut,
        claimed.asked_by,
        claimed.resend_id,
    )


def _sendout_row(outcome: Outcome) -> _SendoutRow:
    claimed, attempt = outcome.claimed, outcome.attempt
    return _SendoutRow(
        claimed.sendout_id,
        claimed.token,
        claimed.created_at,
        outcome.status,
        outcome.tries,
        0 if attempt is None else 1,
        outcome.first_attempt_at,
        outcome.next_attempt_at,
        outcome.due_at,
        outcome.error,
        attempt.started_at if attempt else None,
        attempt.answer.status_code if attempt and attempt.answer else None,
        attempt.duration_ms if attempt else None,
    )
