"""What the database tells for every page, beside what the page is about: who reads it and where, their projects, what runs, what failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import case, func, literal, select
from sqlalchemy.orm import Session

from auditpanel.accounts.members import own_projects
from auditpanel.accounts.models import User
from auditpanel.accounts.scope import MAY_ENTER, Entrance, Entry
from auditpanel.exports.queries import RUNNING as RUNNING_EXPORTS
from auditpanel.ids import Prefix, format_id
from auditpanel.keyset import COUNT_CAP, Count
from auditpanel.tasks.queries import RUNNING as RUNNING_TASKS
from auditpanel.webhooks.latest import ERRORS_SINCE

RECENT = timedelta(hours=24)
_OWN = own_projects(User.id, User.is_superuser).correlate(User).subquery()
_ENTRANCE = Entrance(
    select(func.json_agg(func.json_build_array(_OWN.c.id, _OWN.c.name))).scalar_subquery(),
    *(case((MAY_ENTER, count.scalar_subquery()), else_=literal(0)) for count in (RUNNING_TASKS, RUNNING_EXPORTS, ERRORS_SINCE)),
)


@dataclass(frozen=True, slots=True)
class AroundCounts:
    """Of the page's project. `errors` are the sendouts given up lately."""

    running_tasks: int
    running_exports: int
    errors: Count


@dataclass(frozen=True, slots=True)
class Around:
    """`projects` are the reader's, by id and name."""

    projects: tuple[tuple[str, str], ...]
    counts: AroundCounts


NOTHING_AROUND = Around((), AroundCounts(0, 0, Count(0, is_exact=True)))


def find_reader(session: Session, token: str, now: datetime, project_id: UUID | None) -> tuple[Entry, Around] | None:
    """By the token of their login; None where it has ended."""
    entry = _ENTRANCE.find(session, token, now, project_id, since=now - RECENT)
    if entry is None:
        return None
    projects, tasks, exports, errors = entry.told
    named = tuple((format_id(Prefix.PROJECT, UUID(own_id)), name) for own_id, name in projects or ())
    return entry, Around(named, AroundCounts(tasks, exports, Count.of(errors, COUNT_CAP)))
