"""Sending again all that match a filter, at a rate, from the oldest: asked for, fed step by step to what is due, stopped, followed.

Where it is, stands in its row: any worker goes on with it. The caller commits, and enqueues a delivery after that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import any_, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import Conflict, InvalidInput, Unavailable
from auditpanel.filters import FilterSet, Span
from auditpanel.ids import new_uuid
from auditpanel.keyset import COUNT_CAP, Clause, Count, Direction, Key, Place, counting
from auditpanel.time_limit import TimeIsUp, execute_within
from auditpanel.webhooks.again import NO_OBJECTS, has_webhook, idle_rows, is_of_due, make_due
from auditpanel.webhooks.again import send_again as send_again
from auditpanel.webhooks.again import send_some_again as send_some_again
from auditpanel.webhooks.clauses import SENDOUTS, matching
from auditpanel.webhooks.filters import SENDOUT_FIELDS, with_moments_in_utc
from auditpanel.webhooks.models import DueSendout, Resend, Sendout
from auditpanel.webhooks.progress import get_resend as get_resend
from auditpanel.webhooks.progress import list_resends as list_resends
from auditpanel.webhooks.progress import no_such_resend
from auditpanel.webhooks.records import ResendStatus
from auditpanel.webhooks.values import EventType, SendoutStatus

HIGHEST_RATE_PER_S = 1_000
# To count them for a confirmation, and to send them in one go.
LARGEST_RESEND = 1_000_000
# In a project at once; they share the rates that its targets take, and all of them are shown.
MOST_RUNNING = 20
COUNT_BUDGET_S = 5.0
# What was not picked while no worker was there is not made up for: the rate is what the target can take.
LONGEST_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Step:
    """The deliveries wait for a step. Where it would take longer to find what matches, it looks at so many rows instead."""

    budget_s: float = 0.3
    slice_rows: int = 20_000


STEP = Step()
UTC_ZONE = ZoneInfo("UTC")
_FRESH = {"populate_existing": True}
_NO_ID = UUID(int=0)


def count_resendable(
    session: Session, scope: ProjectScope, filters: FilterSet, span: Span, now: datetime, *, cap: int = COUNT_CAP
) -> Count:
    """How many `request_resend` would take, for its confirmation: those that match, without those whose webhook was removed.

    Tests are not among them unless the filters name their type. Raises Unavailable where it takes too long to tell.
    """
    rows = select(Sendout.id).where(
        *SENDOUTS.within(scope.project_id, _until(span, now)), *_taken(scope.project_id, scope.time_zone, filters)
    )
    try:
        return Count.of(execute_within(session, counting(rows, cap), COUNT_BUDGET_S)[0][0], cap)
    except TimeIsUp:
        raise Unavailable("To count these took too long. Choose a shorter range, or narrow it by a webhook or a status.") from None


def request_resend(session: Session, scope: ProjectScope, filters: FilterSet, span: Span, rate_per_s: int, by: str, now: datetime) -> UUID:
    """Have all that match sent again, at most `rate_per_s` each second, from the oldest. What is created after `now` is not among them.

    Raises InvalidInput where the rate is out of range, nothing matches, or too many do; Conflict where too many run already.
    """
    resend_id = new_uuid()
    request_resend_once(session, scope, resend_id, filters, span, rate_per_s, by, now)
    return resend_id


def request_resend_once(
    session: Session, scope: ProjectScope, resend_id: UUID, filters: FilterSet, span: Span, rate_per_s: int, by: str, now: datetime
) -> bool:
    """As `request_resend`, with an id that was made when somebody was asked: their second press is not a second wish.

    False where it was asked for already; then nothing is done, whatever else is said.
    """
    if session.scalar(select(exists().where(Resend.project_id == scope.project_id, Resend.id == resend_id))):
        return False
    if not 1 <= rate_per_s <= HIGHEST_RATE_PER_S:
        raise InvalidInput(f"{rate_per_s} each second is out of range; write 1 to {HIGHEST_RATE_PER_S:,}", field="rate_per_s")
    _check_running(session, scope)
    total = count_resendable(session, scope, filters, span, now, cap=LARGEST_RESEND)
    if not total.value:
        raise InvalidInput("No sendout matches these filters, so there is nothing to send again.")
    if not total.is_exact:
        raise InvalidInput(f"More than {LARGEST_RESEND:,} sendouts match; choose a shorter range, and send the rest again after that.")
    span = _until(span, now)
    values = {
        "project_id": scope.project_id,
        "id": resend_id,
        "created_at": now,
        "updated_at": now,
        "filters": urlencode(with_moments_in_utc(filters, scope.time_zone).params),
        "words": filters.words,
        "since": span.start,
        "until": span.end,
        "asked_by": by,
        "rate_per_s": rate_per_s,
        "total": total.value,
        "picked": 0,
        "status": ResendStatus.RUNNING,
    }
    # Two presses that come at once: the later one waits here for the other's commit.
    return session.scalar(insert(Resend).values(values).on_conflict_do_nothing().returning(Resend.id)) is not None


def stop_resend(session: Session, scope: ProjectScope, resend_id: UUID, by: str, now: datetime) -> int:
    """Pick no more, and take back what was picked and is not being sent yet; answers how many were taken back.

    Raises NotFound. One that has ended stays as it is.
    """
    resend = _locked_resend(session, scope, resend_id)
    if resend.status != ResendStatus.RUNNING:
        return 0
    taken_back = _take_back(session, scope.project_id, resend_id)
    resend.status, resend.stopped_by, resend.updated_at = ResendStatus.STOPPED, by, max(now, resend.updated_at)
    resend.picked -= taken_back
    session.flush()
    return taken_back


def projects_with_resends(session: Session) -> list[UUID]:
    """Those for which `feed` has something to do."""
    return list(session.scalars(select(Resend.project_id).where(Resend.status == ResendStatus.RUNNING).distinct()))


def feed(session: Session, project_id: UUID, now: datetime, *, step: Step = STEP) -> int:
    """Make due what the rates allow since the last time, of each that runs in the project; answers how many sendouts that were.

    One step, a few milliseconds: call it again and again. Two that call it at once do not get in each other's way.
    """
    running = select(Resend).where(Resend.project_id == project_id, Resend.status == ResendStatus.RUNNING).order_by(Resend.id)
    locked = session.scalars(running.with_for_update(skip_locked=True), execution_options=_FRESH).all()
    picked = sum(_feed_one(session, resend, now, step) for resend in locked)
    session.flush()
    return picked


def _feed_one(session: Session, resend: Resend, now: datetime, step: Step) -> int:
    if resend.picked_at == resend.until:
        # All are picked: it ends when the last one is through, so that it can be stopped as long as something waits.
        if not _has_waiting(session, resend):
            resend.status, resend.updated_at = ResendStatus.DONE, max(now, resend.updated_at)
        return 0
    since = max(resend.updated_at, now - timedelta(seconds=LONGEST_PAUSE_S))
    allowed = int((now - since).total_seconds() * resend.rate_per_s)
    if allowed < 1:
        return 0
    keys, looked_to = _next_keys(session, resend, allowed, step)
    picked = make_due(session, resend.project_id, _of_keys(keys), resend.asked_by, resend.id) if keys else 0
    resend.picked += picked
    # Not `now`: a part of a sendout would get lost each time, and of a low rate everything.
    resend.updated_at = since + timedelta(seconds=allowed / resend.rate_per_s)
    resend.picked_at, resend.picked_id = (looked_to.at, looked_to.id) if looked_to else (resend.until, _NO_ID)
    return picked


def _has_waiting(session: Session, resend: Resend) -> bool:
    waiting = exists().where(DueSendout.project_id == resend.project_id, DueSendout.resend_id == resend.id)
    return bool(session.scalar(select(waiting)))


def _next_keys(session: Session, resend: Resend, size: int, step: Step) -> tuple[list[Key], Key | None]:
    """The next that match, no more than `size`, and how far it has looked: None is to the end."""
    filters = FilterSet.parse(parse_qsl(resend.filters), SENDOUT_FIELDS)
    bounds = SENDOUTS.within(resend.project_id, Span(resend.since, resend.until))
    if resend.picked_at is not None and resend.picked_id is not None:
        bounds += SENDOUTS.beyond(Place(Key(resend.picked_at, resend.picked_id), Direction.NEWER))
    chosen = [*bounds, *_taken(resend.project_id, UTC_ZONE, filters)]
    try:
        keys = _read_keys(session, chosen, size, step.budget_s)
        return keys, keys[-1] if len(keys) == size else None
    except TimeIsUp:
        # They are rare, and the deliveries wait for this step: it looks at a slice of the table, and the next one goes on from there.
        slice_end = _read_keys(session, bounds, 1, COUNT_BUDGET_S, offset=step.slice_rows)
    chosen += [clause for key in slice_end for clause in SENDOUTS.up_to(key, Direction.NEWER)]
    keys = _read_keys(session, chosen, size, COUNT_BUDGET_S)
    return keys, keys[-1] if len(keys) == size else next(iter(slice_end), None)


def _taken(project_id: UUID, zone: ZoneInfo, filters: FilterSet) -> list[Clause]:
    """What a filter means here. A test is nothing that its receiver has missed."""
    clauses = [*matching(project_id, zone, filters, Span(None, None)), has_webhook(project_id)]
    return clauses if EventType.TEST in filters.values("type") else [*clauses, Sendout.type != EventType.TEST]


def _read_keys(session: Session, clauses: Sequence[Clause], size: int, budget_s: float, *, offset: int = 0) -> list[Key]:
    statement = SENDOUTS.along(select(Sendout.created_at, Sendout.id).where(*clauses), Direction.NEWER)
    return [Key(*row) for row in execute_within(session, statement.limit(size).offset(offset), budget_s)]


def _of_keys(keys: Sequence[Key]) -> list[Clause]:
    """They are in order, so that the time says where in the table to look."""
    return [Sendout.created_at.between(keys[0].at, keys[-1].at), Sendout.id.in_([key.id for key in keys])]


def _take_back(session: Session, project_id: UUID, resend_id: UUID) -> int:
    """What the schedule was to try again is left to it, as if nobody had asked; the rest is due no more.

    One statement, and so one look at which are free: what a worker gives back a moment later is left alone by both halves of it.
    """
    waiting = idle_rows(project_id, DueSendout.resend_id == resend_id).cte("waiting")
    is_waiting = (
        DueSendout.project_id == project_id,
        DueSendout.sendout_id == any_(func.array(select(waiting.c.sendout_id).scalar_subquery())),
    )
    to_be_tried = (Sendout.project_id == project_id, *is_of_due(), Sendout.status == SendoutStatus.RETRY)
    left_to_schedule = (
        update(DueSendout)
        .where(*is_waiting, *to_be_tried)
        .values(
            due_at=func.coalesce(Sendout.next_attempt_at, func.now()), lease_token=None, lease_until=None, asked_by=None, resend_id=None
        )
        .returning(DueSendout.sendout_id)
        .cte("left_to_schedule")
    )
    removed = delete(DueSendout).where(*is_waiting, ~exists().where(*to_be_tried)).returning(DueSendout.sendout_id).cte("removed")
    counted = (select(func.count()).select_from(rows).scalar_subquery() for rows in (left_to_schedule, removed))
    return sum(session.execute(select(*counted), execution_options=NO_OBJECTS).one())


def _check_running(session: Session, scope: ProjectScope) -> None:
    running = select(func.count()).where(Resend.project_id == scope.project_id, Resend.status == ResendStatus.RUNNING)
    if (session.scalar(running) or 0) >= MOST_RUNNING:
        raise Conflict(f"{MOST_RUNNING} are being sent again in this project already. Stop one of them, or wait until one has ended.")


def _locked_resend(session: Session, scope: ProjectScope, resend_id: UUID) -> Resend:
    statement = select(Resend).where(Resend.project_id == scope.project_id, Resend.id == resend_id).with_for_update()
    resend = session.scalar(statement, execution_options=_FRESH)
    if resend is None:
        raise no_such_resend()
    return resend


def _until(span: Span, now: datetime) -> Span:
    return Span(span.start, min(span.end, now) if span.end else now)
