"""What the delivery loop asks of the database, a transaction each time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from auditpanel.webhooks import claiming, resends
from auditpanel.webhooks.claiming import Claimed, Source, claim
from auditpanel.webhooks.opening import open_targets
from auditpanel.webhooks.outcomes import Outcome, without_answer
from auditpanel.webhooks.recording import record
from auditpanel.webhooks.sealing import Seal
from auditpanel.webhooks.sending import Target


@dataclass(frozen=True, slots=True)
class Want:
    """To claim up to `size` for a webhook."""

    source: Source
    size: int


@dataclass(frozen=True, slots=True)
class Share:
    """What was claimed for a webhook, and the webhook as it is now. Where it `is_full`, more may be due."""

    source: Source
    target: Target
    claimed: Sequence[Claimed]
    is_full: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    open_session: Callable[[], Session]
    seal: Seal
    now: Callable[[], datetime]

    def record(self, outcomes: Sequence[Outcome], unsent: Sequence[Claimed]) -> None:
        """What was not sent is given back. Where it fails, all of it may be done again."""
        with self.open_session() as session:
            self._record(session, outcomes)
            claiming.give_back(session, unsent)
            session.commit()

    def claim(self, wants: Sequence[Want]) -> list[Share]:
        """Where it fails, what was claimed is claimed again when its lease ends."""
        with self.open_session() as session:
            claimed = {want: claim(session, want.source, size=want.size) for want in wants}
            # After the claims: what is switched off in between is seen.
            targets = open_targets(session, self.seal, (want.source for want in wants), self.now())
            session.commit()
        return [
            Share(want.source, targets[want.source], taken, is_full=len(taken) >= want.size) for want, taken in claimed.items() if taken
        ]

    def due_sources(self) -> list[Source]:
        with self.open_session() as session:
            return claiming.due_sources(session)

    def has_work(self) -> bool:
        with self.open_session() as session:
            return has_work(session)

    def feed_resends(self) -> bool:
        """A step of what is sent again in bulk; whether any of it goes on."""
        with self.open_session() as session:
            projects = resends.projects_with_resends(session)
            session.commit()
            for project_id in projects:
                resends.feed(session, project_id, self.now())
                session.commit()
        return bool(projects)

    def _record(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        try:
            record(session, outcomes, self.now())
        except DataError:
            # One that cannot be stored must not have all of them sent again, and itself for ever.
            session.rollback()
            for outcome in outcomes:
                self._record_one(session, outcome)

    def _record_one(self, session: Session, outcome: Outcome) -> None:
        try:
            record(session, [outcome], self.now())
        except DataError:
            session.rollback()
            logging.getLogger(__name__).exception("sendout %s: what was answered is left out", outcome.claimed.message.id)
            record(session, [without_answer(outcome)], self.now())
        session.commit()


def has_work(session: Session) -> bool:
    """Whether a delivery loop would find something to do."""
    return bool(claiming.due_sources(session) or resends.projects_with_resends(session))
