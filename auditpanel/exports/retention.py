"""Files whose time is over are removed; the records of their exports stay. So are files that no export has."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from auditpanel.errors import AuditpanelError
from auditpanel.exports.files import Files, remove_drafts_before
from auditpanel.exports.models import Export
from auditpanel.exports.records import StoredFile

# A file is there a moment before its row says so, and a draft while its export is made.
ORPHAN_AGE = timedelta(days=1)
# In one transaction.
SHARE = 500


def remove_expired(open_session: Callable[[], Session], files: Files, now: datetime) -> int:
    """Answers how many. First the row says that the file is gone: where it then stays, it is an orphan."""
    removed = 0
    with open_session() as session:
        expired = (Export.file_name.is_not(None), Export.expires_at <= now)
        projects = list(session.scalars(select(Export.project_id).where(*expired).distinct()))
        for project_id in projects:
            while names := _take(session, project_id, now):
                for name in names:
                    _remove(files, StoredFile(project_id, name))
                removed += len(names)
    return removed


def remove_orphans(open_session: Callable[[], Session], files: Files, now: datetime) -> int:
    """What runs that were killed have left behind, and what could not be removed when it was to be. Answers how many."""
    removed = remove_drafts_before(files, now - ORPHAN_AGE)
    with open_session() as session:
        for file in list(files.older_than(now - ORPHAN_AGE)):
            if not _has_export(session, file):
                removed += 1
                _remove(files, file)
    return removed


def _take(session: Session, project_id: UUID, now: datetime) -> list[str]:
    due = (Export.project_id == project_id, Export.file_name.is_not(None), Export.expires_at <= now)
    found = session.execute(select(Export.id, Export.file_name).where(*due).limit(SHARE).with_for_update(skip_locked=True)).all()
    if found:
        ids = [id for id, _ in found]
        statement = update(Export).where(Export.project_id == project_id, Export.id.in_(ids)).values(file_name=None)
        session.execute(statement, execution_options={"synchronize_session": False})
    session.commit()
    return [name for _, name in found if name is not None]


def _has_export(session: Session, file: StoredFile) -> bool:
    try:
        export_id = UUID(file.name.partition("-")[0])
    except ValueError:
        # Not one of ours: somebody put it there.
        return True
    statement = select(Export.file_name).where(Export.project_id == file.project_id, Export.id == export_id)
    return session.scalar(statement) == file.name


def _remove(files: Files, file: StoredFile) -> None:
    try:
        files.remove(file)
    except (AuditpanelError, OSError):
        logging.getLogger(__name__).warning("file %s of an export could not be removed this time", file.name, exc_info=True)
