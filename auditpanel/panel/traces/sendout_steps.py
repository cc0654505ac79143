"""Events, sendouts and attempts as steps of a trace's time line, and as numbers on top."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from flask import url_for

from auditpanel.accounts.models import Role
from auditpanel.accounts.scope import ProjectScope
from auditpanel.ids import Prefix, format_id
from auditpanel.panel.formatters import count_text, format_duration, shorten_id
from auditpanel.panel.marks import split_marks
from auditpanel.panel.sendouts.attempts import attempt_words
from auditpanel.panel.sendouts.caused import sendouts_url
from auditpanel.panel.sendouts.showing import sendout_pill, wait_words
from auditpanel.panel.tasks.showing import TaskPill, counted
from auditpanel.panel.traces.parts import Rest
from auditpanel.panel.traces.sendouts import Opened, SendoutsPart, ShownGroup
from auditpanel.panel.traces.steps import Fold, FoldedAttempt, Head, Link, Origin, Step
from auditpanel.panel.webhooks.listing import shown_url
from auditpanel.webhooks.records import AttemptLine, SendoutLine
from auditpanel.webhooks.traced import SendoutGroup, Traced
from auditpanel.webhooks.values import SendoutStatus

TYPES_SHOWN = 6
# Of a sendout with more attempts, those between the first and the last are folded, up to so many.
ATTEMPTS_SHOWN = 3
FOLDED_MOST = 30


def sendout_heads(traced: Traced) -> Iterator[Head]:
    if not traced.groups:
        return
    more, total = "" if traced.is_whole else "+", traced.total
    sent, retry, error = (sum(getattr(group, name) for group in traced.groups) for name in ("sent", "retry", "error"))
    of_all = f"of {count_text(total)}{more}"
    yield Head("Events", f"{count_text(sum(share.count for share in traced.events))}{more}")
    if error:
        yield Head("Sendouts in error", f"{count_text(error)}{more}", of_all, "bad")
    if retry:
        yield Head("Sendouts still open", f"{count_text(retry)}{more}", of_all, "warn")
    if not error and not retry:
        yield Head("Sendouts", f"{count_text(sent)}{more}", "all sent" if sent > 1 else "sent")


def rest_of_sendouts(part: SendoutsPart, request_id: str) -> Rest | None:
    if not part.traced.is_whole and not part.groups:
        return Rest("Its sendouts could not be counted in time", sendouts_url(request_id))
    if not part.traced.is_whole:
        return Rest(f"There are too many sendouts to count all at once: {count_text(part.traced.total)} of them", sendouts_url(request_id))
    shown, kinds = len(part.groups), len(part.traced.groups)
    return (
        Rest(f"{shown} of {kinds} kinds of sendouts, those that failed before the others", sendouts_url(request_id))
        if shown < kinds
        else None
    )


def sendout_steps(scope: ProjectScope, request_id: str, part: SendoutsPart, origin: Origin, now: datetime, *, depth: int) -> Iterator[Step]:
    if not part.traced.groups:
        return
    yield _events_step(request_id, part.traced, origin, depth)
    for shown in part.groups:
        is_group = shown.group.total > 1 or not shown.opened
        steps = _group_steps(scope, request_id, shown, origin, now) if is_group else _only_steps(scope, shown, origin, now)
        for step in steps:
            yield replace(step, depth=step.depth + depth)


def _events_step(request_id: str, traced: Traced, origin: Origin, depth: int) -> Step:
    events = traced.events
    links = tuple(
        Link(f"{count_text(share.count)} {share.type}", sendouts_url(request_id, type=share.type)) for share in events[:TYPES_SHOWN]
    )
    more = f"and {counted(len(events) - TYPES_SHOWN, 'more type')}" if len(events) > TYPES_SHOWN else ""
    total = sum(share.count for share in events)
    return Step(
        "events",
        depth,
        origin.when(min(share.first_at for share in events), max(share.last_at for share in events)),
        mark="ok",
        label="Event" if total == 1 else "Events",
        name=Link(f"{count_text(total)}{'' if traced.is_whole else '+'}"),
        words=more,
        links=links,
    )


def _group_steps(scope: ProjectScope, request_id: str, shown: ShownGroup, origin: Origin, now: datetime) -> Iterator[Step]:
    group = shown.group
    median = format_duration(group.median_ms)
    began = group.began_at or group.first_at
    yield Step(
        "sendouts",
        1,
        origin.when(began, group.sent_until),
        mark=_mark_of(group),
        label="Sendouts",
        pills=tuple(_pills_of(group)),
        name=_webhook_link(shown),
        about=f"{group.type} to {_target(shown_url(shown.webhook.url))}" if shown.webhook else group.type,
        words=_words_of(shown),
        links=tuple(_links_of(request_id, group)),
        took=f"median {median.text}" if median else "",
    )
    for opened in shown.opened:
        yield _sendout_step(scope, shown, opened, origin, now)
        yield from _attempt_steps(opened, origin, now)


def _only_steps(scope: ProjectScope, shown: ShownGroup, origin: Origin, now: datetime) -> Iterator[Step]:
    """It is no group then: the sendout itself stands in its place."""
    for opened in shown.opened:
        line = opened.line
        step = replace(
            _sendout_step(scope, shown, opened, origin, now),
            depth=1,
            name=_webhook_link(shown),
            about=f"{line.type} to {_target(line.target_url)}",
            words="",
        )
        if line.status is SendoutStatus.SENT and len(opened.attempts) == 1:
            took = format_duration(line.duration_ms)
            yield replace(step, took=took.text if took else "", words="At the first attempt.")
        else:
            yield step
            yield from (replace(attempt, depth=2) for attempt in _attempt_steps(opened, origin, now))


def _sendout_step(scope: ProjectScope, shown: ShownGroup, opened: Opened, origin: Origin, now: datetime) -> Step:
    line = opened.line
    pill = sendout_pill(line, now)
    is_removed = shown.webhook is None or shown.webhook.is_removed
    may_send = scope.role.includes(Role.OPERATOR) and not is_removed and line.status is not SendoutStatus.SENT and not line.is_under_way
    no_attempt = line.error or "" if not opened.attempts else ""
    return Step(
        "sendout",
        2,
        origin.when(line.first_attempt_at or line.created_at),
        mark={"ok": "ok", "broken": "bad", "retry": "warn"}.get(pill.kind, "due"),
        label="Sendout",
        pills=(pill,),
        id=Link(shorten_id(line.id), url_for("sendouts.show", sendout_id=line.id)),
        words=f"{counted(line.attempts, 'attempt')}" if line.attempts else "No attempt as yet" if not no_attempt else "",
        bad_words=no_attempt,
        again_url=url_for("sendouts.again", sendout_id=line.id) if may_send else None,
    )


def _attempt_steps(opened: Opened, origin: Origin, now: datetime) -> Iterator[Step]:
    line, made = opened.line, opened.attempts
    # Of very many, the newest were read.
    first = max(0, line.attempts - len(made)) + 1
    numbered = list(enumerate(made, first))
    cut = len(made) > ATTEMPTS_SHOWN
    for number, attempt in numbered[:1] if cut else numbered[:-1]:
        yield _attempt_step(number, attempt, origin)
    if cut:
        yield _fold_step(line, numbered[1:-1], origin)
    if made:
        yield replace(_attempt_step(numbered[-1][0], made[-1], origin), answer=split_marks(opened.answer) if opened.answer else ())
    yield from _due_steps(line, first + len(made), origin, now)


def _attempt_step(number: int, attempt: AttemptLine, origin: Origin) -> Step:
    took = format_duration(attempt.duration_ms)
    return Step(
        "attempt",
        3,
        origin.when(attempt.started_at),
        mark="ok" if attempt.delivered else "bad",
        label=f"Attempt {number}",
        pills=(_attempt_pill(attempt),),
        words=f"asked by {attempt.asked_by}" if attempt.asked_by else "",
        took=took.text if took else "",
    )


def _fold_step(line: SendoutLine, folded: Sequence[tuple[int, AttemptLine]], origin: Origin) -> Step:
    answers = {attempt_words(attempt) for _, attempt in folded}
    alike = f", each {next(iter(answers))}" if len(answers) == 1 else ""
    failed = sum(not attempt.delivered for _, attempt in folded)
    some = f", {count_text(failed)} of them failed" if not alike else ""
    rest = len(folded) - FOLDED_MOST
    link = Link(f"{counted(rest, 'more attempt')} on its page", url_for("sendouts.show", sendout_id=line.id)) if rest > 0 else None
    attempts = [_folded(number, attempt, origin) for number, attempt in folded[:FOLDED_MOST]]
    words = f"{counted(len(folded), 'more attempt')}{alike}{some}"
    return Step(
        "attempts",
        3,
        origin.when(folded[0][1].started_at, folded[-1][1].started_at),
        mark="fold",
        label="",
        fold=Fold(words, attempts, link),
    )


def _folded(number: int, attempt: AttemptLine, origin: Origin) -> FoldedAttempt:
    when, took = origin.when(attempt.started_at), format_duration(attempt.duration_ms)
    return FoldedAttempt(
        number, when.offset, when.clock, when.iso, _attempt_pill(attempt), took.text if took else "", attempt.asked_by or ""
    )


def _due_steps(line: SendoutLine, number: int, origin: Origin, now: datetime) -> Iterator[Step]:
    if line.asked_by:
        words = f"asked by {line.asked_by}"
        yield Step("attempt", 3, origin.when(now), mark="run", label=f"Attempt {number}", name=Link("is under way"), words=words)
    if line.status is SendoutStatus.RETRY and line.next_attempt_at:
        wait = line.next_attempt_at - now
        due = Link(f"due in {wait_words(wait)}" if wait > timedelta() else "due now")
        label = f"Attempt {number + line.is_under_way}"
        yield Step("attempt", 3, origin.when(line.next_attempt_at), mark="due", label=label, name=due)


def _attempt_pill(attempt: AttemptLine) -> TaskPill:
    return TaskPill("ok" if attempt.delivered else "bad", attempt_words(attempt))


def _mark_of(group: SendoutGroup) -> str:
    return "bad" if group.error else "warn" if group.retry else "ok"


def _pills_of(group: SendoutGroup) -> Iterator[TaskPill]:
    """What went wrong before the rest."""
    if group.error:
        yield TaskPill("broken", f"{count_text(group.error)} in error")
    if group.retry:
        yield TaskPill("retry", f"{count_text(group.retry)} still open")
    if group.sent:
        yield TaskPill("ok", f"{count_text(group.sent)} sent")


def _webhook_link(shown: ShownGroup) -> Link:
    is_there = shown.webhook is not None and not shown.webhook.is_removed
    url = url_for("webhooks.show", webhook_id=format_id(Prefix.WEBHOOK, shown.group.webhook_id)) if is_there else None
    return Link(f"{shown.name}{'' if is_there else ', removed'}", url)


def _target(url: str) -> str:
    """`http://` stays, as it says something."""
    return url.removeprefix("https://")


def _words_of(shown: ShownGroup) -> str:
    group, failing = shown.group, shown.group.error + shown.group.retry
    later = group.sent - group.sent_at_once
    sentences = []
    if group.sent:
        at_once = "All" if group.sent_at_once == group.total else count_text(group.sent_at_once)
        sentences.append(f"{at_once} at the first attempt{f', {count_text(later)} later' if later else ''}.")
    if shown.opened and len(shown.opened) < failing:
        sentences.append(f"The first {len(shown.opened)} of the {count_text(failing)} that were not delivered follow.")
    return " ".join(sentences)


def _links_of(request_id: str, group: SendoutGroup) -> Iterator[Link]:
    narrowed = {"type": group.type, "source_id": format_id(Prefix.WEBHOOK, group.webhook_id)}
    if group.error:
        yield Link(f"Show the {count_text(group.error)} in error", sendouts_url(request_id, only="error", **narrowed))
    if group.retry:
        yield Link(f"Show the {count_text(group.retry)} still open", sendouts_url(request_id, only="retry", **narrowed))
    yield Link(f"Show all {count_text(group.total)}", sendouts_url(request_id, **narrowed))
