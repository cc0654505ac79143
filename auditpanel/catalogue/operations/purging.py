"""A key of the metadata, taken off everything that has it."""

from __future__ import annotations

from functools import partial

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from auditpanel.catalogue.happenings import Subject, changing
from auditpanel.catalogue.operations.sweeps import Clauses, Sweep, SweepStep
from auditpanel.catalogue.operations.unnesting import Changeable
from auditpanel.errors import InvalidInput
from auditpanel.tasks.values import Outcome, TaskInput
from auditpanel.times import utc_now


def metadata_key_purge(model: Changeable, subject: Subject) -> Sweep:
    """Goes over the whole table: rows that have not got the key are counted as skipped. `subject` is that of the model's events."""
    return Sweep(model, lambda task: [], partial(_purge, model, subject), check=lambda session, task: _key_of(task))


def _key_of(task: TaskInput) -> str:
    """Of the parameter `key`."""
    key = task.parameters.get("key")
    if not isinstance(key, str) or not key:
        raise InvalidInput("is missing; name the key of the metadata that is to be purged", field="key")
    return key


def _purge(model: Changeable, subject: Subject, session: Session, task: TaskInput, step: SweepStep, rows: Clauses) -> Outcome:
    key = _key_of(task)
    with changing(session, task.scope, subject, *rows, model.metadata_.has_key(key)) as found:
        done = session.execute(
            update(model)
            .where(*found)
            .values({model.metadata_: model.metadata_.op("-")(key), model.updated_at: utc_now()})
            .execution_options(synchronize_session=False)
        )
    assert isinstance(done, CursorResult)
    return Outcome(updated=done.rowcount, skipped=max(step.count - done.rowcount, 0))
