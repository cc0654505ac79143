"""The sendouts of a trace: all of them counted, and those looked at more closely that failed, wait, or are the only ones of their kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from auditpanel.accounts.scope import ProjectScope
from auditpanel.errors import Unavailable
from auditpanel.filters import FilterSet, Span
from auditpanel.ids import Prefix, format_id
from auditpanel.keyset import Direction, Key, Place
from auditpanel.logs.redaction import Redactor
from auditpanel.logs.sendout_secrets import redacted_attempt_line, redacted_line
from auditpanel.webhooks.filters import SENDOUT_FIELDS
from auditpanel.webhooks.queries import attempts_of, list_sendouts
from auditpanel.webhooks.records import AttemptLine, SendoutLine
from auditpanel.webhooks.traced import SendoutGroup, Traced, TracedWebhook, answers_of, trace_sendouts, webhooks_of

# Of each group, and of so many groups; the rest is told of by numbers.
OPENED = 3
GROUPS_OPENED = 8
GROUPS_SHOWN = 30
OPEN_BUDGET_S = 0.2
ANSWER_SHOWN = 240


@dataclass(frozen=True, slots=True)
class Opened:
    """A sendout with its attempts, oldest first. `answer` is what the last of them was answered, where it failed. Redacted, all of it."""

    line: SendoutLine
    attempts: Sequence[AttemptLine]
    answer: str


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """`webhook` is None where nobody knows it any more."""

    group: SendoutGroup
    webhook: TracedWebhook | None
    opened: Sequence[Opened]

    @property
    def name(self) -> str:
        return self.webhook.name if self.webhook else format_id(Prefix.WEBHOOK, self.group.webhook_id)


@dataclass(frozen=True, slots=True)
class SendoutsPart:
    """`groups` are the first GROUPS_SHOWN of those that are told of by `traced`, what failed before the rest where there are more."""

    traced: Traced
    groups: Sequence[ShownGroup]

    @property
    def opened(self) -> Iterator[Opened]:
        return (opened for group in self.groups for opened in group.opened)


def sendouts_of(session: Session, scope: ProjectScope, request_id: str) -> SendoutsPart:
    traced = trace_sendouts(session, scope, request_id)
    shown = _first(traced.groups)
    webhooks = webhooks_of(session, scope, list({group.webhook_id for group in shown}))
    looked_at = [group for group in shown if group.error or group.retry or group.total == 1][:GROUPS_OPENED]
    lines = [_lines(session, scope, request_id, group) if group in looked_at else [] for group in shown]
    opened = {one.line.key.id: one for one in _opened(session, scope, [line for some in lines for line in some])}
    groups = [
        ShownGroup(group, webhooks.get(group.webhook_id), [opened[line.key.id] for line in some])
        for group, some in zip(shown, lines, strict=True)
    ]
    return SendoutsPart(traced, groups)


def _first(groups: Sequence[SendoutGroup]) -> list[SendoutGroup]:
    if len(groups) <= GROUPS_SHOWN:
        return list(groups)
    chosen = sorted(groups, key=lambda group: (not group.error, not group.retry))[:GROUPS_SHOWN]
    return [group for group in groups if group in chosen]


def _lines(session: Session, scope: ProjectScope, request_id: str, group: SendoutGroup) -> list[SendoutLine]:
    """Those given up before those that wait, the oldest first. Fewer where they are not found at once: the list has them."""
    wanted = ("error", group.error), ("retry", group.retry), ("sent", group.sent if group.total == 1 else 0)
    found: list[SendoutLine] = []
    for only, number in wanted:
        if number and len(found) < OPENED:
            found += _some(session, scope, request_id, group, only)
    return found[:OPENED]


def _some(session: Session, scope: ProjectScope, request_id: str, group: SendoutGroup, only: str) -> list[SendoutLine]:
    source_id = format_id(Prefix.WEBHOOK, group.webhook_id)
    pairs = [("only", only), ("request_id", request_id), ("type", group.type), ("source_id", source_id)]
    filters, span = FilterSet.parse(pairs, SENDOUT_FIELDS), Span(group.first_at, group.last_at + timedelta(milliseconds=1))
    oldest = Place(Key(group.first_at, UUID(int=0)), Direction.NEWER)
    try:
        return list_sendouts(session, scope, filters, span, place=oldest, size=OPENED, budget_s=OPEN_BUDGET_S).lines[::-1]
    except Unavailable:
        return []


def _opened(session: Session, scope: ProjectScope, lines: Sequence[SendoutLine]) -> Iterator[Opened]:
    redactor = Redactor.of(scope.redact_paths)
    attempts = attempts_of(session, scope, [line.key.id for line in lines])
    answers = answers_of(session, scope, [made[-1] for made in attempts.values() if made and not made[-1].delivered])
    for line in lines:
        made = attempts[line.key.id]
        answer = redactor.body(answers.get(line.key.id, ""))
        shortened = answer if len(answer) <= ANSWER_SHOWN else f"{answer[:ANSWER_SHOWN]}…"
        yield Opened(redacted_line(redactor, line), [redacted_attempt_line(redactor, attempt) for attempt in made], shortened)
