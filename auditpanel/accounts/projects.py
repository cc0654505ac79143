"""Projects: made and changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from auditpanel.accounts.models import PANEL_PROJECT_ID, ApiKey, Membership, Project
from auditpanel.accounts.names import clean_name
from auditpanel.errors import InvalidInput, NotFound
from auditpanel.ids import Prefix, format_id
from auditpanel.times import zone_named

BODY_LIMIT_BYTES = 64 * 1024
LEAST_BODY_LIMIT_BYTES = 1024
MOST_BODY_LIMIT_BYTES = 1024 * 1024
MOST_REDACT_PATHS = 100
LONGEST_EXPORT_DAYS = 3_650


@dataclass(frozen=True, slots=True)
class ProjectLine:
    """A project as the list of all projects shows it; `keys` are those not revoked."""

    project_id: UUID
    name: str
    time_zone: str
    created_at: datetime
    members: int
    keys: int

    @property
    def id(self) -> str:
        return format_id(Prefix.PROJECT, self.project_id)


def create_project(session: Session, name: str, time_zone: str) -> Project:
    """Raises InvalidInput, naming the field. Two projects may have the same name: their ids differ."""
    project = Project(
        name=clean_name(name, what="the project"), time_zone=_checked_zone(time_zone), redact_paths=[], body_limit_bytes=BODY_LIMIT_BYTES
    )
    session.add(project)
    session.flush()
    return project


def get_project(session: Session, project_id: UUID) -> Project:
    project = session.get(Project, project_id)
    if project is None:
        raise NotFound("There is no such project.")
    return project


def has_project(session: Session) -> bool:
    """Whether anybody has made one."""
    return session.scalar(select(Project.id).where(Project.id != PANEL_PROJECT_ID).limit(1)) is not None


def list_all_projects(session: Session) -> list[ProjectLine]:
    """For superusers; members see `members.list_projects`."""
    members = select(Membership.project_id, func.count().label("n")).group_by(Membership.project_id).subquery()
    keys = select(ApiKey.project_id, func.count().label("n")).where(ApiKey.revoked_at.is_(None)).group_by(ApiKey.project_id).subquery()
    statement = (
        select(Project.id, Project.name, Project.time_zone, Project.created_at, func.coalesce(members.c.n, 0), func.coalesce(keys.c.n, 0))
        .outerjoin(members, members.c.project_id == Project.id)
        .outerjoin(keys, keys.c.project_id == Project.id)
        .order_by(func.lower(Project.name), Project.id)
    )
    return [ProjectLine(*row) for row in session.execute(statement)]


def change_project(session: Session, project: Project, *, name: str, time_zone: str) -> None:
    """Nothing stored is changed by a new zone: it is what times are read and typed in. Raises InvalidInput, naming the field."""
    project.name, project.time_zone = clean_name(name, what="the project"), _checked_zone(time_zone)
    session.flush()


def change_recording(session: Session, project: Project, *, redact_paths: Sequence[str], body_limit_bytes: int) -> None:
    """What is kept of bodies from now on. Paths are taken as they are: `logs/redaction` knows what a path is.

    Raises InvalidInput, naming the field.
    """
    if not LEAST_BODY_LIMIT_BYTES <= body_limit_bytes <= MOST_BODY_LIMIT_BYTES:
        allowed = f"{LEAST_BODY_LIMIT_BYTES:,} to {MOST_BODY_LIMIT_BYTES:,}"
        raise InvalidInput(f"write a number of bytes from {allowed}", field="body_limit_bytes")
    if len(redact_paths) > MOST_REDACT_PATHS:
        raise InvalidInput(f"{len(redact_paths)} paths are too many; {MOST_REDACT_PATHS} at most", field="redact_paths")
    project.redact_paths, project.body_limit_bytes = list(dict.fromkeys(redact_paths)), body_limit_bytes
    session.flush()


def change_export_days(session: Session, project: Project, days: int) -> None:
    """How long the files of exports are kept that are asked for from now on. Raises InvalidInput, field `export_days`."""
    if not 1 <= days <= LONGEST_EXPORT_DAYS:
        raise InvalidInput(f"write a number of days from 1 to {LONGEST_EXPORT_DAYS:,}", field="export_days")
    project.export_days = days
    session.flush()


def _checked_zone(name: str) -> str:
    try:
        return zone_named(name.strip()).key
    except InvalidInput as error:
        raise InvalidInput(error.reason, field="time_zone") from None
